//! Which account posts what and when, and the frames of these posts.

use super::{DAYS, MINUTE_MS, START_MS};
use crate::assets::solana_address;
use crate::dice::Dice;
use crate::json::Json;
use crate::post::{envelope, seal, tweet_id};

/// A rule for each token. All names in them are made up.
pub(super) const CONFIG: &str = r#"# Made up: a rule for each coin that `stoop gen --planted` knows. docs/backtesting.md says what is to be found.

[[rule]]
name = "up"
authors = ["@fixture_early_otter"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"

[[rule]]
name = "calls"
authors = ["@fixture_patient_heron", "@fixture_eager_lemming"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"

[[rule]]
name = "flat"
authors = ["@fixture_loud_magpie_says", "@fixture_sleepy_walrus"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"

[[rule]]
name = "tide"
authors = ["@fixture_harbour_bulletin"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"

[[rule]]
name = "halt"
authors = ["@fixture_status_watchers"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"

[[rule]]
name = "late"
authors = ["@fixture_listing_scouts"]
kinds = ["post", "quote", "reply"]
assets = { tokens = true }
settle = "2m"
side = "buy"
"#;

/// An account, and what it says.
#[derive(Debug)]
struct Voice {
    handle: &'static str,
    name: &'static str,
    followers: u64,
    /// With `{t}` for the token and `{n}` for a number.
    texts: &'static [&'static str],
}

static OTTER: Voice = Voice {
    handle: "fixture_early_otter",
    name: "Early Otter",
    followers: 48_210,
    texts: &[
        "{t} treasury just moved {n} % of supply into a burn address. Reading the contract twice before I say more.",
        "Quiet change in the {t} docs tonight: fees are halved from block {n}00 on. Nobody has noticed yet.",
        "The {t} bridge audit is out. {n} findings, none of them serious. That was what everybody waited for.",
        "Spoke to the people behind {t}. They sign with the payment company on Monday, and {n} more will follow.",
        "{t} passes the vote with {n} % of all tokens. Emission ends this year.",
        "Order books on {t} are thinner than they were in {n} weeks. One real bid and this goes.",
    ],
};
static HERON: Voice = Voice {
    handle: "fixture_patient_heron",
    name: "Patient Heron",
    followers: 9_140,
    texts: &[
        "I waited {n} days for this entry in {t}. Here it is.",
        "{t}: sellers are done, I think. Position of {n} %, stop below the lows.",
        "Three funds that do not exist have asked me about {t} this week. I own some now.",
        "Numbers for {t} are in, and they beat what was guessed by {n} %. Buying.",
    ],
};
static LEMMING: Voice = Voice {
    handle: "fixture_eager_lemming",
    name: "Eager Lemming",
    followers: 312_500,
    texts: &[
        "{t} TO THE MOON {n}x EASY 🚀🚀🚀",
        "if you are not in {t} by now i cannot help you",
        "just put everything into {t} again, day {n} of the challenge",
        "{t} {t} {t}. that is the post",
        "my cousin works at {t}. cannot say more. {n}x",
    ],
};
static MAGPIE: Voice = Voice {
    handle: "fixture_loud_magpie_says",
    name: "Loud Magpie",
    followers: 1_204_000,
    texts: &[
        "BREAKING: {t} mentioned {n} times on the radio this morning",
        "Hearing very interesting things about {t}. Thread soon.",
        "{t} holders, show yourselves. {n} replies and I post the chart.",
        "Is {t} the next big thing? Vote below.",
    ],
};
static WALRUS: Voice = Voice {
    handle: "fixture_sleepy_walrus",
    name: "Sleepy Walrus",
    followers: 20_450,
    texts: &[
        "still holding {t}. still tired.",
        "{t} at the same price as {n} weeks ago. there is beauty in that",
        "explained {t} to my neighbour for {n} minutes. he asked whether it is a fish",
    ],
};
static HARBOUR: Voice = Voice {
    handle: "fixture_harbour_bulletin",
    name: "Harbour Bulletin",
    followers: 655_000,
    texts: &[
        "Invented central bank leaves rates where they are; {t} and everything else moves up",
        "Made-up inflation below the guesses by 0.{n} points. {t} gains with the market",
        "Markets open firm after the speech, {t} among {n} coins in green",
    ],
};
static STATUS: Voice = Voice {
    handle: "fixture_status_watchers",
    name: "Status Watchers",
    followers: 3_300,
    texts: &[
        "Trading of {t} is halted for maintenance. Expected to resume at 13:00 UTC.",
        "Halted again: {t}. Withdrawals stay open.",
    ],
};
static SCOUT: Voice = Voice {
    handle: "fixture_listing_scouts",
    name: "Listing Scouts",
    followers: 71_000,
    texts: &[
        "New pair: {t} opens within the hour, deposits are open now.",
        "{t} is live, {n} more to come this month.",
    ],
};
static GOSSIP: Voice = Voice {
    handle: "fixture_market_gossip",
    name: "Market Gossip",
    followers: 15_800,
    texts: &[
        "gm. coffee first, charts later",
        "{n} years in this market and I still cannot spell custody",
        "Everybody is a long-term investor after a day like this",
        "Fees should be boring, blocks should be boring, only the memes should be loud.",
        "lunch was {n} % better than yesterday",
        "Somebody explain to me why this is called a stable coin",
    ],
};
/// The account that replies and quotes answer. It is not followed.
const STRANGER: &str = "@fixture_passing_stranger";
const ASKED: &[&str] =
    &["Anything worth looking at today?", "So what do you own?", "Nothing ever happens in this market."];

/// From the content to a slow enrichment, and to a fast one.
const SLOW_MS: u64 = MINUTE_MS;
const FAST_MS: (u64, u64) = (120, 420);
/// From the content to its deletion.
const DELETED_MS: u64 = 25 * MINUTE_MS;

/// How the vendor enriches a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enrichment {
    /// The token with its contract, after a minute.
    Slow,
    /// The token, at once.
    Fast,
    /// Nothing.
    Unnamed,
    /// Two tokens of one symbol.
    Ambiguous,
    /// It never comes.
    Absent,
}

/// A post that will be made.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) minute: u64,
    pub(super) token: Option<&'static str>,
    /// Series that move after it.
    pub(super) moves: &'static [&'static str],
    voice: &'static Voice,
    enrichment: Enrichment,
    is_deleted: bool,
}

/// A frame, and when it is sent.
pub(super) struct Frame {
    pub(super) sent_ms: u64,
    pub(super) json: String,
}

/// All posts, in order.
pub(super) fn all(dice: &mut Dice) -> Vec<Post> {
    let mut posts = Vec::new();
    let mut add = |minutes: &mut dyn Iterator<Item = u64>, post: &dyn Fn(usize, u64) -> Post| {
        posts.extend(minutes.enumerate().map(|(place, minute)| post(place, minute)));
    };
    // Far enough apart that the way back of one effect is over before the next begins, and all are before the end.
    let last = DAYS * 1440 - 240;
    add(&mut (130..last).step_by(325), &|_, minute| said(&OTTER, minute, "UP", &["UP"], Enrichment::Slow));
    add(&mut (65..last).step_by(570), &|_, minute| said(&HERON, minute, "CALL", &["CALL"], Enrichment::Slow));
    add(&mut (350..last).step_by(570), &|place, minute| {
        let enrichment = if place % 5 == 4 { Enrichment::Absent } else { Enrichment::Slow };
        Post { is_deleted: place % 7 == 3, ..said(&LEMMING, minute, "CALL", &[], enrichment) }
    });
    add(&mut (212..last).step_by(325), &|place, minute| {
        let voice = if place % 3 == 0 { &WALRUS } else { &MAGPIE };
        let enrichment = match place % 6 {
            1 | 3 | 5 => Enrichment::Unnamed,
            4 => Enrichment::Ambiguous,
            _ => Enrichment::Fast,
        };
        said(voice, minute, "FLAT", &[], enrichment)
    });
    add(&mut (40..last).step_by(430), &|_, minute| {
        said(&HARBOUR, minute, "TIDE", &["TIDE", "SEA"], Enrichment::Fast)
    });
    add(&mut (690..DAYS * 1440).step_by(1440), &|_, minute| {
        said(&STATUS, minute, "HALT", &[], Enrichment::Fast)
    });
    add(&mut [3000, 3300].into_iter(), &|_, minute| said(&SCOUT, minute, "LATE", &[], Enrichment::Fast));
    let talk: Vec<u64> = (30..last).step_by(240).map(|minute| minute + dice.below(200)).collect();
    add(&mut talk.into_iter(), &|_, minute| Post {
        token: None,
        ..said(&GOSSIP, minute, "", &[], Enrichment::Absent)
    });
    posts.sort_by_key(|post| post.minute);
    posts
}

fn said(
    voice: &'static Voice,
    minute: u64,
    token: &'static str,
    moves: &'static [&'static str],
    enrichment: Enrichment,
) -> Post {
    Post { minute, token: Some(token), moves, voice, enrichment, is_deleted: false }
}

