//! Content against enrichment: the gain of acting at once, and the losses that waiting would have avoided.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use stoop_model::{Basis, DecisionId, DecisionKind, Op, Trigger};

use super::sample::Point;
use crate::average::{mean, median, quantile};
use crate::findings::{Event, Findings};
use crate::outcome::{by_side, change};

/// The fate of the opens of a rule that did not wait for the enrichment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EnrichmentRow {
    /// The rule.
    pub rule: String,
    /// Opens on the content alone.
    pub opens: usize,
    /// Of these, confirmed or revised.
    pub held: usize,
    /// Of these, without enrichment within `settle`.
    pub lapsed: usize,
    /// Of these, cancelled.
    pub cancelled: usize,
    /// Of the cancelled, how many for each reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// By how much the price had gone with the side from the entry at the open to that at the confirm or revise: what
    /// acting at once gained. 0 where both are in one bar.
    pub head_start_mean: Option<f64>,
    /// See `head_start_mean`.
    pub head_start_median: Option<f64>,
    /// Opens held that have both entries.
    pub head_starts: usize,
    /// Mean after costs of the opens that were cancelled, over the main horizon: what acting on them came to, and
    /// waiting would have kept away.
    pub cancelled_net_mean: Option<f64>,
    /// Cancelled opens with such an outcome.
    pub cancelled_outcomes: usize,
}

/// How long the enrichment of an author's posts took, from the open to the line it caused, ms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delay {
    /// Handle.
    pub author: String,
    /// Posts.
    pub posts: usize,
    /// Half came within.
    pub delay_ms_p50: f64,
    /// Nine in ten came within.
    pub delay_ms_p90: f64,
    /// The last came after.
    pub delay_ms_max: f64,
}

/// Follows every open on content through its life.
pub(super) fn enrichment(findings: &Findings) -> (Vec<EnrichmentRow>, Vec<Delay>) {
    let mut lives: BTreeMap<DecisionId, Vec<usize>> = BTreeMap::new();
    for (place, event) in findings.events.iter().enumerate() {
        lives.entry(event.decision.id).or_default().push(place);
    }
    let width = findings.settings.horizons_ms.len();
    let horizon = findings.settings.horizons_ms.iter().position(|known| *known == findings.main_ms);
    let mut rules: BTreeMap<&str, (EnrichmentRow, Vec<f64>, Vec<f64>)> = BTreeMap::new();
    let mut delays: BTreeMap<&str, BTreeMap<String, i64>> = BTreeMap::new();
    for life in lives.values() {
        let Some(open) = life.iter().copied().find(|place| findings.events[*place].counts) else { continue };
        let event = &findings.events[open];
        // An open on enrichment had nothing left to wait for.
        if event.decision.basis != Basis::Content {
            continue;
        }
        let later = || {
            life.iter()
                .map(|place| &findings.events[*place])
                .filter(|event| event.decision.kind != DecisionKind::Open)
        };
        let (row, starts, cancelled) = rules.entry(&event.decision.rule.name).or_default();
        row.opens += 1;
        let is_held =
            |event: &&Event| matches!(event.decision.kind, DecisionKind::Confirm | DecisionKind::Revise);
        if let Some(held) = later().find(is_held) {
            row.held += 1;
            starts.extend(head_start(event, held));
        }
        row.lapsed += usize::from(later().any(|event| event.decision.kind == DecisionKind::Lapse));
        if let Some(end) = later().find(|event| event.decision.kind == DecisionKind::Cancel) {
            row.cancelled += 1;
            let reason = end.decision.reason.map_or("none", stoop_model::CancelReason::as_str);
            *row.reasons.entry(reason).or_default() += 1;
            let outcome = horizon.map(|horizon| &findings.outcomes[open * width + horizon]);
            cancelled.extend(outcome.and_then(|outcome| Point::of(event, outcome)).map(|point| point.net));
        }
        // The meta frame that caused a line is the only one whose time the decisions show.
        if let Some(first) = later().find(|event| event.decision.trigger == Trigger::Op(Op::Meta)) {
            let author = event.decision.author.as_deref().unwrap_or("none");
            let delay_ns = first.decision.decided_ns - event.decision.decided_ns;
            // Several rules on one post are one delay.
            delays.entry(author).or_default().entry(event.decision.tweet_id.to_string()).or_insert(delay_ns);
        }
    }
    let rows = rules.into_iter().map(|(rule, (row, starts, cancelled))| EnrichmentRow {
        rule: rule.to_owned(),
        head_start_mean: mean(&starts),
        head_start_median: median(&starts),
        head_starts: starts.len(),
        cancelled_net_mean: mean(&cancelled),
        cancelled_outcomes: cancelled.len(),
        ..row
    });
    (rows.collect(), delays.into_iter().filter_map(|(author, posts)| delay(author, &posts)).collect())
}

fn head_start(open: &Event, held: &Event) -> Option<f64> {
    let (first, second) = (open.entry?, held.entry?);
    // A revise may lead to an asset of another series, whose price says nothing of the first one's.
    if open.search.series() != held.search.series() {
        return None;
    }
    by_side(change(first.price, second.price).ok()?, open.decision.rule.side).to_f64()
}

fn delay(author: &str, posts: &BTreeMap<String, i64>) -> Option<Delay> {
    let mut delays: Vec<f64> = posts.values().map(|delay_ns| *delay_ns as f64 / 1e6).collect();
    delays.sort_by(f64::total_cmp);
    Some(Delay {
        author: author.to_owned(),
        posts: delays.len(),
        delay_ms_p50: quantile(&delays, 0.5)?,
        delay_ms_p90: quantile(&delays, 0.9)?,
        delay_ms_max: *delays.last()?,
    })
}
