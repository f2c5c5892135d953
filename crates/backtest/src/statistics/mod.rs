//! Statistics that do not flatter: what outcomes say of a rule, and how much of it is luck.

mod enrichment;
mod groups;
mod missed;
mod moves;
mod sample;
mod scoreboard;
mod trials;
mod verdict;

pub use enrichment::{Delay, EnrichmentRow};
pub use groups::GroupRow;
pub use missed::MissedRow;
pub use moves::MoveRow;
pub use sample::Summary;
pub use scoreboard::{AuthorRow, Scoreboard};
pub use trials::{Trials, TrialsError};
pub(crate) use verdict::RARE;
pub use verdict::Verdict;

use serde::Serialize;

use crate::findings::Findings;

/// The statistics of the outcomes that count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// [`Findings::main_ms`], the horizon of everything below that has only one.
    pub main_ms: i64,
    /// Trials on these inputs, this study among them; 0: they were not counted.
    pub trials: usize,
    /// Groups of outcomes over every horizon.
    pub groups: Vec<GroupRow>,
    /// How much of each rule's move was over before the entry.
    pub moves: Vec<MoveRow>,
    /// Authors.
    pub scoreboard: Scoreboard,
    /// The gain and the cost of acting before the enrichment.
    pub enrichment: Vec<EnrichmentRow>,
    /// How long the enrichment took, by author.
    pub delays: Vec<Delay>,
    /// Signals that came late, by rule; they count nowhere else.
    pub missed: Vec<MissedRow>,
}

impl Statistics {
    /// Sums up. `trials` is how many there were on these inputs, this study among them ([`Trials::count`]): each
    /// chance is deflated by that. With 0 they are left as they are.
    pub fn of(findings: &Findings, trials: usize) -> Self {
        let (enrichment, delays) = enrichment::enrichment(findings);
        Self {
            main_ms: findings.main_ms,
            trials,
            groups: groups::rows(findings, trials),
            moves: moves::moves(findings),
            scoreboard: scoreboard::scoreboard(findings),
            enrichment,
            delays,
            missed: missed::rows(findings),
        }
    }
}
