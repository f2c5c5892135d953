//! What goes wrong on purpose, and the language it is asked for in.
//!
//! A fault is written `[TRIGGER,…:]ACTION`: `after=200:rst`, `conn=2-,every=50:dup`, `refuse(503)`. Triggers say on
//! which connections and when in them, the action says what. The words of the language are a table
//! ([`words`]); the parser and the help are made from it.
//!
//! This module decides: which faults strike a connection and when is a function of the specifications, the seed, the
//! number of the connection, frames counted and time elapsed. [`script`](crate::script) does what they say.

mod parse;
mod schedule;
mod words;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

pub use parse::FaultError;
pub(crate) use schedule::{Plan, Visit, at_the_door};
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
        matches!(self.action, Action::Replay(_))
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

/// What an action acts on, and so which triggers it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A connection: decided when it is asked for.
    Connection,
    /// The stream, between two frames. Without a trigger: at the connect.
    Stream,
    /// A frame of the input. Without a trigger: each.
    Frame,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// The upgrade is answered with this status.
    Refuse(u16),
    /// The upgrade is answered with a page of HTML.
    Html,
    /// This sub-protocol is selected, offered or not.
    Subprotocol(String),
    /// The answer to the upgrade has headers without end.
    EndlessHead,
    /// The answer to the upgrade stops in the middle.
    SilentHead,
    /// The slot is freed so long after the connection has ended.
    LateSlot(Duration),
    /// The connection begins so many frames before the last that the client is known to have read.
    Replay(u64),
    /// The connection ends with FIN and without a close.
    Fin,
    /// The connection ends with RST.
    Rst,
    /// The connection is closed, with this code or without one.
    Close(Option<u16>),
    /// No data for so long, or for ever; pings are answered.
    Stall(Option<Duration>),
    /// Nothing for so long, or for ever.
    Freeze(Option<Duration>),
    /// Pings are not answered any more.
    NoPong,
    /// No more than so many bytes a second from here on.
    Slow(u64),
    /// Added to every `ts` from here on, ms.
    Skew(i64),
    /// Half of the next frame, then nothing.
    Half,
    /// The head of a frame of so many bytes, then nothing.
    Claim(u64),
    /// A message whose fragments never end.
    Endless,
    /// The same with fragments that hold nothing.
    Hollow,
    /// A message of so many bytes.
    Long(usize),
    /// A message nobody can read.
    Rubbish(Rubbish),
    /// The frame comes so many times more.
    Dup(u64),
    /// The frame comes behind the next so many.
    Late(u64),
    /// A content comes behind its meta, if that is among the next so many frames.
    MetaFirst(u64),
    /// The frame comes in up to so many fragments.
    Fragment(NonZeroUsize),
    /// The frame has RSV2 and RSV3 set.
    Rsv,
    /// The frame is masked.
    Masked,
    /// The frame is compressed.
    Compressed,
}

/// What a message that nobody can read is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rubbish {
    /// Text that stops in the middle of its JSON.
    Json,
    /// A text message that is not UTF-8.
    Utf8,
    /// A binary message of noise.
    Binary,
}

impl Action {
    fn kind(&self) -> Kind {
        match self {
            Self::Refuse(_)
            | Self::Html
            | Self::Subprotocol(_)
            | Self::EndlessHead
            | Self::SilentHead
            | Self::LateSlot(_)
            | Self::Replay(_) => Kind::Connection,
            Self::Fin
            | Self::Rst
            | Self::Close(_)
            | Self::Stall(_)
            | Self::Freeze(_)
            | Self::NoPong
            | Self::Slow(_)
            | Self::Skew(_)
            | Self::Half
            | Self::Claim(_)
            | Self::Endless
            | Self::Hollow
            | Self::Long(_)
            | Self::Rubbish(_) => Kind::Stream,
            Self::Dup(_)
            | Self::Late(_)
            | Self::MetaFirst(_)
            | Self::Fragment(_)
            | Self::Rsv
            | Self::Masked
            | Self::Compressed => Kind::Frame,
        }
    }
}

#[cfg(test)]
mod tests;
