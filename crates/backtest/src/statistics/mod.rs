//! Statistics that do not flatter: what outcomes say of a rule, and how much of it is luck.

mod enrichment;
mod groups;
mod moves;
mod sample;
mod scoreboard;
mod trials;
mod verdict;

pub use enrichment::{Delay, EnrichmentRow};
pub(crate) use groups::Groups;
pub use groups::{Dimension, GroupRow};
pub use moves::MoveRow;
pub use sample::Summary;
pub use scoreboard::{AuthorRow, Scoreboard};
pub use trials::{Trials, TrialsError};
pub(crate) use verdict::RARE;
pub use verdict::Verdict;

use crate::study::missed::MissedRow;
use crate::study::placebo::Placebo;
use crate::study::{Findings, Settings};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The horizon that tables show where there is room for one, ms, if it is asked for.
const MAIN_MS: i64 = 300_000;

/// What the outcomes that count say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// The horizon of what is told for one only, ms: five minutes, or the middle one of those asked for.
    pub main_ms: i64,
    /// Trials on these inputs, this study among them; 0 until [`Findings::deflate`] has been told.
    pub trials: usize,
    /// Groups of outcomes over every horizon.
    pub groups: Vec<GroupRow>,
    /// How much of each rule's move was over before the entry.
    pub moves: Vec<MoveRow>,
    /// Authors.
    pub scoreboard: Scoreboard,
    /// What acting before the enrichment gained and cost.
    pub enrichment: Vec<EnrichmentRow>,
    /// How long the enrichment took, by author.
    pub delays: Vec<Delay>,
    /// Signals that came late, by rule; they count nowhere else.
    pub missed: Vec<MissedRow>,
}

impl Statistics {
    pub(crate) fn of(findings: &Findings, groups: &Groups, placebo: &Placebo) -> Self {
        let main_ms = findings.settings.main_ms();
        let (enrichment, delays) = enrichment::enrichment(findings, main_ms);
        Self {
            main_ms,
            trials: 0,
            groups: groups::rows(findings, groups, placebo),
            moves: moves::moves(findings, main_ms),
            scoreboard: scoreboard::scoreboard(findings, main_ms),
            enrichment,
            delays,
            missed: crate::study::missed::rows(&findings.missed),
        }
    }
}

impl Settings {
    pub(crate) fn main_ms(&self) -> i64 {
        let middle = self.horizons_ms.get(self.horizons_ms.len() / 2).copied().unwrap_or(MAIN_MS);
        if self.horizons_ms.contains(&MAIN_MS) { MAIN_MS } else { middle }
    }
}

impl Findings {
    /// Takes each chance down for what was tried on these inputs, this study included.
    pub fn deflate(&mut self, trials: &mut Trials, inputs: &str) {
        for event in self.events.iter().filter(|event| event.counts) {
            for horizon_ms in &self.settings.horizons_ms {
                trials.add(inputs, event.decision.rule.hash, self.settings.latency_ns, *horizon_ms);
            }
        }
        let count = trials.count(inputs);
        self.statistics.trials = count;
        for row in &mut self.statistics.groups {
            row.p_deflated = row.summary.p.map(|p| trials::deflated(p, count));
            row.verdict = row.verdict.map(|_| Verdict::of(row));
        }
    }
}

/// Random numbers that depend on nothing but what they are for.
pub(crate) struct Dice(Pcg64Mcg);

impl Dice {
    pub(crate) fn new(purpose: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in purpose {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        Self(Pcg64Mcg::new(u128::from_be_bytes(std::array::from_fn(|index| digest[index]))))
    }

    /// Dice of their own, whose throws are none of these.
    pub(crate) fn split(&mut self) -> Self {
        let (high, low) = (self.0.next_u64(), self.0.next_u64());
        Self(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
    }

    /// A number below `limit`, which is above 0. Its bias is below one in 2^32 for the small limits asked for here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(limit)) >> 64) as u64
    }
}

/// The value that a share of sorted values is not above, between neighbours in proportion.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share * last as f64;
    let below = place.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(low + (high - low) * (place - below as f64))
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}
