//! What a study has found, as plain data. Statistics, tables, summary and report read it; nothing here computes.

use rust_decimal::Decimal;
use serde::Serialize;
use stoop_engine::Missed;
use stoop_latency::Row;
use stoop_model::Decision;

use crate::outcome::{Costs, Exclusion, Fill, Outcome};
use crate::prices::{Holes, Layout, Series};
use crate::search::{Search, SeriesNames};

/// The horizons that are measured by default, ms: 1 s, 5 s, 30 s, 1 m, 5 m, 15 m, 1 h, 4 h, 1 d.
pub const HORIZONS_MS: [i64; 9] =
    [1_000, 5_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000, 86_400_000];

/// How to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the decision to the order at the exchange, ns.
    pub latency_ns: i64,
    /// From entry to exit, ms; ascending, above 0.
    pub horizons_ms: Vec<i64>,
    /// Series whose return is subtracted from the others'; without one, returns are not adjusted.
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

/// The findings of a study.
#[derive(Clone, Debug)]
pub struct Findings {
    /// How it was measured.
    pub settings: Settings,
    /// The horizon that is shown where there is room for only one, ms: five minutes, or the middle one of the settings.
    pub main_ms: i64,
    /// In order of `decided_ns`, `id`, `revision`.
    pub events: Vec<Event>,
    /// In the order of the events, then by horizon.
    pub outcomes: Vec<Outcome>,
    /// Groups of the events that count. [`Event::groups`] points into it.
    pub groups: Vec<Group>,
    /// The series that decisions belong to, by name.
    pub series: Vec<SeriesReport>,
    /// Signals that came too late to be decisions, in order of time. They have no outcomes.
    pub missed: Vec<MissedSignal>,
    /// Latencies of the decisions on tapes.
    pub recorded: Recorded,
}

/// A decision and where it was entered.
#[derive(Clone, Debug)]
pub struct Event {
    /// The decision.
    pub decision: Decision,
    /// It is the first open of its id: later steps of a life are measured beside it and never counted.
    pub counts: bool,
    /// The groups it is in, as places in [`Findings::groups`]; none unless it counts.
    pub groups: Vec<usize>,
    /// The series it belongs to, how that was found, or what was looked for.
    pub search: Search,
    /// Where it was entered.
    pub entry: Option<Fill>,
    /// Why it was not.
    pub excluded: Option<Exclusion>,
    /// The last price known when the post was made: what the market still had to move.
    pub before: Option<Decimal>,
    /// The price around the entry, for a picture: bars (for trades minutes) from the entry, and the change from its
    /// price in percent. Of opens only.
    pub path: Vec<(f64, f64)>,
}

/// Decisions of a rule that have something in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The rule.
    pub rule: String,
    /// What its decisions are grouped by.
    pub by: Dimension,
    /// The value they share.
    pub value: String,
    /// What the rule would have earned at random moments, before costs, for each horizon that had any. `None` for
    /// groups beyond the first 1,024, for which none are drawn.
    pub random_moments: Option<Vec<Option<Band>>>,
}

/// What decisions of a rule are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// By nothing: all decisions of the rule are one group.
    All,
    /// Post, quote, reply …
    TweetKind,
    /// The basis of the open.
    Basis,
    /// The evidence for the asset.
    Evidence,
    /// Class of asset.
    AssetClass,
    /// Hour of the day, UTC.
    Hour,
    /// Handle.
    Author,
}

/// The means of the draws of random moments: returns as fractions, before costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Their mean.
    pub mean: f64,
    /// 95 % of them lie above this …
    pub low: f64,
    /// … and below this.
    pub high: f64,
}

/// A series of prices, as it was read.
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

impl SeriesReport {
    pub(crate) fn new(name: String, series: &Series) -> Self {
        Self {
            name,
            layout: series.layout,
            spacing_ns: series.spacing_ns,
            rows: series.traded,
            first_ns: series.first_ns,
            last_ns: series.last_ns,
            holes: series.holes.clone(),
        }
    }
}

/// A signal that history brought to a rule without `allow_late`, and what the price did. It has no outcome: you
/// could not have entered at the time of a post that had not arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct MissedSignal {
    /// The rule, the post, and when history brought it.
    pub signal: Missed,
    /// From the post to when history brought it, ms; `None` if the time of the post is unknown.
    pub delay_ms: Option<f64>,
    /// The series it belongs to, how that was found, or what was looked for.
    pub search: Search,
    /// Return by side over the main horizon, before costs, from the time of the post: what was missed.
    pub from_post: Option<Decimal>,
    /// The same from the time at which history brought it: what was left.
    pub from_seen: Option<Decimal>,
    /// Why there is no `from_seen`.
    pub excluded: Option<Exclusion>,
}

/// Latencies of the decisions on tapes, as the run that wrote them measured them. A replay measures none, so they say
/// nothing of rules that the run did not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Decision lines on the tapes.
    pub lines: u64,
    /// Of these, without latency: no live run has written them.
    pub unmeasured: u64,
    /// Made by a deadline or a command, not by a frame: they have no stages.
    pub untriggered: u64,
    /// On posts that history brought: their way says nothing about the feed.
    pub late: u64,
    /// The stages that have values, in the order of [`stoop_latency::Stage::ALL`]: `decode`, `merge`, `signal` and
    /// `recv→decided` of each line; the others once for each tweet that was opened on by its content.
    pub stages: Vec<RecordedStage>,
}

/// What one stage took in the run that recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStage {
    /// As summary and report call it. A decision line ends with the decision, where the table of a run goes on to the
    /// queue; so `recv→queued` is `recv→decided` here.
    pub name: &'static str,
    /// Its percentiles.
    pub row: Row,
}
