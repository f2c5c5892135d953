//! The placebo: the same rule at random moments.

use crate::average::{mean, quantile};
use crate::dice::Dice;
use crate::findings::{Band, Group};
use crate::outcome::Fill;
use crate::prices::Series;

/// Draws.
const DRAWS: usize = 1000;
/// Days to either side from which a draw is taken, so that it is of the same market.
pub(super) const DAYS: i64 = 30;
pub(super) const DAY_NS: i64 = 86_400_000_000_000;
const HALF_HOUR_NS: i64 = 1_800_000_000_000;
/// Tries for a moment at which something was traded.
const TRIES: usize = 8;
/// The most groups that draw. A group needs 16 bytes for each draw and horizon: 150 MB for all with nine horizons.
const DRAWING: usize = 1024;

/// Sums of draws for the first groups of a study, each over every horizon.
pub(super) struct Placebo {
    width: usize,
    groups: usize,
    /// Sum and count of each group, horizon and draw.
    sums: Vec<(f64, u32)>,
}

impl Placebo {
    pub(super) fn new(groups: usize, horizons: usize) -> Self {
        let groups = groups.min(DRAWING);
        Self { width: horizons, groups, sums: vec![(0.0, 0); groups * horizons * DRAWS] }
    }

    /// Draws for one event that has been entered; its outcomes count for some groups.
    ///
    /// A draw is a moment at the same time of another day, 30 days away at most, or half an hour to either side of
    /// it; of the same day if the series has no other. Outcomes of a cluster are moved by the same time: they saw the
    /// same prices, and moved one by one they would have a narrower band than a single observation has.
    ///
    /// `horizons` has the horizon and the start of the cluster of each outcome that the event has, by place.
    pub(super) fn add(
        &mut self,
        series: &Series,
        entry: Fill,
        sign: f64,
        horizons: &[Option<(i64, i64)>],
        groups: &[usize],
    ) {
        let groups: Vec<usize> = groups.iter().copied().filter(|group| *group < self.groups).collect();
        let mut drawn: Option<(i64, Vec<Option<usize>>)> = None;
        for (horizon, outcome) in horizons.iter().enumerate() {
            let Some((horizon_ns, cluster_ns)) = *outcome else { continue };
            // The longer the horizon, the earlier a cluster begins; most horizons share theirs with the one before.
            let places = match drawn.take() {
                Some((of_ns, places)) if of_ns == cluster_ns => places,
                Some(_) | None => moments(series, entry.at_ns, cluster_ns),
            };
            for (draw, place) in places.iter().enumerate() {
                let Some(place) = *place else { continue };
                // As strict as for real outcomes: a draw without a price in time is left out, not stretched.
                let Some(exit) = series.near(series.times[place] + horizon_ns) else { continue };
                let gross = sign * (series.rough[exit] / series.rough[place] - 1.0);
                for group in &groups {
                    let sum = &mut self.sums[(group * self.width + horizon) * DRAWS + draw];
                    sum.0 += gross;
                    // Counted per draw, since a draw may lack a price for some events.
                    sum.1 += 1;
                }
            }
            drawn = Some((cluster_ns, places));
        }
    }

    /// Gives each group that has drawn the band in which the means of its draws lie.
    pub(super) fn finish(self, groups: &mut [Group]) {
        for (place, group) in groups.iter_mut().take(self.groups).enumerate() {
            group.random_moments = Some((0..self.width).map(|horizon| self.band(place, horizon)).collect());
        }
    }

    fn band(&self, group: usize, horizon: usize) -> Option<Band> {
        let start = (group * self.width + horizon) * DRAWS;
        let sums = self.sums.get(start..start + DRAWS)?;
        let drawn = sums.iter().filter(|(_, count)| *count > 0);
        let mut means: Vec<f64> = drawn.map(|(sum, count)| sum / f64::from(*count)).collect();
        means.sort_by(f64::total_cmp);
        Some(Band { mean: mean(&means)?, low: quantile(&means, 0.025)?, high: quantile(&means, 0.975)? })
    }
}

/// The place of each draw for an entry. Each draw has dice of its own, the same for a whole cluster, and so moves its
/// members by the same time, unless that would leave the series or nothing was traded.
fn moments(series: &Series, entry_ns: i64, cluster_ns: i64) -> Vec<Option<usize>> {
    // Seeded by the cluster alone, so that neither other rules nor the order of decisions change a draw.
    let mut dice = Dice::new(&[b"placebo", &cluster_ns.to_be_bytes()]);
    let days = |from_ns: i64, to_ns: i64| ((to_ns - from_ns) / DAY_NS).clamp(0, DAYS);
    let (before, after) = (days(series.first_ns, entry_ns), days(entry_ns, series.last_ns));
    let most = days(series.first_ns, series.last_ns);
    let draw = |_| {
        // A fixed stream for each draw: retries of one must not shift the numbers of the next.
        let mut dice = dice.split();
        (0..TRIES).find_map(|_| {
            let day = dice.below(2 * most.unsigned_abs() + 1) as i64 - most;
            let shift_ns = dice.below(2 * HALF_HOUR_NS as u64 + 1) as i64 - HALF_HOUR_NS;
            // After the last day comes the first, so that in a short series each of the other days is as likely.
            let day = match day {
                day if day < -before => day + before + after + 1,
                day if day > after => day - before - after - 1,
                day => day,
            };
            let is_alone = before + after == 0;
            (is_alone || day != 0).then(|| series.near(entry_ns + day * DAY_NS + shift_ns))?
        })
    };
    (0..DRAWS).map(draw).collect()
}
