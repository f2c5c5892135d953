//! An engine on a live feed, as `stoop run` and `stoop record` lead it: started, read until it ends, reported.

use std::process::ExitCode;
use std::time::Duration;

use stoop::{End, EngineBuilder, EngineError, Summary};

use crate::consume::{Aside, Sink, consume};
use crate::failure::{Code, Failure, Outcome};
use crate::{report, signals};

/// How long a stop may take beyond `drain_timeout`, before the process is ended as it is.
const GRACE: Duration = Duration::from_secs(3);

/// An engine that is ready to start, and where its decisions go.
pub(crate) struct Live<'a, S> {
    pub(crate) builder: EngineBuilder,
    /// How long a stop may take.
    pub(crate) drain_timeout: Duration,
    /// Stop after this many frames.
    pub(crate) max_frames: Option<u64>,
    /// The summary goes to stderr as JSON.
    pub(crate) json: bool,
    pub(crate) sink: &'a mut S,
    pub(crate) aside: Aside,
}

impl<S: Sink> Live<'_, S> {
    /// Runs the engine until it ends by itself or a signal stops it. `close` gets what reading its decisions came to,
    /// and writes what belongs after the last of them.
    pub(crate) fn run(
        mut self,
        close: impl FnOnce(Result<(), Failure>, &Summary, &mut S, &mut Aside) -> Result<(), Failure>,
    ) -> Outcome {
        if let Some(frames) = self.max_frames {
            self.builder = self.builder.max_frames(frames);
        }
        // Signals are held before the engine starts: one that comes in between must still end the run cleanly.
        let signals = signals::hold()?;
        let engine = self.builder.start().map_err(start_failure)?;
        let remote = engine.remote();
        let caught = signals.watch(self.drain_timeout.saturating_add(GRACE), move || remote.stop())?;
        let consumed = consume(&engine, self.sink, &mut self.aside);
        let summary = engine.join();
        let outcome =
            close(consumed, &summary, self.sink, &mut self.aside).and_then(|()| match caught.code() {
                Some(code) => Ok(code.into()),
                None => ended(&summary),
            });
        if self.json {
            return Ok(last_in_json(&summary, outcome));
        }
        if summary.counters.feed.opens > 0 {
            report::live(&summary, false);
        }
        outcome
    }
}

/// Shows the summary as the last line, after why the run failed: programs look for it there.
///
/// Without --json it is the other way round: people look for the reason at the end, not above a table.
pub(crate) fn last_in_json(summary: &Summary, outcome: Outcome) -> ExitCode {
    let code = outcome.unwrap_or_else(|failure| failure.report());
    report::live(summary, true);
    code
}

/// The exit code of a run that ended by itself.
pub(crate) fn ended(summary: &Summary) -> Outcome {
    match &summary.end {
        End::Stopped | End::MaxFrames | End::ConsumerGone => Ok(ExitCode::SUCCESS),
        End::Refused(cause) if cause.is_refusal() => Err(Failure::text(Code::Refused, cause)),
        End::Refused(cause) => Err(Failure::text(Code::Failed, cause)),
        End::Panicked(message) => {
            Err(Failure::text(Code::Internal, format_args!("internal error: {message}")))
        }
        end => Err(Failure::text(Code::Failed, end)),
    }
}

pub(crate) fn start_failure(error: EngineError) -> Failure {
    let code = match error {
        EngineError::NoRules
        | EngineError::NoKey
        | EngineError::Config(_)
        | EngineError::Rules(_)
        | EngineError::Feature { .. } => Code::Config,
        EngineError::Start(_) => Code::Failed,
        _ => Code::Internal,
    };
    Failure::new(code, error)
}
