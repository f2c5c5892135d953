//! The study: decisions in, findings out. Of the prices, only the days around one decision on one series are in memory.

mod groups;
mod missed;
mod placebo;
mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use stoop_engine::Missed;
use stoop_model::{Decision, DecisionId, DecisionKind, Side};

use crate::findings::{Event, Findings, SeriesReport, Settings};
use crate::outcome::{Fill, Outcome, Walk, adjust, benchmark_at, enter, net};
use crate::prices::{Named, Need, PriceError, Prices, Series};
use crate::search::Search;
use placebo::{DAY_NS, DAYS, Placebo};

/// The main horizon where it is among those asked for, ms.
const MAIN_MS: i64 = 300_000;

/// Collects what a replay yields, then measures it.
#[derive(Debug, Default)]
pub struct Study {
    decisions: Vec<Decision>,
    missed: Vec<Missed>,
    recorded: recorded::Lines,
}

impl Study {
    /// Adds a decision, of any kind.
    pub fn add(&mut self, decision: &Decision) {
        self.decisions.push(decision.clone());
    }

    /// Adds a signal that a rule has missed.
    pub fn miss(&mut self, missed: &Missed) {
        self.missed.push(missed.clone());
    }

    /// Adds a decision that stands on a tape, for the latencies of the run that wrote it. It is not measured against
    /// prices.
    pub fn record(&mut self, decision: &Decision) {
        self.recorded.add(decision);
    }

    /// There is nothing to measure.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.missed.is_empty()
    }

    /// Measures what was added.
    pub fn measure(self, settings: Settings, prices: &Prices) -> Result<Findings, PriceError> {
        self.measure_with_progress(settings, prices, |_, _, _| {})
    }

    /// The same; `progress` is called before a series is read, with its name, its place from 1, and how many there are.
    pub fn measure_with_progress(
        self,
        mut settings: Settings,
        prices: &Prices,
        mut progress: impl FnMut(&str, usize, usize),
    ) -> Result<Findings, PriceError> {
        if let Some(name) = &mut settings.benchmark {
            // Before anything is read, so that a missing benchmark ends the study at once.
            let Named::One(series) = prices.find(name) else { return Err(prices.missing(name)) };
            series.clone_into(name);
        }
        let mut events = assign(self.decisions, &settings, prices);
        let mut findings = Findings {
            main_ms: main_ms(&settings.horizons_ms),
            groups: groups::group(&mut events),
            outcomes: (0..events.len())
                .flat_map(|event| {
                    settings.horizons_ms.iter().map(move |horizon_ms| blank(event, *horizon_ms))
                })
                .collect(),
            events,
            series: Vec::new(),
            missed: missed::assign(self.missed, &settings, prices),
            recorded: self.recorded.finish(),
            settings,
        };
        let mut placebo = Placebo::new(findings.groups.len(), findings.settings.horizons_ms.len());
        let by_series = waiting(&findings);
        let count = by_series.len();
        for (place, (name, mut waiting)) in (1..).zip(by_series) {
            progress(&name, place, count);
            // A series is read once, and rows before the current decision are forgotten.
            waiting.sort_by_key(|(decided_ns, _)| *decided_ns);
            let series = measure_on(&name, &waiting, &mut findings, &mut placebo, prices)?;
            findings.series.push(SeriesReport::new(name, &series));
        }
        placebo.finish(&mut findings.groups);
        // Last, so that only one series is in memory at a time.
        if let Some(name) = &findings.settings.benchmark {
            adjust_all(&findings.events, &mut findings.outcomes, name, prices)?;
        }
        for outcome in &mut findings.outcomes {
            // A reason of the outcome itself is more precise than that of its event.
            outcome.excluded = outcome.excluded.or(findings.events[outcome.event].excluded);
        }
        Ok(findings)
    }
}

fn main_ms(horizons_ms: &[i64]) -> i64 {
    let middle = horizons_ms.get(horizons_ms.len() / 2).copied().unwrap_or(MAIN_MS);
    if horizons_ms.contains(&MAIN_MS) { MAIN_MS } else { middle }
}

/// The decisions in order, each with the series it belongs to.
fn assign(mut decisions: Vec<Decision>, settings: &Settings, prices: &Prices) -> Vec<Event> {
    // By id within one moment, so that the tables do not depend on the order of the tapes.
    decisions.sort_by_key(|decision| (decision.decided_ns, decision.id, decision.revision));
    let mut opened: BTreeMap<DecisionId, Search> = BTreeMap::new();
    let mut counted: BTreeSet<DecisionId> = BTreeSet::new();
    let mut events: Vec<Event> = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let markets = decision.markets.iter().map(|on| on.market.as_str());
        let mut search = settings.names.search(&decision.rule.name, decision.asset.as_ref(), markets, prices);
        // A later step may name a contract without a series. It is still the decision of the open.
        let open = opened.get(&decision.id).filter(|open| open.found.is_some());
        if let Some(open) = open.filter(|_| search.found.is_none()) {
            search = open.clone();
        }
        opened.entry(decision.id).or_insert_with(|| search.clone());
        // A run that was killed decides its last lines again after the restart, and both are on tape.
        let counts = decision.kind == DecisionKind::Open && counted.insert(decision.id);
        let excluded = search.exclusion(decision.asset.as_ref());
        events.push(Event {
            decision,
            counts,
            groups: Vec::new(),
            search,
            entry: None,
            excluded,
            before: None,
            path: Vec::new(),
        });
    }
    events
}

