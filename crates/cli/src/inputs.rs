//! What was recorded, opened and replayed: tapes with their own rules or with others, frames in JSONL with those given.

use std::ops::ControlFlow;
use std::path::PathBuf;

use stoop::model::Decision;
use stoop::{
    Config, FollowError, Follower, Frames, Placement, ReplayError, ReplayOptions, RuleSet, Summary,
    TapeReplayError, TapeReplayOptions, TapeStep, Tapes, is_tape,
};

use crate::failure::{Code, Failure, OrFail};
use crate::output::{Progress, note};

/// Inputs that are ready to be replayed.
pub(crate) enum Inputs {
    /// JSONL, with the rules and bounds of the configuration.
    Frames { frames: Frames, rules: RuleSet, options: ReplayOptions },
    /// Tapes, with an engine that has read nothing yet.
    Tapes { tapes: Tapes, follower: Box<Follower> },
}

impl Inputs {
    /// Opens them. Without a configuration tapes go by their own, and JSONL is refused.
    pub(crate) fn open(paths: &[PathBuf], config: Option<&Config>) -> Result<Self, Failure> {
        // First, since what is not there would be taken for JSONL.
        let is_absent = |path: &&PathBuf| path.as_os_str() != "-" && !path.exists();
        if let Some(absent) = paths.iter().find(is_absent) {
            let why = format_args!("cannot read {}: no such file or folder", absent.display());
            return Err(Failure::text(Code::Failed, why));
        }
        let tapes = paths.iter().filter(|path| is_tape(path)).count();
        if tapes > 0 && tapes < paths.len() {
            return Err(Failure::text(Code::Usage, "tapes and JSONL cannot be replayed as one input"));
        }
        let rules = config.map(Config::rules).transpose().or_fail(Code::Config)?;
        if tapes > 0 {
            let follower = config.cloned().map(Follower::with_config).unwrap_or_default();
            let tapes = Tapes::open(paths).or_fail(Code::Failed)?;
            return Ok(Self::Tapes { tapes, follower: Box::new(follower) });
        }
        let (Some(config), Some(rules)) = (config, rules) else {
            let why = "which rules? use -c FILE: only a tape has its own configuration";
            return Err(Failure::text(Code::Usage, why));
        };
        let options = ReplayOptions {
            // Unless a placement is asked for, the fastest: the decisions are the same.
            placement: config.placement.unwrap_or(Placement::Fused),
            bounds: config.bounds,
            ..ReplayOptions::default()
        };
        let frames = Frames::open(paths.iter().cloned(), config.bounds.limits).or_fail(Code::Failed)?;
        Ok(Self::Frames { frames, rules, options })
    }

    /// Shows how far they have been read.
    pub(crate) fn showing(self, progress: &Progress) -> Self {
        match self {
            Self::Frames { frames, rules, options } => {
                Self::Frames { frames: frames.tell(progress.count("frames")), rules, options }
            }
            Self::Tapes { tapes, follower } => {
                Self::Tapes { tapes: tapes.tell(progress.count("records")), follower }
            }
        }
    }
}

/// Replays frames; `each` takes every decision in order and may end the replay.
pub(crate) fn replay_frames(
    frames: Frames,
    rules: RuleSet,
    options: ReplayOptions,
    each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Summary, Failure> {
    stoop::replay(rules, frames, options, each).map_err(|error| match error {
        ReplayError::Input(_) => Failure::new(Code::Failed, error),
        ReplayError::Panicked(_) => Failure::new(Code::Internal, error),
    })
}

/// Replays tapes; `each` takes every step in order and may end the replay. Says what is missing on them; returned is
/// also whether one ends early.
pub(crate) fn replay_tapes(
    tapes: Tapes,
    follower: &mut Follower,
    options: TapeReplayOptions,
    each: impl FnMut(TapeStep<'_>) -> ControlFlow<()>,
) -> Result<(Summary, bool), Failure> {
    let replay = stoop::replay_tapes(tapes, follower, options, each).map_err(tape_failure)?;
    for (path, damage) in &replay.damaged {
        let (path, at, what) = (path.display(), damage.offset, &damage.what);
        note(format_args!(
            "stoop: warning: {path} ends early, at byte {at}: {what}; everything before that is replayed"
        ));
    }
    if replay.dropped > 0 {
        let count = replay.dropped;
        note(format_args!("stoop: warning: the recorder had no room for {count} inputs or decisions"));
    }
    Ok((replay.summary, !replay.damaged.is_empty()))
}

/// Why a tape was not replayed, with the exit code that tells.
pub(crate) fn tape_failure(error: TapeReplayError) -> Failure {
    let code = match &error {
        TapeReplayError::Follow { source: FollowError::Config(_) | FollowError::Rules(_), .. } => {
            Code::Config
        }
        TapeReplayError::Follow { .. } | TapeReplayError::Tapes(_) => Code::Failed,
    };
    Failure::new(code, error)
}
