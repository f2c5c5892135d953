//! Counters by stage, as [`Counters`](crate::Counters) and [`Summary`](crate::Summary) hold them.

pub use stoop_engine::{IntakeCounters, MergeCounters, SignalCounters};
pub use stoop_live::{EndpointReport, FeedCounters, Link, QueueCounters, StoreCounters, TapeCounters};
