//! `outcomes.csv`: a row for each decision and horizon.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};
use rust_decimal::Decimal;

use crate::outcome::{Exclusion, Fill, Outcome};
use crate::study::{Event, Findings};

/// Columns of `outcomes.csv`.
pub const COLUMNS: [&str; 27] = [
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
];

impl Findings {
    /// Writes the outcomes as RFC 4180 has it: a header, lines that end with CR LF, quotes where they are needed. What is
    /// not there is empty. Prices have the digits of their source, returns 12 decimal places.
    pub fn write_outcomes(&self, out: impl Write) -> io::Result<()> {
        let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        table.write_record(COLUMNS)?;
        for outcome in &self.outcomes {
            table.write_record(row(&self.events[outcome.event], outcome))?;
        }
        table.flush()
    }
}

fn row(event: &Event, outcome: &Outcome) -> [String; COLUMNS.len()] {
    let decision = &event.decision;
    let (entry_ns, entry_price) = fill(event.entry);
    let (exit_ns, exit_price) = fill(outcome.exit);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cluster = outcome.cluster_ns.map(|at_ns| format!("{}@{at_ns}", text(&event.series)));
    [
        decision.id.to_string(),
        decision.revision.to_string(),
        event.counts.to_string(),
        decision.rule.name.clone(),
        text(&decision.author),
        decision.tweet_id.to_string(),
        text(&decision.link),
        decision.tweet_kind.as_str().to_owned(),
        decision.kind.as_str().to_owned(),
        decision.basis.as_str().to_owned(),
        decision.evidence.map_or("", stoop_model::Evidence::as_str).to_owned(),
        stoop_engine::asset_key(decision.asset.as_ref()),
        text(&event.series),
        decision.rule.side.as_str().to_owned(),
        decision.decided_ns.to_string(),
        entry_ns,
        entry_price,
        outcome.horizon_ms.to_string(),
        exit_ns,
        exit_price,
        number(outcome.gross),
        number(outcome.net),
        number(outcome.adjusted),
        number(outcome.mfe),
        number(outcome.mae),
        cluster.unwrap_or_default(),
        outcome.excluded.map_or("", Exclusion::as_str).to_owned(),
    ]
}

fn fill(fill: Option<Fill>) -> (String, String) {
    fill.map_or_else(Default::default, |fill| (fill.at_ns.to_string(), fill.price.to_string()))
}

fn number(number: Option<Decimal>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}
