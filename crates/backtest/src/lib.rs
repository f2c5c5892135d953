//! What decisions were worth: each is measured against prices, and what came of all of them is told without flattery.
//!
//! A [`Study`] takes decisions in any order. [`Study::measure`] finds the series of [`Prices`] each belongs to
//! ([`SeriesNames`]), reads one series at a time, enters each decision where it could have been entered, and follows it over
//! every horizon: an [`Outcome`] each, or an [`Exclusion`]. [`Findings`] are written as a table, `outcomes.csv` or
//! `outcomes.parquet`.
//!
//! # What does this crate not do?
//!
//! - It replays nothing: who calls it brings the decisions.
//! - It fills no order book: entry and exit are at prices that were traded, and costs are an assumption.
//! - Prices of enrichment are never a return; only price files are.
//!
//! # Invariants
//!
//! - The same decisions, prices and settings give the same bytes.
//! - Nothing that was not known at the entry moves it, and no bar from before it gives a high or a low.
//! - No float is on the way to a column of the outcomes, but for prices that are floats in their source.
//! - Every decision is in the table, measured or with its reason.
//!
//! ```no_run
//! use stoop_backtest::{Prices, Settings, Study};
//!
//! let mut study = Study::default();
//! // … a replay hands each decision to `study.add` …
//! let findings = study.measure(Settings::default(), &Prices::open("prices".as_ref())?)?;
//! findings.write_outcomes(std::io::stdout())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(test)]
mod made_up;
mod outcome;
mod prices;
mod report;
mod search;
mod statistics;
mod study;
mod summary;
mod table;
mod tally;

pub use outcome::{Costs, Exclusion, Fill, Outcome};
pub use prices::{FileError, Hole, Holes, Layout, Named, PriceError, Prices, RowFault, Series};
pub use search::{Candidate, Search, SeriesBy, SeriesNames};
pub use statistics::{
    AuthorRow, Delay, Dimension, EnrichmentRow, GroupRow, MoveRow, Scoreboard, Statistics, Summary, Trials,
    TrialsError, Verdict,
};
pub use study::missed::{MissedRow, MissedSignal};
pub use study::recorded::Recorded;
pub use study::{Event, Findings, HORIZONS_MS, SeriesReport, Settings, Study};
pub use summary::{HashError, Source, hash_file};
pub use table::COLUMNS;
pub use tally::AssignedRow;
