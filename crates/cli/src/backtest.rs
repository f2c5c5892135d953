//! `stoop backtest`: recorded frames through the engine, and what the decisions were worth.

use std::fs;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use stoop::{Config, Frames, Placement, ReplayError, ReplayOptions, Summary};
use stoop_backtest::{Costs, Findings, Prices, SeriesNames, Settings, Study};

use crate::args::BacktestArgs;
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{Lines, create_new, note};
use crate::run;

pub(crate) fn backtest(args: &BacktestArgs) -> Outcome {
    if args.inputs.iter().any(|input| input.as_os_str() == "-") {
        return Err(Failure::text(
            Code::Usage,
            "a backtest reads files, so that it can be done again; not stdin",
        ));
    }
    let config = run::load(&args.config)?;
    let settings = settings(args, &config);
    // Whatever is wrong with the folders shows before the replay, which may take minutes.
    let prices = Prices::open(&args.prices).or_fail(Code::Failed)?;
    fs::create_dir_all(&args.output).map_err(|error| unwritable(&args.output, &error))?;
    let mut lines = Lines::create(&args.output.join("decisions.jsonl"))?;
    let mut table = BufWriter::new(create_new(&args.output.join("outcomes.csv"))?);
    let mut study = Study::default();
    let summary = replay(args, &config, &mut lines, &mut study)?;
    if study.is_empty() {
        let frames = summary.counters.intake.frames;
        return Err(Failure::text(
            Code::Failed,
            format_args!("the rules decided nothing on {frames} frames"),
        ));
    }
    let findings = study.measure(settings, &prices).or_fail(Code::Failed)?;
    let written = findings.write_outcomes(&mut table).and_then(|()| table.flush());
    written.map_err(|error| unwritable(&args.output, &error))?;
    tell(&findings, &args.output);
    note(format_args!("digest {}", summary.digest));
    Ok(ExitCode::SUCCESS)
}

fn settings(args: &BacktestArgs, config: &Config) -> Settings {
    let mut horizons_ms = args.horizons.clone();
    horizons_ms.sort_unstable();
    horizons_ms.dedup();
    Settings {
        latency_ns: i64::try_from(args.latency.as_nanos()).unwrap_or(i64::MAX),
        horizons_ms,
        benchmark: args.benchmark.clone(),
        costs: Costs {
            taker_bps: args.taker_bps,
            slippage_major_bps: args.slippage_major_bps,
            slippage_bps: args.slippage_bps,
        },
        names: SeriesNames::new(config.series.iter().cloned()),
    }
}

/// Replays the inputs; every decision goes into the file and into the study.
fn replay(
    args: &BacktestArgs,
    config: &Config,
    lines: &mut Lines,
    study: &mut Study,
) -> Result<Summary, Failure> {
    let rules = config.rules().or_fail(Code::Config)?;
    let frames = Frames::open(args.inputs.iter().cloned(), config.bounds.limits).or_fail(Code::Failed)?;
    let options = ReplayOptions {
        placement: config.placement.unwrap_or(Placement::Fused),
        bounds: config.bounds,
        ..ReplayOptions::default()
    };
    let mut failure = None;
    let result = stoop::replay(rules, frames, options, |decision| {
        study.add(decision);
        match lines.write(decision) {
            Ok(flow) => flow,
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let summary = result.map_err(|error| match error {
        ReplayError::Input(_) => Failure::new(Code::Failed, error),
        ReplayError::Panicked(_) => Failure::new(Code::Internal, error),
    })?;
    lines.flush().map(drop)?;
    Ok(summary)
}

fn tell(findings: &Findings, folder: &Path) {
    let opens = findings.events.iter().filter(|event| event.counts).count();
    let entered = findings.events.iter().filter(|event| event.counts && event.entry.is_some()).count();
    note(format_args!(
        "{} decisions, {opens} opens, {entered} of them with prices; see {}",
        findings.events.len(),
        folder.display()
    ));
}

fn unwritable(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", folder.display()))
}
