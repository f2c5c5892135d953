//! Stoop for embedders: configuration, the engine, decisions.
//!
//! A host builds a [`Config`] from a file or in code, starts an [`Engine`] and reads decisions from a crossbeam
//! receiver. It needs no async runtime: the engine has a thread of its own.
//!
//! # What does this crate not do?
//!
//! It places no order and knows no exchange. What a decision leads to is the host's.
//!
//! # Invariants
//!
//! - The same inputs and configuration give the same decisions, live or replayed.
//! - The API key is read where the host says and shown nowhere.
//!
//! ```
//! use stoop::{Config, Frames, ReplayOptions};
//!
//! let config = Config::parse("stoop.toml", r#"
//!     [[rule]]
//!     name = "token"
//!     assets = { tokens = true }
//! "#)?;
//! let frames = concat!(
//!     r#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"2064689031777615872","text":"$EDGE"}}"#,
//!     "\n",
//! );
//! let frames = Frames::from_reader("example", frames.as_bytes(), config.bounds.limits)?;
//! let mut kinds = Vec::new();
//! stoop::replay(config.rules()?, frames, ReplayOptions::default(), |decision| {
//!     kinds.push(decision.kind.as_str());
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! assert_eq!(kinds, ["open", "lapse"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod engine;
mod follower;
mod harness;
mod tapes;
mod universe;

/// Compiles and runs the code of that page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/strategies.md")]
mod strategies {}

pub use config::{Config, ConfigError, TapeOutput};
pub use crossbeam_channel;
pub use engine::{Engine, EngineBuilder, EngineError};
pub use follower::{FollowError, Follower};
pub use harness::{Harness, HarnessError, brief};
pub use stoop_engine::{
    Bounds, Case, Command, Condition, Explanation, Gap, Incident, Input, Intake, IntakeCounters, Judgement,
    Keeping, Listing, MESSAGE_BYTES, MergeCounters, Merged, Message, Missed, NoProbe, Origin, Pipeline,
    Probe, Receipt, RuleReader, RuleSet, RuleSetError, SignalCounters, Stamp, State, Strategy,
    UNIVERSE_BYTES, UNIVERSE_ROWS, Universe, View, Window, asset_key, syntax,
};
pub use stoop_feed::{AddressError, Api, Cause, DialStep, Endpoint, Key, KeyError, Settings as FeedSettings};
pub use stoop_latency::{IntervalLog, Recorder, Row, Spread, Stage, Table};
pub use stoop_live::{
    Auth, BackfillEnd, Clock, Counters, End, EndpointReport, FeedCounters, HandleOutcome, HandleReport, Link,
    NOTICES, News, Notice, Placement, ProbeError, QueueCounters, Remote, ReplayError, ReplayOptions,
    SendError, SettingsError, Snapshot, StartError, Summary, WhenFull, probe_feed, probe_transport, receive,
    replay,
};
pub use stoop_model as model;
pub use stoop_rest::{Client, History, HistoryEnd, HistoryQuery, HistorySpan, RestError, Said, Timeouts};
pub use stoop_tape::{
    ConfigFile, Damage, Digest, Frames, InputError, Line, LineError, LineWriter, Lines, MAX_RECORD_BYTES,
    Origin as TapeOrigin, Record, StateError, StateParts, StateReader, Tape, TapeConfig, TapeConfigError,
    TapeEnd, TapeError, TapeOptions, TapeUniverse, TapeWriteError, TapeWriter, Tapes, TapesError, TapesRead,
    event_type, is_tape, read_decision, read_input, state_events, tape_files, write_decision,
};
pub use stoop_wire::{
    AccountRow, AccountState, AccountsReply, Decoder, HistoryPage, HistoryRow, Limits, Me, MessageType,
    Quota, RowError, RowFault, RowPart, format_ms, parse_ms,
};
pub use tapes::{
    Difference, Parity, TapeReplay, TapeReplayError, TapeReplayOptions, TapeStep, expected_event, parity,
    replay_tapes,
};
pub use universe::{UniverseError, UniverseFile};
