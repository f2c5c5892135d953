//! The pump's events and actions.

use serde_json::{Value, json};
use stoop_engine::{Command, Input};
use stoop_feed as feed;
use stoop_model::BadReason;

use super::backfill::{Answer, Span};
use crate::notice::News;
use crate::summary::End;

/// One thing that happened. Frames have a way of their own: [`Pump::accepts`](super::Pump::accepts).
#[derive(Debug)]
pub(crate) enum Event {
    /// The run begins.
    Begin,
    /// Something happened to the dial or the socket of an endpoint, which is gone if its policy says so.
    Endpoint {
        /// Its place.
        at: usize,
        /// What.
        event: feed::Event,
    },
    /// An endpoint sent a message that cannot be read and ends its connection.
    Rejected {
        /// Its place.
        at: usize,
        /// Why.
        reason: BadReason,
        /// The code to close with.
        code: u16,
    },
    /// How many connections the plan allows; none if it does not say, or the server did not answer.
    Limit(Option<u64>),
    /// The host asks for something.
    Command(Command),
    /// History has answered the last [`Action::AskHistory`].
    Answer(Answer),
    /// The run is to end; the first reason counts.
    End(End),
}

/// One thing to do, in the order given.
#[derive(Debug)]
pub(crate) enum Action {
    /// Put this into the stages.
    Enter(Input<Vec<u8>>),
    /// Let the end of the stages look whether there is room in the queue.
    Drain,
    /// Connect and shake hands.
    Dial(usize),
    /// Send a ping.
    Ping(usize),
    /// Send a close frame, without waiting for the answer.
    Close {
        /// The endpoint's place.
        at: usize,
        /// The close code.
        code: u16,
    },
    /// Let go of the dial or the socket at once.
    Abandon(usize),
    /// Announcement: the state of an endpoint has changed.
    StateChanged {
        /// The endpoint's place.
        at: usize,
        /// The state left.
        from: feed::State,
        /// The state entered.
        to: feed::State,
    },
    /// Ask how many connections the plan allows. Answered by [`Event::Limit`], always.
    AskLimit,
    /// Ask what the plan is used for; the answer goes to the host.
    AskPlan,
    /// Ask history for a span. Answered by [`Event::Answer`], always.
    AskHistory(Span),
    /// Send the host a notice.
    Notice(News),
    /// Put a note on the tape.
    Note(Note),
    /// Begin a tape, headed by what the stages remember.
    CutTape {
        /// Time passes first, so that the tape before it ends where this one begins.
        ticks: bool,
    },
    /// The tape ends here.
    CloseTape,
    /// Send what the stages remember on its way to be kept.
    Save {
        /// Until when the feed was connected, Unix ns.
        up_ns: Option<i64>,
    },
    /// Send the host the counters.
    Status,
}

/// Goes onto the tape without being an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// An endpoint is connected.
    Opened {
        /// Its name.
        endpoint: String,
        /// The state of its policy.
        state: feed::State,
    },
    /// It is not any more.
    Closed {
        /// Its name.
        endpoint: String,
        /// The state of its policy.
        state: feed::State,
    },
    /// A gap was asked for from history.
    Backfill {
        /// Where it began, Unix ns.
        from_ns: i64,
        /// Where it ended, Unix ns.
        to_ns: i64,
        /// Rows that entered.
        rows: u64,
        /// How it ended.
        end: String,
    },
}

impl Note {
    /// The event as it stands on a tape.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Opened { endpoint, state } => {
                json!({"type": "opened", "endpoint": endpoint, "state": state.name()})
            }
            Self::Closed { endpoint, state } => {
                json!({"type": "closed", "endpoint": endpoint, "state": state.name()})
            }
            Self::Backfill { from_ns, to_ns, rows, end } => {
                json!({"type": "backfill", "from_ns": from_ns, "to_ns": to_ns, "rows": rows, "end": end})
            }
        }
    }
}

/// The state of the stages, the store and the recording at a moment, as far as the pump needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "answers to questions that have nothing to do with each other"
)]
pub(crate) struct Surroundings {
    /// The next deadline of a rule, Unix ns.
    pub(crate) deadline_ns: Option<i64>,
    /// Decisions are held back.
    pub(crate) is_holding: bool,
    /// Nothing should be read while they are.
    pub(crate) is_blocking: bool,
    /// Another frame may enter.
    pub(crate) has_room: bool,
    /// All that entered has been through.
    pub(crate) is_idle: bool,
    /// A stage has panicked.
    pub(crate) is_tripped: bool,
    /// The last state that was sent to the store is written.
    pub(crate) can_save: bool,
    /// The tape at hand has grown long or old.
    pub(crate) wants_cut: bool,
}

impl Surroundings {
    /// A frame may enter.
    pub(crate) fn can_enter(&self) -> bool {
        !self.is_blocking && self.has_room
    }
}

/// The owner's next step once it has carried the actions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Wake it again, with what the stages say now.
    Again,
    /// Hand in what others have asked for and answered, then wake it again.
    Requests,
    /// Wait for an endpoint, for the surroundings to change, or for the deadline.
    Over,
}
