//! Stages, their histograms, the table they print, and the clock they are measured with.

#[cfg(feature = "latency-log")]
pub use stoop_latency::IntervalLog;
pub use stoop_latency::{HIGHEST_NS, Histogram, Recorder, Row, Spread, Stage, Table};
pub use stoop_live::Clock;
