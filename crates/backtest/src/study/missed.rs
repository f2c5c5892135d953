//! Signals that came late: what they had been worth at the time of the post, and what was left of it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use stoop_engine::{Missed, asset_key};
use stoop_model::Side;

use crate::outcome::{Exclusion, Walk, by_side, enter};
use crate::prices::{Prices, Series};
use crate::search::Search;
use crate::statistics::{mean, quantile};
use crate::study::Settings;
use crate::study::placebo::{DAY_NS, DAYS};

/// A signal that history brought, to a rule that takes nothing late, and what the price did. It is no outcome: nobody could
/// have entered at the time of a post that was not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissedSignal {
    /// The rule, the post, and when history brought it.
    pub signal: Missed,
    /// The series it belongs to, how that was found, or what was looked for.
    pub search: Search,
    /// By side over the main horizon, before costs, from the time of the post: what was missed.
    pub from_post: Option<Decimal>,
    /// The same from the time at which history brought it: what was left.
    pub from_seen: Option<Decimal>,
    /// Why there is no `from_seen`.
    pub excluded: Option<Exclusion>,
}

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

impl MissedSignal {
    /// From the post to when history brought it, ms; none if nobody knows when the post was made.
    pub fn delay_ms(&self) -> Option<f64> {
        let created_ns = self.signal.created_ms?.checked_mul(1_000_000)?;
        Some(self.signal.decided_ns.checked_sub(created_ns)? as f64 / 1e6)
    }

    /// A return as a number.
    pub(crate) fn share(value: Option<Decimal>) -> Option<f64> {
        value.and_then(|value| value.to_f64())
    }
}

/// Finds the series of each signal, in order of time; of one that is told twice, as by two tapes, the first counts.
pub(crate) fn assign(mut signals: Vec<Missed>, settings: &Settings, prices: &Prices) -> Vec<MissedSignal> {
    let key = |signal: &Missed| {
        let tweet = (signal.platform.as_str().to_owned(), signal.tweet_id.to_string());
        (signal.rule.name.clone(), tweet, asset_key(signal.asset.as_ref()))
    };
    signals.sort_by_cached_key(|signal| (signal.decided_ns, key(signal)));
    let mut known = BTreeSet::new();
    signals.retain(|signal| known.insert(key(signal)));
    let assigned = signals.into_iter().map(|signal| {
        let search = settings.names.search(&signal.rule.name, signal.asset.as_ref(), [], prices);
        let excluded = search.exclusion(signal.asset.as_ref());
        MissedSignal { signal, search, from_post: None, from_seen: None, excluded }
    });
    assigned.collect()
}

/// Follows the price over the main horizon, from the post and from when it was seen.
pub(crate) fn measure(missed: &mut MissedSignal, series: &Series, latency_ns: i64, horizon_ms: i64) {
    let side = missed.signal.rule.side;
    let from = |at_ns: i64| -> Result<Decimal, Exclusion> {
        let place = enter(series, at_ns.saturating_add(latency_ns))?;
        let end = Walk::new(series, side, place).to(horizon_ms.saturating_mul(1_000_000))?;
        Ok(signed(end.gross, side))
    };
    let created_ns = missed.signal.created_ms.and_then(|ms| ms.checked_mul(1_000_000));
    // Of a post from long before, no price is kept.
    let created_ns = created_ns.filter(|at_ns| *at_ns >= missed.signal.decided_ns - DAYS * DAY_NS);
    missed.from_post = created_ns.and_then(|at_ns| from(at_ns).ok());
    match from(missed.signal.decided_ns) {
        Ok(left) => missed.from_seen = Some(left),
        Err(why) => missed.excluded = Some(why),
    }
}

fn signed(gross: Decimal, side: Side) -> Decimal {
    let value = by_side(gross, side);
    if value.is_zero() { value.abs() } else { value }
}

/// Sums up by rule.
pub(crate) fn rows(missed: &[MissedSignal]) -> Vec<MissedRow> {
    let mut rules: BTreeMap<&str, Vec<&MissedSignal>> = BTreeMap::new();
    for signal in missed {
        rules.entry(&signal.signal.rule.name).or_default().push(signal);
    }
    let row = |(rule, signals): (&str, Vec<&MissedSignal>)| {
        let mut delays: Vec<f64> = signals.iter().filter_map(|signal| signal.delay_ms()).collect();
        delays.sort_by(f64::total_cmp);
        let priced = signals.iter().filter_map(|signal| {
            Some((MissedSignal::share(signal.from_post)?, MissedSignal::share(signal.from_seen)?))
        });
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
