//! Frames and prices with effects that are known, for a study to find.
//!
//! Prices are a walk of a few hundredths of a percent a minute, in whole millionths, and on top of it:
//!
//! - `UPUSDT` goes up by 0.4 % a minute for five minutes after the minute of each post that names `$UP`, and comes down
//!   again between one hour and two after it. Its enrichment comes a minute after the post and names the token.
//! - `FLATUSDT` does nothing. The enrichment of every second post that names `$FLAT` names nothing.
//! - `HALTUSDT` has no bars for three hours of each day, in the middle of which `$HALT` is named.
//! - `LATEUSDT` begins half an hour after the first post that names `$LATE`.

use std::fmt::Write;

use super::post::tweet_id;
use crate::dice::Dice;

/// 2026-01-05, a Monday, 00:00 UTC.
const START_MS: u64 = 1_767_571_200_000;
const MINUTE_MS: u64 = 60_000;
const DAYS: u64 = 10;
/// From one post to the next on the same token, minutes: no effect meets the next one's.
const EVERY_MIN: u64 = 325;
/// What a minute of the effect adds, in millionths, and for how many minutes.
const STEP_PPM: i64 = 4000;
const STEPS: u64 = 5;
/// The way back: so many minutes after the post, so many a minute.
const BACK_MIN: std::ops::Range<u64> = 60..120;
const BACK_PPM: i64 = -332;
/// Minutes of the day without bars of `HALTUSDT`.
const HALT_MIN: std::ops::Range<u64> = 600..780;

/// A tape with prices to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// Frames in order.
    pub frames: Vec<String>,
    /// A configuration with a rule for each token.
    pub config: String,
    /// Names and texts of price files, klines of a minute.
    pub prices: Vec<(String, String)>,
}

/// The return over five minutes from an entry at the bar after the post, if the walk is left out.
pub const PLANTED_RETURN: f64 = 0.020_160_6;

/// What one post does to a price.
struct Post {
    minute: u64,
    token: &'static str,
}

/// Makes ten days of them; another seed, another walk.
pub fn planted(seed: u64) -> Planted {
    let posts = posts();
    let mut dice = Dice::new(seed);
    let frames = frames(&posts, &mut dice);
    let prices = ["UP", "FLAT", "HALT", "LATE"].map(|token| {
        let minutes =
            posts.iter().filter(|post| post.token == token).map(|post| post.minute).collect::<Vec<_>>();
        (format!("{token}USDT-1m-2026-01.csv"), klines(token, &minutes, &mut dice))
    });
    Planted { frames, config: config(), prices: prices.into() }
}

fn posts() -> Vec<Post> {
    let last = DAYS * 1440 - 240;
    let each =
        |token, from| (from..last).step_by(EVERY_MIN as usize).map(move |minute| Post { minute, token });
    let halts = (0..DAYS).map(|day| Post { minute: day * 1440 + 690, token: "HALT" });
    let late = [3000, 3300].map(|minute| Post { minute, token: "LATE" });
    let mut posts: Vec<Post> = each("UP", 130).chain(each("FLAT", 212)).chain(halts).chain(late).collect();
    posts.sort_by_key(|post| post.minute);
    posts
}

fn frames(posts: &[Post], dice: &mut Dice) -> Vec<String> {
    let mut frames: Vec<(u64, String)> = Vec::new();
    let mut flat = 0;
    for post in posts {
        let created = START_MS + post.minute * MINUTE_MS + dice.between(5_000, 50_000);
        let (received, sent) = (created + 167, created + 182);
        let id = tweet_id(dice, created, false);
        let token = post.token;
        let handle = format!("fixture_voice_of_{}", token.to_lowercase());
        let kind = if dice.chance(300) { "reply" } else { "post" };
        frames.push((sent, format!(
            "{{\"v\":1,\"t\":\"tweet\",\"op\":\"content\",\"id\":\"{id}\",\"ts\":{sent},\"d\":{{\"tweetId\":\"{id}\",\"kind\":\"{kind}\",\
             \"text\":\"A made-up post about ${token}\",\"createdAt\":{created},\"receivedAt\":{received},\"author\":{{\"handle\":\
             \"@{handle}\",\"platform\":\"twitter\"}},\"link\":\"https://x.com/{handle}/status/{id}\"}}}}"
        )));
        flat += u64::from(token == "FLAT");
        let detected = if token == "FLAT" && flat % 2 == 0 {
            String::new()
        } else {
            format!(",\"detected\":{{\"tokens\":[{{\"symbol\":\"{token}\",\"sources\":[\"text\"]}}]}}")
        };
        let meta = sent + MINUTE_MS;
        frames.push((meta, format!(
            "{{\"v\":1,\"t\":\"tweet\",\"op\":\"meta\",\"id\":\"{id}\",\"ts\":{meta},\"d\":{{\"tweetId\":\"{id}\"{detected}}}}}"
        )));
    }
    frames.sort();
    frames.into_iter().map(|(_, frame)| frame).collect()
}

fn config() -> String {
    let mut text = String::new();
    for token in ["up", "flat", "halt", "late"] {
        write!(
            text,
            "[[rule]]\nname = \"{token}\"\nauthors = [\"@fixture_voice_of_{token}\"]\nkinds = [\"post\", \"reply\"]\nassets = {{ tokens = \
             true }}\nsettle = \"2m\"\nside = \"buy\"\n\n"
        )
        .expect("a String takes every text");
    }
    text
}

/// Minute bars of the whole span, with what the posts do to them.
fn klines(token: &str, posts: &[u64], dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut price: i64 = 1_000_000;
    for minute in 0..DAYS * 1440 {
        let open = price;
        // Four uniform steps: about 0.02 % a minute.
        let noise: i64 = (0..4).map(|_| dice.below(401) as i64 - 200).sum();
        price += price * (noise + effect(token, posts, minute)) / 1_000_000;
        let is_there = match token {
            "HALT" => !HALT_MIN.contains(&(minute % 1440)),
            "LATE" => posts.first().is_some_and(|first| minute >= first + 30),
            _ => true,
        };
        if !is_there {
            continue;
        }
        let at_ms = START_MS + minute * MINUTE_MS;
        let (high, low) = (open.max(price), open.min(price));
        let [open, high, low, close] = [open, high, low, price].map(micros);
        writeln!(text, "{at_ms},{open},{high},{low},{close},1000,{},0,0,0,0,0", at_ms + MINUTE_MS - 1)
            .expect("a String takes every text");
    }
    text
}

/// What posts do to the price in a minute, in millionths.
fn effect(token: &str, posts: &[u64], minute: u64) -> i64 {
    if token != "UP" {
        return 0;
    }
    let Some(since) = posts.iter().rev().find_map(|post| minute.checked_sub(*post)) else { return 0 };
    match since {
        1..=STEPS => STEP_PPM,
        since if BACK_MIN.contains(&since) => BACK_PPM,
        _ => 0,
    }
}

fn micros(price: i64) -> String {
    format!("{}.{:06}", price / 1_000_000, price % 1_000_000)
}
