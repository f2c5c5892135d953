//! The requests of the policy, and its phase.

use std::fmt;
use std::time::Duration;

use crate::{Cause, Lane};

/// One thing for the owner of the socket to do or to announce, in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Connect and shake hands; answer with `Opened`, `Refused`, `Closed` or `Failed`.
    Dial,
    /// Send a WebSocket ping.
    SendPing,
    /// Send a close frame without waiting for anything.
    Close {
        /// 1000 when stopping, 1011 on a link that answers no ping.
        code: u16,
    },
    /// Drop the dial or the socket at once, without waiting for the peer.
    Abandon,
    /// Announcement: the state changed. Comes before the actions that belong to the new state.
    StateChanged {
        /// The state left.
        from: State,
        /// The state entered.
        to: State,
    },
    /// Announcement: the connection ended, and the policy will dial again.
    Retry {
        /// Time from now to the dial.
        after: Duration,
        /// How the delay was chosen.
        lane: Lane,
        /// Why the connection ended.
        cause: Cause,
        /// Counts from 1 since a connection was last stable, in all lanes together.
        attempt: u32,
    },
    /// Announcement: no further dial will come.
    Fatal {
        /// Why; [`Cause::is_refusal`] holds.
        cause: Cause,
    },
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started.
    Idle,
    /// Connecting or shaking hands.
    Dialling,
    /// Open for less than `stable_after`.
    Open,
    /// Open for at least `stable_after`: delays have started over.
    Stable,
    /// Waiting to dial again, in the fast or the backoff lane.
    Waiting,
    /// Waiting to dial again, in the slow lane.
    SlowLane,
    /// Asked to stop: the close frame is sent, and the peer has not answered yet.
    Draining,
    /// Refused; the policy does not dial again.
    Fatal,
    /// Ended on request.
    Stopped,
}

impl State {
    /// The name as printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Dialling => "dialling",
            Self::Open => "open",
            Self::Stable => "stable",
            Self::Waiting => "waiting",
            Self::SlowLane => "slow-lane",
            Self::Draining => "draining",
            Self::Fatal => "fatal",
            Self::Stopped => "stopped",
        }
    }

    /// Whether frames may arrive and are wanted.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Stable)
    }

    /// Whether only [`Policy::reset`](crate::Policy::reset) leaves this state.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Fatal | Self::Stopped)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
