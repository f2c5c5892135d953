//! Recording: what the engine is given and what it decides, on tapes.
//!
//! The connection and the end of the pipeline put copies of inputs and decisions into a bounded queue ([`Tap`]); a
//! thread of its own ([`Recording`]) writes them. Nothing is ever waited for: what finds no room is counted, and its
//! place marked on the tape. A disk that fails ends the tape, not the engine; a new tape is begun when one can be
//! written.
//!
//! A new file is begun by the connection: it lets time pass up to now, says so to the thread, and asks the stages for
//! their state, which comes to the thread when they have come that far. So every file begins with the state of the
//! moment the one before it ends with.

#[cfg(not(feature = "tape"))]
mod absent;
#[cfg(feature = "tape")]
mod check;
#[cfg(feature = "tape")]
mod settings;
#[cfg(feature = "tape")]
mod tap;
#[cfg(feature = "tape")]
mod thread;

#[cfg(not(feature = "tape"))]
pub(crate) use absent::{Recording, Tap};
#[cfg(feature = "tape")]
pub use check::{TapeCheck, TapeVerdict};
#[cfg(feature = "tape")]
pub use settings::TapeSettings;
#[cfg(feature = "tape")]
pub(crate) use tap::Tap;
#[cfg(feature = "tape")]
#[cfg(test)]
pub(crate) use tap::{Entry, Shared};
#[cfg(feature = "tape")]
pub(crate) use thread::Recording;

/// What was recorded, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeCounters {
    /// Files begun.
    pub files: u64,
    /// Records written.
    pub records: u64,
    /// Inputs and decisions that found no room in the queue, or came while no file could be written.
    pub dropped: u64,
    /// Files that ended early because they could not be written.
    pub failed: u64,
    /// Files whose replay makes the same decisions.
    pub same: u64,
    /// Files whose replay makes other decisions.
    pub differing: u64,
    /// Files that could not be checked.
    pub unchecked: u64,
}
