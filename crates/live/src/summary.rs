//! What a run did, told at its end.

use stoop_engine::{IntakeCounters, MergeCounters, Signal, SignalCounters};
use stoop_feed::Cause;
use stoop_latency::Recorder;
use stoop_tape::Digest;

use crate::exit::Exit;
use crate::outbox::QueueCounters;

/// Counters, latencies and digest of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Frames and events.
    pub intake: IntakeCounters,
    /// Joins.
    pub merge: MergeCounters,
    /// Tweets in the window at the end.
    pub window_tweets: usize,
    /// Decisions.
    pub signal: SignalCounters,
    /// The queue.
    pub queue: QueueCounters,
    /// The connection.
    pub feed: FeedCounters,
    /// Latencies by stage.
    pub latency: Recorder,
    /// Over all that was decided, delivered or not.
    pub digest: Digest,
    /// How the run ended.
    pub end: End,
}

/// What the connection did, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedCounters {
    /// Dials.
    pub dials: u64,
    /// Connections that got through the handshake.
    pub opens: u64,
    /// Pings sent.
    pub pings: u64,
    /// Pongs received.
    pub pongs: u64,
    /// Messages that ended a connection: too long, or text that is no UTF-8.
    pub rejected: u64,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It was asked to.
    #[default]
    Stopped,
    /// The number of frames asked for has come.
    MaxFrames,
    /// Nobody reads the decisions any more.
    ConsumerGone,
    /// The server refused for good.
    Refused(Cause),
    /// A stage panicked; what it said.
    Panicked(String),
}

impl Summary {
    pub(crate) fn finish_signal(&mut self, signal: &Signal, exit: &mut Exit) {
        self.signal = signal.counters();
        self.queue = exit.outbox.close();
        self.latency = exit.recorder.clone();
        self.digest = exit.digest.clone();
    }
}
