//! The study: decisions in, outcomes out; of prices, the days around one decision on one series are in memory.

pub(crate) mod missed;
pub(crate) mod placebo;
pub(crate) mod recorded;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use stoop_engine::Missed;
use stoop_model::{Decision, DecisionId, DecisionKind, Side};

use crate::outcome::{Costs, Exclusion, Fill, Outcome, Walk, adjust, benchmark_at, enter, net};
use crate::prices::{Holes, Layout, Named, Need, PriceError, Prices, Series};
use crate::search::{Search, SeriesNames};
use crate::statistics::{Groups, Statistics};
use missed::MissedSignal;
use placebo::{DAY_NS, DAYS, Placebo};
use recorded::{Lines, Recorded};

/// Horizons unless others are asked for, ms: 1 s, 5 s, 30 s, 1 m, 5 m, 15 m, 1 h, 4 h, 1 d.
pub const HORIZONS_MS: [i64; 9] =
    [1_000, 5_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

/// How to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the decision to the order at the exchange, ns.
    pub latency_ns: i64,
    /// From entry to exit, ms; ascending, above 0.
    pub horizons_ms: Vec<i64>,
    /// Series whose return is taken from the others'; none: returns are not adjusted.
    pub benchmark: Option<String>,
    /// What a trade costs.
    pub costs: Costs,
    /// Which asset or rule is measured on which series, where that does not follow from the asset.
    pub names: SeriesNames,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            latency_ns: 0,
            horizons_ms: HORIZONS_MS.to_vec(),
            benchmark: None,
            costs: Costs::default(),
            names: SeriesNames::default(),
        }
    }
}

/// Takes the decisions of a replay, then measures them.
#[derive(Debug, Default)]
pub struct Study {
    decisions: Vec<Decision>,
    missed: Vec<Missed>,
    recorded: Lines,
}

/// A decision and where it was entered.
#[derive(Clone, Debug)]
pub struct Event {
    /// The decision.
    pub decision: Decision,
    /// It is the first open of its id: later steps of a life are measured beside it and never counted.
    pub counts: bool,
    /// The series it belongs to, how that was found, or what was looked for.
    pub search: Search,
    /// Where it was entered.
    pub entry: Option<Fill>,
    /// Why it was not.
    pub excluded: Option<Exclusion>,
    /// The last price known when the post was made: what the market still had to move.
    pub before: Option<Decimal>,
    /// The price around the entry, for a picture: bars (for trades minutes) from the entry, and the change from its price in
    /// percent. Of opens only.
    pub path: Vec<(f64, f64)>,
}

/// What a series was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesReport {
    /// Its name.
    pub name: String,
    /// Bars or trades.
    pub layout: Layout,
    /// Length of a bar, ns; for trades one second.
    pub spacing_ns: i64,
    /// Bars or trades that traded.
    pub rows: u64,
    /// The first row, Unix ns.
    pub first_ns: i64,
    /// The last row, Unix ns.
    pub last_ns: i64,
    /// Where it has nothing.
    pub holes: Holes,
}

/// What came of a study.
#[derive(Clone, Debug)]
pub struct Findings {
    /// How it was measured.
    pub settings: Settings,
    /// In order of `decided_ns`, `id`, `revision`.
    pub events: Vec<Event>,
    /// In the order of the events, then by horizon.
    pub outcomes: Vec<Outcome>,
    /// The series that decisions belong to, by name.
    pub series: Vec<SeriesReport>,
    /// What the outcomes that count say.
    pub statistics: Statistics,
    /// Signals that came too late to be decisions, in order of time. They are no outcomes.
    pub missed: Vec<MissedSignal>,
    /// What the decisions on tapes took the run that wrote them.
    pub recorded: Recorded,
}

impl Study {
    /// Takes a decision, of any kind.
    pub fn add(&mut self, decision: &Decision) {
        self.decisions.push(decision.clone());
    }

    /// Takes a signal that a rule has missed.
    pub fn miss(&mut self, missed: &Missed) {
        self.missed.push(missed.clone());
    }

    /// Takes a decision that stands on a tape, for what it took the run that wrote it. It is not measured against prices.
    pub fn record(&mut self, decision: &Decision) {
        self.recorded.add(decision);
    }

