//! Signals that came late: their return from the time of the post, and what was left of it on arrival.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use stoop_engine::{Missed, asset_key};
use stoop_model::Side;

use super::placebo::{DAY_NS, DAYS};
use crate::findings::{MissedSignal, Settings};
use crate::outcome::{Exclusion, Walk, by_side, enter};
use crate::prices::{Prices, Series};

/// Finds the series of each signal, in order of time; of one that is on two tapes, the first counts.
pub(super) fn assign(mut signals: Vec<Missed>, settings: &Settings, prices: &Prices) -> Vec<MissedSignal> {
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
        let delay_ms = delay_ms(&signal);
        MissedSignal { signal, delay_ms, search, from_post: None, from_seen: None, excluded }
    });
    assigned.collect()
}

fn delay_ms(signal: &Missed) -> Option<f64> {
    let created_ns = signal.created_ms?.checked_mul(1_000_000)?;
    Some(signal.decided_ns.checked_sub(created_ns)? as f64 / 1e6)
}

/// Follows the price over the main horizon, from the post and from when it was seen.
pub(super) fn measure(missed: &mut MissedSignal, series: &Series, latency_ns: i64, horizon_ms: i64) {
    let side = missed.signal.rule.side;
    let from = |at_ns: i64| -> Result<Decimal, Exclusion> {
        let place = enter(series, at_ns.saturating_add(latency_ns))?;
        let end = Walk::new(series, side, place).to(horizon_ms.saturating_mul(1_000_000))?;
        Ok(signed(end.gross, side))
    };
    let created_ns = missed.signal.created_ms.and_then(|ms| ms.checked_mul(1_000_000));
    // Prices from long before the decision are not in memory any more.
    let created_ns = created_ns.filter(|at_ns| *at_ns >= missed.signal.decided_ns - DAYS * DAY_NS);
    missed.from_post = created_ns.and_then(|at_ns| from(at_ns).ok());
    match from(missed.signal.decided_ns) {
        Ok(left) => missed.from_seen = Some(left),
        Err(why) => missed.excluded = Some(why),
    }
}

fn signed(gross: Decimal, side: Side) -> Decimal {
    let value = by_side(gross, side);
    // Minus zero would print as `-0`.
    if value.is_zero() { value.abs() } else { value }
}
