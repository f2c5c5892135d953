//! What the pump keeps of one endpoint.

use stoop_feed::{Policy, State};

use crate::summary::{EndpointReport, FeedCounters};

/// One endpoint: the policy that keeps it connected, and what it did.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(super) name: String,
    pub(super) policy: Policy,
    /// Its counters, without gaps: those belong to all endpoints together.
    pub(super) feed: FeedCounters,
    /// Frames it brought, copies included.
    pub(super) frames: u64,
    /// The plan has no connection for it.
    pub(super) is_left_out: bool,
}

impl Endpoint {
    pub(crate) fn new(name: String, policy: Policy) -> Self {
        Self { name, policy, feed: FeedCounters::default(), frames: 0, is_left_out: false }
    }

    /// It was never dialled, and may be.
    pub(super) fn is_waiting(&self) -> bool {
        self.policy.state() == State::Idle && !self.is_left_out
    }

    /// Its report; the decoder adds the lag.
    pub(super) fn report(&self) -> EndpointReport {
        EndpointReport {
            name: self.name.clone(),
            is_up: self.policy.state().is_open(),
            is_left_out: self.is_left_out,
            feed: self.feed,
            frames: self.frames,
            lag: None,
        }
    }
}
