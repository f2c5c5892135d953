//! A recording and prices with known effects, for a study to find.
//!
//! Ten days of posts by made-up accounts about made-up coins, and minute bars. Each price is a random walk of a few
//! hundredths of a percent a minute, in whole millionths, and on top of it:
//!
//! - `UPUSDT` goes up by 0.4 % a minute for five minutes after the minute of each post that names `$UP`, and comes down
//!   again between one and two hours after it. The enrichment comes a minute after the post and names a contract. One
//!   of the posts falls into an outage of the feed: history brings it when it is too late.
//! - `CALLUSDT` does the same by 0.3 % a minute, but only after the posts of one of the two accounts that name it. Some
//!   posts of the other are deleted, or never enriched.
//! - `FLATUSDT` does nothing. The enrichment of every second post that names `$FLAT` names nothing, and that of every
//!   sixth names two tokens of that symbol.
//! - `TIDEUSDT` goes up by 0.3 % a minute after each post that names `$TIDE`, and so does `SEAUSDT`, the market:
//!   measured against the market there is no effect.
//! - `HALTUSDT` has no bars for three hours of each day, in the middle of which `$HALT` is named.
//! - `LATEUSDT` begins half an hour after the first post that names `$LATE`.

mod bars;
mod posts;

use std::ops::Range;

use stoop_engine::Gap;
use stoop_tape::{Origin, Record, write_gap};

use crate::dice::Dice;

/// 2026-01-05, a Monday, 00:00 UTC.
const START_MS: u64 = 1_767_571_200_000;
const MINUTE_MS: u64 = 60_000;
const DAYS: u64 = 10;
const MILLI_NS: u64 = 1_000_000;
/// The minutes without a feed.
const OUTAGE_MIN: Range<u64> = 6_625..6_640;
/// From the end of the outage to the first row of history.
const BACKFILL_MS: u64 = 5_300;

/// A recording with prices to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// A configuration with a rule for each token.
    pub config: String,
    /// Names and texts of price files: klines of one minute.
    pub prices: Vec<(String, String)>,
    /// When the recording begins, Unix ns.
    pub begin_ns: i64,
    /// When it ends.
    pub end_ns: i64,
    inputs: Vec<Input>,
    feed: Origin,
}

/// A record of the tape: a frame, or an event of the connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Input {
    at_ns: i64,
    what: What,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Event,
    Frame { sent_ns: i64, is_late: bool },
}

impl Planted {
    /// The records of the tape in order: frames of the feed and of history, and events of the connection.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.inputs.iter().map(|Input { at_ns, what, text }| match *what {
            What::Event => Record::Event { at_ns: *at_ns, json: text.as_bytes() },
            What::Frame { sent_ns, is_late } => {
                let origin = if is_late { &Origin::History } else { &self.feed };
                Record::Frame { origin, recv_ns: *at_ns, sent_ns, bytes: text.as_bytes() }
            }
        })
    }
}

/// The return of `UPUSDT` over five minutes from an entry at the bar after the post, without the random walk.
pub const PLANTED_RETURN: f64 = 0.020_160_6;

/// The same for `CALLUSDT`, after a post of the account whose posts move it.
pub const PLANTED_CALL: f64 = 0.015_090_3;

/// Makes ten days of posts and prices. Another seed makes another random walk.
pub fn planted(seed: u64) -> Planted {
    let mut dice = Dice::new(seed);
    let posts = posts::all(&mut dice);
    let inputs = inputs(&mut dice, &posts);
    let prices = bars::SERIES.iter().map(|series| {
        let moved = posts.iter().filter(|post| post.moves.contains(&series.token)).map(|post| post.minute);
        let first = posts.iter().find(|post| post.token == Some(series.token)).map(|post| post.minute);
        let text = bars::klines(series, &moved.collect::<Vec<_>>(), first, &mut dice);
        (format!("{}USDT-1m-2026-01.csv", series.token), text)
    });
    Planted {
        config: posts::CONFIG.to_owned(),
        prices: prices.collect(),
        begin_ns: at_ns(0),
        end_ns: at_ns(DAYS * 1440 * MINUTE_MS),
        inputs,
        feed: Origin::Endpoint { number: 0, name: "default".into() },
    }
}

/// The time this many ms after the start, in Unix ns.
fn at_ns(ms: u64) -> i64 {
    ((START_MS + ms) * MILLI_NS).cast_signed()
}

fn inputs(dice: &mut Dice, posts: &[posts::Post]) -> Vec<Input> {
    let outage = START_MS + OUTAGE_MIN.start * MINUTE_MS..START_MS + OUTAGE_MIN.end * MINUTE_MS;
    let mut inputs = outage_events();
    let mut late_ms = outage.end + BACKFILL_MS;
    for post in posts {
        for frame in post.frames(dice) {
            let is_late = outage.contains(&frame.sent_ms);
            // History brings everything at once, in order, a millisecond apart.
            let recv_ms = if is_late { late_ms } else { frame.sent_ms + dice.between(4, 15) };
            late_ms += u64::from(is_late);
            let at_ns = (recv_ms * MILLI_NS + dice.below(MILLI_NS)).cast_signed();
            let sent_ns = (frame.sent_ms * MILLI_NS).cast_signed();
            inputs.push(Input { at_ns, what: What::Frame { sent_ns, is_late }, text: frame.json });
        }
    }
    // Frames are made post by post; enrichments and deletions come after later posts.
    inputs.sort();
    inputs
}

/// The outage: the feed breaks off, and comes back.
fn outage_events() -> Vec<Input> {
    let [gone, back] = [OUTAGE_MIN.start, OUTAGE_MIN.end].map(|minute| at_ns(minute * MINUTE_MS));
    let cause = "dead link: no pong within feed.pong_timeout".to_owned();
    let gap = write_gap(&Gap { from_ns: gone, to_ns: back, cause });
    let gap = String::from_utf8(gap).expect("JSON is UTF-8");
    let line = |kind: &str, state: &str| {
        format!("{{\"type\":\"{kind}\",\"endpoint\":\"default\",\"state\":\"{state}\"}}")
    };
    [
        (at_ns(0) + 1, line("opened", "open")),
        (gone, line("closed", "waiting")),
        (back, line("opened", "open")),
        (back + 1, gap),
    ]
    .map(|(at_ns, text)| Input { at_ns, what: What::Event, text })
    .into()
}
