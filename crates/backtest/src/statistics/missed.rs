//! Missed signals, rule by rule.

use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use crate::average::{mean, quantile};
use crate::findings::{Findings, MissedSignal};

/// Missed signals of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissedRow {
    /// The rule.
    pub rule: String,
    /// Signals.
    pub signals: usize,
    /// Half came within so long after the post, ms.
    pub delay_ms_p50: Option<f64>,
    /// Nine in ten came within.
    pub delay_ms_p90: Option<f64>,
    /// The last came after.
    pub delay_ms_max: Option<f64>,
    /// Signals with both of the returns below.
    pub priced: usize,
    /// Mean of `from_post` over these.
    pub from_post_mean: Option<f64>,
    /// Mean of `from_seen` over these.
    pub from_seen_mean: Option<f64>,
}

/// Sums up by rule.
pub(super) fn rows(findings: &Findings) -> Vec<MissedRow> {
    let mut rules: BTreeMap<&str, Vec<&MissedSignal>> = BTreeMap::new();
    for signal in &findings.missed {
        rules.entry(&signal.signal.rule.name).or_default().push(signal);
    }
    let row = |(rule, signals): (&str, Vec<&MissedSignal>)| {
        let mut delays: Vec<f64> = signals.iter().filter_map(|signal| signal.delay_ms).collect();
        delays.sort_by(f64::total_cmp);
        let priced = signals
            .iter()
            .filter_map(|signal| Some((signal.from_post?.to_f64()?, signal.from_seen?.to_f64()?)));
        let (posts, seen): (Vec<f64>, Vec<f64>) = priced.unzip();
        MissedRow {
            rule: rule.to_owned(),
            signals: signals.len(),
            delay_ms_p50: quantile(&delays, 0.5),
            delay_ms_p90: quantile(&delays, 0.9),
            delay_ms_max: delays.last().copied(),
            priced: posts.len(),
            from_post_mean: mean(&posts),
            from_seen_mean: mean(&seen),
        }
    };
    rules.into_iter().map(row).collect()
}
