//! The placebo: the same rule at moments when nobody posted.

use super::{Dice, quantile};
use crate::outcome::Fill;
use crate::prices::Series;

/// Draws.
pub(crate) const DRAWS: usize = 1000;
/// Days to either side from which a draw is taken, so that it is of the same market.
pub(crate) const DAYS: i64 = 30;
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;
const HALF_HOUR_NS: i64 = 1_800_000_000_000;
/// Tries for a moment at which something was traded.
const TRIES: usize = 8;

/// Sums of draws for groups of outcomes, each over every horizon.
pub(crate) struct Placebo {
    width: usize,
    /// Sum and count of each group, horizon and draw.
    sums: Vec<(f64, u32)>,
}

/// What random moments would have come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Band {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Placebo {
    pub(crate) fn new(groups: usize, horizons: usize) -> Self {
        Self { width: horizons, sums: vec![(0.0, 0); groups * horizons * DRAWS] }
    }

    /// Draws for one event that has been entered; its outcomes count for some groups.
    ///
    /// A draw is a moment at the same time of another day, 30 days away at most, or half an hour to either side of it; of the
    /// same day if the series has no other.
    pub(crate) fn add(
        &mut self,
        series: &Series,
        entry: Fill,
        sign: f64,
        horizons_ns: &[Option<i64>],
        groups: &[usize],
        purpose: &[&[u8]],
    ) {
        let mut dice = Dice::new(purpose);
        let before = ((entry.at_ns - series.first_ns) / DAY_NS).clamp(0, DAYS);
        let after = ((series.last_ns - entry.at_ns) / DAY_NS).clamp(0, DAYS);
        for draw in 0..DRAWS {
            let found = (0..TRIES).find_map(|_| {
                let day = match before + after {
                    0 => 0,
                    days => {
                        let day = dice.below(days.unsigned_abs()) as i64 - before;
                        if day < 0 { day } else { day + 1 }
                    }
                };
                let shift_ns = dice.below(2 * HALF_HOUR_NS as u64 + 1) as i64 - HALF_HOUR_NS;
                series.near(entry.at_ns + day * DAY_NS + shift_ns)
            });
            let Some(place) = found else { continue };
            let (at_ns, price) = (series.times[place], series.rough[place]);
            for (horizon, horizon_ns) in horizons_ns.iter().enumerate() {
                let Some(exit) = horizon_ns.and_then(|horizon_ns| series.near(at_ns + horizon_ns)) else {
                    continue;
                };
                let gross = sign * (series.rough[exit] / price - 1.0);
                for group in groups {
                    let sum = &mut self.sums[(group * self.width + horizon) * DRAWS + draw];
                    sum.0 += gross;
                    sum.1 += 1;
                }
            }
        }
    }

    /// Where 95 % of the draws' means lie, before costs.
    pub(crate) fn band(&self, group: usize, horizon: usize) -> Option<Band> {
        let start = (group * self.width + horizon) * DRAWS;
        let sums = self.sums.get(start..start + DRAWS)?;
        let drawn = sums.iter().filter(|(_, count)| *count > 0);
        let mut means: Vec<f64> = drawn.map(|(sum, count)| sum / f64::from(*count)).collect();
        means.sort_by(f64::total_cmp);
        Some(Band {
            mean: super::mean(&means)?,
            low: quantile(&means, 0.025)?,
            high: quantile(&means, 0.975)?,
        })
    }
}
