//! What the policy reports about itself.

use super::Policy;
use crate::{Cause, Deadline, State};

/// Where a [`Policy`] stands and what it has seen, for status lines and tests.
///
/// For reading only: a policy is never restored. After a restart of the process it begins from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Where the connection stands.
    pub state: State,
    /// When that state was entered, in nanoseconds; 0 before the first event.
    pub since_ns: i64,
    /// The next deadline, and when it is, in nanoseconds.
    pub next: Option<(Deadline, i64)>,
    /// Whether a connection has ever been stable. If so, a refusal is first answered with slow tries.
    pub proven: bool,
    /// Tries since a connection was last stable, in all lanes.
    pub attempts: u32,
    /// Refusals since a connection was last stable.
    pub refusals: u32,
    /// Whether the owner has stopped reading the socket.
    pub held: bool,
    /// Whether a ping is out and no pong has come since.
    pub awaiting_pong: bool,
    /// Why the last connection or dial ended.
    pub last_cause: Option<Cause>,
    /// Dials so far.
    pub dials: u64,
    /// Completed handshakes so far.
    pub opens: u64,
    /// Pings so far.
    pub pings: u64,
    /// Pongs so far.
    pub pongs: u64,
    /// Events that did not fit the state they came in.
    pub strays: u64,
}

/// The counters of a policy. 64 bits do not overflow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) dials: u64,
    pub(super) opens: u64,
    pub(super) pings: u64,
    pub(super) pongs: u64,
    pub(super) strays: u64,
}

impl Policy {
    /// Where it stands and what it has seen.
    pub fn snapshot(&self) -> Snapshot {
        let streak = self.retries.streak();
        Snapshot {
            state: self.state,
            since_ns: self.since,
            next: self.deadlines.next(),
            proven: self.retries.proven(),
            attempts: streak.attempts,
            refusals: streak.refusals,
            held: self.held,
            awaiting_pong: self.awaiting_pong,
            last_cause: self.last_cause,
            dials: self.counts.dials,
            opens: self.counts.opens,
            pings: self.counts.pings,
            pongs: self.counts.pongs,
            strays: self.counts.strays,
        }
    }
}
