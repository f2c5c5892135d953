//! `stoop backtest`: recorded frames through the engine, and what the decisions were worth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stoop::Config;
use stoop::backtest::{
    self, AssignedRow, BacktestError, Costs, Dimension, Findings, GroupRow, Measuring, Prices, Replayed,
    Settings, Source, Statistics, Trials, Verdict, assigned_series, hash_file, report, write_outcomes,
    write_outcomes_parquet, write_summary,
};
use stoop::model::Decision;
use stoop::tape::{Inputs, TapeConfig};

use crate::args::BacktestArgs;
use crate::config;
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::inputs;
use crate::output::{Lines, Progress, create_new, note};
use crate::unfinished::Unfinished;

const REPORT: &str = "report.html";
/// Of the series in a folder, where it has none that is wanted, and of the assets without a series.
const NAMES_SHOWN: usize = 5;

pub(crate) fn backtest(args: &BacktestArgs) -> Outcome {
    if args.inputs.iter().any(|input| input.as_os_str() == "-") {
        return Err(Failure::text(
            Code::Usage,
            "a backtest reads files and not stdin, so that it can be repeated",
        ));
    }
    let config = args.config.as_deref().map(config::load).transpose()?;
    let inputs = inputs::open(&args.inputs, config.as_ref())?;
    let files = match &inputs {
        Inputs::Frames { .. } => args.inputs.clone(),
        Inputs::Tapes { tapes, .. } => tapes.files().map(Path::to_owned).collect(),
    };
    // Whatever is wrong with the folders shows before the replay, which may take minutes.
    let prices = open_prices(args)?;
    let mut outputs = Outputs::create(&args.output)?;
    let progress = Progress::new();
    let replayed = replay(inputs::showing(inputs, &progress), &mut outputs.decisions)?;
    let (summary, configs) = (replayed.summary.clone(), replayed.configs.clone());
    let is_damaged = !replayed.damaged.is_empty();
    if replayed.study.is_empty() {
        let intake = &summary.counters.intake;
        let (frames, bad) = (intake.frames, intake.bad_frames());
        let bad = if bad > 0 { format!(", {bad} of them bad") } else { String::new() };
        let why = format_args!("the rules decided nothing on {frames} frames{bad}");
        return Err(Failure::text(Code::Failed, why));
    }
    let measured = replayed.measure(settings(args), &prices, |Measuring { series, place, count }| {
        progress.show(format_args!("measuring on {series}, {place} of {count} series"));
    });
    let findings = measured.or_fail(Code::Failed)?;
    let sources = sources(args, &files, config.as_ref(), &findings, &prices)?;
    let statistics = Statistics::of(&findings, count_trials(args, &findings, &sources)?);
    let written = outputs.write(&findings, &statistics, &sources, &texts(configs));
    written.map_err(|error| unwritable(&args.output, &error))?;
    drop(progress);
    tell(&findings, &statistics);
    tell_left_out(&findings, &prices);
    let missed = summary.counters.signal.missed;
    if missed > 0 {
        note(format_args!("signals missed, because history brought the posts late: {missed}"));
    }
    note(format_args!("digest {}", summary.digest));
    note(format_args!("now open {}", args.output.join(REPORT).display()));
    Ok(if is_damaged { Code::Failed.into() } else { ExitCode::SUCCESS })
}

/// The folder that was named, else `prices` where the first input is.
fn open_prices(args: &BacktestArgs) -> Result<Prices, Failure> {
    if let Some(folder) = &args.prices {
        return Prices::open(folder).or_fail(Code::Failed);
    }
    let first = args.inputs.first().map_or(Path::new(""), PathBuf::as_path);
    let beside = if first.is_dir() { first } else { first.parent().unwrap_or(Path::new("")) };
    let folder = beside.join("prices");
    if !folder.is_dir() {
        let why = format_args!("which prices? there is no folder {}: use --prices DIR", folder.display());
        return Err(Failure::text(Code::Usage, why));
    }
    Prices::open(&folder).or_fail(Code::Failed)
}

/// The files of a study. They are taken away again if it fails: half a study is none.
struct Outputs {
    decisions: Lines,
    outcomes: BufWriter<File>,
    columns: BufWriter<File>,
    summary: BufWriter<File>,
    report: BufWriter<File>,
    made: Unfinished,
}

