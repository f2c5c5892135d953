//! The outcomes as a table, a row for each decision and horizon: `outcomes.csv`, and `outcomes.parquet` in [`columns`].

mod columns;

pub use columns::write_outcomes_parquet;

use std::fmt;
use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use rust_decimal::Decimal;

use crate::findings::{Event, Findings};
use crate::outcome::{Exclusion, Fill, Outcome};
use crate::search::SeriesBy;

/// Columns of `outcomes.csv` and `outcomes.parquet`.
pub const COLUMNS: [&str; 28] = [
    "id",
    "revision",
    "counts",
    "rule",
    "author",
    "tweet_id",
    "link",
    "tweet_kind",
    "kind",
    "basis",
    "evidence",
    "asset",
    "series",
    "side",
    "decided_ns",
    "entry_ns",
    "entry_price",
    "horizon_ms",
    "exit_ns",
    "exit_price",
    "return",
    "net_return",
    "adjusted_return",
    "mfe",
    "mae",
    "cluster",
    "excluded",
    // Last, so that the columns before it keep their places.
    "series_by",
];

/// Writes the outcomes as RFC 4180 has it: a header, lines that end with CR LF, quotes where they are needed. Absent
/// values are empty. Prices have the digits of their source, returns 12 decimal places.
pub fn write_outcomes(findings: &Findings, out: impl Write) -> io::Result<()> {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    table.write_record(COLUMNS)?;
    for outcome in &findings.outcomes {
        table.write_record(row(&findings.events[outcome.event], outcome).map(|cell| cell.to_string()))?;
    }
    table.flush()
}

/// A value of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Nothing,
    Text(String),
    Flag(bool),
    Number(i64),
    /// With 12 decimal places.
    Return(Decimal),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Return(number) => number.fmt(f),
        }
    }
}

/// A text, if there is one.
fn text(text: Option<impl Into<String>>) -> Cell {
    text.map_or(Cell::Nothing, |text| Cell::Text(text.into()))
}

fn number(number: Option<Decimal>) -> Cell {
    number.map_or(Cell::Nothing, Cell::Return)
}

/// A time in Unix ns, and a price with the digits of its source.
fn fill(fill: Option<Fill>) -> [Cell; 2] {
    fill.map_or([Cell::Nothing, Cell::Nothing], |fill| {
        [Cell::Number(fill.at_ns), Cell::Text(fill.price.to_string())]
    })
}

fn row(event: &Event, outcome: &Outcome) -> [Cell; COLUMNS.len()] {
    let decision = &event.decision;
    let [entry_ns, entry_price] = fill(event.entry);
    let [exit_ns, exit_price] = fill(outcome.exit);
    let series = event.search.series();
    [
        text(Some(decision.id.to_string())),
        Cell::Number(decision.revision.into()),
        Cell::Flag(event.counts),
        text(Some(decision.rule.name.as_str())),
        text(decision.author.as_deref()),
        text(Some(decision.tweet_id.to_string())),
        text(decision.link.as_deref()),
        text(Some(decision.tweet_kind.as_str())),
        text(Some(decision.kind.as_str())),
        text(Some(decision.basis.as_str())),
        text(decision.evidence.map(stoop_model::Evidence::as_str)),
        text(decision.asset.as_ref().map(|asset| stoop_engine::asset_key(Some(asset)))),
        text(series),
        text(Some(decision.rule.side.as_str())),
        Cell::Number(decision.decided_ns),
        entry_ns,
        entry_price,
        Cell::Number(outcome.horizon_ms),
        exit_ns,
        exit_price,
        number(outcome.gross),
        number(outcome.net),
        number(outcome.adjusted),
        number(outcome.mfe),
        number(outcome.mae),
        text(outcome.cluster_ns.map(|at_ns| format!("{}@{at_ns}", series.unwrap_or_default()))),
        text(outcome.excluded.map(Exclusion::as_str)),
        text(event.search.by().map(SeriesBy::as_str)),
    ]
}
