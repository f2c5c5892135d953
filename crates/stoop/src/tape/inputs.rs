//! What was recorded, opened: tapes with their own rules or with others, frames in JSONL with those given.

use std::path::PathBuf;

use stoop_engine::{RuleSet, RuleSetError};
use stoop_live::{Placement, ReplayOptions};
use stoop_tape::{Frames, InputError, Tapes, TapesError, is_tape};

use super::Follower;
use crate::Config;

/// Inputs that are ready to be replayed.
pub enum Inputs {
    /// JSONL, with the rules and bounds of a configuration.
    Frames {
        /// Read from the first on.
        frames: Frames,
        /// Compiled.
        rules: RuleSet,
        /// For [`replay`](crate::replay::replay).
        options: ReplayOptions,
        /// What the rules are from.
        config: Box<Config>,
    },
    /// Tapes, with an engine that has read nothing yet.
    Tapes {
        /// For [`replay_tapes`](super::replay_tapes).
        tapes: Tapes,
        /// It goes by the tapes' own configurations, or by the one that was given.
        follower: Box<Follower>,
    },
}

/// Why inputs cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputsError {
    /// One of them does not exist.
    #[error("cannot read {}: no such file or folder", .0.display())]
    Absent(PathBuf),
    /// Some are tapes and some are not.
    #[error("tapes and JSONL cannot be replayed as one input")]
    Mixed,
    /// JSONL was given without a configuration.
    #[error("which rules? only a tape has a configuration of its own")]
    NoConfig,
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] RuleSetError),
    /// Tapes cannot be read as one input.
    #[error(transparent)]
    Tapes(#[from] TapesError),
    /// JSONL cannot be read.
    #[error(transparent)]
    Frames(#[from] InputError),
}

impl Inputs {
    /// Opens files, folders of tapes, or stdin (`-`). Without a configuration tapes go by their own, and JSONL is
    /// refused.
    pub fn open(paths: &[PathBuf], config: Option<&Config>) -> Result<Self, InputsError> {
        // First, since a path that does not exist would be taken for JSONL.
        let is_absent = |path: &&PathBuf| path.as_os_str() != "-" && !path.exists();
        if let Some(absent) = paths.iter().find(is_absent) {
            return Err(InputsError::Absent(absent.clone()));
        }
        let tapes = paths.iter().filter(|path| is_tape(path)).count();
        if tapes > 0 && tapes < paths.len() {
            return Err(InputsError::Mixed);
        }
        let rules = config.map(Config::rules).transpose()?;
        if tapes > 0 {
            let follower = config.cloned().map(Follower::with_config).unwrap_or_default();
            return Ok(Self::Tapes { tapes: Tapes::open(paths)?, follower: Box::new(follower) });
        }
        let (Some(config), Some(rules)) = (config, rules) else { return Err(InputsError::NoConfig) };
        let options = ReplayOptions {
            // Unless a placement is asked for, the fastest: the decisions are the same.
            placement: config.placement.unwrap_or(Placement::Fused),
            bounds: config.bounds,
            ..ReplayOptions::default()
        };
        let frames = Frames::open(paths.iter().cloned(), config.bounds.limits)?;
        Ok(Self::Frames { frames, rules, options, config: Box::new(config.clone()) })
    }
}
