//! `stoop backtest`: recorded frames through the engine, and what the decisions were worth.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stoop::model::Decision;
use stoop::{Config, Summary, TapeReplayOptions};
use stoop_backtest::{
    Costs, Dimension, Findings, GroupRow, Prices, SeriesNames, Settings, Source, Study, Trials, hash_file,
};

use crate::args::BacktestArgs;
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::inputs::{self, Inputs};
use crate::output::{Lines, create_new, note};
use crate::run;

pub(crate) fn backtest(args: &BacktestArgs) -> Outcome {
    if args.inputs.iter().any(|input| input.as_os_str() == "-") {
        return Err(Failure::text(
            Code::Usage,
            "a backtest reads files, so that it can be done again; not stdin",
        ));
    }
    let config = args.config.as_deref().map(run::load).transpose()?;
    let inputs = Inputs::open(&args.inputs, config.as_ref())?;
    let files = match &inputs {
        Inputs::Frames { .. } => args.inputs.clone(),
        Inputs::Tapes { tapes, .. } => tapes.files().map(Path::to_owned).collect(),
    };
    // Whatever is wrong with the folders shows before the replay, which may take minutes.
    let prices = Prices::open(&args.prices).or_fail(Code::Failed)?;
    let mut outputs = Outputs::create(&args.output)?;
    let mut study = Study::default();
    let Replayed { summary, series } = replay(inputs, config.as_ref(), &mut outputs.decisions, &mut study)?;
    if study.is_empty() {
        let frames = summary.counters.intake.frames;
        return Err(Failure::text(
            Code::Failed,
            format_args!("the rules decided nothing on {frames} frames"),
        ));
    }
    let mut findings = study.measure(settings(args, series), &prices).or_fail(Code::Failed)?;
    let sources = sources(args, &files, config.as_ref(), &findings, &prices)?;
    count_trials(args, &mut findings, &sources)?;
    outputs.write(&findings, &sources).map_err(|error| unwritable(&args.output, &error))?;
    tell(&findings, &args.output);
    note(format_args!("digest {}", summary.digest));
    Ok(ExitCode::SUCCESS)
}

/// The files of a study. They are taken away again if it fails: half a study is none.
struct Outputs {
    decisions: Lines,
    outcomes: BufWriter<File>,
    columns: BufWriter<File>,
    summary: BufWriter<File>,
    report: BufWriter<File>,
    made: Made,
}

/// Files to take away unless they are done.
#[derive(Default)]
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

impl Outputs {
    fn create(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let mut made = Made::default();
        let mut new = |name: &str| -> Result<BufWriter<File>, Failure> {
            let path = folder.join(name);
            let file = create_new(&path)?;
            made.0.push(path);
            Ok(BufWriter::new(file))
        };
        let (outcomes, columns) = (new("outcomes.csv")?, new("outcomes.parquet")?);
        let (summary, report) = (new("summary.json")?, new("report.html")?);
        let path = folder.join("decisions.jsonl");
        let decisions = Lines::create(&path)?;
        made.0.push(path);
        Ok(Self { decisions, outcomes, columns, summary, report, made })
    }

    fn write(mut self, findings: &Findings, sources: &[Source]) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        findings.write_outcomes(&mut self.outcomes)?;
        findings.write_outcomes_parquet(&mut self.columns)?;
        findings.write_summary(&mut self.summary, version, sources)?;
        self.report.write_all(findings.report(version, sources).as_bytes())?;
        for file in [&mut self.outcomes, &mut self.columns, &mut self.summary, &mut self.report] {
            file.flush()?;
        }
        self.made.0.clear();
        Ok(())
    }
}

fn settings(args: &BacktestArgs, series: SeriesNames) -> Settings {
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
        names: series,
    }
}

/// What a replay came to, and the `[series]` of the configurations it went by.
struct Replayed {
    summary: Summary,
    series: SeriesNames,
}

