//! The memory of the stages as JSON: one object for the head, for each tweet in the window, for each with decisions,
//! for each cooldown.

mod cooldown;
mod fields;
mod tweet;
mod view;

use serde::{Deserialize, Serialize};
use stoop_engine::{Head, SavedError};

use crate::line::LineError;
pub use cooldown::{read_cooldown, write_cooldown};
pub use tweet::{read_tweet, write_tweet};
pub use view::{read_view, write_view};

/// Why a text is not a part of a state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is not JSON, or not of the right shape.
    #[error("not a part of a state")]
    Json(#[from] serde_json::Error),
    /// A value is not one of those allowed.
    #[error("{what} {value:?}")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// Its values are not a view.
    #[error(transparent)]
    View(#[from] SavedError),
    /// A line of a decision cannot be read.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A part of a state without its head.
    #[error("a part of a state whose head is missing")]
    NoHead,
    /// There are more parts than the head announces.
    #[error("more parts of a state than its head says")]
    TooMany,
}

#[derive(Serialize, Deserialize)]
struct HeadJson {
    now_ns: i64,
    inputs: u64,
    begun: u64,
    decisions: u64,
    tweets: u64,
    kept: u64,
    deadlines: u64,
    /// States written before there were cooldowns lack it.
    #[serde(default, skip_serializing_if = "is_zero")]
    cooldowns: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    off: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The head of a state as JSON.
pub fn write_head(head: &Head) -> Vec<u8> {
    let Head { now_ns, inputs, begun, decisions, tweets, kept, deadlines, cooldowns, off } = head.clone();
    to_json(&HeadJson { now_ns, inputs, begun, decisions, tweets, kept, deadlines, cooldowns, off })
}

/// The head of a state from JSON.
pub fn read_head(text: &[u8]) -> Result<Head, StateError> {
    let HeadJson { now_ns, inputs, begun, decisions, tweets, kept, deadlines, cooldowns, off } =
        serde_json::from_slice(text)?;
    Ok(Head { now_ns, inputs, begun, decisions, tweets, kept, deadlines, cooldowns, off })
}

pub(crate) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("a Vec accepts every byte and the keys are texts")
}

fn unknown(what: &'static str, value: &str) -> StateError {
    StateError::Unknown { what, value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::path::Path;

    use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet, Scope, State};

    use super::*;

    const RULES: &str = r#"
        [[rule]]
        name = "any"
        settle = "1h"
        params = { a = 1, b = [1.50, "x"] }
        [[rule]]
        name = "assets"
        any = ["a*", "e*", "i*"]
        in = ["text", "ocr", "urls"]
        assets = { tokens = true, cex = true, addresses = true, prediction = true }
        [[rule]]
        name = "waits"
        fire = "enriched"
        wait = "5m"
        on_timeout = "open"
    "#;

    /// The state after each frame fixture of the project.
    fn states() -> Vec<(String, State)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/frames");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let after = |path: &std::path::PathBuf| {
            let rules = RuleSet::parse("rules.toml", RULES).unwrap();
            let mut pipeline = Pipeline::new(rules, Bounds::default(), 0);
            for line in fs::read_to_string(path).unwrap_or_default().lines() {
                pipeline.handle(&Input::frame(line, Receipt::Sent), &mut Vec::new());
            }
            (path.display().to_string(), pipeline.save(Scope::All))
        };
        files.iter().map(after).collect()
    }

    fn shown(state: &State) -> String {
        let mut text = format!("{:?}\n", state.head);
        for of in &state.views {
            writeln!(text, "{} {:?} {:?}", of.serial, of.seen, of.view.save()).unwrap();
        }
        for of in &state.tweets {
            let view = of.view.as_ref().map(|view| view.save());
            let place = (of.serial, &of.id, &of.platform, of.began_seq, of.kept_at);
            writeln!(text, "{place:?} {view:?} {:?} {:?}", of.lives, of.deadlines).unwrap();
        }
        text
    }

    #[test]
    fn every_part_reads_back_as_it_was_written() {
        let (mut views, mut lives, mut deadlines) = (0, 0, 0);
        for (name, state) in states() {
            let mut again = State { head: read_head(&write_head(&state.head)).unwrap(), ..State::default() };
            for view in &state.views {
                let text = write_view(view);
                again.views.push(read_view(&text).unwrap());
            }
            for tweet in &state.tweets {
                let text = write_tweet(tweet);
                again.tweets.push(read_tweet(&text).unwrap());
                lives += tweet.lives.len();
                deadlines += tweet.deadlines.len();
            }
            views += state.views.len();
            assert_eq!(shown(&again), shown(&state), "{name}");
        }
        assert!(
            views > 50 && lives > 50 && deadlines > 50,
            "{views} {lives} {deadlines}: the fixtures say nothing"
        );
    }

    #[test]
    fn what_is_no_part_of_a_state_is_refused() {
        for (_, state) in states() {
            for view in state.views.iter().take(20) {
                let text = write_view(view);
                for cut in [0, 1, text.len() / 2, text.len() - 1] {
                    assert!(read_view(&text[..cut]).is_err());
                }
                let text = String::from_utf8(text).unwrap();
                for (from, to) in [
                    ("[\"Text\",1", "[\"Text\",9"),
                    ("\"Text\"", "\"Tuxt\""),
                    ("[\"content\"", "[\"contant\""),
                ] {
                    if text.contains(from) {
                        assert!(
                            read_view(text.replacen(from, to, 1).as_bytes()).is_err(),
                            "{from} → {to}: {text}"
                        );
                    }
                }
            }
            for tweet in state.tweets.iter().take(20) {
                let text = write_tweet(tweet);
                for cut in [0, 1, text.len() / 2, text.len() - 1] {
                    assert!(read_tweet(&text[..cut]).is_err());
                }
            }
        }
        for rubbish in ["", "{}", "[]", "null", r#"{"now_ns":1}"#] {
            assert!(read_head(rubbish.as_bytes()).is_err());
        }
    }
}
