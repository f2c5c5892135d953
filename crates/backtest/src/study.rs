//! The study: decisions in, outcomes out, one series of prices in memory at a time.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use stoop_model::{Decision, DecisionId, DecisionKind, Side};

use crate::assign::SeriesNames;
use crate::outcome::{Costs, Exclusion, Fill, Outcome, Walk, adjust, enter, net};
use crate::prices::{Holes, Layout, PriceError, Prices, Series};
use crate::statistics::{Groups, Placebo, Statistics};

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
}

/// A decision and where it was entered.
#[derive(Clone, Debug)]
pub struct Event {
    /// The decision.
    pub decision: Decision,
    /// It is the first open of its id: later steps of a life are measured beside it and never counted.
    pub counts: bool,
    /// The series it belongs to, whether there are prices of it or not.
    pub series: Option<String>,
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
}

impl Study {
    /// Takes a decision, of any kind.
    pub fn add(&mut self, decision: &Decision) {
        self.decisions.push(decision.clone());
    }

    /// No decision has come.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    /// Measures what has come.
    pub fn measure(mut self, settings: Settings, prices: &Prices) -> Result<Findings, PriceError> {
        let benchmark = settings.benchmark.as_deref().map(|name| prices.load(name)).transpose()?;
        self.decisions.sort_by_key(|decision| (decision.decided_ns, decision.id, decision.revision));
        let mut opened: BTreeMap<DecisionId, Option<String>> = BTreeMap::new();
        let mut counted: BTreeSet<DecisionId> = BTreeSet::new();
        let mut events: Vec<Event> = Vec::with_capacity(self.decisions.len());
        for decision in self.decisions {
            let named = settings.names.of(&decision);
            // What a later step names may be a contract that no series is known for: it is still the open's decision.
            let series = named.or_else(|| opened.get(&decision.id).cloned().flatten());
            opened.entry(decision.id).or_insert_with(|| series.clone());
            // A run that was killed decides its last lines again after the restart, and both are recorded.
            let counts = decision.kind == DecisionKind::Open && counted.insert(decision.id);
            events.push(assign(decision, counts, series, prices));
        }
        let mut by_series: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, event) in events.iter().enumerate().filter(|(_, event)| event.excluded.is_none()) {
            by_series.entry(event.series.clone().unwrap_or_default()).or_default().push(place);
        }
        let mut outcomes: Vec<Outcome> = (0..events.len())
            .flat_map(|event| settings.horizons_ms.iter().map(move |horizon_ms| blank(event, *horizon_ms)))
            .collect();
        let width = settings.horizons_ms.len();
        let groups = Groups::new(&events);
        let mut placebo = Placebo::new(groups.with_placebo, width);
        let mut reports = Vec::new();
        for (name, places) in by_series {
            let series = prices.load(&name)?;
            for place in &places {
                let rows = &mut outcomes[place * width..(place + 1) * width];
                measure(&mut events[*place], rows, &series, benchmark.as_ref(), &settings);
            }
            for horizon in 0..width {
                cluster(&events, &mut outcomes, places.iter().map(|place| place * width + horizon));
            }
            for place in &places {
                let rows = &outcomes[place * width..(place + 1) * width];
                draw(&mut placebo, &events[*place], rows, &series, &groups.drawing(*place));
            }
            reports.push(series.report(name));
        }
        for outcome in &mut outcomes {
            outcome.excluded = outcome.excluded.or(events[outcome.event].excluded);
        }
        let mut findings =
            Findings { settings, events, outcomes, series: reports, statistics: Statistics::default() };
        findings.statistics = Statistics::of(&findings, &groups, &placebo);
        Ok(findings)
    }
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
            rows: self.times.len() as u64,
            first_ns: self.first_ns,
            last_ns: self.last_ns,
            holes: self.holes.clone(),
        }
    }
}

fn assign(decision: Decision, counts: bool, series: Option<String>, prices: &Prices) -> Event {
    let excluded = match &series {
        Some(series) if prices.has(series) => None,
        None if decision.asset.is_none() => Some(Exclusion::NoAsset),
        Some(_) | None => Some(Exclusion::NoSeries),
    };
    Event { decision, counts, series, entry: None, excluded, before: None, path: Vec::new() }
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

/// Enters one event and follows it over each horizon.
fn measure(
    event: &mut Event,
    rows: &mut [Outcome],
    series: &Series,
    benchmark: Option<&Series>,
    settings: &Settings,
) {
    let created_ns = event.decision.created_ms.and_then(|ms| ms.checked_mul(1_000_000));
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
    let costs = settings.costs.of(event.series.as_deref().unwrap_or_default());
    let mut walk = Walk::new(series, side, place);
    for row in rows {
        let end = walk.to(row.horizon_ms * 1_000_000);
        match end.and_then(|end| Ok((net(end.gross, side, costs)?, end))) {
            Ok((net, end)) => {
                row.exit = Some(end.exit);
                row.gross = Some(end.gross);
                row.net = Some(net);
                row.adjusted = benchmark.and_then(|benchmark| adjust(entry, end.exit, benchmark));
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
    let step_ns = series.spacing_ns.max(60_000_000_000);
    let at = |step: i64| {
        let found = series.near(at_ns + step * step_ns)?;
        Some((step as f64, (series.rough[found] / price - 1.0) * 100.0))
    };
    (-10..=60).filter_map(at).collect()
}

/// Draws placebos for one event, over the horizons it has outcomes for.
fn draw(placebo: &mut Placebo, event: &Event, rows: &[Outcome], series: &Series, groups: &[usize]) {
    let Some(entry) = event.entry.filter(|_| event.counts) else { return };
    let horizons_ns: Vec<Option<i64>> =
        rows.iter().map(|row| row.gross.map(|_| row.horizon_ms * 1_000_000)).collect();
    let sign = match event.decision.rule.side {
        Side::Buy | Side::Alert => 1.0,
        Side::Sell => -1.0,
    };
    placebo.add(series, entry, sign, &horizons_ns, groups, &[b"placebo", &event.decision.id.0]);
}

/// Outcomes of one series and horizon whose windows overlap, directly or by way of others, are one cluster: they have seen
/// the same prices. `rows` are in order of entry.
fn cluster(events: &[Event], outcomes: &mut [Outcome], rows: impl Iterator<Item = usize>) {
    let mut open: Option<(i64, i64)> = None;
    for row in rows {
        let outcome = &mut outcomes[row];
        let event = &events[outcome.event];
        let (Some(entry), Some(exit), true) = (event.entry, outcome.exit, event.counts) else { continue };
        let first_ns = match open {
            Some((first_ns, end_ns)) if entry.at_ns < end_ns => first_ns,
            Some(_) | None => entry.at_ns,
        };
        let end_ns = open.map_or(exit.at_ns, |(_, end_ns)| end_ns.max(exit.at_ns));
        open = Some((first_ns, end_ns));
        outcome.cluster_ns = Some(first_ns);
    }
}

#[cfg(test)]
mod tests;