fn blank(event: usize, horizon_ms: i64) -> Outcome {
    Outcome {
        event,
        horizon_ms,
        exit: None,
        gross: None,
        net: None,
        adjusted: None,
        mfe: None,
        mae: None,
        peak_ns: None,
        cluster_ns: None,
        excluded: None,
    }
}

/// An event or a missed signal, by its place, that is measured once the prices around it have been read.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Event(usize),
    Missed(usize),
}

/// The events and missed signals to measure on each series, with their times, ns.
fn waiting(findings: &Findings) -> BTreeMap<String, Vec<(i64, Waiting)>> {
    let events = findings.events.iter().enumerate();
    let events = events
        .map(|(place, event)| (event.search.series(), event.decision.decided_ns, Waiting::Event(place)));
    let missed = findings.missed.iter().enumerate();
    let missed = missed
        .map(|(place, missed)| (missed.search.series(), missed.signal.decided_ns, Waiting::Missed(place)));
    let mut by_series: BTreeMap<String, Vec<(i64, Waiting)>> = BTreeMap::new();
    for (series, decided_ns, waiting) in events.chain(missed) {
        if let Some(series) = series {
            by_series.entry(series.to_owned()).or_default().push((decided_ns, waiting));
        }
    }
    by_series
}

/// Reads a series once, and measures on the way what waits for it, which is in order of time. Returns what is left of
/// the series at its end.
fn measure_on(
    name: &str,
    waiting: &[(i64, Waiting)],
    findings: &mut Findings,
    placebo: &mut Placebo,
    prices: &Prices,
) -> Result<Series, PriceError> {
    let Findings { settings, main_ms, events, outcomes, missed, .. } = findings;
    let width = settings.horizons_ms.len();
    let mut next = waiting.iter().peekable();
    let mut clusters: Vec<Option<(i64, i64)>> = vec![None; width];
    prices.read(name, |series, until_ns| {
        while let Some((decided_ns, waiting)) = next.peek() {
            let need = need(*decided_ns, series.spacing_ns, settings);
            // Returning hands control back to the reader, which calls again once the rows are there.
            if need.to_ns > until_ns {
                return need;
            }
            next.next();
            match *waiting {
                Waiting::Event(place) => {
                    let (event, rows) =
                        (&mut events[place], &mut outcomes[place * width..(place + 1) * width]);
                    measure(event, rows, series, settings);
                    for (row, cluster) in rows.iter_mut().zip(&mut clusters) {
                        join(event, row, cluster);
                    }
                    draw(placebo, event, rows, series);
                }
                Waiting::Missed(place) => {
                    missed::measure(&mut missed[place], series, settings.latency_ns, *main_ms);
                }
            }
        }
        Need::NOTHING
    })
}

/// The stretch of a series on which what was decided at a time is measured, placebos included.
fn need(decided_ns: i64, spacing_ns: i64, settings: &Settings) -> Need {
    let longest_ms = settings.horizons_ms.iter().copied().max().unwrap_or_default();
    // Some rows to either side: entry, exit and the path are found some spacings off.
    let slack_ns = DAY_NS + 80 * step_ns(spacing_ns);
    let entry_ns = decided_ns.saturating_add(settings.latency_ns);
    let to_ns = entry_ns
        .saturating_add(DAYS * DAY_NS)
        .saturating_add(longest_ms.saturating_mul(1_000_000))
        .saturating_add(slack_ns);
    Need { from_ns: decided_ns.saturating_sub(DAYS * DAY_NS + slack_ns), to_ns }
}

