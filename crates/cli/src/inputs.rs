//! What was recorded, opened and replayed: tapes with their own rules or with others, frames in JSONL with those given.

use std::ops::ControlFlow;
use std::path::PathBuf;

use stoop::model::Decision;
use stoop::replay::{Frames, ReplayError, ReplayOptions};
use stoop::tape::{
    Damage, FollowError, Follower, Inputs, InputsError, TapeReplayError, TapeReplayOptions, TapeStep, Tapes,
};
use stoop::{Config, RuleSet, Summary};

use crate::failure::{Code, Failure};
use crate::output::{Progress, note};

/// Opens inputs. Without a configuration tapes go by their own, and JSONL is refused.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is wrong with a file is one code")]
pub(crate) fn open(paths: &[PathBuf], config: Option<&Config>) -> Result<Inputs, Failure> {
    Inputs::open(paths, config).map_err(|error| match error {
        InputsError::NoConfig => {
            let why = "which rules? use -c FILE: only a tape has its own configuration";
            Failure::text(Code::Usage, why)
        }
        InputsError::Mixed => Failure::new(Code::Usage, error),
        InputsError::Rules(_) => Failure::new(Code::Config, error),
        error => Failure::new(Code::Failed, error),
    })
}

/// Shows how far they have been read.
pub(crate) fn showing(inputs: Inputs, progress: &Progress) -> Inputs {
    match inputs {
        Inputs::Frames { frames, rules, options, config } => {
            Inputs::Frames { frames: frames.tell(progress.count("frames")), rules, options, config }
        }
        Inputs::Tapes { tapes, follower } => {
            Inputs::Tapes { tapes: tapes.tell(progress.count("records")), follower }
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
    stoop::replay::replay(rules, frames, options, each).map_err(frames_failure)
}

/// Why frames were not replayed, with the exit code that tells.
pub(crate) fn frames_failure(error: ReplayError) -> Failure {
    match error {
        ReplayError::Input(_) => Failure::new(Code::Failed, error),
        ReplayError::Panicked(_) => Failure::new(Code::Internal, error),
    }
}

/// Replays tapes; `each` takes every step in order and may end the replay. Says what is missing on them; returned is
/// also whether one ends early.
pub(crate) fn replay_tapes(
    tapes: Tapes,
    follower: &mut Follower,
    options: TapeReplayOptions,
    each: impl FnMut(TapeStep<'_>) -> ControlFlow<()>,
) -> Result<(Summary, bool), Failure> {
    let replay = stoop::tape::replay_tapes(tapes, follower, options, each).map_err(tape_failure)?;
    warn_of_holes(&replay.damaged, replay.dropped);
    Ok((replay.summary, !replay.damaged.is_empty()))
}

/// Says what is missing on tapes.
pub(crate) fn warn_of_holes(damaged: &[(PathBuf, Damage)], dropped: u64) {
    for (path, damage) in damaged {
        let (path, at, what) = (path.display(), damage.offset, &damage.what);
        note(format_args!(
            "stoop: warning: {path} ends early, at byte {at}: {what}; everything before that is replayed"
        ));
    }
    if dropped > 0 {
        note(format_args!("stoop: warning: the recorder had no room for {dropped} inputs or decisions"));
    }
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
