//! Statistics of a sample of outcomes, and how certain they are.

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::average::{mean, median, quantile};
use crate::dice::Dice;
use crate::findings::Event;
use crate::outcome::{Outcome, by_side};

/// Samples of a bootstrap.
const RESAMPLES: usize = 1000;

/// Returns after costs of outcomes in clusters, and what they come to. All are fractions, not percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Outcomes.
    pub outcomes: usize,
    /// Clusters of them: the number of independent observations.
    pub clusters: usize,
    /// Mean by side before costs.
    pub mean: Option<f64>,
    /// Median by side before costs.
    pub median: Option<f64>,
    /// Mean by side before costs, less the benchmark's change between the same times; over `adjusted_outcomes`.
    pub adjusted_mean: Option<f64>,
    /// Outcomes for whose times there is a benchmark.
    pub adjusted_outcomes: usize,
    /// Mean after costs.
    pub net_mean: Option<f64>,
    /// Median after costs.
    pub net_median: Option<f64>,
    /// Share of outcomes above 0 after costs.
    pub hit_rate: Option<f64>,
    /// Mean after costs over its standard error by cluster; none for less than two clusters.
    pub t: Option<f64>,
    /// Two-sided chance of such a `t` if there were nothing.
    pub p: Option<f64>,
    /// 95 % of the means after costs of a bootstrap by cluster lie between these two.
    pub net_low: Option<f64>,
    /// See `net_low`.
    pub net_high: Option<f64>,
    /// Mean after costs without the best outcome; none if there is only one.
    pub net_mean_without_best: Option<f64>,
}

/// An outcome as statistics see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// By side, before costs.
    pub gross: f64,
    /// After costs.
    pub net: f64,
    /// By side, before costs, less the benchmark's.
    pub adjusted: Option<f64>,
    /// The number of its cluster, in any order.
    pub cluster: usize,
}

impl Point {
    /// An outcome that counts; its cluster is not numbered yet.
    pub(super) fn of(event: &Event, outcome: &Outcome) -> Option<Self> {
        if !event.counts {
            return None;
        }
        let side = event.decision.rule.side;
        Some(Self {
            gross: by_side(outcome.gross?, side).to_f64()?,
            net: outcome.net?.to_f64()?,
            adjusted: outcome.adjusted.and_then(|adjusted| by_side(adjusted, side).to_f64()),
            cluster: 0,
        })
    }
}

impl Summary {
    /// Sums up; `purpose` seeds the bootstrap.
    pub(super) fn of(points: &[Point], purpose: &[&[u8]]) -> Self {
        let gross: Vec<f64> = points.iter().map(|point| point.gross).collect();
        let net: Vec<f64> = points.iter().map(|point| point.net).collect();
        let adjusted: Vec<f64> = points.iter().filter_map(|point| point.adjusted).collect();
        let clusters = sums(points);
        let t = t_by_cluster(points.len(), &clusters);
        let (net_low, net_high) = bootstrap(&clusters, &mut Dice::new(purpose)).unzip();
        Self {
            outcomes: points.len(),
            clusters: clusters.len(),
            mean: mean(&gross),
            median: median(&gross),
            adjusted_mean: mean(&adjusted),
            adjusted_outcomes: adjusted.len(),
            net_mean: mean(&net),
            net_median: median(&net),
            hit_rate: mean(&net.iter().map(|net| f64::from(u8::from(*net > 0.0))).collect::<Vec<_>>()),
            t,
            p: t.and_then(|t| chance(t, clusters.len())),
            net_low,
            net_high,
            net_mean_without_best: without_best(&net),
        }
    }
}

/// Sum and count of each cluster, in order of their first outcome.
fn sums(points: &[Point]) -> Vec<(f64, f64)> {
    // Cluster numbers may have gaps, because a group has only some clusters of its rule.
    let mut places = std::collections::BTreeMap::new();
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for point in points {
        let place = *places.entry(point.cluster).or_insert_with(|| {
            sums.push((0.0, 0.0));
            sums.len() - 1
        });
        sums[place].0 += point.net;
        sums[place].1 += 1.0;
    }
    sums
}

/// The mean over its standard error, which counts a cluster as one observation.
fn t_by_cluster(count: usize, clusters: &[(f64, f64)]) -> Option<f64> {
    // With one cluster there is no variance between clusters to estimate an error from.
    let groups = clusters.len() as f64;
    if groups < 2.0 {
        return None;
    }
    let count = count as f64;
    let mean = clusters.iter().map(|(sum, _)| sum).sum::<f64>() / count;
    let squares: f64 = clusters.iter().map(|(sum, size)| (sum - size * mean).powi(2)).sum();
    // Cluster-robust standard error of a mean, with the usual small-sample factor.
    let error = (groups / (groups - 1.0) * squares).sqrt() / count;
    // Outcomes that are all alike, as with a price that never moved, say nothing about certainty.
    (error > mean.abs() * 1e-12).then(|| mean / error)
}

