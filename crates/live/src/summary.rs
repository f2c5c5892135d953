//! Counters of a run, and the summary at its end.

use std::fmt;

use stoop_engine::{IntakeCounters, Merge, MergeCounters, Signal, SignalCounters, State};
use stoop_feed::Cause;
use stoop_latency::{Recorder, Spread};
use stoop_tape::Digest;

use crate::recording::TapeCounters;
use crate::stages::exit::Exit;
use crate::stages::outbox::QueueCounters;
use crate::store::StoreCounters;

/// Counters of every stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Where the connection stands.
    pub link: Link,
    /// The connection.
    pub feed: FeedCounters,
    /// Frames and events.
    pub intake: IntakeCounters,
    /// Joins.
    pub merge: MergeCounters,
    /// Tweets in the window now.
    pub window_tweets: usize,
    /// Decisions.
    pub signal: SignalCounters,
    /// Lines decided in this run, of all kinds.
    pub decisions: u64,
    /// The queue.
    pub queue: QueueCounters,
    /// Lines held back now because the queue is full.
    pub held: usize,
    /// The store.
    pub store: StoreCounters,
    /// The recording.
    pub tape: TapeCounters,
    /// Notices dropped because the host did not read them.
    pub notices_dropped: u64,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// It is open.
    pub is_up: bool,
    /// Since when it is open or not, Unix ns.
    pub since_ns: i64,
    /// When the last frame came, Unix ns.
    pub last_frame_ns: Option<i64>,
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
    /// Messages that ended a connection: too long, or text that is not UTF-8.
    pub rejected: u64,
    /// Times the connection was lost and came again.
    pub gaps: u64,
    /// How long it was away in all of these, ns.
    pub gap_ns: i64,
    /// Gaps for which history was read, wholly or in part.
    pub backfills: u64,
    /// Rows that came of it, those among them that the feed had brought, too.
    pub backfill_rows: u64,
    /// Gaps for which it could not be read.
    pub backfill_failed: u64,
}

impl FeedCounters {
    /// Adds the counters of another endpoint.
    pub(crate) fn add(&mut self, other: &Self) {
        self.dials += other.dials;
        self.opens += other.opens;
        self.pings += other.pings;
        self.pongs += other.pongs;
        self.rejected += other.rejected;
    }
}

/// What one endpoint did.
#[derive(Clone, Debug, Default)]
pub struct EndpointReport {
    /// Its name.
    pub name: String,
    /// It is connected.
    pub is_up: bool,
    /// It is not dialled: the plan has no connection for it.
    pub is_left_out: bool,
    /// Its connection; gaps are of all endpoints together and not here.
    pub feed: FeedCounters,
    /// Frames it brought, copies and all.
    pub frames: u64,
    /// Of those that another endpoint had brought already: how long before, ns. None with one endpoint alone.
    pub lag: Option<Box<Spread>>,
}

/// Counters, latencies and digest of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Counters of every stage.
    pub counters: Counters,
    /// Each endpoint, in the order of the configuration.
    pub endpoints: Vec<EndpointReport>,
    /// Latencies by stage.
    pub latency: Recorder,
    /// Those of them since the last snapshot, or since the start.
    pub interval: Recorder,
    /// Over all that was decided, delivered or not.
    pub digest: Digest,
    /// The engine's state at the end of a replay, if it was asked for.
    pub state: Option<Box<State>>,
    /// How the run ended.
    pub end: End,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It was asked to.
    #[default]
    Stopped,
    /// The number of frames asked for has come.
    MaxFrames,
    /// The decisions have no reader any more.
    ConsumerGone,
    /// The server refused for good.
    Refused(Cause),
    /// A stage panicked, with this message.
    Panicked(String),
}

impl End {
    /// The run ended although no one asked for it.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Stopped | Self::MaxFrames | Self::ConsumerGone => false,
            Self::Refused(_) | Self::Panicked(_) => true,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped"),
            Self::MaxFrames => f.write_str("the number of frames asked for has come"),
            Self::ConsumerGone => f.write_str("the decisions are no longer read"),
            Self::Refused(cause) => write!(f, "{cause}"),
            Self::Panicked(message) => write!(f, "internal error: {message}"),
        }
    }
}

impl Counters {
    pub(crate) fn of_merge(&mut self, merge: &Merge) {
        self.merge = merge.counters();
        self.window_tweets = merge.len();
    }

    pub(crate) fn of_signal(&mut self, signal: &Signal, exit: &Exit) {
        self.signal = signal.counters();
        self.decisions = exit.digest.count();
        self.queue = exit.outbox.counters();
        self.held = exit.outbox.held();
        self.notices_dropped = exit.notices.dropped();
    }
}

impl Summary {
    pub(crate) fn finish_signal(&mut self, signal: &Signal, exit: &mut Exit) {
        exit.outbox.close();
        self.counters.of_signal(signal, exit);
        self.interval = exit.recorder.clone();
        self.digest = exit.digest.clone();
    }
}

/// Adds the lags of copies to the reports of the endpoints.
pub(crate) fn add_lags(endpoints: &mut [EndpointReport], lags: &[Spread]) {
    for (endpoint, lag) in endpoints.iter_mut().zip(lags) {
        endpoint.lag = Some(Box::new(lag.clone()));
    }
}
