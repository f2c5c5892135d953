//! `stoop run`: reads the feed and decides.

use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::Duration;

use stoop::{Clock, Config, ConfigError, End, Engine, EngineError, Summary};

use crate::args::RunArgs;
use crate::consume::{Aside, Sink, consume};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{Lines, note};
use crate::status::LatencyLog;
use crate::{key, report, signals};

/// How long a stop may take beyond `drain_timeout`, before the process is ended as it is.
pub(crate) const GRACE: Duration = Duration::from_secs(3);
/// What to do where there is no configuration.
pub(crate) const NO_CONFIG: &str = "name another with -c, or let `stoop init` write one";

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
    let log = args.latency_log.as_deref().map(LatencyLog::create).transpose()?;
    let mut aside =
        Aside { lasting: args.lasting, log: log.map(|log| (log, args.latency_every)), ..Aside::default() };
    let grace = config.drain_timeout.saturating_add(GRACE);
    let mut builder = Engine::builder().config(config).key(key);
    if let Some(frames) = args.max_frames {
        builder = builder.max_frames(frames);
    }
    if let Some(every) = args.status {
        builder = builder.status_every(every);
    }
    let signals = signals::hold()?;
    let engine = builder.start().map_err(start_failure)?;
    let remote = engine.remote();
    let caught = signals.watch(grace, move || remote.stop())?;
    let mut written = consume(&engine, &mut lines, &mut aside);
    let summary = engine.join();
    if args.status.is_some() && written.is_ok() {
        let line = aside.status.line(Clock::anchored().now_ns(), &summary.counters);
        written = lines.tell(&line).and_then(|_| lines.rest()).map(drop);
    }
    if let Some((log, _)) = &mut aside.log {
        written = written.and(log.append(&summary.interval));
    }
    let outcome = written.and_then(|()| match caught.code() {
        Some(code) => Ok(code.into()),
        None => ended(&summary),
    });
    if args.json {
        return Ok(last_in_json(&summary, outcome));
    }
    if summary.counters.feed.opens > 0 {
        report::live(&summary, false);
    }
    outcome
}

/// Shows the summary as the last line, behind why the run failed: programs look for it there.
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
    }
}

/// Loads a configuration and shows its warnings.
pub(crate) fn load(path: &std::path::Path) -> Result<Config, Failure> {
    let config = Config::load(path).map_err(|error| {
        let hint = match &error {
            ConfigError::Read { source, .. } if source.kind() == ErrorKind::NotFound => NO_CONFIG,
            ConfigError::Read { .. }
            | ConfigError::Key { .. }
            | ConfigError::Syntax(_)
            | ConfigError::Universe(_)
            | ConfigError::Endpoint(_) => return Failure::new(Code::Config, error),
        };
        Failure::text(Code::Config, format_args!("{error}: {hint}"))
    })?;
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
