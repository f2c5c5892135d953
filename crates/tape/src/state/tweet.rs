//! A tweet with decisions or waits as JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoop_engine::{Arrival, DeadlineState, DueState, LifeState, TweetState};
use stoop_model::{Platform, TweetId};

use super::view::{ArrivalJson, ViewJson};
use super::{StateError, to_json};
use crate::decision::write_body;
use crate::line::{AssetJson, read_body};

#[derive(Serialize, Deserialize)]
struct TweetJson {
    serial: u64,
    tweet_id: String,
    platform: String,
    began_seq: u64,
    kept_at: Option<u64>,
    view: Option<ViewJson>,
    lives: Vec<LifeJson>,
    deadlines: Vec<DeadlineJson>,
}

#[derive(Serialize, Deserialize)]
struct LifeJson {
    /// The last line, without its latency.
    // The bytes of the line as it was sent: what a later cancel repeats must not change by a round trip.
    line: Box<RawValue>,
    opened_on: Option<AssetJson>,
    content: ArrivalJson,
    is_cancelled: bool,
    awaits_enrichment: bool,
    keep_until_ns: i64,
}

#[derive(Serialize, Deserialize)]
struct DeadlineJson {
    at_ns: i64,
    created: u64,
    #[serde(flatten)]
    due: DueJson,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "due", rename_all = "snake_case")]
enum DueJson {
    Settle { decision: usize },
    // By name: the index of a rule may change with the configuration.
    Wait { rule: String },
    Keep,
}

/// A tweet with decisions or waits as JSON.
pub fn write_tweet(state: &TweetState) -> Vec<u8> {
    let deadline = |deadline: &DeadlineState| {
        let due = match &deadline.due {
            DueState::Settle { decision } => DueJson::Settle { decision: *decision },
            DueState::Wait { rule } => DueJson::Wait { rule: rule.clone() },
            DueState::Keep => DueJson::Keep,
        };
        DeadlineJson { at_ns: deadline.at_ns, created: deadline.created, due }
    };
    to_json(&TweetJson {
        serial: state.serial,
        tweet_id: state.id.to_string(),
        platform: state.platform.as_str().to_owned(),
        began_seq: state.began_seq,
        kept_at: state.kept_at,
        view: state.view.as_deref().map(ViewJson::of),
        lives: state.lives.iter().map(LifeJson::of).collect(),
        deadlines: state.deadlines.iter().map(deadline).collect(),
    })
}

/// A tweet with decisions or waits from JSON.
pub fn read_tweet(text: &[u8]) -> Result<TweetState, StateError> {
    let tweet: TweetJson = serde_json::from_slice(text)?;
    let deadline = |deadline: DeadlineJson| {
        let due = match deadline.due {
            DueJson::Settle { decision } => DueState::Settle { decision },
            DueJson::Wait { rule } => DueState::Wait { rule },
            DueJson::Keep => DueState::Keep,
        };
        DeadlineState { at_ns: deadline.at_ns, created: deadline.created, due }
    };
    Ok(TweetState {
        serial: tweet.serial,
        id: TweetId::parse(&tweet.tweet_id),
        platform: Platform::parse(&tweet.platform),
        began_seq: tweet.began_seq,
        kept_at: tweet.kept_at,
        view: tweet.view.map(ViewJson::restore).transpose()?,
        lives: tweet.lives.into_iter().map(LifeJson::restore).collect::<Result<_, StateError>>()?,
        deadlines: tweet.deadlines.into_iter().map(deadline).collect(),
    })
}

impl LifeJson {
    fn of(life: &LifeState) -> Self {
        let mut json = Vec::new();
        write_body(&life.line, &mut json);
        let json = String::from_utf8(json).expect("JSON is UTF-8");
        Self {
            line: RawValue::from_string(json).expect("a line is JSON"),
            opened_on: life.opened_on.as_ref().map(AssetJson::of),
            content: life.content.into(),
            is_cancelled: life.is_cancelled,
            awaits_enrichment: life.awaits_enrichment,
            keep_until_ns: life.keep_until_ns,
        }
    }

    fn restore(self) -> Result<LifeState, StateError> {
        Ok(LifeState {
            line: Arc::new(read_body(self.line.get().as_bytes())?),
            opened_on: self.opened_on.map(AssetJson::restore).transpose()?,
            content: Arrival::from(self.content),
            is_cancelled: self.is_cancelled,
            awaits_enrichment: self.awaits_enrichment,
            keep_until_ns: self.keep_until_ns,
        })
    }
}
