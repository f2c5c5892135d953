//! `stoop replay`: recorded frames through the same engine.

use std::ops::ControlFlow;
use std::process::ExitCode;

use stoop::{Frames, ReplayError, ReplayOptions};

use crate::args::{ReplayArgs, Speed};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::Lines;
use crate::{report, run};

pub(crate) fn replay(args: &ReplayArgs) -> Outcome {
    let config = run::load(&args.config)?;
    let rules = config.rules().or_fail(Code::Config)?;
    let options = ReplayOptions {
        // Unless a placement is asked for, the fastest: the decisions are the same.
        placement: config.placement.unwrap_or(stoop::Placement::Fused),
        bounds: config.bounds,
        speed: match args.speed {
            Speed::Max => None,
            Speed::Times(times) => Some(times),
        },
        max_frames: args.max_frames,
        for_ns: args.lasting.map(|lasting| i64::try_from(lasting.as_nanos()).unwrap_or(i64::MAX)),
    };
    let frames = Frames::open(args.inputs.iter().cloned(), config.bounds.limits).or_fail(Code::Failed)?;
    let mut lines = match &args.output {
        Some(path) => Lines::create(path)?,
        None => Lines::stdout(),
    };
    let is_paced = options.speed.is_some();
    let mut failure: Option<Failure> = None;
    let mut is_cut_short = false;
    let result = stoop::replay(rules, frames, options, |decision| {
        let written = lines.write(decision);
        let flow = if is_paced { written.and_then(|_| lines.flush()) } else { written };
        match flow {
            Ok(ControlFlow::Break(())) => is_cut_short = true,
            Ok(ControlFlow::Continue(())) => return ControlFlow::Continue(()),
            Err(error) => failure = Some(error),
        }
        ControlFlow::Break(())
    });
    let flushed = lines.flush();
    if let Some(failure) = failure {
        return Err(failure);
    }
    is_cut_short |= flushed?.is_break();
    let summary = result.map_err(|error| match error {
        ReplayError::Input(_) => Failure::new(Code::Failed, error),
        ReplayError::Panicked(_) => Failure::new(Code::Internal, error),
    })?;
    if !is_cut_short {
        report::replay(&summary, args.json);
    }
    Ok(ExitCode::SUCCESS)
}
