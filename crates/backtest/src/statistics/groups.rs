//! Outcomes of a rule, by what their decisions have in common.

use std::collections::BTreeMap;

use serde::Serialize;
use stoop_model::{AssetClass, Evidence};

use super::sample::{Point, Summary};
use super::verdict::Verdict;
use crate::outcome::{Outcome, by_side};
use crate::study::placebo::Placebo;
use crate::study::{Event, Findings};

/// What outcomes of a rule are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// By nothing.
    All,
    /// Post, quote, reply …
    TweetKind,
    /// On what the open stood.
    Basis,
    /// The ground of the asset.
    Evidence,
    /// Sort of asset.
    AssetClass,
    /// Hour of the day, UTC.
    Hour,
    /// Handle.
    Author,
}

impl Dimension {
    const EVERY: [Self; 7] =
        [Self::All, Self::TweetKind, Self::Basis, Self::Evidence, Self::AssetClass, Self::Hour, Self::Author];

    fn of(self, event: &Event) -> String {
        let decision = &event.decision;
        let none = || "none".to_owned();
        match self {
            Self::All => "all".to_owned(),
            Self::TweetKind => decision.tweet_kind.as_str().to_owned(),
            Self::Basis => decision.basis.as_str().to_owned(),
            Self::Evidence => decision.evidence.map_or("none", Evidence::as_str).to_owned(),
            Self::AssetClass => {
                decision.asset.as_ref().map_or("none", |asset| AssetClass::as_str(asset.class)).to_owned()
            }
            Self::Hour => format!("{:02}", decision.decided_ns.div_euclid(3_600_000_000_000).rem_euclid(24)),
            Self::Author => decision.author.clone().unwrap_or_else(none),
        }
    }
}

/// Groups for which placebos are drawn; 16 bytes a draw and horizon.
const WITH_PLACEBO: usize = 1024;

type Key = (String, Dimension, String);

/// Which groups each event is in.
pub(crate) struct Groups {
    keys: Vec<Key>,
    /// Of each event, its groups.
    pub of: Vec<Vec<usize>>,
    /// Groups with placebos are numbered before the others.
    pub with_placebo: usize,
}

impl Groups {
    /// Groups of the events that count.
    pub(crate) fn new(events: &[Event]) -> Self {
        let keys = |event: &Event| {
            let rule = event.decision.rule.name.clone();
            Dimension::EVERY.map(|dimension| (rule.clone(), dimension, dimension.of(event)))
        };
        let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
        for key in events.iter().filter(|event| event.counts).flat_map(keys) {
            *counts.entry(key).or_default() += 1;
        }
        // Authors last, of whom there may be any number, those with the most opens first.
        let mut order: Vec<(Key, usize)> = counts.into_iter().collect();
        order.sort_by_key(|((_, dimension, _), count)| (*dimension, std::cmp::Reverse(*count)));
        let places: BTreeMap<&Key, usize> = order.iter().map(|(key, _)| key).zip(0..).collect();
        let of = events.iter().map(|event| {
            if event.counts { keys(event).map(|key| places[&key]).to_vec() } else { Vec::new() }
        });
        let of: Vec<Vec<usize>> = of.collect();
        let with_placebo = order.len().min(WITH_PLACEBO);
        Self { keys: order.into_iter().map(|(key, _)| key).collect(), of, with_placebo }
    }

    /// Groups of an event that draw placebos.
    pub(crate) fn drawing(&self, event: usize) -> Vec<usize> {
        self.of[event].iter().copied().filter(|group| *group < self.with_placebo).collect()
    }
}

/// What the outcomes of a group come to over one horizon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupRow {
    /// The rule.
    pub rule: String,
    /// By what its outcomes are told apart.
    pub by: Dimension,
    /// The value they share.
    pub value: String,
    /// From entry to exit, ms.
    pub horizon_ms: i64,
    /// What they come to.
    #[serde(flatten)]
    pub summary: Summary,
    /// Mean of the draws, before costs; none for authors beyond the first 1,024 groups.
    pub placebo_mean: Option<f64>,
    /// 95 % of the draws' means lie between these two, before costs.
    pub placebo_low: Option<f64>,
    /// See `placebo_low`.
    pub placebo_high: Option<f64>,
    /// The mean after costs is above what 97.5 % of the draws come to before costs.
    pub beats_placebo: Option<bool>,
    /// The chance beside `p` that the best of as many trials looks like this by luck; set by [`Findings::deflate`].
    pub p_deflated: Option<f64>,
    /// What can be said of it; none of groups that are held against no draws.
    pub verdict: Option<Verdict>,
}

/// Sums up every group over every horizon, in order of rule, dimension, value, horizon.
pub(crate) fn rows(findings: &Findings, groups: &Groups, placebo: &Placebo) -> Vec<GroupRow> {
    let horizons = &findings.settings.horizons_ms;
    let mut points: Vec<Vec<Point>> = vec![Vec::new(); groups.keys.len() * horizons.len()];
    let mut numbers: BTreeMap<(&str, i64), usize> = BTreeMap::new();
    for (place, outcome) in findings.outcomes.iter().enumerate() {
        let event = &findings.events[outcome.event];
        let Some(mut point) = point(event, outcome) else { continue };
        let next = numbers.len();
        let cluster = (event.search.series().unwrap_or_default(), outcome.cluster_ns.unwrap_or_default());
        point.cluster = *numbers.entry(cluster).or_insert(next);
        for group in &groups.of[outcome.event] {
            points[group * horizons.len() + place % horizons.len()].push(point);
        }
    }
    let mut rows = Vec::with_capacity(points.len());
    for (place, points) in points.iter().enumerate() {
        let (group, horizon) = (place / horizons.len(), place % horizons.len());
        let (rule, by, value) = groups.keys[group].clone();
        let label = format!("{rule}\n{by:?}\n{value}\n{}", horizons[horizon]);
        let summary = Summary::of(points, &[b"bootstrap", label.as_bytes()]);
        let band = if group < groups.with_placebo { placebo.band(group, horizon) } else { None };
        let mut row = GroupRow {
            rule,
            by,
            value,
            horizon_ms: horizons[horizon],
            summary,
            placebo_mean: band.map(|band| band.mean),
            placebo_low: band.map(|band| band.low),
            placebo_high: band.map(|band| band.high),
            beats_placebo: summary.net_mean.zip(band).map(|(net, band)| net > band.high),
            p_deflated: None,
            verdict: None,
        };
        row.verdict = (group < groups.with_placebo).then(|| Verdict::of(&row));
        rows.push(row);
    }
    rows.retain(|row| row.summary.outcomes > 0);
    rows.sort_by(|a, b| {
        (&a.rule, a.by, &a.value, a.horizon_ms).cmp(&(&b.rule, b.by, &b.value, b.horizon_ms))
    });
    rows
}

/// An outcome that counts, as statistics see it; its cluster is not yet numbered.
pub(crate) fn point(event: &Event, outcome: &Outcome) -> Option<Point> {
    use rust_decimal::prelude::ToPrimitive;
    if !event.counts {
        return None;
    }
    let gross = by_side(outcome.gross?, event.decision.rule.side).to_f64()?;
    let adjusted = outcome.adjusted.and_then(|of| by_side(of, event.decision.rule.side).to_f64());
    Some(Point { gross, net: outcome.net?.to_f64()?, adjusted, cluster: 0 })
}
