//! What goes wrong on purpose, and the language it is asked for in.
//!
//! A fault is written `[TRIGGER,…:]ACTION`: `after=200:rst`, `conn=2-,every=50:dup`, `refuse(503)`. Triggers say on
//! which connections and when in them, the action says what. The words of the language are a table
//! ([`words`]); the parser and the help are made from it.
//!
//! This module decides: which faults strike a connection and when is a function of the specifications, the seed, the
//! number of the connection, frames counted and time elapsed. [`script`](crate::script) does what they say.

mod action;
mod parse;
mod schedule;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use action::Action;
pub(crate) use action::{ConnectionAction, FrameAction, Rubbish, StreamAction};
pub use parse::FaultError;
pub(crate) use schedule::{Schedule, Visit, on_connection};
pub use words::help;

/// One thing that goes wrong, and when.
///
/// ```
/// let fault: stoop_mock::Fault = "conn=2-,every=50:dup".parse()?;
/// assert_eq!(fault.to_string(), "conn=2-,every=50:dup");
/// let error = "every=50:dub".parse::<stoop_mock::Fault>().unwrap_err();
/// assert_eq!(error.column, 10);
/// # Ok::<(), stoop_mock::FaultError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    which: Which,
    when: When,
    /// Strikes only so many times of 2^32; `None` always.
    chance: Option<u64>,
    action: Action,
    text: Arc<str>,
}

impl Fault {
    /// Whether it makes a connection begin where the client had come to.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.action, Action::Connection(ConnectionAction::Replay(_)))
    }
}

impl fmt::Display for Fault {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// The connections a fault strikes. Every upgrade asked for counts, from 1, let in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Which {
    first: u64,
    last: u64,
    /// Only those asked for so long after the server has started.
    until: Option<Duration>,
}

/// When in a connection a fault strikes. Frames are those of the input, counted from the connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Once: behind so many frames; for an action on a frame, the next.
    After(u64),
    /// Behind each so-manyth frame; for an action on a frame, that one.
    Every(u64),
    /// Once: so long after the connect.
    At(Duration),
    /// Once: behind the last frame of the input.
    End,
}

#[cfg(test)]
mod tests;
