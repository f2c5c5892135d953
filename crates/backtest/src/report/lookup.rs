//! Lookups that every part of the report needs: rules in its order, their verdicts, the outcome of an event.

use std::collections::BTreeSet;

use crate::findings::{Dimension, Findings};
use crate::outcome::Outcome;
use crate::statistics::{GroupRow, Statistics, Verdict};

/// Every rule with its outcomes over the main horizon, the strongest verdict first, then by name.
pub(super) fn order<'a>(
    findings: &'a Findings,
    statistics: &'a Statistics,
) -> Vec<(&'a str, Option<&'a GroupRow>)> {
    let is_main = |row: &&GroupRow| row.by == Dimension::All && row.horizon_ms == statistics.main_ms;
    let mut measured: Vec<&GroupRow> = statistics.groups.iter().filter(is_main).collect();
    measured.sort_by_key(|row| verdict(row));
    let opens = findings.events.iter().filter(|event| event.counts);
    let mut others: BTreeSet<&str> = opens.map(|event| event.decision.rule.name.as_str()).collect();
    others.retain(|rule| measured.iter().all(|row| row.rule != *rule));
    let measured = measured.into_iter().map(|row| (row.rule.as_str(), Some(row)));
    measured.chain(others.into_iter().map(|rule| (rule, None))).collect()
}

/// The verdict on all outcomes of a rule, which always have one.
pub(super) fn verdict(row: &GroupRow) -> Verdict {
    row.verdict.unwrap_or(Verdict::TooFew)
}

/// The outcome of an event over one of the horizons that were measured.
pub(super) fn outcome(findings: &Findings, event: usize, horizon_ms: i64) -> Option<&Outcome> {
    let horizons = &findings.settings.horizons_ms;
    let horizon = horizons.iter().position(|known| *known == horizon_ms)?;
    findings.outcomes.get(event * horizons.len() + horizon)
}
