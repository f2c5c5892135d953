//! The state at the head of a tape: one event for its head, for each tweet in the window, for each with decisions,
//! for each cooldown.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoop_engine::{Head, State};

use crate::state::{
    StateError, read_cooldown, read_head, read_tweet, read_view, to_json, write_cooldown, write_head,
    write_tweet, write_view,
};

/// Event ids in one event.
const IDS: usize = 1024;
const STATE: &str = "state";

/// Every part has its own members. One struct with optional members, because tagged enums cannot hold raw values.
#[derive(Default, Deserialize, Serialize)]
struct PartJson {
    #[serde(rename = "type")]
    kind: String,
    part: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Box<RawValue>>,
    /// Of the head: how many there are. The same for the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    views: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tweets: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ids: Option<u64>,
    /// The same, but absent means 0: states written before there were cooldowns lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cooldowns: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tweet: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cooldown: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Vec<(u64, String)>>,
}

/// A whole state as events, in order, for the head of a tape.
pub fn state_events(state: &State) -> impl Iterator<Item = Vec<u8>> + '_ {
    let head = PartJson {
        head: Some(raw(write_head(&state.head))),
        views: Some(state.views.len() as u64),
        tweets: Some(state.tweets.len() as u64),
        ids: Some(state.events.len() as u64),
        cooldowns: Some(state.cooldowns.len() as u64).filter(|count| *count > 0),
        ..part("head")
    };
    let views = state.views.iter().map(|view| PartJson { view: Some(raw(write_view(view))), ..part("view") });
    let tweets =
        state.tweets.iter().map(|tweet| PartJson { tweet: Some(raw(write_tweet(tweet))), ..part("tweet") });
    let ids = state.events.chunks(IDS).map(|ids| {
        let ids = ids.iter().map(|(place, id)| (*place, format!("{id:032x}"))).collect();
        PartJson { seen: Some(ids), ..part("ids") }
    });
    let cooldowns = state
        .cooldowns
        .iter()
        .map(|cooldown| PartJson { cooldown: Some(raw(write_cooldown(cooldown))), ..part("cooldown") });
    std::iter::once(head).chain(views).chain(tweets).chain(cooldowns).chain(ids).map(|part| to_json(&part))
}

fn part(name: &str) -> PartJson {
    PartJson { kind: STATE.to_owned(), part: name.to_owned(), ..PartJson::default() }
}

fn raw(json: Vec<u8>) -> Box<RawValue> {
    let text = String::from_utf8(json).expect("JSON is UTF-8");
    RawValue::from_string(text).expect("it was written as JSON")
}

/// How much of a state there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateParts {
    /// Tweets in the window.
    pub views: u64,
    /// Tweets with decisions or waits.
    pub tweets: u64,
    /// Event ids.
    pub ids: u64,
    /// Cooldowns.
    pub cooldowns: u64,
}

/// Collects the events of a state.
#[derive(Clone, Debug, Default)]
pub struct StateReader {
    state: State,
    announced: Option<StateParts>,
}

impl StateReader {
    /// Reads an event of type `state`. A head starts again: of two states in a row the later one counts.
    pub fn event(&mut self, json: &[u8]) -> Result<(), StateError> {
        let read: PartJson = serde_json::from_slice(json)?;
        let wrong = |what, value: &str| StateError::Unknown { what, value: value.to_owned() };
        if read.kind != STATE {
            return Err(wrong("event", &read.kind));
        }
        match read {
            PartJson {
                head: Some(head),
                views: Some(views),
                tweets: Some(tweets),
                ids: Some(ids),
                cooldowns,
                ..
            } => {
                let head = read_head(head.get().as_bytes())?;
                self.state = State { head, ..State::default() };
                // Absent on tapes from before there were cooldowns.
                let cooldowns = cooldowns.unwrap_or_default();
                self.announced = Some(StateParts { views, tweets, ids, cooldowns });
            }
            PartJson { view: Some(view), .. } => {
                self.state.views.push(read_view(view.get().as_bytes())?);
            }
            PartJson { tweet: Some(tweet), .. } => {
                self.state.tweets.push(read_tweet(tweet.get().as_bytes())?);
            }
            PartJson { cooldown: Some(cooldown), .. } => {
                self.state.cooldowns.push(read_cooldown(cooldown.get().as_bytes())?);
            }
            PartJson { seen: Some(ids), .. } => {
                for (place, id) in ids {
                    let number = u128::from_str_radix(&id, 16);
                    self.state.events.push((place, number.map_err(|_no_number| wrong("event id", &id))?));
                }
            }
            PartJson { part, .. } => return Err(wrong("part", &part)),
        }
        let (found, announced) = (self.found(), self.announced.ok_or(StateError::NoHead)?);
        // Bounded by the head, so that a damaged tape cannot grow a state without end.
        let is_over = found.views > announced.views
            || found.tweets > announced.tweets
            || found.ids > announced.ids
            || found.cooldowns > announced.cooldowns;
        if is_over { Err(StateError::TooMany) } else { Ok(()) }
    }

    /// The head that came last.
    pub fn head(&self) -> &Head {
        &self.state.head
    }

    /// The parts that have come so far.
    pub fn found(&self) -> StateParts {
        let State { views, tweets, events, cooldowns, .. } = &self.state;
        StateParts {
            views: views.len() as u64,
            tweets: tweets.len() as u64,
            ids: events.len() as u64,
            cooldowns: cooldowns.len() as u64,
        }
    }

    /// The parts that its head announced; `None` without a head.
    pub fn announced(&self) -> Option<StateParts> {
        self.announced
    }

    /// No part is missing.
    pub fn is_complete(&self) -> bool {
        self.announced == Some(self.found())
    }

    /// The state; `None` if parts of it are missing, because an engine must not go on from half of its memory.
    pub fn finish(self) -> Option<State> {
        self.is_complete().then_some(self.state)
    }
}
