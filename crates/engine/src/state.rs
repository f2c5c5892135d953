//! The memory of the stages as data: saved from a running engine, and restored into one that begins.
//!
//! A [`State`] is whole, or holds what has changed since the last one of its kind. If one engine begins with the whole
//! state of another and has the same rules, both make the same decisions from then on. Only strategies keep a memory
//! that is not in it.

use std::sync::Arc;

use stoop_model::{Asset, DecisionBody, DecisionId, Op, Platform, TweetId};

use crate::merge::{Arrival, View};

/// How much of the state is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What has changed since the last request for changes. Changes are noted from the first request on, which gets
    /// everything.
    Changes,
}

/// What the stages remember.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Counters that go on, and the time.
    pub head: Head,
    /// Tweets in the window, in any order.
    pub views: Vec<ViewState>,
    /// Tweets with decisions or waits, in any order.
    pub tweets: Vec<TweetState>,
    /// Cooldowns of rules, in any order.
    pub cooldowns: Vec<CooldownState>,
    /// Event ids seen lately, each with its place among all, counted from 0.
    pub events: Vec<(u64, u128)>,
    /// Entries that were forgotten; empty in a whole state.
    pub gone: Gone,
}

/// Counters that go on where they stood, and the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Input time of the last input, Unix ns.
    pub now_ns: i64,
    /// Inputs so far.
    pub inputs: u64,
    /// Tweets begun in the window so far.
    pub begun: u64,
    /// Decision lines so far: the next `seq`.
    pub decisions: u64,
    /// Tweets so far that had decisions or waits.
    pub tweets: u64,
    /// Of these, how many have left the window with a decision that stood.
    pub kept: u64,
    /// Deadlines set so far.
    pub deadlines: u64,
    /// Cooldowns begun so far.
    pub cooldowns: u64,
    /// Names of strategies that are switched off.
    pub off: Vec<String>,
}

/// A tweet in the window.
#[derive(Clone, Debug)]
pub struct ViewState {
    /// Its place among all tweets begun.
    pub serial: u64,
    /// Its joined state.
    pub view: Arc<View>,
    /// Operations and fingerprints of the frames that came.
    pub seen: Vec<(Op, u64)>,
}

/// A tweet with decisions or waits.
#[derive(Clone, Debug)]
pub struct TweetState {
    /// Its place among all of these.
    pub serial: u64,
    /// The tweet.
    pub id: TweetId,
    /// Its platform.
    pub platform: Platform,
    /// The stay in the window it was last seen in.
    pub began_seq: u64,
    /// Its place among those that have left the window; none while it is in there.
    pub kept_at: Option<u64>,
    /// Its state, while a rule waits or once it has left the window.
    pub view: Option<Arc<View>>,
    /// Its decisions in the order they opened.
    pub lives: Vec<LifeState>,
    /// Its deadlines.
    pub deadlines: Vec<DeadlineState>,
}

/// A decision and where it stands.
#[derive(Clone, Debug)]
pub struct LifeState {
    /// Its last line; names its rule.
    pub line: Arc<DecisionBody>,
    /// The asset it was opened on.
    pub opened_on: Option<Asset>,
    /// The content frame.
    pub content: Arrival,
    /// Nothing follows.
    pub is_cancelled: bool,
    /// Opened without enrichment, which has not come since.
    pub awaits_enrichment: bool,
    /// Until when it keeps its tweet, Unix ns.
    pub keep_until_ns: i64,
}

/// A deadline of a tweet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineState {
    /// When it fires, Unix ns.
    pub at_ns: i64,
    /// Its place among all deadlines set: of two at one time the earlier fires first.
    pub created: u64,
    /// The action that is due.
    pub due: DueState,
}

/// The action due at a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueState {
    /// A decision, by its place among the tweet's, has had no enrichment in time.
    Settle {
        /// Its place.
        decision: usize,
    },
    /// A rule has waited for the enrichment.
    Wait {
        /// Its name.
        rule: String,
    },
    /// A decision has been kept long enough.
    Keep,
}

/// A cooldown: a subject on which a rule does not open for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CooldownState {
    /// Its place among all begun.
    pub serial: u64,
    /// The rule, by name.
    pub rule: String,
    /// What it is for: `contract:`, `symbol:`, `author:` and a text, or `rule`. A coin may have both of the first.
    pub subject: Vec<String>,
    /// The decision whose open began it.
    pub decision: DecisionId,
    /// When it is over, Unix ns.
    pub until_ns: i64,
    /// Until when a cancel of that decision ends it, Unix ns.
    pub expires_ns: i64,
}

/// Entries that were forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Serials of tweets in the window.
    pub views: Vec<u64>,
    /// Serials of tweets with decisions or waits.
    pub tweets: Vec<u64>,
    /// Serials of cooldowns.
    pub cooldowns: Vec<u64>,
    /// Event ids before this place.
    pub events_before: u64,
}
