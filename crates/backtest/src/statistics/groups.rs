//! Outcomes of a rule, grouped by a property of their decisions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sample::{Point, Summary};
use super::trials::deflated;
use super::verdict::Verdict;
use crate::findings::{Dimension, Findings, Group};

/// The outcomes of a group over one horizon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupRow {
    /// The rule.
    pub rule: String,
    /// What its outcomes are grouped by.
    pub by: Dimension,
    /// The value they share.
    pub value: String,
    /// From entry to exit, ms.
    pub horizon_ms: i64,
    /// Their statistics.
    #[serde(flatten)]
    pub summary: Summary,
    /// Mean of the draws, before costs; `None` for groups beyond the first 1,024.
    pub placebo_mean: Option<f64>,
    /// 95 % of the draws' means lie between `placebo_low` and `placebo_high`, before costs.
    pub placebo_low: Option<f64>,
    /// See `placebo_low`.
    pub placebo_high: Option<f64>,
    /// The mean after costs is above what 97.5 % of the draws come to before costs.
    pub beats_placebo: Option<bool>,
    /// The chance that the best of all trials looks like this by luck; `None` unless trials were counted.
    pub p_deflated: Option<f64>,
    /// The verdict on it; `None` for groups without random moments.
    pub verdict: Option<Verdict>,
}

/// Sums up every group over every horizon, in order of rule, dimension, value, horizon.
pub(super) fn rows(findings: &Findings, trials: usize) -> Vec<GroupRow> {
    let horizons = &findings.settings.horizons_ms;
    let mut points: Vec<Vec<Point>> = vec![Vec::new(); findings.groups.len() * horizons.len()];
    let mut numbers: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for (place, outcome) in findings.outcomes.iter().enumerate() {
        let event = &findings.events[outcome.event];
        let Some(mut point) = Point::of(event, outcome) else { continue };
        let next = numbers.len();
        let cluster = (event.search.series().unwrap_or_default(), outcome.cluster_ns.unwrap_or_default());
        // By series and first entry: clusters of two series are independent even if they begin at one moment.
        point.cluster = *numbers.entry(cluster).or_insert(next);
        for group in &event.groups {
            points[group * horizons.len() + place % horizons.len()].push(point);
        }
    }
    let points = points.iter().enumerate().filter(|(_, points)| !points.is_empty());
    let mut rows: Vec<GroupRow> = points
        .map(|(place, points)| {
            let (group, horizon) = (place / horizons.len(), place % horizons.len());
            row(&findings.groups[group], (horizon, horizons[horizon]), points, trials)
        })
        .collect();
    rows.sort_by(|a, b| {
        (&a.rule, a.by, &a.value, a.horizon_ms).cmp(&(&b.rule, b.by, &b.value, b.horizon_ms))
    });
    rows
}

/// A group over one horizon, given by its place and its length.
fn row(group: &Group, (horizon, horizon_ms): (usize, i64), points: &[Point], trials: usize) -> GroupRow {
    let Group { rule, by, value, random_moments } = group;
    // The label seeds the bootstrap: a group has the same interval whatever other groups there are.
    let label = format!("{rule}\n{by:?}\n{value}\n{horizon_ms}");
    let summary = Summary::of(points, &[b"bootstrap", label.as_bytes()]);
    let band = random_moments.as_ref().and_then(|bands| *bands.get(horizon)?);
    let p_deflated = summary.p.filter(|_| trials > 0).map(|p| deflated(p, trials));
    let verdict = || Verdict::of(&summary, band.map(|band| band.high), p_deflated);
    GroupRow {
        rule: rule.clone(),
        by: *by,
        value: value.clone(),
        horizon_ms,
        summary,
        placebo_mean: band.map(|band| band.mean),
        placebo_low: band.map(|band| band.low),
        placebo_high: band.map(|band| band.high),
        beats_placebo: summary.net_mean.zip(band).map(|(net, band)| net > band.high),
        p_deflated,
        verdict: random_moments.as_ref().map(|_| verdict()),
    }
}
