//! How much of the move was over before the entry, and how long the rest took.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::average::{mean, median};
use crate::findings::Findings;
use crate::outcome::{by_side, change};

/// Moves of a rule's outcomes over the main horizon, by side, before costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MoveRow {
    /// The rule.
    pub rule: String,
    /// Outcomes whose price before the post is known.
    pub outcomes: usize,
    /// Mean from the last price known when the post was made to the exit.
    pub whole_mean: f64,
    /// Mean from that price to the entry: what was gone.
    pub gone_mean: f64,
    /// `gone_mean` as a share of `whole_mean`; none if the whole is not a move for the side.
    pub gone_share: Option<f64>,
    /// Half of the outcomes were at their furthest within this many seconds of the entry.
    pub peak_s_median: f64,
}

/// Moves of every rule.
pub(super) fn moves(findings: &Findings) -> Vec<MoveRow> {
    let mut rules: BTreeMap<&str, [Vec<f64>; 3]> = BTreeMap::new();
    for outcome in findings.outcomes.iter().filter(|outcome| outcome.horizon_ms == findings.main_ms) {
        let event = &findings.events[outcome.event];
        let (Some(before), Some(entry), Some(exit), Some(peak_ns), true) =
            (event.before, event.entry, outcome.exit, outcome.peak_ns, event.counts)
        else {
            continue;
        };
        let moved = |to| by_side(change(before, to).ok()?, event.decision.rule.side).to_f64();
        let (Some(gone), Some(whole)) = (moved(entry.price), moved(exit.price)) else { continue };
        let [gones, wholes, peaks] = rules.entry(&event.decision.rule.name).or_default();
        gones.push(gone);
        wholes.push(whole);
        peaks.push(peak_ns as f64 / 1e9);
    }
    let row = |(rule, [gones, wholes, peaks]): (&str, [Vec<f64>; 3])| {
        let (gone_mean, whole_mean) = (mean(&gones)?, mean(&wholes)?);
        Some(MoveRow {
            rule: rule.to_owned(),
            outcomes: gones.len(),
            whole_mean,
            gone_mean,
            gone_share: (whole_mean > 0.0).then_some(gone_mean / whole_mean),
            peak_s_median: median(&peaks)?,
        })
    };
    rules.into_iter().filter_map(row).collect()
}