fn chance(t: f64, clusters: usize) -> Option<f64> {
    // Degrees of freedom from clusters, not outcomes: those of one cluster are not independent.
    let students = StudentsT::new(0.0, 1.0, clusters as f64 - 1.0).ok()?;
    Some((2.0 * students.sf(t.abs())).min(1.0))
}

/// Where 95 % of the means lie if clusters are drawn again, with repetition.
fn bootstrap(clusters: &[(f64, f64)], dice: &mut Dice) -> Option<(f64, f64)> {
    if clusters.len() < 2 {
        return None;
    }
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut sum, mut count) = (0.0, 0.0);
            for _ in 0..clusters.len() {
                // Whole clusters are drawn: drawing outcomes would treat overlapping windows as independent.
                let (of_cluster, size) = clusters[dice.below(clusters.len() as u64) as usize];
                sum += of_cluster;
                count += size;
            }
            // The number of outcomes varies with the clusters drawn, as it would in another sample.
            sum / count
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some((quantile(&means, 0.025)?, quantile(&means, 0.975)?))
}

fn without_best(net: &[f64]) -> Option<f64> {
    let best = net.iter().copied().max_by(f64::total_cmp)?;
    (net.len() > 1).then(|| (net.iter().sum::<f64>() - best) / (net.len() - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(nets: &[(f64, usize)]) -> Vec<Point> {
        let point = |(net, cluster): &(f64, usize)| Point {
            gross: net + 0.01,
            net: *net,
            adjusted: (*cluster == 0).then_some(net - 0.5),
            cluster: *cluster,
        };
        nets.iter().map(point).collect()
    }

    fn close(left: Option<f64>, right: f64) {
        assert!(left.is_some_and(|left| (left - right).abs() < 1e-9), "{left:?} {right}");
    }

    #[test]
    fn outcomes_each_in_a_cluster_have_the_t_of_the_textbook() {
        let points = points(&[(0.01, 0), (0.02, 1), (0.03, 2), (0.06, 3)]);
        let summary = Summary::of(&points, &[b"test"]);
        close(summary.net_mean, 0.03);
        close(summary.mean, 0.04);
        assert_eq!(summary.adjusted_outcomes, 1);
        close(summary.adjusted_mean, -0.49);
        close(summary.net_median, 0.025);
        // Standard deviation 0.0216025, so the error of the mean is 0.0108012.
        close(summary.t, 2.777_460_299);
        assert!(summary.p.is_some_and(|p| (0.068..0.070).contains(&p)), "{:?}", summary.p);
        close(summary.net_mean_without_best, 0.02);
    }

    #[test]
    fn a_cluster_is_one_observation_however_many_outcomes_it_has() {
        let once = points(&[(0.01, 0), (0.03, 1)]);
        let often: Vec<Point> = once.iter().flat_map(|point| [*point; 50]).collect();
        let (once, often) = (Summary::of(&once, &[b"a"]), Summary::of(&often, &[b"a"]));
        assert_eq!((once.clusters, often.clusters), (2, 2));
        close(often.t, once.t.expect("a t"));
        close(often.net_low, once.net_low.expect("a bound"));
    }

    #[test]
    fn one_cluster_says_nothing_of_how_sure_one_may_be() {
        let summary = Summary::of(&points(&[(0.01, 0), (0.03, 0)]), &[b"a"]);
        assert_eq!((summary.t, summary.p, summary.net_low), (None, None, None));
        assert_eq!(Summary::of(&[], &[b"a"]), Summary::default());
        assert_eq!(Summary::of(&points(&[(0.0, 0), (0.0, 1)]), &[b"a"]).t, None);
    }

    #[test]
    fn intervals_cover_the_truth_about_as_often_as_they_say() {
        let mut dice = Dice::new(&[b"coverage"]);
        let mut covered = 0;
        for round in 0..400_u32 {
            // Twelve uniform numbers less six: mean 0, variance 1.
            let mut draw =
                || (0..12).map(|_| dice.below(1 << 40) as f64 / (1_u64 << 40) as f64).sum::<f64>() - 6.0;
            let points: Vec<Point> =
                (0..40).map(|n| Point { gross: 0.0, net: draw(), adjusted: None, cluster: n }).collect();
            let summary = Summary::of(&points, &[b"coverage", &round.to_be_bytes()]);
            let (low, high) = (summary.net_low.expect("a bound"), summary.net_high.expect("a bound"));
            covered += u32::from(low <= 0.0 && 0.0 <= high);
        }
        assert!((360..=396).contains(&covered), "{covered} of 400");
    }
}
