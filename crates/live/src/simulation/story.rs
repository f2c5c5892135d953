//! What the service sends: a few tweets with all that can happen to one, spread over the run.

use std::rc::Rc;

use stoop_engine::{Case, Judgement, Strategy};
use stoop_model::Trigger;

use super::dice::{Dice, MILLI, SECOND};
use super::driver::Shared;

/// Rules that take every way through the life of a decision.
pub(super) const RULES: &str = r#"
[[rule]]
name = "assets"
any = ["token"]
none = ["never"]
assets = { tokens = true }
settle = "3s"
ttl = "20s"

[[rule]]
name = "quick"
fire = "content"
any = ["token"]
ttl = "2s"

[[rule]]
name = "waits"
fire = "enriched"
wait = "800ms"
on_timeout = "open"
assets = { tokens = true }

[[rule]]
name = "all"
none = ["never"]
settle = "10s"
ttl = "60s"

[[rule]]
name = "late"
any = ["token"]
allow_late = true
ttl = "900s"
"#;

/// The name of the strategy.
pub(super) const ORACLE: &str = "oracle";

/// A strategy that decides as its messages say, and remembers nothing of them: a restart makes no difference.
pub(super) struct Oracle;

impl Strategy for Oracle {
    fn rule(&self) -> String {
        format!("name = \"{ORACLE}\"\nsettle = \"5s\"\nttl = \"600s\"\n")
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        match case.trigger {
            Trigger::Message => Judgement::Take,
            Trigger::Op(_) | Trigger::Timeout => Judgement::Keep,
        }
    }
}

const TEXTS: [&str; 5] =
    ["New token live: $EDGE", "token $EDGE and $PACT", "gm", "never a token", "a token, no name"];
const TOKENS: [&str; 5] = [
    "",
    r#"{"symbol":"EDGE","contract":"c1","chain":"solana"}"#,
    r#"{"symbol":"EDGE","contract":"c1","chain":"solana"},{"symbol":"EDGE","contract":"c2","chain":"solana"}"#,
    r#"{"symbol":"OTHER","contract":"c3","chain":"solana"}"#,
    r#"{"symbol":"PACT","contract":"c4","chain":"base","priceUsd":0.5},{"symbol":"EDGE","contract":"c1","chain":"solana"}"#,
];

/// What a frame says of its tweet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Content,
    Meta,
    Update,
    Delete,
}

/// A frame and when the service sends it, Unix ns.
pub(super) struct Sent {
    pub(super) at_ns: i64,
    pub(super) tweet: i64,
    pub(super) part: Part,
    pub(super) bytes: Shared,
}

/// The frames of so many tweets between two times, in the order they are sent.
pub(super) fn story(dice: &mut Dice, tweets: i64, from_ns: i64, to_ns: i64) -> Vec<Sent> {
    let mut story = Vec::new();
    let mut begin_ns = from_ns;
    for number in 0..tweets {
        // Some come in bursts, the others wherever there is room.
        begin_ns = if dice.chance(40) { begin_ns } else { dice.between(from_ns, to_ns) };
        tell(dice, number, begin_ns.min(to_ns), &mut story);
    }
    story.sort_by_key(|sent| sent.at_ns);
    story.retain(|sent| sent.at_ns <= to_ns);
    story
}

fn tell(dice: &mut Dice, number: i64, begin_ns: i64, story: &mut Vec<Sent>) {
    let created_ms = begin_ns / MILLI - dice.between(50, 400);
    let text = dice.pick(&TEXTS);
    let content = format!(
        r#""kind":"post","text":"{text}","createdAt":{created_ms},"author":{{"handle":"@a{}"}}"#,
        number % 3
    );
    let mut add = |dice: &mut Dice, part: Part, payload: &str, at_ns: i64| {
        let ts = at_ns / MILLI;
        let op = match part {
            Part::Content => "content",
            Part::Meta => "meta",
            Part::Update => "update",
            Part::Delete => "delete",
        };
        let json =
            format!(r#"{{"v":1,"t":"tweet","op":"{op}","ts":{ts},"d":{{"tweetId":"{number}",{payload}}}}}"#);
        let bytes = Shared::from(json.into_bytes());
        if dice.chance(5) {
            let again_ns = at_ns + dice.between(0, 30 * SECOND);
            story.push(Sent { at_ns: again_ns, tweet: number, part, bytes: Rc::clone(&bytes) });
        }
        story.push(Sent { at_ns, tweet: number, part, bytes });
    };
    add(dice, Part::Content, &content, begin_ns);
    if dice.chance(75) {
        // Now and then the enrichment is there first.
        let after_ns = dice.pick(&[-100, 0, 50, 200, 700, 900, 2_500, 4_000, 15_000]) * MILLI;
        let meta = format!(r#""detected":{{"tokens":[{}]}}"#, dice.pick(&TOKENS));
        add(dice, Part::Meta, &meta, begin_ns + after_ns);
    }
    for _ in 0..dice.pick(&[0, 0, 1, 3]) {
        let at_ns = begin_ns + dice.between(10 * MILLI, 30 * SECOND);
        let update = format!(r#""text":"{}""#, dice.pick(&TEXTS));
        add(dice, Part::Update, &update, at_ns);
    }
    if dice.chance(25) {
        let at_ns = begin_ns + dice.between(0, 40 * SECOND);
        add(dice, Part::Delete, &format!(r#""eventId":"d{number}""#), at_ns);
    }
}