impl Outputs {
    fn create(folder: &Path) -> Result<Self, Failure> {
        let names = ["outcomes.csv", "outcomes.parquet", "summary.json", REPORT, "decisions.jsonl"];
        if let Some(name) = names.into_iter().find(|name| folder.join(name).exists()) {
            let why = "nothing is overwritten; name another folder with -o DIR";
            return Err(Failure::text(Code::Exists, format_args!("{} has {name}: {why}", folder.display())));
        }
        if folder.exists() && !folder.is_dir() {
            let why = format_args!("{} is a file: name a folder with -o DIR", folder.display());
            return Err(Failure::text(Code::Exists, why));
        }
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let mut made = Unfinished::default();
        let mut new = |name: &str| made.make(&folder.join(name), create_new).map(BufWriter::new);
        let (outcomes, columns) = (new("outcomes.csv")?, new("outcomes.parquet")?);
        let (summary, report) = (new("summary.json")?, new(REPORT)?);
        let decisions = made.make(&folder.join("decisions.jsonl"), Lines::create)?;
        Ok(Self { decisions, outcomes, columns, summary, report, made })
    }

    fn write(
        mut self,
        findings: &Findings,
        statistics: &Statistics,
        sources: &[Source],
        texts: &[(String, String)],
    ) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        write_outcomes(findings, &mut self.outcomes)?;
        write_outcomes_parquet(findings, &mut self.columns)?;
        write_summary(findings, statistics, &mut self.summary, version, sources)?;
        self.report.write_all(report(findings, statistics, version, sources, texts).as_bytes())?;
        for file in [&mut self.outcomes, &mut self.columns, &mut self.summary, &mut self.report] {
            file.flush()?;
        }
        self.made.keep();
        Ok(())
    }
}

fn settings(args: &BacktestArgs) -> Settings {
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
        ..Settings::default()
    }
}

