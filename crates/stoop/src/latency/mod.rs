//! Stages, their histograms, the table they print, and what they are measured with.
//!
//! A running engine measures itself: [`Summary::latency`](crate::Summary::latency). [`Stopwatch`] measures frames that
//! you put through the stages yourself.

mod stopwatch;

#[cfg(feature = "latency-log")]
pub use stoop_latency::IntervalLog;
pub use stoop_latency::{HIGHEST_NS, Histogram, Recorder, Row, Spread, Stage, Table};
pub use stoop_live::Clock;
pub use stopwatch::Stopwatch;