/// Replays the inputs; every decision goes into the file and into the study.
fn replay(
    inputs: Inputs,
    config: Option<&Config>,
    lines: &mut Lines,
    study: &mut Study,
) -> Result<Replayed, Failure> {
    let mut failure = None;
    let mut take = |decision: &Decision| {
        study.add(decision);
        match lines.write(decision) {
            Ok(flow) => flow,
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let (result, series) = match inputs {
        Inputs::Frames { frames, rules, options } => {
            let result = inputs::replay_frames(frames, rules, options, &mut take);
            (result, config.map(|config| config.series.clone()).unwrap_or_default())
        }
        Inputs::Tapes { tapes, mut follower } => {
            let options = TapeReplayOptions::default();
            let result = inputs::replay_tapes(tapes, &mut follower, options, &mut take);
            (result, follower.series().clone().into_iter().collect())
        }
    };
    if let Some(failure) = failure {
        return Err(failure);
    }
    let summary = result?;
    lines.flush().map(drop)?;
    Ok(Replayed { summary, series: SeriesNames::new(series) })
}

/// Every file the study was made from. The configuration that a tape holds is part of the tape.
fn sources(
    args: &BacktestArgs,
    files: &[PathBuf],
    config: Option<&Config>,
    findings: &Findings,
    prices: &Prices,
) -> Result<Vec<Source>, Failure> {
    let frames = files.iter().map(|path| ("frames", path.as_path()));
    // The first of these is the configuration itself.
    let rules = config.iter().flat_map(|config| config.rule_sources.iter().skip(1));
    let rules = rules.map(|source| ("rules", Path::new(&source.name)));
    let config = args.config.iter().map(|path| ("configuration", path.as_path()));
    let used = findings.series.iter().map(|series| series.name.as_str());
    let benchmark = args.benchmark.as_deref().filter(|name| used.clone().all(|used| used != *name));
    let series = used.chain(benchmark).flat_map(|name| prices.files(name));
    let series = series.map(|path| ("prices", path.as_path()));
    let all = frames.chain(config).chain(rules).chain(series);
    all.map(|(role, path)| hash_file(role, path).or_fail(Code::Failed)).collect()
}

/// Counts this study among those on the same frames.
fn count_trials(args: &BacktestArgs, findings: &mut Findings, sources: &[Source]) -> Result<(), Failure> {
    let beside = args.output.with_file_name("stoop-trials.txt");
    let path = args.trials.as_deref().unwrap_or(&beside);
    let frames = sources.iter().filter(|source| source.role == "frames");
    let inputs = frames.map(|source| source.sha256.as_str()).collect::<Vec<_>>().join("+");
    let mut trials = Trials::load(path).or_fail(Code::Failed)?;
    findings.deflate(&mut trials, &inputs);
    trials.save(path).or_fail(Code::Failed)
}

/// Says the main things of each rule on stderr.
fn tell(findings: &Findings, folder: &Path) {
    let opens = findings.events.iter().filter(|event| event.counts).count();
    let entered = findings.events.iter().filter(|event| event.counts && event.entry.is_some()).count();
    note(format_args!(
        "{} decisions, {opens} opens, {entered} of them with prices; see {}",
        findings.events.len(),
        folder.display()
    ));
    let statistics = &findings.statistics;
    let is_main = |row: &&GroupRow| row.by == Dimension::All && row.horizon_ms == statistics.main_ms;
    for row in statistics.groups.iter().filter(is_main) {
        let summary = &row.summary;
        let beats = match row.beats_placebo {
            Some(true) => "beats the placebo",
            Some(false) => "does not beat the placebo",
            None => "no placebo",
        };
        note(format_args!(
            "{}: {} outcomes in {} clusters after {} s, median {}, after costs mean {} [{} to {}], {beats} [{} to {}]",
            row.rule,
            summary.outcomes,
            summary.clusters,
            row.horizon_ms / 1000,
            percent(summary.median),
            percent(summary.net_mean),
            percent(summary.net_low),
            percent(summary.net_high),
            percent(row.placebo_low),
            percent(row.placebo_high),
        ));
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "?".to_owned(), |share| format!("{:+.2} %", share * 100.0))
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", folder.display()))
}
