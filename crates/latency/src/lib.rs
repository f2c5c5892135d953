//! Stages, histograms, and the table and log they print.
//!
//! # How data goes through
//!
//! 1. A caller that holds two time stamps subtracts them and names the [`Stage`] between them.
//! 2. A [`Recorder`], one per thread, puts the difference into the histogram of that stage.
//! 3. A reporter adds the recorders up with [`Recorder::merge_from`] and gets a [`Table`] from
//!    [`Recorder::snapshot`].
//! 4. The table prints itself, or is read as one [`Row`] per stage.
//! 5. Whoever wants more than a row reads the [`Histogram`] of a stage from [`Recorder::histogram`].
//! 6. What changes over time goes into an `IntervalLog` (feature `log`), which other programs draw.
//!
//! ```
//! use stoop_latency::{Recorder, Stage};
//!
//! let mut recorder = Recorder::new();
//! recorder.record(Stage::Decode, 1_210);
//! recorder.record(Stage::Decode, 1_190);
//! recorder.record(Stage::SentRecv, -3_000_000); // their clock is ahead of ours
//!
//! let table = recorder.snapshot();
//! assert_eq!(table.row(Stage::Decode).p50, Some(1_190));
//! assert_eq!(table.row(Stage::SentRecv).negative, 1);
//! assert!(table.to_string().contains("1.21 µs"));
//! ```
//!
//! # What this crate does not do
//!
//! - It reads no clock: every value comes in as a difference in nanoseconds.
//! - It shares nothing between threads and holds no lock.
//! - It writes no JSON and no file: [`Row`] is plain data that the program converts, and a log goes into a `Vec`.
//! - It keeps no history: a recorder holds everything since it was made or last reset.
//!
//! # Invariants
//!
//! - After [`Recorder::new`] nothing allocates except [`Clone`], printing and an `IntervalLog`.
//! - A negative difference never enters a histogram; it is counted in [`Row::negative`].
//! - A difference above [`HIGHEST_NS`] stands in the histogram at that bound and is counted in
//!   [`Row::saturated`]; [`Row::max`] is still exact.
//! - Percentiles are at most 0.1 % above the recorded value, and never above [`Row::max`].

#[cfg(feature = "log")]
mod log;
mod nanos;
mod recorder;
mod spread;
mod stage;
mod table;

pub use hdrhistogram::Histogram;
#[cfg(feature = "log")]
pub use log::IntervalLog;
pub use nanos::Nanos;
pub use recorder::{HIGHEST_NS, Recorder};
pub use spread::Spread;
pub use stage::{Clock, Stage};
pub use table::{Row, Table};