    /// Nothing has come that could be measured.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.missed.is_empty()
    }

    /// Measures what has come.
    pub fn measure(self, settings: Settings, prices: &Prices) -> Result<Findings, PriceError> {
        self.measure_telling(settings, prices, |_, _, _| {})
    }

    /// The same; `each` is called before a series is read, with its name, its place from 1, and how many there are.
    pub fn measure_telling(
        self,
        mut settings: Settings,
        prices: &Prices,
        mut each: impl FnMut(&str, usize, usize),
    ) -> Result<Findings, PriceError> {
        if let Some(name) = &mut settings.benchmark {
            let Named::One(series) = prices.find(name) else { return Err(prices.missing(name)) };
            series.clone_into(name);
        }
        let mut events = assign(self.decisions, &settings, prices);
        let mut late = missed::assign(self.missed, &settings, prices);
        let mut by_series: BTreeMap<String, Vec<(i64, Waiting)>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate() {
            let Some(series) = event.search.series() else { continue };
            let of = by_series.entry(series.to_owned()).or_default();
            of.push((event.decision.decided_ns, Waiting::Event(place)));
        }
        for (place, missed) in late.iter().enumerate() {
            let Some(series) = missed.search.series() else { continue };
            let of = by_series.entry(series.to_owned()).or_default();
            of.push((missed.signal.decided_ns, Waiting::Missed(place)));
        }
        let mut outcomes: Vec<Outcome> = (0..events.len())
            .flat_map(|event| settings.horizons_ms.iter().map(move |horizon_ms| blank(event, *horizon_ms)))
            .collect();
        let width = settings.horizons_ms.len();
        let groups = Groups::new(&events);
        let mut placebo = Placebo::new(groups.with_placebo, width);
        let mut reports = Vec::new();
        let count = by_series.len();
        for (place, (name, mut waiting)) in (1..).zip(by_series) {
            each(&name, place, count);
            waiting.sort_by_key(|(decided_ns, _)| *decided_ns);
            let mut next = waiting.iter().peekable();
            let mut clusters: Vec<Option<(i64, i64)>> = vec![None; width];
            let series = prices.read(&name, |series, until_ns| {
                while let Some((decided_ns, of)) = next.peek() {
                    let need = need(*decided_ns, series.spacing_ns, &settings);
                    if need.to_ns > until_ns {
                        return need;
                    }
                    next.next();
                    match *of {
                        Waiting::Event(place) => {
                            let rows = &mut outcomes[place * width..(place + 1) * width];
                            measure(&mut events[place], rows, series, &settings);
                            for (row, cluster) in rows.iter_mut().zip(&mut clusters) {
                                join(&events[place], row, cluster);
                            }
                            draw(&mut placebo, &events[place], rows, series, &groups.drawing(place));
                        }
                        Waiting::Missed(place) => {
                            missed::measure(
                                &mut late[place],
                                series,
                                settings.latency_ns,
                                settings.main_ms(),
                            );
                        }
                    }
                }
                Need::NOTHING
            })?;
            reports.push(series.report(name));
        }
        if let Some(name) = &settings.benchmark {
            adjust_all(&events, &mut outcomes, name, prices)?;
        }
        for outcome in &mut outcomes {
            outcome.excluded = outcome.excluded.or(events[outcome.event].excluded);
        }
        let mut findings = Findings {
            settings,
            events,
            outcomes,
            series: reports,
            statistics: Statistics::default(),
            missed: late,
            recorded: self.recorded.finish(),
        };
        findings.statistics = Statistics::of(&findings, &groups, &placebo);
        Ok(findings)
    }
}

/// The decisions in order, each with the series it belongs to.
fn assign(mut decisions: Vec<Decision>, settings: &Settings, prices: &Prices) -> Vec<Event> {
    decisions.sort_by_key(|decision| (decision.decided_ns, decision.id, decision.revision));
    let mut opened: BTreeMap<DecisionId, Search> = BTreeMap::new();
    let mut counted: BTreeSet<DecisionId> = BTreeSet::new();
    let mut events: Vec<Event> = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let markets = decision.markets.iter().map(|on| on.market.as_str());
        let mut search = settings.names.search(&decision.rule.name, decision.asset.as_ref(), markets, prices);
        // What a later step names may be a contract that no series is known for: it is still the open's decision.
        let open = opened.get(&decision.id).filter(|open| open.found.is_some());
        if let Some(open) = open.filter(|_| search.found.is_none()) {
            search = open.clone();
        }
        opened.entry(decision.id).or_insert_with(|| search.clone());
        // A run that was killed decides its last lines again after the restart, and both are recorded.
        let counts = decision.kind == DecisionKind::Open && counted.insert(decision.id);
        let excluded = search.exclusion(decision.asset.as_ref());
        events.push(Event {
            decision,
            counts,
            search,
            entry: None,
            excluded,
            before: None,
            path: Vec::new(),
        });
    }
    events
}

impl Findings {
    /// The outcome of an event over one of the horizons asked for.
    pub fn outcome(&self, event: usize, horizon_ms: i64) -> Option<&Outcome> {
        let horizons = &self.settings.horizons_ms;
        let horizon = horizons.iter().position(|known| *known == horizon_ms)?;
        self.outcomes.get(event * horizons.len() + horizon)
    }
}

impl Series {
    fn report(&self, name: String) -> SeriesReport {
        SeriesReport {
            name,
            layout: self.layout,
            spacing_ns: self.spacing_ns,
            rows: self.traded,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            holes: self.holes.clone(),
        }
    }
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

/// What is measured once the prices around it have come, by its place.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Event(usize),
    Missed(usize),
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
    // Of a post from long before, no price is kept.
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

/// Takes the benchmark's return from those that were measured.
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
fn draw(placebo: &mut Placebo, event: &Event, rows: &[Outcome], series: &Series, groups: &[usize]) {
    let Some(entry) = event.entry.filter(|_| event.counts) else { return };
    let horizons = rows.iter().map(|row| Some((row.horizon_ms * 1_000_000, row.cluster_ns?)));
    let horizons: Vec<Option<(i64, i64)>> = horizons.collect();
    let sign = match event.decision.rule.side {
        Side::Buy | Side::Alert => 1.0,
        Side::Sell => -1.0,
    };
    placebo.add(series, entry, sign, &horizons, groups);
}

/// Outcomes of one series and horizon whose windows overlap, directly or by way of others, are one cluster: they have seen
/// the same prices. They come in order of entry; `open` has the begin of the last cluster, and its end so far.
fn join(event: &Event, outcome: &mut Outcome, open: &mut Option<(i64, i64)>) {
    let (Some(entry), Some(exit), true) = (event.entry, outcome.exit, event.counts) else { return };
    let first_ns = match *open {
        Some((first_ns, end_ns)) if entry.at_ns < end_ns => first_ns,
        Some(_) | None => entry.at_ns,
    };
    let end_ns = open.map_or(exit.at_ns, |(_, end_ns)| end_ns.max(exit.at_ns));
    *open = Some((first_ns, end_ns));
    outcome.cluster_ns = Some(first_ns);
}

#[cfg(test)]
mod tests;
