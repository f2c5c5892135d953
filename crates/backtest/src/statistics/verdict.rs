//! The verdict on a group of outcomes.

use serde::Serialize;

use super::sample::Summary;

/// A chance below this counts as more than luck.
pub(crate) const RARE: f64 = 0.05;

/// The verdict on a group over one horizon, the strongest claim first. It is no stronger than its weakest ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Above random moments after costs, and rarer than the best of all trials by luck.
    Holds,
    /// Above random moments after costs, but luck could explain it.
    MayBeLuck,
    /// Above random moments after costs, but not without the return of the benchmark.
    MarketDidIt,
    /// Above random moments before costs, and not after.
    CostsTakeIt,
    /// Within what random moments give, or below.
    NoEdge,
    /// One cluster, or nothing to hold it against.
    TooFew,
}

impl Verdict {
    /// Judges a group by the upper bound of its random moments, and by its chance among all trials if they were
    /// counted.
    pub(super) fn of(summary: &Summary, placebo_high: Option<f64>, p_deflated: Option<f64>) -> Self {
        let (Some(net), Some(high), Some(low)) = (summary.net_mean, placebo_high, summary.net_low) else {
            return Self::TooFew;
        };
        // The mean after costs must beat the band, which is before costs (docs/decided.md).
        let beats = net > high;
        // Deflated by the number of trials where they were counted: the best of many looks good by luck.
        let is_rare = p_deflated.or(summary.p).is_some_and(|p| p < RARE);
        let moves = summary.mean.is_some_and(|mean| mean > high);
        // After costs, as the mean is, and only if most outcomes have a benchmark.
        let costs = summary.mean.map(|mean| mean - net);
        let alone = summary.adjusted_mean.zip(costs).map(|(adjusted, costs)| adjusted - costs);
        // With a benchmark for a minority of the outcomes the adjusted mean describes other trades.
        let is_told = 2 * summary.adjusted_outcomes >= summary.outcomes;
        let is_market = is_told && alone.is_some_and(|alone| alone <= high);
        match (beats, moves) {
            // Before `Holds`: a rule that only rode the benchmark has no edge of its own, however significant.
            (true, _) if is_market => Self::MarketDidIt,
            (true, _) if low > 0.0 && is_rare => Self::Holds,
            (true, _) => Self::MayBeLuck,
            (false, true) => Self::CostsTakeIt,
            (false, false) => Self::NoEdge,
        }
    }

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "beats random moments",
            Self::MayBeLuck => "may be luck",
            Self::MarketDidIt => "the market did it",
            Self::CostsTakeIt => "costs take it",
            Self::NoEdge => "no edge",
            Self::TooFew => "too few to say",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(mean: f64, net: f64, low: f64, p_deflated: f64, clusters: usize) -> Verdict {
        let is_one = clusters < 2;
        let summary = Summary {
            outcomes: clusters,
            clusters,
            mean: Some(mean),
            net_mean: Some(net),
            net_low: (!is_one).then_some(low),
            net_high: (!is_one).then_some(net + 0.01),
            p: (!is_one).then_some(p_deflated / 2.0),
            ..Summary::default()
        };
        Verdict::of(&summary, Some(0.01), Some(p_deflated))
    }

    #[test]
    fn a_claim_is_no_stronger_than_its_weakest_ground() {
        assert_eq!(verdict(0.03, 0.02, 0.01, 0.01, 40), Verdict::Holds);
        assert_eq!(verdict(0.03, 0.02, 0.01, 0.49, 40), Verdict::MayBeLuck, "so many trials");
        assert_eq!(verdict(0.03, 0.02, -0.01, 0.01, 40), Verdict::MayBeLuck, "an interval around 0");
        assert_eq!(verdict(0.015, 0.004, 0.001, 0.01, 40), Verdict::CostsTakeIt);
        assert_eq!(verdict(0.0, -0.011, -0.02, 0.01, 40), Verdict::NoEdge);
        assert_eq!(verdict(0.5, 0.4, 0.0, 0.01, 1), Verdict::TooFew);
    }

    #[test]
    fn what_the_benchmark_did_too_is_no_edge_of_the_rule() {
        let verdict = |adjusted: f64, adjusted_outcomes: usize| {
            let summary = Summary {
                outcomes: 40,
                clusters: 40,
                mean: Some(0.03),
                net_mean: Some(0.02),
                net_low: Some(0.015),
                net_high: Some(0.025),
                adjusted_mean: Some(adjusted),
                adjusted_outcomes,
                p: Some(0.001),
                ..Summary::default()
            };
            Verdict::of(&summary, Some(0.01), Some(0.001))
        };
        assert_eq!(verdict(0.029, 40), Verdict::Holds);
        assert_eq!(verdict(0.001, 40), Verdict::MarketDidIt);
        assert_eq!(verdict(0.001, 19), Verdict::Holds, "of most there is no telling");
    }
}