impl Post {
    /// Its content, its enrichment, its deletion.
    pub(super) fn frames(&self, dice: &mut Dice) -> Vec<Frame> {
        let created_ms = START_MS + self.minute * MINUTE_MS + dice.between(5_000, 50_000);
        let received_ms = created_ms + dice.between(140, 170);
        let sent_ms = received_ms + dice.between(3, 15);
        let id = tweet_id(dice, created_ms, false);
        let mut frames =
            vec![Frame { sent_ms, json: self.content(dice, id, [created_ms, received_ms, sent_ms]) }];
        if self.enrichment != Enrichment::Absent {
            let is_slow = self.enrichment == Enrichment::Slow;
            let sent_ms = sent_ms + if is_slow { SLOW_MS } else { dice.between(FAST_MS.0, FAST_MS.1) };
            frames.push(Frame { sent_ms, json: self.meta(id, sent_ms) });
        }
        if self.is_deleted {
            let sent_ms = sent_ms + DELETED_MS;
            let mut json = envelope("tweet", "delete", Some(&id.to_string()), sent_ms);
            json.id("tweetId", id);
            json.number("deletedAt", sent_ms - 60);
            frames.push(Frame { sent_ms, json: seal(json) });
        }
        frames
    }

    fn content(&self, dice: &mut Dice, id: u64, [created_ms, received_ms, sent_ms]: [u64; 3]) -> String {
        let Voice { handle, name, followers, texts } = self.voice;
        let kind = match dice.below(10) {
            0..2 => "reply",
            2..4 => "quote",
            _ => "post",
        };
        let token = format!("${}", self.token.unwrap_or_default());
        let number = dice.between(2, 24).to_string();
        let text = dice.pick(texts).replace("{t}", &token).replace("{n}", &number);
        let mut json = envelope("tweet", "content", Some(&id.to_string()), sent_ms);
        json.id("tweetId", id);
        json.string("kind", kind);
        json.string("text", &text);
        json.number("createdAt", created_ms);
        json.number("receivedAt", received_ms);
        json.object("author");
        // The same whatever the seed.
        json.id("id", 1_900_000_000_000_000_000 + followers);
        json.string("handle", &format!("@{handle}"));
        json.string("name", name);
        json.string("platform", "twitter");
        json.number("followersCount", followers);
        json.end_object();
        json.string("link", &format!("https://x.com/{handle}/status/{id}"));
        if kind != "post" {
            reference(dice, &mut json, kind, created_ms);
        }
        seal(json)
    }