/// Replays the inputs; every decision goes into the file and into the study.
fn replay(inputs: Inputs, lines: &mut Lines) -> Result<Replayed, Failure> {
    let mut failure = None;
    let replayed = backtest::replay(inputs, |decision: &Decision| match lines.write(decision) {
        Ok(flow) => flow,
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let replayed = replayed.map_err(|error| match error {
        BacktestError::Frames(error) => inputs::frames_failure(error),
        BacktestError::Tapes(error) => inputs::tape_failure(error),
        error => Failure::new(Code::Failed, error),
    })?;
    inputs::warn_of_holes(&replayed.damaged, replayed.dropped);
    let unreadable = replayed.unreadable;
    if unreadable > 0 {
        note(format_args!(
            "stoop: warning: {unreadable} recorded decisions have another version; their latencies are left out"
        ));
    }
    lines.flush().map(drop)?;
    Ok(replayed)
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
    let benchmark =
        findings.settings.benchmark.as_deref().filter(|name| used.clone().all(|used| used != *name));
    let series = used.chain(benchmark).flat_map(|name| prices.files(name));
    let series = series.map(|path| ("prices", path.as_path()));
    let all = frames.chain(config).chain(rules).chain(series);
    all.map(|(role, path)| hash_file(role, path).or_fail(Code::Failed)).collect()
}

/// Counts this study among those on the same frames. Returns how many trials there were on them, with those of this
/// study.
fn count_trials(args: &BacktestArgs, findings: &Findings, sources: &[Source]) -> Result<usize, Failure> {
    let beside = args.output.with_file_name("stoop-trials.txt");
    let path = args.trials.as_deref().unwrap_or(&beside);
    let frames = sources.iter().filter(|source| source.role == "frames");
    let inputs = frames.map(|source| source.sha256.as_str()).collect::<Vec<_>>().join("+");
    let mut trials = Trials::load(path).or_fail(Code::Failed)?;
    trials.add_study(&inputs, findings);
    trials.save(path).or_fail(Code::Failed)?;
    Ok(trials.count(&inputs))
}

/// Says the main things of each rule on stderr.
fn tell(findings: &Findings, statistics: &Statistics) {
    let opens = findings.events.iter().filter(|event| event.counts).count();
    let entered = findings.events.iter().filter(|event| event.counts && event.entry.is_some()).count();
    note(format_args!(
        "{} decisions, {opens} opens, {entered} of which could be priced",
        findings.events.len()
    ));
    let is_main = |row: &&GroupRow| row.by == Dimension::All && row.horizon_ms == statistics.main_ms;
    for row in statistics.groups.iter().filter(is_main) {
        let summary = &row.summary;
        note(format_args!(
            "{}: {} outcomes in {} clusters after {} s, median {}, after costs mean {}{}, random moments{}: {}",
            row.rule,
            summary.outcomes,
            summary.clusters,
            row.horizon_ms / 1000,
            percent(summary.median),
            percent(summary.net_mean),
            bounds(summary.net_low, summary.net_high),
            bounds(row.placebo_low, row.placebo_high),
            row.verdict.map_or("not measured", Verdict::as_str),
        ));
    }
    let opens = findings.events.iter().filter(|event| event.counts);
    let mut others: BTreeSet<&str> = opens.map(|event| event.decision.rule.name.as_str()).collect();
    for row in statistics.groups.iter().filter(is_main) {
        others.remove(row.rule.as_str());
    }
    for rule in others {
        note(format_args!("{rule}: not measured (no outcome within {} s)", statistics.main_ms / 1000));
    }
}

/// Says how many opens have no outcome, and why; of a folder with none of their series, what it has.
fn tell_left_out(findings: &Findings, prices: &Prices) {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let opens = findings.events.iter().filter(|event| event.counts);
    for reason in opens.filter_map(|event| event.excluded) {
        *reasons.entry(reason.as_str()).or_default() += 1;
    }
    if !reasons.is_empty() {
        let told: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        note(format_args!("left out: {}", told.join(", ")));
    }
    tell_series(findings);
    if findings.series.is_empty() {
        let names: Vec<&str> = prices.names().take(NAMES_SHOWN).collect();
        let (names, count) = (names.join(", "), prices.names().count());
        note(format_args!(
            "stoop: warning: no decision belongs to any of the {count} series in the folder of prices ({names}); \
             `[series]` of the \
             configuration says which do"
        ));
    }
}

/// Says what was looked for where there is no series, and which opens are measured by nothing but a symbol.
fn tell_series(findings: &Findings) {
    let assigned = assigned_series(findings);
    let without: Vec<&AssignedRow> = assigned
        .iter()
        .filter(|row| row.opens > 0 && row.series.is_none() && !row.asset.is_empty())
        .collect();
    for row in without.iter().take(NAMES_SHOWN) {
        let names = if row.looked_for.is_empty() {
            "only `[series]` can name one".to_owned()
        } else {
            format!("looked for {}", row.looked_for.join(", "))
        };
        note(format_args!("{}: no series for {}: {names}", row.rule, row.asset));
    }
    if let Some(more) = without.len().checked_sub(NAMES_SHOWN).filter(|more| *more > 0) {
        note(format_args!("no series for {more} more: summary.json has them under `assigned`"));
    }
    let alone: usize = assigned.iter().filter(|row| row.by_symbol_alone).map(|row| row.opens).sum();
    if alone > 0 {
        note(format_args!(
            "stoop: warning: {alone} opens on a contract are measured by symbol alone, \
             which another coin may have too; the report marks them, \
             and `[series]` names another series"
        ));
    }
}

/// Names and texts of configurations and of the rule files they name.
fn texts(configs: Vec<TapeConfig>) -> Vec<(String, String)> {
    let of = |config: TapeConfig| {
        let files = config.files.into_iter().map(|file| (file.name, file.text));
        std::iter::once((config.name, config.text)).chain(files)
    };
    configs.into_iter().flat_map(of).collect()
}

fn bounds(low: Option<f64>, high: Option<f64>) -> String {
    let both = low.zip(high);
    both.map_or_else(String::new, |(low, high)| {
        format!(" [{} to {}]", percent(Some(low)), percent(Some(high)))
    })
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "?".to_owned(), |share| format!("{:+.2} %", share * 100.0))
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", folder.display()))
}
