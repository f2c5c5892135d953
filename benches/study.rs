//! A whole event study: a million generated frames, a year of minute bars of twenty series.
//!
//! Tape and bars are made first and lie on disk; measured is what `stoop backtest` does with them: replay, outcomes,
//! statistics, the files. The rule decides on about every second post, far more than a rule of use would.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use stoop::Config;
use stoop::replay::{Frames, ReplayOptions};
use stoop::tape::LineWriter;
use stoop_backtest::{Findings, Prices, Settings, Statistics, Study, report, write_outcomes, write_summary};
use stoop_benches::clock::nanos;
use stoop_benches::environment;
use stoop_benches::report::line;
use stoop_synth::{Generator, Options};

const FRAMES: u64 = 1_000_000;
const BARS: u64 = 525_600;
/// In a run without `--bench`, which only shows that it works.
const FEW_FRAMES: u64 = 5_000;
const FEW_BARS: u64 = 14_400;
/// The generated day begins here; bars lie to both sides of it.
const DAY_MS: u64 = 1_781_049_600_000;
const SERIES: [&str; 20] = [
    "BTCUSDT",
    "ETHUSDT",
    "DOGEUSDT",
    "SOLUSDT",
    "XRPUSDT",
    "ADAUSDT",
    "AVAXUSDT",
    "LINKUSDT",
    "NOVAUSDT",
    "NOVAXUSDT",
    "QUAKUSDT",
    "HUSKUSDT",
    "FROGXUSDT",
    "TOADUSDT",
    "RIZZUSDT",
    "MOONUSDT",
    "GRUMUSDT",
    "PUGGUSDT",
    "EDGEUSDT",
    "FLUXXUSDT",
];
const RULE: &str = r#"
[[rule]]
name = "all"
kinds = ["post", "quote", "reply", "self_reply", "retweet"]
assets = { tokens = true, cex = true }
side = "buy"
"#;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (frames, bars) = if is_bench { (FRAMES, BARS) } else { (FEW_FRAMES, FEW_BARS) };
    environment::print();
    line(format_args!(
        "input    stoop gen --frames {frames} --seed 1, {bars} minute bars of {} series",
        SERIES.len()
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let (tape, prices) = (folder.path().join("frames.jsonl"), folder.path().join("prices"));
    make(&tape, &prices, frames, bars).expect("the inputs are written");
    let mut study = Study::default();
    let replay_ns = nanos(|| replay(&tape, &mut study));
    let mut found = None;
    let prices = Prices::open(&prices).expect("prices");
    let measure_ns = nanos(|| {
        let findings = study.measure(Settings::default(), &prices).expect("findings");
        let statistics = Statistics::of(&findings, 0);
        found = Some((findings, statistics));
    });
    let (found, statistics) = found.expect("it has run");
    let write_ns = nanos(|| write(&found, &statistics, folder.path()).expect("the files are written"));
    let entered = found.events.iter().filter(|event| event.counts && event.entry.is_some()).count();
    assert!(entered > 100, "{entered} decisions with prices");
    assert_eq!(found.series.len(), SERIES.len(), "every series is asked for");
    line(format_args!(
        "found    {} decision lines, {entered} opens with prices, {} outcomes",
        found.events.len(),
        found.outcomes.len()
    ));
    for (what, ns) in [("replay", replay_ns), ("measure", measure_ns), ("write", write_ns)] {
        line(format_args!("{what:8} {:.1} s", ns as f64 / 1e9));
    }
    line(format_args!("peak     {:.0} MiB resident", peak_mib().unwrap_or_default()));
}

fn make(tape: &Path, prices: &Path, frames: u64, bars: u64) -> io::Result<()> {
    let mut out = LineWriter::over(tape, File::create_new(tape)?)?;
    for frame in Generator::new(Options { frames, seed: 1, start_ms: DAY_MS, ..Options::default() }) {
        out.line(frame.as_bytes())?;
    }
    out.finish()?;
    fs::create_dir(prices)?;
    let start_ms = DAY_MS - bars / 2 * 60_000;
    for (number, series) in (1_u64..).zip(SERIES) {
        let mut out = BufWriter::new(File::create_new(prices.join(format!("{series}-1m.csv")))?);
        let mut text = String::new();
        for bar in 0..bars {
            // Up and down by turns of a length of its own: prices that differ are all that is asked of them.
            let price = 10_000 + (bar * number) % 977 * 7;
            let at_ms = start_ms + bar * 60_000;
            text.clear();
            writeln!(
                text,
                "{at_ms},0.{price},0.{price},0.{price},0.{price},1.0,{},0,0,0,0,0",
                at_ms + 59_999
            )
            .map_err(io::Error::other)?;
            out.write_all(text.as_bytes())?;
        }
        out.flush()?;
    }
    Ok(())
}

fn replay(tape: &Path, study: &mut Study) {
    let config = Config::parse("stoop.toml", RULE).expect("a configuration");
    let frames = Frames::open([tape.to_owned()], config.bounds.limits).expect("the tape is there");
    let each = |decision: &stoop::model::Decision| {
        study.add(decision);
        ControlFlow::Continue(())
    };
    stoop::replay::replay(config.rules().expect("rules"), frames, ReplayOptions::default(), each)
        .expect("a replay");
}

fn write(found: &Findings, statistics: &Statistics, folder: &Path) -> io::Result<()> {
    write_outcomes(found, BufWriter::new(File::create_new(folder.join("outcomes.csv"))?))?;
    let mut summary = BufWriter::new(File::create_new(folder.join("summary.json"))?);
    write_summary(found, statistics, &mut summary, "bench", &[])?;
    fs::write(folder.join("report.html"), report(found, statistics, "bench", &[], &[]))
}

/// The most memory this process has had, as far as the system tells.
fn peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
