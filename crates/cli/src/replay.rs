//! `stoop replay`: what was recorded through the same engine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use stoop::model::Decision;
use stoop::{
    Config, FollowError, Follower, Frames, ReplayError, ReplayOptions, State, StateReader, Summary,
    TapeReplayError, TapeReplayOptions, Tapes, is_tape, replay_tapes, state_events,
};

use crate::args::{ReplayArgs, Speed};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{Lines, create_new, note};
use crate::{report, run};

pub(crate) fn replay(args: &ReplayArgs) -> Outcome {
    let tapes = args.inputs.iter().filter(|input| is_tape(input)).count();
    if tapes == 0 {
        return frames(args);
    }
    if tapes < args.inputs.len() {
        return Err(Failure::text(Code::Usage, "tapes and JSONL cannot be replayed as one input"));
    }
    recorded(args)
}

fn frames(args: &ReplayArgs) -> Outcome {
    let Some(config) = &args.config else {
        let why = "which rules? give -c FILE: only a tape has a configuration of its own";
        return Err(Failure::text(Code::Usage, why));
    };
    if args.from_ns.is_some() || args.to_ns.is_some() {
        return Err(Failure::text(Code::Usage, "--from and --to are for tapes"));
    }
    let config = run::load(config)?;
    let rules = config.rules().or_fail(Code::Config)?;
    let options = ReplayOptions {
        // Unless a placement is asked for, the fastest: the decisions are the same.
        placement: config.placement.unwrap_or(stoop::Placement::Fused),
        bounds: config.bounds,
        speed: times(args.speed),
        max_frames: args.max_frames,
        for_ns: args.lasting.map(|lasting| i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX)),
        state: args.state_in.as_deref().map(read_state).transpose()?.map(Arc::new),
        keeps_state: args.state_out.is_some(),
    };
    let frames = Frames::open(args.inputs.iter().cloned(), config.bounds.limits).or_fail(Code::Failed)?;
    let mut writer = Writer::new(args)?;
    let result = stoop::replay(rules, frames, options, |decision| writer.take(decision));
    let is_cut_short = writer.finish()?;
    let mut summary = result.map_err(|error| match error {
        ReplayError::Input(_) => Failure::new(Code::Failed, error),
        ReplayError::Panicked(_) => Failure::new(Code::Internal, error),
    })?;
    if let (Some(path), Some(state)) = (&args.state_out, summary.state.take()) {
        write_state(path, &state)?;
    }
    Ok(end(args, &summary, is_cut_short))
}

fn recorded(args: &ReplayArgs) -> Outcome {
    let mut follower = match &args.config {
        Some(path) => {
            let config: Config = run::load(path)?;
            config.rules().or_fail(Code::Config)?;
            Follower::with_config(config)
        }
        None => Follower::default(),
    };
    if let Some(path) = &args.state_in {
        follower = follower.begin_with(read_state(path)?);
    }
    let tapes = Tapes::open(&args.inputs).or_fail(Code::Failed)?;
    let to_ns = match (args.from_ns, args.lasting) {
        (Some(from_ns), Some(lasting)) => {
            Some(from_ns.saturating_add(i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX)))
        }
        (None, Some(_)) => {
            return Err(Failure::text(Code::Usage, "of tapes, --for counts from --from, which is missing"));
        }
        (_, None) => args.to_ns,
    };
    let options = TapeReplayOptions {
        speed: times(args.speed),
        max_frames: args.max_frames,
        from_ns: args.from_ns,
        to_ns,
    };
    let mut writer = Writer::new(args)?;
    let result = replay_tapes(tapes, &mut follower, options, |decision| writer.take(decision));
    let is_cut_short = writer.finish()?;
    let replay = result.map_err(tape_failure)?;
    for (path, damage) in &replay.damaged {
        let (path, at, what) = (path.display(), damage.offset, &damage.what);
        note(format_args!("stoop: warning: {path} ends early, at byte {at}: {what}; all before is replayed"));
    }
    if replay.dropped > 0 {
        let count = replay.dropped;
        note(format_args!("stoop: warning: the recorder had no room for {count} inputs or decisions"));
    }
    if let Some(path) = &args.state_out {
        let state = follower.state(i64::MIN).or_fail(Code::Failed)?;
        write_state(path, &state)?;
    }
    Ok(end(args, &replay.summary, is_cut_short))
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

fn end(args: &ReplayArgs, summary: &Summary, is_cut_short: bool) -> ExitCode {
    if !is_cut_short {
        report::replay(summary, args.json);
    }
    ExitCode::SUCCESS
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
}

impl Writer {
    fn new(args: &ReplayArgs) -> Result<Self, Failure> {
        // Told before hours of work are lost to it.
        if let Some(path) = args.state_out.as_deref().filter(|path| path.exists()) {
            let exists = format!("{} exists; no file is overwritten", path.display());
            return Err(Failure::text(Code::Exists, exists));
        }
        let lines = match &args.output {
            Some(path) => Lines::create(path)?,
            None => Lines::stdout(),
        };
        let is_paced = times(args.speed).is_some();
        Ok(Self { lines, is_paced, is_cut_short: false, failure: None })
    }

    fn take(&mut self, decision: &Decision) -> ControlFlow<()> {
        let written = self.lines.write(decision);
        let flow = if self.is_paced { written.and_then(|_| self.lines.flush()) } else { written };
        match flow {
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
    let mut file = std::io::BufWriter::new(create_new(path)?);
    let mut write = || {
        for event in state_events(state) {
            file.write_all(&event)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(|error| Failure::text(Code::Failed, format_args!("{}: {error}", path.display())))
}
