//! The engine's state on disk, for a restart.
//!
//! The state goes the way of the frames, so that it is that of one moment; from the end of the pipeline it comes to a
//! thread of its own ([`Keeper`]), which waits until every decision in it has reached its output, and then writes what
//! has changed in one transaction. While that fails, as on a full disk, it is tried again and again, and what changes
//! in the meantime waits where it is, with the stages. A crash in between forgets the frames since; if the server sends
//! them again, the same decisions come again, with the same ids and revisions.

#[cfg(not(feature = "store"))]
mod absent;
mod delivery;
#[cfg(feature = "store")]
mod disk;
mod error;
#[cfg(feature = "store")]
mod file;
mod keeper;
#[cfg(feature = "store")]
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use stoop_engine::State;

#[cfg(not(feature = "store"))]
pub(crate) use absent::Store;
pub(crate) use delivery::Delivery;
pub use error::StoreError;
#[cfg(feature = "store")]
pub(crate) use file::Store;
pub(crate) use keeper::{Entry, Keeper};

/// The engine's state at a moment, on its way to the store.
#[derive(Debug, Default)]
pub(crate) struct Save {
    pub(crate) state: State,
    /// Until when the feed was connected, Unix ns.
    #[cfg_attr(not(feature = "store"), expect(dead_code, reason = "it is the store that reads it"))]
    pub(crate) up_ns: Option<i64>,
}

/// What an earlier run has left.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Its state, if there was a run.
    pub(crate) state: Option<State>,
    /// Until when it was connected, Unix ns.
    pub(crate) up_ns: Option<i64>,
    /// A damaged store that was set aside: its new name, and what is wrong with it.
    pub(crate) set_aside: Option<(PathBuf, String)>,
}

/// What the store did, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounters {
    /// Tweets that a run before this one had in its window.
    pub restored_tweets: u64,
    /// Decisions on them, or on tweets beyond the window, that had been opened.
    pub restored_decisions: u64,
    /// Times what has changed was written.
    pub commits: u64,
    /// Times that failed. It is tried again, less and less often, until it succeeds.
    pub failed: u64,
    /// For how long it has been failing now, ms; none while it does not.
    pub failing_ms: Option<u64>,
}
