//! `stoop backtest`: decisions against prices.

use std::fmt::Write;

use crate::desk::Desk;
use crate::driver::stoop;

/// 2026-06-10 12:40 UTC.
const START_MS: i64 = 1_781_095_200_000;

/// A post `minute` minutes after the start that names a ticker.
fn post(minute: i64, ticker: &str) -> Vec<u8> {
    let ts = START_MS + minute * 60_000;
    let id = 2_064_689_031_777_615_872_i64 + ((minute * 60_000) << 22);
    let text = format!(r#""text":"flash ${ticker}","author":{{"handle":"@fixture_marketdesk"}}"#);
    format!(r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}",{text}}}}}"#).into_bytes()
}

/// Minute bars at 1.00, and at 1.10 from minute 10 on.
fn klines() -> String {
    let mut text = String::new();
    for minute in 0..60 {
        let (at_ms, price) = (START_MS + minute * 60_000, if minute < 10 { "1.00" } else { "1.10" });
        writeln!(text, "{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0", at_ms + 59_999)
            .expect("a line");
    }
    text
}

const RULE: &str =
    "[[rule]]\nname = \"flash\"\nassets = { tokens = true }\nside = \"buy\"\nfire = \"content\"\n";

struct Bench {
    desk: Desk,
    input: String,
    config: String,
    prices: String,
}

impl Bench {
    fn new(klines: &str) -> Self {
        let desk = Desk::new();
        let input = desk.frames("frames.jsonl", &[post(5, "EDGE"), post(9, "GONE"), post(30, "EDGE")]);
        desk.file("rules.toml", RULE);
        let config = desk.file("stoop.toml", "rules = [\"rules.toml\"]\n");
        std::fs::create_dir(desk.path("prices")).expect("a folder");
        desk.file("prices/EDGEUSDT-1m-2026-06.csv", klines);
        let prices = desk.name("prices");
        Self { desk, input, config, prices }
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let args = ["backtest", &self.input, "-c", &self.config, "--prices", &self.prices];
        [&args, more].concat()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.desk.path(name)).expect("the file is there")
    }
}

#[test]
fn decisions_are_measured_and_two_runs_give_identical_files() {
    let bench = Bench::new(&klines());
    let [first, second] = ["first", "second"].map(|name| bench.desk.name(name));
    for folder in [&first, &second] {
        stoop(&bench.args(&["-o", folder, "--horizons", "5m"])).finish().expect(0);
    }
    let table = bench.text("first/outcomes.csv");
    let rows: Vec<Vec<&str>> = table.split("\r\n").skip(1).map(|row| row.split(',').collect()).collect();
    assert_eq!(rows[0][20..22], ["0.100000000000", "0.089000000000"]);
    assert_eq!(rows[1][26], "no_series");
    assert_eq!(rows[2][20..22], ["0.000000000000", "-0.011000000000"]);
    for name in std::fs::read_dir(bench.desk.path("first")).expect("a folder").flatten() {
        let name = name.file_name().into_string().expect("a name in UTF-8");
        assert_eq!(bench.text(&format!("first/{name}")), bench.text(&format!("second/{name}")), "{name}");
    }
    let summary = bench.text("first/summary.json");
    for name in ["frames.jsonl", "stoop.toml", "rules.toml", "EDGEUSDT-1m-2026-06.csv"] {
        assert!(summary.contains(&format!("\"name\": \"{name}\"")), "{name}: {summary}");
    }
    stoop(&["replay", &bench.input, "-c", &bench.config, "-o", &bench.desk.name("replayed")])
        .finish()
        .expect(0);
    assert_eq!(bench.text("first/decisions.jsonl"), bench.text("replayed"));
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::new(&klines());
    let folder = bench.desk.name("study");
    stoop(&bench.args(&["-o", &folder])).finish().expect(0);
    stoop(&bench.args(&["-o", &folder])).finish().expect(73);
}

#[test]
fn wrong_prices_end_the_run_with_file_and_line() {
    let bench = Bench::new(&klines().replacen("1.10,1.10", "0,1.10", 1));
    let folder = bench.desk.name("study");
    let run = stoop(&bench.args(&["-o", &folder])).finish().expect(1);
    // Nothing is left that would be in the way of the next try.
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 0);
    assert!(
        run.stderr.concat().contains("EDGEUSDT-1m-2026-06.csv:11: `open` is 0, and a price is above 0"),
        "{:?}",
        run.stderr
    );
}

#[test]
fn an_input_without_decisions_is_told() {
    let bench = Bench::new(&klines());
    let input =
        bench.desk.frames("quiet.jsonl", &[br#"{"v":1,"t":"control","op":"auth_ping","d":{}}"#.to_vec()]);
    let folder = bench.desk.name("study");
    let run = stoop(&["backtest", &input, "-c", &bench.config, "--prices", &bench.prices, "-o", &folder]);
    let run = run.finish().expect(1);
    assert!(run.stderr.concat().contains("the rules decided nothing on 1 frames"), "{:?}", run.stderr);
    let stdin = stoop(&["backtest", "-", "-c", &bench.config, "--prices", &bench.prices, "-o", &folder]);
    stdin.finish().expect(2);
}

#[test]
fn planted_effects_are_made_and_studied_with_two_commands() {
    let desk = Desk::new();
    let at = |name: &str| desk.name(name);
    stoop(&["gen", "--planted", &at("planted"), "--seed", "3"]).finish().expect(0);
    let (input, config) = (at("planted/frames.jsonl"), at("planted/stoop.toml"));
    let run =
        stoop(&["backtest", &input, "-c", &config, "--prices", &at("planted/prices"), "-o", &at("study")]);
    let told = run.finish().expect(0).stderr.concat();
    assert!(
        told.contains("up: 44 outcomes in 44 clusters after 300 s") && told.contains("beats the placebo"),
        "{told}"
    );
    let report = std::fs::read_to_string(desk.path("study/report.html")).expect("a report");
    assert!(report.contains("A made-up post about $UP"));
    let trials = std::fs::read_to_string(desk.path("stoop-trials.txt")).expect("the trials");
    // Four rules and nine horizons.
    assert_eq!(trials.lines().count(), 36);
    stoop(&["gen", "--planted", &at("planted")]).finish().expect(73);
}
