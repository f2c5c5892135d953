//! `stoop replay`: what was recorded through the same engine.

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use stoop::model::Decision;
use stoop::replay::{Frames, ReplayOptions};
use stoop::stages::State;
use stoop::tape::{Follower, Inputs, StateReader, TapeReplayOptions, TapeStep, Tapes, state_events};
use stoop::{RuleSet, Summary};

use crate::args::{ReplayArgs, Speed};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::inputs;
use crate::output::{Lines, Progress, create_new_as, exists, note};
use crate::signals::{self, Caught};
use crate::tape::SpanArgs;
use crate::{config, report};

/// From a signal to the end of a replay that decides nothing meanwhile.
const GRACE: Duration = Duration::from_millis(500);
const STATE_OUT: &str = "--state-out FILE";

pub(crate) fn replay(args: &ReplayArgs) -> Outcome {
    let config = args.config.as_deref().map(config::load).transpose()?;
    // Decisions on the same terminal show for themselves.
    let is_shared = args.output.is_none() && io::stdout().is_terminal();
    let progress = if is_shared { Progress::none() } else { Progress::new() };
    match inputs::showing(inputs::open(&args.inputs, config.as_ref())?, &progress) {
        Inputs::Frames { frames, rules, options, .. } => replay_jsonl(args, frames, rules, options, progress),
        Inputs::Tapes { tapes, follower } => replay_recordings(args, tapes, *follower, progress),
    }
}

fn replay_jsonl(
    args: &ReplayArgs,
    frames: Frames,
    rules: RuleSet,
    mut options: ReplayOptions,
    progress: Progress,
) -> Outcome {
    if args.from_ns.is_some() || args.to_ns.is_some() {
        return Err(Failure::text(Code::Usage, "--from and --to are for tapes"));
    }
    options.speed = times(args.speed);
    options.max_frames = args.max_frames;
    options.for_ns = args.lasting.map(|lasting| i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX));
    options.state = args.state_in.as_deref().map(read_state).transpose()?.map(Arc::new);
    options.keeps_state = args.state_out.is_some();
    let mut writer = Writer::new(args)?;
    let caught = writer.caught.clone();
    let result = inputs::replay_frames(frames, rules, options, |decision| writer.take(decision));
    drop(progress);
    let is_cut_short = writer.finish()?;
    let mut summary = result?;
    if let Some(code) = stopped(&caught) {
        return Ok(code);
    }
    if let (Some(path), Some(state)) = (&args.state_out, summary.state.take()) {
        write_state(path, &state)?;
    }
    end(args, &summary, is_cut_short);
    Ok(ExitCode::SUCCESS)
}

fn replay_recordings(args: &ReplayArgs, tapes: Tapes, mut follower: Follower, progress: Progress) -> Outcome {
    if let Some(path) = &args.state_in {
        follower = follower.begin_with(read_state(path)?);
    }
    let to_ns = match (args.from_ns, args.lasting) {
        (Some(from_ns), Some(lasting)) => {
            Some(from_ns.saturating_add(i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX)))
        }
        (None, Some(_)) => {
            return Err(Failure::text(Code::Usage, "with tapes, --for counts from --from, which is missing"));
        }
        (_, None) => args.to_ns,
    };
    SpanArgs { from_ns: args.from_ns, to_ns }.check()?;
    let options = TapeReplayOptions {
        speed: times(args.speed),
        max_frames: args.max_frames,
        from_ns: args.from_ns,
        to_ns,
    };
    let mut writer = Writer::new(args)?;
    let caught = writer.caught.clone();
    let result = inputs::replay_tapes(tapes, &mut follower, options, |step| match step {
        TapeStep::Decided(decision) => writer.take(decision),
        TapeStep::Missed(_) | TapeStep::Recorded(_) => ControlFlow::Continue(()),
    });
    drop(progress);
    let is_cut_short = writer.finish()?;
    let (summary, is_damaged) = result?;
    if let Some(code) = stopped(&caught) {
        return Ok(code);
    }
    if let Some(path) = &args.state_out {
        let state = follower.state(i64::MIN).or_fail(Code::Failed)?;
        write_state(path, &state)?;
    }
    end(args, &summary, is_cut_short);
    Ok(if is_damaged { Code::Failed.into() } else { ExitCode::SUCCESS })
}

fn end(args: &ReplayArgs, summary: &Summary, is_cut_short: bool) {
    if !is_cut_short {
        report::replay(summary, args.json);
    }
}

/// How a replay ends that a signal has stopped: with whole lines, and without a digest or a state.
fn stopped(caught: &Caught) -> Option<ExitCode> {
    let code = caught.code()?;
    note(format_args!("stoop: stopped before the end of the input"));
    Some(code.into())
}

fn times(speed: Speed) -> Option<f64> {
    match speed {
        Speed::Max => None,
        Speed::Times(times) => Some(times),
    }
}

/// Writes decisions as they are made.
struct Writer {
    lines: Lines,
    is_paced: bool,
    is_cut_short: bool,
    failure: Option<Failure>,
    caught: Caught,
}

impl Writer {
    fn new(args: &ReplayArgs) -> Result<Self, Failure> {
        // Told before hours of work are lost to it.
        if let Some(path) = args.state_out.as_deref().filter(|path| path.exists()) {
            return Err(exists(path, STATE_OUT));
        }
        let lines = match &args.output {
            Some(path) => Lines::create(path)?,
            None => Lines::stdout(),
        };
        let is_paced = times(args.speed).is_some();
        // The next decision ends it; where none comes, the grace does.
        let caught = signals::hold()?.watch(GRACE, || {})?;
        Ok(Self { lines, is_paced, is_cut_short: false, failure: None, caught })
    }

    fn take(&mut self, decision: &Decision) -> ControlFlow<()> {
        let written = self.lines.write(decision);
        let flow = if self.is_paced { written.and_then(|_| self.lines.flush()) } else { written };
        match flow {
            Ok(ControlFlow::Continue(())) if self.caught.code().is_some() => {}
            Ok(ControlFlow::Continue(())) => return ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => self.is_cut_short = true,
            Err(failure) => self.failure = Some(failure),
        }
        ControlFlow::Break(())
    }

    /// Whether the reader went away before the end.
    fn finish(&mut self) -> Result<bool, Failure> {
        let flushed = self.lines.flush();
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(flushed?.is_break() || self.is_cut_short),
        }
    }
}

/// A state as `--state-out` writes it: the events that head a tape, one a line.
fn read_state(path: &Path) -> Result<State, Failure> {
    let fail = |why: String| Failure::text(Code::Failed, format_args!("{}: {why}", path.display()));
    let file = fs::File::open(path).map_err(|error| fail(error.to_string()))?;
    let mut reader = StateReader::default();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| fail(format!("line {number}: {error}")))?;
        if !line.trim().is_empty() {
            reader.event(line.as_bytes()).map_err(|error| fail(format!("line {number}: {error}")))?;
        }
    }
    reader.finish().ok_or_else(|| fail("parts of the state are missing".to_owned()))
}

fn write_state(path: &Path, state: &State) -> Result<(), Failure> {
    let mut file = std::io::BufWriter::new(create_new_as(path, STATE_OUT)?);
    let mut write = || {
        for event in state_events(state) {
            file.write_all(&event)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(|error| Failure::text(Code::Failed, format_args!("{}: {error}", path.display())))
}
