//! What a run needs to know.

#[cfg(feature = "store")]
use std::path::PathBuf;
use std::time::Duration;

use stoop_engine::Bounds;

#[cfg(feature = "tape")]
use crate::recording::TapeSettings;
pub(crate) use stoop_feed::{Api, Endpoint, Key};

/// How the key is shown to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// As the sub-protocol `tweetstream.auth.token.<KEY>`.
    #[default]
    Subprotocol,
    /// As `Authorization: Bearer <KEY>`.
    Bearer,
    /// As `?apiKey=<KEY>`; last resort, since URLs end up in logs of others.
    Query,
}

/// On which threads the stages run. Invisible to the stages: decisions are the same in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// The stages are called one after the other inside the connection actor.
    Fused,
    /// Four actors on one arbiter, that is one thread.
    #[default]
    OneArbiter,
    /// The connection, decoder, merge and signal actors each on a thread of their own. More frames per second from
    /// many cores, more time for each: a hop that wakes a thread costs tens of µs.
    PerActor,
}

impl Placement {
    /// The name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fused => "fused",
            Self::OneArbiter => "one-arbiter",
            Self::PerActor => "per-actor",
        }
    }
}

/// What happens when the decision queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Decisions are held back and the socket is not read until there is room.
    #[default]
    Hold,
    /// New opens are dropped and counted.
    DropNewest,
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where frames come from, one at least and [`ENDPOINTS`](stoop_engine::ENDPOINTS) at most: the first copy of a
    /// frame counts.
    pub endpoints: Vec<Endpoint>,
    /// The REST interface, asked for the plan when its limit is reached, and for history after a gap; none, or without
    /// the feature `rest`: never.
    pub api: Option<Api>,
    /// How the key is shown.
    pub auth: Auth,
    /// The key.
    pub key: Key,
    /// When to dial, ping, back off.
    pub feed: stoop_feed::Settings,
    /// How long after the feed is there again history is asked for what it has lost; none: never. Where there is no
    /// `api` it is never asked.
    pub backfill: Option<Duration>,
    /// Seed of the jitter of reconnects. Reaches no decision.
    pub seed: u64,
    /// Bounds of the engine.
    pub bounds: Bounds,
    /// Threads.
    pub placement: Placement,
    /// Decisions the queue holds.
    pub queue_capacity: usize,
    /// What happens when it is full.
    pub when_full: WhenFull,
    /// How long a stop may take to hand over what is held back.
    pub drain_timeout: Duration,
    /// Stop after this many frames.
    pub max_frames: Option<u64>,
    /// How often the counters come as a notice; none: never.
    pub status_every: Option<Duration>,
    /// Where the engine's state is kept over a restart; none: nowhere.
    #[cfg(feature = "store")]
    pub store: Option<PathBuf>,
    /// Where inputs and decisions are recorded; none: nowhere.
    #[cfg(feature = "tape")]
    pub tape: Option<TapeSettings>,
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The connection policy cannot work so.
    #[error(transparent)]
    Feed(#[from] stoop_feed::SettingsError),
    /// There is no endpoint, or there are too many.
    #[error("{0} endpoints: there must be one to 8")]
    Endpoints(usize),
    /// The queue holds nothing.
    #[error("the decision queue needs room for at least one decision")]
    QueueEmpty,
}
