//! Counts over findings: decision lines, outcomes that were left out, and the series of every asset.

use std::collections::BTreeMap;

use serde::Serialize;
use stoop_engine::asset_key;
use stoop_model::DecisionKind;

use crate::findings::{Event, Findings};
use crate::outcome::Exclusion;
use crate::search::{Candidate, SeriesBy};

/// A rule's decisions on one asset, and the series they were measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssignedRow {
    /// The rule.
    pub rule: String,
    /// The asset as decision ids have it; empty: none.
    pub asset: String,
    /// The series; none: there is none in the folder.
    pub series: Option<String>,
    /// The step of the search that found it.
    pub series_by: Option<&'static str>,
    /// The asset has a contract, and nothing but its symbol says that the series is of it: it may be another coin's.
    pub by_symbol_alone: bool,
    /// Without a series, what was looked for, in order.
    pub looked_for: Vec<String>,
    /// Decision lines.
    pub decisions: usize,
    /// Of these, opens that count.
    pub opens: usize,
}

/// The series of every rule's assets, in order of the rules, those with most opens first.
pub fn assigned_series(findings: &Findings) -> Vec<AssignedRow> {
    type Key<'a> = (&'a str, String, Option<&'a str>, Option<SeriesBy>, &'a [Candidate]);
    let mut counts: BTreeMap<Key<'_>, (bool, usize, usize)> = BTreeMap::new();
    for event in &findings.events {
        let (decision, search) = (&event.decision, &event.search);
        let asset = asset_key(decision.asset.as_ref());
        let key = (decision.rule.name.as_str(), asset, search.series(), search.by(), &*search.looked_for);
        let (is_alone, decisions, opens) = counts.entry(key).or_default();
        *is_alone |= is_by_symbol_alone(event);
        *decisions += 1;
        *opens += usize::from(event.counts);
    }
    // One row per outcome of the search: one asset may be found by market in one decision and by symbol in another.
    let row = |((rule, asset, series, by, looked_for), (by_symbol_alone, decisions, opens)): (Key<'_>, _)| {
        AssignedRow {
            rule: rule.to_owned(),
            asset,
            series: series.map(str::to_owned),
            series_by: by.map(SeriesBy::as_str),
            by_symbol_alone,
            looked_for: looked_for.iter().map(ToString::to_string).collect(),
            decisions,
            opens,
        }
    };
    let mut rows: Vec<AssignedRow> = counts.into_iter().map(row).collect();
    rows.sort_by(|a, b| a.rule.cmp(&b.rule).then(b.opens.cmp(&a.opens)));
    rows
}

fn is_by_symbol_alone(event: &Event) -> bool {
    let has_contract = event.decision.asset.as_ref().is_some_and(|asset| asset.contract.is_some());
    has_contract && event.search.by().is_some_and(SeriesBy::is_by_symbol)
}

/// Decision lines of each kind.
pub(crate) fn steps(findings: &Findings) -> BTreeMap<&'static str, usize> {
    let mut steps = BTreeMap::new();
    for event in &findings.events {
        *steps.entry(DecisionKind::as_str(event.decision.kind)).or_default() += 1;
    }
    steps
}

/// Outcomes of opens that were left out, by reason.
pub(crate) fn left_out(findings: &Findings) -> BTreeMap<&'static str, usize> {
    let mut reasons: BTreeMap<_, _> = Exclusion::ALL.iter().map(|reason| (reason.as_str(), 0)).collect();
    for outcome in findings.outcomes.iter().filter(|outcome| findings.events[outcome.event].counts) {
        if let Some(reason) = outcome.excluded {
            *reasons.entry(reason.as_str()).or_default() += 1;
        }
    }
    reasons
}
