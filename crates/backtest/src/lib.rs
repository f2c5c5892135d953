//! What decisions were worth: each is measured against prices, and the results are summed up without flattery.
//!
//! A [`Study`] collects decisions in any order. [`Study::measure`] finds the series of [`Prices`] that each belongs
//! to ([`SeriesNames`]), reads one series at a time, enters each decision where it could have been entered, and
//! follows it over every horizon: one [`Outcome`] each, or an [`Exclusion`]. The [`Findings`] are plain data.
//! [`Statistics`] are computed from them, and [`write_outcomes`], [`write_summary`] and [`report`](report()) write
//! them down.
//!
//! Modules import in one direction only: `prices`, `outcome`, `search`, `findings`; from there `study`, which makes
//! findings, and `statistics` and `tally`, which read them; last `table`, `summary` and `report`.
//!
//! # What does this crate not do?
//!
//! - It does not replay anything: the caller brings the decisions.
//! - It does not fill an order book: entry and exit are at prices that were traded, and costs are an assumption.
//! - Prices of the enrichment are never used for a return; only price files are.
//!
//! # Invariants
//!
//! - The same decisions, prices and settings give the same bytes.
//! - Nothing that was not known at the entry moves it, and no bar from before it gives a high or a low.
//! - Columns of the outcomes are computed without floats, except for prices that are floats in their source.
//! - Every decision is in the table, measured or with the reason why not.
//!
//! ```no_run
//! use stoop_backtest::{Prices, Settings, Statistics, Study, report, write_outcomes};
//!
//! let mut study = Study::default();
//! // … a replay hands each decision to `study.add` …
//! let findings = study.measure(Settings::default(), &Prices::open("prices".as_ref())?)?;
//! let statistics = Statistics::of(&findings, 0);
//! write_outcomes(&findings, std::io::stdout())?;
//! std::fs::write("report.html", report(&findings, &statistics, "1.0", &[], &[]))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod average;
mod dice;
mod findings;
#[cfg(test)]
mod made_up;
mod outcome;
mod prices;
mod provenance;
mod report;
mod search;
mod statistics;
mod study;
mod summary;
mod table;
mod tally;

pub use findings::{
    Band, Dimension, Event, Findings, Group, HORIZONS_MS, MissedSignal, Recorded, RecordedStage,
    SeriesReport, Settings,
};
pub use outcome::{Costs, Exclusion, Fill, Outcome};
pub use prices::{FileError, Hole, Holes, Layout, Named, PriceError, Prices, RowFault, Series};
pub use provenance::{HashError, Source, hash_file};
pub use report::report;
pub use search::{Candidate, Search, SeriesBy, SeriesNames};
pub use statistics::{
    AuthorRow, Delay, EnrichmentRow, GroupRow, MissedRow, MoveRow, Scoreboard, Statistics, Summary, Trials,
    TrialsError, Verdict,
};
pub use study::Study;
pub use summary::write_summary;
pub use table::{COLUMNS, write_outcomes, write_outcomes_parquet};
pub use tally::{AssignedRow, assigned_series};
