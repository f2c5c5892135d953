//! What goes wrong on purpose, and the language in which you ask for it.
//!
//! A fault is written `[TRIGGER,…:]ACTION`: `after=200:rst`, `conn=2-,every=50:dup`, `refuse(503)`. Triggers say on
//! which connections and when; the action says what. The words of the language are one table ([`words`]), from which
//! the parser and the help are made.
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
    /// How often of 2^32 times it strikes; `None` is always.
    chance: Option<u64>,
    action: Action,
    text: Arc<str>,
}

impl Fault {
    /// Whether it makes a connection begin where the client had left off.
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

/// The connections a fault strikes. Every request for an upgrade counts, from 1, whether it is granted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Which {
    first: u64,
    last: u64,
    /// Only those asked for within this time of the start of the server.
    until: Option<Duration>,
}

/// When in a connection a fault strikes. Frames are those of the input, counted from the connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Once: after this many frames; for an action on a frame, the next one.
    After(u64),
    /// After each frame whose number is a multiple of this; for an action on a frame, that frame.
    Every(u64),
    /// Once: this long after the connect.
    At(Duration),
    /// Once: after the last frame of the input.
    End,
}

#[cfg(test)]
mod tests;
