//! Everything that enters an engine. Its decisions follow from these inputs, in order, and its configuration.

use std::sync::Arc;

use stoop_model::{BadReason, Platform, TweetId};

use crate::state::State;

/// One input.
///
/// `B` holds the bytes of a frame: borrowed from the socket's buffer, owned where inputs are kept, and the decoded
/// event between stages that run as actors.
#[derive(Clone, Debug)]
pub enum Input<B> {
    /// A frame off the socket, from a file or from history: an object, or a batch of them.
    Frame {
        /// Where it comes from.
        origin: Origin,
        /// The frame.
        bytes: B,
        /// When it came.
        receipt: Receipt,
    },
    /// A socket message that was refused before it could be decoded.
    Rejected {
        /// Why.
        reason: BadReason,
        /// Its length in bytes, as far as it is known.
        bytes: u64,
    },
    /// Time alone: deadlines at or before `at_ns` fire.
    Tick {
        /// Unix ns.
        at_ns: i64,
    },
    /// Something the host asks for.
    Command {
        /// What. Boxed, so that a frame on its way between actors does not carry the room for it.
        command: Box<Command>,
        /// Unix ns.
        at_ns: i64,
    },
    /// The feed was away and is back. No rule decides on it; it is counted and recorded.
    Gap {
        /// From when to when, and why.
        gap: Gap,
        /// Unix ns.
        at_ns: i64,
    },
    /// The state of an earlier engine. Only for an engine that has seen no other input; deadlines that have
    /// passed since fire before the next input, each with its own time.
    Restored(Arc<State>),
}

impl<B> Input<B> {
    /// A frame of the first endpoint.
    pub fn frame(bytes: B, receipt: Receipt) -> Self {
        Self::Frame { origin: Origin::Endpoint(0), bytes, receipt }
    }

    /// The same input with the bytes of its frame in another form.
    pub fn map<C>(self, form: impl FnOnce(B) -> C) -> Input<C> {
        match self {
            Self::Frame { origin, bytes, receipt } => Input::Frame { origin, bytes: form(bytes), receipt },
            Self::Rejected { reason, bytes } => Input::Rejected { reason, bytes },
            Self::Tick { at_ns } => Input::Tick { at_ns },
            Self::Command { command, at_ns } => Input::Command { command, at_ns },
            Self::Gap { gap, at_ns } => Input::Gap { gap, at_ns },
            Self::Restored(state) => Input::Restored(state),
        }
    }
}

/// Inputs without a frame, which leave nothing to infer `B` from.
impl Input<&'static [u8]> {
    /// Lets time pass up to `at_ns`, Unix ns.
    pub fn tick(at_ns: i64) -> Self {
        Self::Tick { at_ns }
    }

    /// The end of all input: every deadline fires, however far off.
    pub fn end() -> Self {
        Self::tick(i64::MAX)
    }

    /// A command at `at_ns`, Unix ns.
    pub fn command(command: Command, at_ns: i64) -> Self {
        Self::Command { command: Box::new(command), at_ns }
    }

    /// A gap that ended at `at_ns`, Unix ns.
    pub fn gap(gap: Gap, at_ns: i64) -> Self {
        Self::Gap { gap, at_ns }
    }

    /// The state of an engine before this one.
    pub fn restored(state: Arc<State>) -> Self {
        Self::Restored(state)
    }
}

/// Where a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The endpoint of this number, below [`ENDPOINTS`](crate::ENDPOINTS).
    Endpoint(u8),
    /// The vendor's history, which fills gaps of the feed. The frame is late: a rule opens on it only with
    /// `allow_late = true`.
    History,
}

/// When a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// At this time, Unix ns.
    At(i64),
    /// At the `ts` of the frame (of a batch, of its first element), if it can be decoded and has a plausible one;
    /// else at the time of the previous input. For inputs that were written down without a time of receipt.
    Sent,
}

/// Place of an input in the one order of inputs, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Counts inputs from 0.
    pub seq: u64,
    /// Input time, Unix ns; never decreases.
    pub now_ns: i64,
    /// The frame comes from history ([`Origin::History`]).
    pub is_late: bool,
}

/// An input of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// For strategies.
    Message(Message),
    /// A strategy is not asked any more.
    SwitchOff {
        /// The name in its rule.
        strategy: String,
    },
}

/// Longest text of a [`Message`], bytes.
pub const MESSAGE_BYTES: usize = 65_536;

/// Input of the host for strategies: the answer of a model, a position, a switch. Like a frame it has its place in the
/// order of inputs, and its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The name in the strategy's rule; none: all strategies.
    pub strategy: Option<String>,
    /// The tweet it is about. It is judged again, if it is still remembered.
    pub tweet: Option<TweetId>,
    /// Its platform; none: every tweet of that id.
    pub platform: Option<Platform>,
    /// The message, in whatever form the strategy reads; at most [`MESSAGE_BYTES`].
    pub text: String,
}

/// A time in which nothing came from the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// When it was lost, Unix ns.
    pub from_ns: i64,
    /// When it was back, Unix ns.
    pub to_ns: i64,
    /// Why it was lost, for people.
    pub cause: String,
}
