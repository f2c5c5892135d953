//! What the stages remember, as JSON: one object for the head, for each tweet in the window, for each with decisions,
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

/// Why a text is no part of a state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is no JSON, or not of the right shape.
    #[error("not a part of a state")]
    Json(#[from] serde_json::Error),
    /// A value is none of those it can be.
    #[error("{what} {value:?}")]
    Unknown {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: String,
    },
    /// Its values are no view.
    #[error(transparent)]
    View(#[from] SavedError),
    /// A line of a decision is none.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A part of a state without its head.
    #[error("a part of a state whose head is missing")]
    NoHead,
    /// More parts than its head says.
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
    /// States of before there were any have none.
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
    serde_json::to_vec(value).expect("a Vec takes every byte and the keys are texts")
}

fn unknown(what: &'static str, value: &str) -> StateError {
    StateError::Unknown { what, value: value.to_owned() }
}

#[cfg(test)]
mod tests;