/// Enters one event and follows it over each horizon.
fn measure(event: &mut Event, rows: &mut [Outcome], series: &Series, settings: &Settings) {
    let created_ns = event.decision.created_ms.and_then(|ms| ms.checked_mul(1_000_000));
    // Prices from long before the decision are not in memory any more.
    let created_ns = created_ns.filter(|at_ns| *at_ns >= event.decision.decided_ns - DAYS * DAY_NS);
    event.before = created_ns.and_then(|at_ns| series.known_at(at_ns));
    let place = match enter(series, event.decision.decided_ns.saturating_add(settings.latency_ns)) {
        Ok(place) => place,
        Err(why) => {
            event.excluded = Some(why);
            return;
        }
    };
    let entry = Fill { at_ns: series.times[place], price: series.opens[place] };
    event.entry = Some(entry);
    if event.counts {
        event.path = path(series, place);
    }
    let side = event.decision.rule.side;
    // By series and not by asset: slippage depends on the market that is traded.
    let costs = settings.costs.of(event.search.series().unwrap_or_default());
    let mut walk = Walk::new(series, side, place);
    for row in rows {
        let end = walk.to(row.horizon_ms * 1_000_000);
        match end.and_then(|end| Ok((net(end.gross, side, costs)?, end))) {
            Ok((net, end)) => {
                row.exit = Some(end.exit);
                row.gross = Some(end.gross);
                row.net = Some(net);
                row.mfe = Some(end.mfe);
                row.mae = Some(end.mae);
                row.peak_ns = Some(end.peak_ns);
            }
            Err(why) => row.excluded = Some(why),
        }
    }
}

/// The price from ten bars before a place to sixty after it.
fn path(series: &Series, place: usize) -> Vec<(f64, f64)> {
    let (at_ns, price) = (series.times[place], series.rough[place]);
    let step_ns = step_ns(series.spacing_ns);
    let at = |step: i64| {
        let found = series.near(at_ns + step * step_ns)?;
        Some((step as f64, (series.rough[found] / price - 1.0) * 100.0))
    };
    (-10..=60).filter_map(at).collect()
}

/// From one point of a path to the next: a bar, or a minute where bars are shorter.
fn step_ns(spacing_ns: i64) -> i64 {
    spacing_ns.max(60_000_000_000)
}

/// Subtracts the return of the benchmark from those that were measured.
fn adjust_all(
    events: &[Event],
    outcomes: &mut [Outcome],
    benchmark: &str,
    prices: &Prices,
) -> Result<(), PriceError> {
    let ends = |outcome: &Outcome| Some((events[outcome.event].entry?, outcome.exit?));
    let times: BTreeSet<i64> =
        outcomes.iter().filter_map(ends).flat_map(|(entry, exit)| [entry.at_ns, exit.at_ns]).collect();
    let mut waiting = times.into_iter().peekable();
    let mut known: BTreeMap<i64, Decimal> = BTreeMap::new();
    prices.read(benchmark, |series, until_ns| {
        while let Some(at_ns) = waiting.peek().copied() {
            let to_ns = at_ns.saturating_add(2 * series.spacing_ns);
            if to_ns > until_ns {
                return Need { from_ns: at_ns, to_ns };
            }
            waiting.next();
            known.extend(benchmark_at(series, at_ns).map(|price| (at_ns, price)));
        }
        Need::NOTHING
    })?;
    for outcome in outcomes {
        let Some((entry, exit)) = ends(outcome) else { continue };
        let at_both = known.get(&entry.at_ns).copied().zip(known.get(&exit.at_ns).copied());
        outcome.adjusted = at_both.and_then(|of| adjust((entry.price, exit.price), of));
    }
    Ok(())
}

/// Draws placebos for one event, over the horizons it has outcomes for.
fn draw(placebo: &mut Placebo, event: &Event, rows: &[Outcome], series: &Series) {
    // Only opens that count have statistics to be held against a band.
    let Some(entry) = event.entry.filter(|_| event.counts) else { return };
    let horizons = rows.iter().map(|row| Some((row.horizon_ms * 1_000_000, row.cluster_ns?)));
    let horizons: Vec<Option<(i64, i64)>> = horizons.collect();
    let sign = match event.decision.rule.side {
        Side::Buy | Side::Alert => 1.0,
        Side::Sell => -1.0,
    };
    placebo.add(series, entry, sign, &horizons, &event.groups);
}

/// Outcomes of one series and horizon whose windows overlap, directly or by way of others, are one cluster: they have
/// seen the same prices. They come in order of entry; `open` has the begin of the last cluster, and its end so far.
fn join(event: &Event, outcome: &mut Outcome, open: &mut Option<(i64, i64)>) {
    // Later steps have no cluster: they are the same observation as their open.
    let (Some(entry), Some(exit), true) = (event.entry, outcome.exit, event.counts) else { return };
    let first_ns = match *open {
        // An entry at the very end shares no price change with the cluster, so it begins another one.
        Some((first_ns, end_ns)) if entry.at_ns < end_ns => first_ns,
        Some(_) | None => entry.at_ns,
    };
    let end_ns = open.map_or(exit.at_ns, |(_, end_ns)| end_ns.max(exit.at_ns));
    *open = Some((first_ns, end_ns));
    outcome.cluster_ns = Some(first_ns);
}

#[cfg(test)]
mod tests;