    fn meta(&self, id: u64, sent_ms: u64) -> String {
        let mut json = envelope("tweet", "meta", Some(&id.to_string()), sent_ms);
        json.id("tweetId", id);
        json.object("detected");
        let token = self.token.unwrap_or_default();
        let (count, has_contract) = match self.enrichment {
            Enrichment::Slow => (1, true),
            Enrichment::Fast => (1, false),
            Enrichment::Ambiguous => (2, true),
            Enrichment::Unnamed | Enrichment::Absent => (0, false),
        };
        if count > 0 {
            json.array("tokens");
            for number in 0..count {
                json.object("");
                json.string("symbol", token);
                if has_contract {
                    json.string("contract", &contract(token, number));
                    json.string("chain", "solana");
                }
                json.literal("sources", r#"["text"]"#);
                json.end_object();
            }
            json.end_array();
        }
        json.end_object();
        seal(json)
    }
}

/// The post that it answers: one of another account, minutes or hours before.
fn reference(dice: &mut Dice, json: &mut Json, kind: &str, created_ms: u64) {
    let asked_ms = created_ms - dice.between(2, 300) * MINUTE_MS;
    json.object("ref");
    json.string("type", kind);
    json.id("tweetId", tweet_id(dice, asked_ms, false));
    let asked: &str = dice.pick::<&str>(ASKED);
    json.string("text", asked);
    json.object("author");
    json.string("handle", STRANGER);
    json.end_object();
    json.end_object();
}

/// The contract of a token, and of its namesakes: the same whatever the seed.
fn contract(token: &str, number: u64) -> String {
    let name = token.bytes().fold(number, |sum, letter| sum << 8 | u64::from(letter));
    solana_address(&mut Dice::new(name))
}
