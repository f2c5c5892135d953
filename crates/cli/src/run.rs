//! `stoop run`: reads the feed and decides.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use stoop::model::Decision;
use stoop::{Config, End, Engine, EngineError, Summary};

use crate::args::RunArgs;
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{Lines, note};
use crate::{key, report, signals};

/// How long a stop may take beyond `drain_timeout`, before the process is ended as it is.
const GRACE: Duration = Duration::from_secs(3);

/// Takes decisions one by one.
pub(crate) trait Sink {
    /// Takes the next one. Breaks if nobody reads them any more.
    fn take(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure>;
    /// The queue is empty: hands on what was taken.
    fn rest(&mut self) -> Result<ControlFlow<()>, Failure>;
}

impl Sink for Lines {
    fn take(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure> {
        self.write(decision)
    }

    fn rest(&mut self) -> Result<ControlFlow<()>, Failure> {
        self.flush()
    }
}

pub(crate) fn run(args: &RunArgs) -> Outcome {
    let config = load(&args.config)?;
    if config.rules().or_fail(Code::Config)?.rules().is_empty() {
        return Err(no_rules(&args.config));
    }
    let key = key::key(&config)?;
    let mut lines = match &args.decisions {
        Some(path) => Lines::append(path)?,
        None => Lines::stdout(),
    };
    let grace = config.drain_timeout.saturating_add(GRACE);
    let mut builder = Engine::builder().config(config).key(key);
    if let Some(frames) = args.max_frames {
        builder = builder.max_frames(frames);
    }
    let engine = builder.start().map_err(start_failure)?;
    let remote = engine.remote();
    let caught = signals::watch(grace, move || remote.stop())?;
    let written = consume(&engine, &mut lines, args.lasting);
    let summary = engine.join();
    if summary.counters.feed.opens > 0 || args.json {
        report::live(&summary, args.json);
    }
    written?;
    match caught.code() {
        Some(code) => Ok(code.into()),
        None => ended(&summary),
    }
}

/// Takes decisions until the engine has ended; stops it if nobody reads them any more, or after `lasting`.
pub(crate) fn consume(
    engine: &Engine,
    sink: &mut impl Sink,
    lasting: Option<Duration>,
) -> Result<(), Failure> {
    let decisions = engine.decisions();
    let end = lasting.map(crossbeam_channel::after);
    let mut result = Ok(());
    let mut is_over = false;
    while let Some(decision) = next(&decisions, engine, end.as_ref()) {
        // Taken all the same: a stopping engine waits for room in the queue.
        if is_over {
            continue;
        }
        engine.taken(&decision);
        let mut flow = sink.take(&decision);
        if matches!(flow, Ok(ControlFlow::Continue(()))) && decisions.is_empty() {
            flow = sink.rest();
        }
        match flow {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => is_over = true,
            Err(failure) => {
                is_over = true;
                result = Err(failure);
            }
        }
        if is_over {
            // What could not be written is lost; the engine stops rather than go on deciding for nobody.
            engine.stop();
        }
    }
    result?;
    sink.rest().map(|_| ())
}

/// The next decision; none once the engine has ended.
fn next<T>(decisions: &Receiver<Decision>, engine: &Engine, end: Option<&Receiver<T>>) -> Option<Decision> {
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    loop {
        let Some(end) = end else { return decisions.recv().ok() };
        if end.try_recv().is_ok() {
            engine.stop();
        }
        match decisions.recv_timeout(LOOK_AGAIN) {
            Ok(decision) => return Some(decision),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
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
    }
}

/// Loads a configuration and shows its warnings.
pub(crate) fn load(path: &std::path::Path) -> Result<Config, Failure> {
    let config = Config::load(path).or_fail(Code::Config)?;
    for warning in &config.warnings {
        note(format_args!("stoop: warning: {warning}"));
    }
    Ok(config)
}

fn no_rules(path: &std::path::Path) -> Failure {
    let path = path.display();
    Failure::text(Code::Config, format_args!("{path}: there is no rule: without one nothing is ever decided"))
}

pub(crate) fn start_failure(error: EngineError) -> Failure {
    let code = match error {
        EngineError::NoRules | EngineError::NoKey | EngineError::Config(_) | EngineError::Rules(_) => {
            Code::Config
        }
        EngineError::Start(_) => Code::Failed,
    };
    Failure::new(code, error)
}
