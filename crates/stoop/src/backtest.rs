//! Decisions against prices: a replay whose decisions are measured, for one set of rules or for many.
//!
//! [`replay`] puts recorded inputs through the engine and collects what it decides; [`Replayed::measure`] holds that
//! against [`Prices`]. `stoop backtest` calls the same two. A parameter sweep calls them once for each value:
//!
//! ```no_run
//! use stoop::Config;
//! use stoop::backtest::{Prices, Settings, replay};
//! use stoop::tape::Inputs;
//!
//! let prices = Prices::open("prices".as_ref())?;
//! for settle in ["1s", "3s", "10s"] {
//!     let rule = format!("[[rule]]\nname = \"token\"\nassets = {{ tokens = true }}\nsettle = \"{settle}\"");
//!     let config = Config::parse("sweep", &rule)?;
//!     let inputs = Inputs::open(&["recorded".into()], Some(&config))?;
//!     let replayed = replay(inputs, |_| std::ops::ControlFlow::Continue(()))?;
//!     let findings = replayed.measure(Settings::default(), &prices, |_| {})?;
//!     println!("{settle}: {} outcomes", findings.outcomes.len());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::ops::ControlFlow;
use std::path::PathBuf;

pub use stoop_backtest::*;
use stoop_live::ReplayError;
use stoop_model::Decision;
use stoop_tape::{Damage, TapeConfig, read_decision};

use crate::tape::{Inputs, TapeReplayError, TapeReplayOptions, TapeStep, replay_tapes};

/// What a replay came to, ready to be measured.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Everything that was decided, missed, and recorded by the run that wrote a tape.
    pub study: Study,
    /// Counters and digest.
    pub summary: stoop_live::Summary,
    /// Configurations that were in force, without a key.
    pub configs: Vec<TapeConfig>,
    /// Which series a rule or an asset is measured on: `[series]` of these configurations, the last for one key.
    pub series: SeriesNames,
    /// Tapes that end early, and where.
    pub damaged: Vec<(PathBuf, Damage)>,
    /// Inputs and decisions that the recorder had no room for.
    pub dropped: u64,
    /// Recorded decisions that this version cannot read; their latencies are left out.
    pub unreadable: u64,
}

/// Why inputs could not be replayed to their end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BacktestError {
    /// JSONL could not.
    #[error(transparent)]
    Frames(#[from] ReplayError),
    /// Tapes could not.
    #[error(transparent)]
    Tapes(#[from] TapeReplayError),
}

/// Replays inputs; `each` is called with every decision in order and may end the replay.
pub fn replay(
    inputs: Inputs,
    mut each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Replayed, BacktestError> {
    let mut replayed = Replayed::default();
    let study = &mut replayed.study;
    match inputs {
        Inputs::Frames { frames, rules, options, config } => {
            replayed.summary = crate::replay::replay(rules, frames, options, |decision| {
                study.add(decision);
                each(decision)
            })?;
            replayed.series = SeriesNames::new(config.series.clone());
            replayed.configs.push(config.to_tape());
        }
        Inputs::Tapes { tapes, mut follower } => {
            let unreadable = &mut replayed.unreadable;
            let step = |step: TapeStep<'_>| match step {
                TapeStep::Decided(decision) => {
                    study.add(decision);
                    each(decision)
                }
                TapeStep::Missed(missed) => {
                    study.miss(missed);
                    ControlFlow::Continue(())
                }
                TapeStep::Recorded(line) => {
                    match read_decision(line) {
                        Ok(decision) => study.record(&decision),
                        Err(_) => *unreadable += 1,
                    }
                    ControlFlow::Continue(())
                }
            };
            let tapes = replay_tapes(tapes, &mut follower, TapeReplayOptions::default(), step)?;
            replayed.summary = tapes.summary;
            replayed.damaged = tapes.damaged;
            replayed.dropped = tapes.dropped;
            replayed.series = SeriesNames::new(follower.series().clone());
            replayed.configs.extend_from_slice(follower.configs());
        }
    }
    Ok(replayed)
}

/// How far a measurement has come: a series is about to be read.
#[derive(Clone, Copy, Debug)]
pub struct Measuring<'a> {
    /// Its name.
    pub series: &'a str,
    /// Its place, from 1.
    pub place: usize,
    /// How many there are.
    pub count: usize,
}

impl Replayed {
    /// Measures what was decided; `each` is told of every series before it is read. The series named by the
    /// configurations stand in the place of those in the settings.
    pub fn measure(
        self,
        settings: Settings,
        prices: &Prices,
        mut each: impl FnMut(Measuring<'_>),
    ) -> Result<Findings, PriceError> {
        let settings = Settings { names: self.series, ..settings };
        self.study.measure_with_progress(settings, prices, |series, place, count| {
            each(Measuring { series, place, count });
        })
    }
}
