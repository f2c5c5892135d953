//! Stoop for embedders: configuration, the engine, decisions.
//!
//! A host builds a [`Config`] from a file or in code, starts an [`Engine`] and reads decisions from a crossbeam
//! receiver. It needs no async runtime: the engine has a thread of its own.
//!
//! Most hosts need only the root: configuration, the engine and its queue, strategies, the harness for tests. The
//! rest is in modules, one for each purpose.
//!
//! # Features
//!
//! None is on by default, so that a live engine, which also replays plain JSONL, compiles the fewest crates.
//!
//! | Feature | Adds | Without it |
//! | --- | --- | --- |
//! | `rest` | the module `rest`; back-fill, and a look at the plan | `backfill`, `backfill_delay`, `api` are errors |
//! | `store` | `[store]`: what the engine remembers outlives the process | `[store]` is an error |
//! | `tape` | the module `tape`, `[tape]`, compressed inputs | `[tape]` is an error; replays take plain JSONL |
//! | `backtest` | the module `backtest`; implies `tape` | |
//! | `latency-log` | `latency::IntervalLog` | |
//! | `mock` | the module `mock`: a server for tests, and synthetic frames | |
//!
//! A configuration that asks for a part the build lacks is an error, which names the feature.
//!
//! # What does this crate not do?
//!
//! It places no orders and knows no exchange. The host decides what to do with a decision.
//!
//! # Invariants
//!
//! - The same inputs and configuration give the same decisions, live or replayed.
//! - The API key is read only where the host says, and shown nowhere.
//!
//! ```
//! use stoop::Config;
//! use stoop::replay::{Frames, ReplayOptions, replay};
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
//! replay(config.rules()?, frames, ReplayOptions::default(), |decision| {
//!     kinds.push(decision.kind.as_str());
//!     std::ops::ControlFlow::Continue(())
//! })?;
//! assert_eq!(kinds, ["open", "lapse"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod engine;
mod harness;
mod universe;

#[cfg(feature = "backtest")]
pub mod backtest;
pub mod counters;
pub mod feed;
pub mod latency;
#[cfg(feature = "mock")]
pub mod mock;
pub mod notice;
pub mod replay;
#[cfg(feature = "rest")]
pub mod rest;
pub mod rules;
pub mod stages;
#[cfg(feature = "tape")]
pub mod tape;
pub mod wire;

/// Compiles and runs the code of that page.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/strategies.md")]
mod strategies {}

pub use config::{Config, ConfigError, TapeOutput};
pub use crossbeam_channel;
pub use engine::{Engine, EngineBuilder, EngineError};
pub use harness::{Harness, HarnessError, brief};
pub use stoop_engine::{Case, Judgement, Message, RuleSet, RuleSetError, Strategy, View};
pub use stoop_feed::{Endpoint, Key};
pub use stoop_live::{
    Auth, Counters, End, News, Notice, Placement, Remote, SendError, SettingsError, Snapshot, StartError,
    Summary, WhenFull, receive,
};
pub use stoop_model as model;
pub use stoop_model::Decision;
pub use stoop_tape::write_decision;
pub use universe::{UniverseError, UniverseFile};
