//! The running engine: actors, socket, clock, and the decision queue.
//!
//! # How data goes through
//!
//! The connection actor reads the socket, stamps each message and hands it on. In the placement `one-arbiter` it
//! goes by messages through the decoder, merge and signal actors, all on the engine's one thread (in `per-actor` each
//! on its own); in `fused` the connection calls the same stages in place. At the end decisions go into a bounded queue
//! that the host reads from its own thread: the only thread crossing on the way.
//!
//! Parts that need more crates are features: `rest` (gaps are filled from history, the plan is asked for), `store`
//! (what the engine remembers is kept over a restart) and `tape` (inputs and decisions are recorded). All are on by
//! default.
//!
//! # What does this crate not do?
//!
//! It places no order, decides nothing by itself (the stages are in `stoop-engine`), and decides nothing about
//! when to dial or give up (that is `stoop-feed`).
//!
//! # Invariants
//!
//! - Clocks are read in one module; what they show reaches the engine only as the time of an input.
//! - A deadline of a rule fires by a tick on the way of the frames, never by a timer calling a stage.
//! - Every queue has a bound: 64 frames in flight, the decision queue's capacity, 16 times that (at least 4,096)
//!   opens held back.
//! - The API key is in no log, error or `Debug` output.
//!
//! ```
//! use stoop_engine::RuleSet;
//!
//! fn host(settings: stoop_live::Settings) -> Result<(), Box<dyn std::error::Error>> {
//!     let rules = RuleSet::parse("rules.toml", "[[rule]]\nname = \"all\"\n")?;
//!     let engine = stoop_live::Engine::start(settings, rules)?;
//!     for decision in engine.decisions() {
//!         assert_eq!(decision.rule.name, "all");
//!     }
//!     let summary = engine.join();
//!     assert_eq!(summary.counters.queue.undelivered, 0);
//!     Ok(())
//! }
//! ```

mod clock;
mod connection;
mod engine;
mod notice;
mod recording;
mod remote;
mod replay;
mod settings;
#[cfg(test)]
mod simulation;
mod stages;
mod store;
mod summary;

pub use clock::Clock;
pub use connection::probe::{ProbeError, probe_feed, probe_transport};
pub use engine::{Engine, Snapshot, StartError};
pub use notice::{BackfillEnd, HandleOutcome, HandleReport, NOTICES, News, Notice};
pub use recording::TapeCounters;
#[cfg(feature = "tape")]
pub use recording::{TapeCheck, TapeSettings, TapeVerdict};
pub use remote::{Remote, SendError};
pub use replay::{ReplayError, ReplayOptions, replay};
pub use settings::{Auth, Placement, Settings, SettingsError, WhenFull};
pub use stages::{QueueCounters, receive};
pub use store::{StoreCounters, StoreError};
pub use summary::{Counters, End, EndpointReport, FeedCounters, Link, Summary};
