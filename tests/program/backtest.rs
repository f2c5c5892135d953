//! `stoop backtest`: decisions against prices.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::LogicalType;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnDescPtr;
use serde_json::Value;
use stoop::tape::Origin;

use crate::backfill;
use crate::desk::{Desk, fixture, lines_of};
use crate::driver::stoop;
use crate::tape::Recorder;

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
    let rows = &csv_rows(&table)[1..];
    assert_eq!(rows[0][20..22], ["0.100000000000", "0.089000000000"]);
    assert_eq!(rows[1][26], "no_series");
    assert_eq!(rows[2][20..22], ["0.000000000000", "-0.011000000000"]);
    let bytes = |name: String| std::fs::read(bench.desk.path(&name)).expect("the file is there");
    for name in std::fs::read_dir(bench.desk.path("first")).expect("a folder").flatten() {
        let name = name.file_name().into_string().expect("a name in UTF-8");
        assert!(bytes(format!("first/{name}")) == bytes(format!("second/{name}")), "{name}");
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

/// A post `minute` minutes after the start, and its enrichment two seconds later, which names these assets.
fn enriched(minute: i64, detected: &str) -> [Vec<u8>; 2] {
    let ts = START_MS + minute * 60_000;
    let id = 2_064_689_031_777_615_872_i64 + ((minute * 60_000) << 22);
    let frame = |op: &str, ts: i64, d: &str| {
        format!(r#"{{"v":1,"t":"tweet","op":"{op}","id":"{id}","ts":{ts},"d":{{"tweetId":"{id}",{d}}}}}"#)
            .into_bytes()
    };
    let content = r#""text":"flash","author":{"handle":"@fixture_marketdesk"}"#;
    [frame("content", ts, content), frame("meta", ts + 2_000, &format!(r#""detected":{{{detected}}}"#))]
}

#[test]
fn series_are_found_by_market_and_symbol_whatever_the_files_are_called() {
    let bench = Bench::new(&klines());
    let cex = |symbol: &str, base: &str| {
        format!(
            r#""cex":[{{"exchange":"binance","symbol":"{symbol}","baseAsset":"{base}","quoteAsset":"USDT","sources":["text"]}}]"#
        )
    };
    let token = |symbol: &str| {
        format!(
            r#""tokens":[{{"symbol":"{symbol}","contract":"0x00000000000000000000000000000000000000Ab","chain":"ethereum","sources":["text"]}}]"#
        )
    };
    let cases = [
        (cex("FLUXUSD_PERP", "FLUX"), "FLUXUSD_PERP", "market"),
        (cex("FLUXUSDT_260925", "FLUX"), "FLUXUSDT_260925", "market"),
        (cex("FLUX-USDT", "FLUX"), "fluxusdt", "market"),
        (cex("马克币USDT", "马克币"), "马克币USDT", "market"),
        (cex("GONEUSDT_260925", "GONE"), "", ""),
        (token("flux"), "fluxusdt", "symbol"),
        (token("MITE"), "1000MITEUSDT", "thousand"),
        (token("GONE"), "", ""),
    ];
    for series in ["FLUXUSD_PERP", "FLUXUSDT_260925", "fluxusdt", "马克币USDT", "1000MITEUSDT"] {
        bench.desk.file(&format!("prices/{series}-1m-2026-06.csv"), klines());
    }
    let frames: Vec<Vec<u8>> =
        (0..).zip(&cases).flat_map(|(minute, (assets, ..))| enriched(minute, assets)).collect();
    let input = bench.desk.frames("named.jsonl", &frames);
    let rule = "[[rule]]\nname = \"named\"\nassets = { tokens = true, cex = true }\n\
        side = \"buy\"\nfire = \"enriched\"\n";
    let config = bench.desk.file("named.toml", rule);
    let folder = bench.desk.name("named");
    let run =
        ["backtest", &input, "-c", &config, "--prices", &bench.prices, "-o", &folder, "--horizons", "5m"];
    let done = stoop(&run).finish();
    done.expect(0);
    let table = bench.text("named/outcomes.csv");
    let mut rows = csv_rows(&table);
    let head = rows.remove(0);
    let column = |name: &str| head.iter().position(|column| *column == name).expect("a column");
    let [series, by, excluded] = ["series", "series_by", "excluded"].map(column);
    let found: Vec<(&str, &str, bool)> =
        rows.iter().map(|row| (row[series], row[by], row[excluded] == "no_series")).collect();
    let expect: Vec<(&str, &str, bool)> =
        cases.iter().map(|(_, series, by)| (*series, *by, series.is_empty())).collect();
    assert_eq!(found, expect);
    let summary: Value = serde_json::from_str(&bench.text("named/summary.json")).expect("JSON");
    let assigned = summary["assigned"].as_array().expect("a list");
    let of = |asset: &str| assigned.iter().find(|row| row["asset"] == asset).expect("the asset");
    let looked_for = &of("cex:binance:GONEUSDT_260925")["looked_for"];
    assert_eq!(*looked_for, serde_json::json!(["GONEUSDT_260925", "GONEUSDT", "1000GONEUSDT"]));
    assert_eq!(assigned.iter().filter(|row| row["by_symbol_alone"] == true).count(), 2);
}

fn csv_rows(table: &str) -> Vec<Vec<&str>> {
    table.split_terminator("\r\n").map(|row| row.split(',').collect()).collect()
}

/// The same as Parquet: times in ms, the rest as texts.
fn parquet(klines: &str) -> Vec<u8> {
    let names = ["open_time", "open", "high", "low", "close", "volume", "close_time"];
    let column = |name: &str| {
        if name.ends_with("_time") {
            format!("required int64 {name};")
        } else {
            format!("required binary {name} (STRING);")
        }
    };
    let schema = parse_message_type(&format!("message klines {{ {} }}", names.map(column).concat()));
    let properties = Arc::new(WriterProperties::default());
    let mut out = SerializedFileWriter::new(Vec::new(), Arc::new(schema.expect("a schema")), properties)
        .expect("a file");
    let mut group = out.next_row_group().expect("a group");
    for (place, name) in names.iter().enumerate() {
        let cells = klines.lines().map(|line| line.split(',').nth(place).expect("a cell"));
        let mut column = group.next_column().expect("a column").expect("one for each name");
        if name.ends_with("_time") {
            let times: Vec<i64> = cells.map(|cell| cell.parse().expect("a time")).collect();
            column.typed::<Int64Type>().write_batch(&times, None, None).expect("times");
        } else {
            let texts: Vec<ByteArray> = cells.map(ByteArray::from).collect();
            column.typed::<ByteArrayType>().write_batch(&texts, None, None).expect("texts");
        }
        column.close().expect("a column");
    }
    group.close().expect("a group");
    out.into_inner().expect("a file")
}

#[test]
fn prices_in_parquet_come_to_what_they_come_to_in_csv() {
    let bench = Bench::new(&klines());
    stoop(&bench.args(&["-o", &bench.desk.name("csv")])).finish().expect(0);
    std::fs::remove_file(bench.desk.path("prices/EDGEUSDT-1m-2026-06.csv")).expect("it is there");
    let bytes = parquet(&klines());
    std::fs::write(bench.desk.path("prices/EDGEUSDT-1m-2026-06.parquet"), &bytes).expect("a file");
    stoop(&bench.args(&["-o", &bench.desk.name("parquet")])).finish().expect(0);
    assert_eq!(bench.text("parquet/outcomes.csv"), bench.text("csv/outcomes.csv"));
    assert!(bench.text("parquet/summary.json").contains("\"name\": \"EDGEUSDT-1m-2026-06.parquet\""));

    let cut = &bytes[..bytes.len() - 20];
    std::fs::write(bench.desk.path("prices/EDGEUSDT-1m-2026-06.parquet"), cut).expect("a file");
    let run = stoop(&bench.args(&["-o", &bench.desk.name("cut")])).finish().expect(1);
    let told = run.stderr.concat();
    assert!(told.contains("EDGEUSDT-1m-2026-06.parquet: not Parquet, or incomplete: "), "{told}");
}

/// A cell of `outcomes.parquet` as `outcomes.csv` has it.
fn text_of(field: &Field) -> String {
    if let Field::Decimal(number) = field {
        let digits = i128::from_be_bytes(number.data().try_into().expect("16 bytes"));
        return rust_decimal::Decimal::from_i128_with_scale(digits, number.scale() as u32).to_string();
    }
    if *field == Field::Null { String::new() } else { field.to_string().trim_matches('"').to_owned() }
}

#[test]
fn outcomes_in_parquet_are_those_in_csv_cell_by_cell() {
    let recorded = Recorded::new();
    recorded.study("study", &[&recorded.input, "-c", &recorded.config, "--benchmark", "FLATUSDT"]);
    let table = recorded.text("study/outcomes.csv");
    let mut lines = table.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    let file = std::fs::File::open(recorded.desk.path("study/outcomes.parquet")).expect("the file is there");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let schema = reader.metadata().file_metadata().schema_descr().columns().to_vec();
    let names: Vec<&str> = schema.iter().map(|column| column.name()).collect();
    assert_eq!(Some(names), lines.next());
    let is_time =
        |column: &ColumnDescPtr| matches!(column.logical_type_ref(), Some(LogicalType::Timestamp(_)));
    for column in &schema {
        assert_eq!(is_time(column), column.name().ends_with("_ns"), "{}", column.name());
    }
    let (mut rows, mut empty, mut negative) = (0, 0, 0);
    for row in reader.get_row_iter(None).expect("rows") {
        let row = row.expect("a row");
        let cells: Vec<String> = row.get_column_iter().map(|(_, field)| text_of(field)).collect();
        let expect = lines.next().expect("as many rows");
        assert_eq!(cells, expect);
        rows += 1;
        empty += expect.iter().filter(|cell| cell.is_empty()).count();
        negative += usize::from(expect[20].starts_with('-'));
    }
    assert_eq!(lines.next(), None);
    assert!(
        rows > 100 && empty > 100 && negative > 0,
        "{rows} rows, {empty} empty cells, {negative} negative"
    );
}

#[test]
fn nothing_is_overwritten() {
    let bench = Bench::new(&klines());
    let folder = bench.desk.name("study");
    stoop(&bench.args(&["-o", &folder])).finish().expect(0);
    stoop(&bench.args(&["-o", &folder])).finish().expect(73);
}

#[test]
fn an_output_that_is_a_file_exists_already() {
    let bench = Bench::new(&klines());
    let file = bench.desk.file("study", "mine");
    let run = stoop(&bench.args(&["-o", &file])).finish().expect(73);
    assert!(run.errors().contains("study is a file"), "{}", run.errors());
}

#[test]
fn a_study_that_is_stopped_leaves_no_half_of_it() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new(&klines());
        // More frames may always come.
        let (input, _held) = bench.desk.pipe("endless.jsonl", &[&post(5, "EDGE")[..], b"\n"].concat());
        let study = bench.desk.name("study");
        let args = ["backtest", &input, "-c", &bench.config, "--prices", &bench.prices, "-o", &study];
        let program = stoop(&args).start();
        bench.desk.wait_for("study/decisions.jsonl");
        program.signal(signal);
        let run = program.finish().expect(code);
        assert!(run.errors().contains("stopped before it was done"), "{}", run.errors());
        assert_eq!(std::fs::read_dir(study).expect("the folder").count(), 0);
        // Nothing stands in the way of another.
        stoop(&bench.args(&["-o", &bench.desk.name("study")])).finish().expect(0);
    }
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
    let told = stoop(&["backtest", &at("planted"), "-o", &at("study")]).finish().expect(0).stderr.concat();
    assert!(
        told.contains("up: 43 outcomes in 43 clusters") && told.contains(": beats random moments"),
        "{told}"
    );
    assert!(told.contains("halt: not measured (no outcome within 300 s)"), "{told}");
    let trials = std::fs::read_to_string(desk.path("stoop-trials.txt")).expect("the trials");
    // Six rules and nine horizons.
    assert_eq!(trials.lines().count(), 54);
    stoop(&["gen", "--planted", &at("planted")]).finish().expect(73);
    stoop(&["gen", "--planted", &at("again"), "--seed", "3"]).finish().expect(0);
    for name in ["tape.mcap", "stoop.toml", "prices/UPUSDT-1m-2026-01.csv.zst"] {
        let [first, again] = ["planted", "again"].map(|folder| desk.path(&format!("{folder}/{name}")));
        assert!(std::fs::read(first).expect("a file") == std::fs::read(again).expect("a file"), "{name}");
    }
}

#[test]
fn the_command_of_the_readme_makes_a_report_from_the_shipped_tape() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let shown = page.lines().find_map(|line| line.trim().strip_prefix("cargo run --release -- backtest "));
    let shown = shown.expect("the page has the command");
    let (input, folder) = shown.split_once(" -o ").expect("it names a folder");
    let input = input.strip_prefix("fixtures/").expect("it takes a fixture");
    let desk = Desk::new();
    let study = desk.name("study");
    assert!(page.contains(&format!("open `{folder}/report.html`")), "the page says what to open");
    let run = stoop(&["backtest", &fixture(input), "-o", &study]).finish().expect(0);
    assert_eq!(run.stderr.last(), Some(&format!("now open {study}/report.html")), "{}", run.errors());
    let report = std::fs::read_to_string(desk.path("study/report.html")).expect("a report");
    assert!(report.contains("$UP") && report.contains("fixture_early_otter"));
    for name in ["decisions.jsonl", "outcomes.csv", "summary.json"] {
        assert!(!std::fs::read(desk.path(&format!("study/{name}"))).expect("a file").is_empty(), "{name}");
    }
    let replay = stoop(&["replay", &fixture("study")]).finish().expect(0);
    assert_eq!(run.digest(), replay.digest());
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/backtesting.md");
    let guide = std::fs::read_to_string(guide).expect("the page is there");
    let (_, shown) =
        guide.split_once("backtest fixtures/study -o study\n").expect("the page has the command");
    let digest = shown.lines().find_map(|line| line.trim().strip_prefix("digest ")?.strip_suffix('…'));
    let digest = digest.expect("the page shows how the digest begins");
    assert!(digest.len() > "sha256:".len() && run.digest().starts_with(digest), "{digest}: {}", run.digest());
    stoop(&["parity", &fixture("study")]).finish().expect(0);
}

#[test]
fn a_folder_of_prices_that_is_not_there_is_told() {
    let desk = Desk::new();
    let (tape, study) = (desk.name("tape.mcap"), desk.name("study"));
    std::fs::copy(fixture("study/tape.mcap"), &tape).expect("a copy");
    for (more, code, told) in [
        (&[][..], 2, "which prices? there is no folder"),
        (&["--prices", "nowhere"][..], 1, "cannot read nowhere"),
    ] {
        let run = stoop(&[&["backtest", &tape, "-o", &study], more].concat()).finish().expect(code);
        assert!(run.errors().contains(told), "{}", run.errors());
        assert!(!desk.path("study").exists(), "nothing is made before all is there");
    }
}

/// A frame's own time, Unix ns: when a replay of JSONL takes it to have come.
fn sent_ns(frame: &[u8]) -> i64 {
    let frame: Value = serde_json::from_slice(frame).expect("a frame");
    frame["ts"].as_i64().expect("a time") * 1_000_000
}

/// Made-up posts as JSONL, and as three tapes in a folder on which they come at the times they were sent.
struct Recorded {
    desk: Desk,
    input: String,
    config: String,
}

impl Recorded {
    fn new() -> Self {
        let desk = Desk::new();
        stoop(&["gen", "--planted", &desk.name("planted"), "--seed", "4"]).finish().expect(0);
        let (input, config) = (desk.name("frames.jsonl"), desk.name("planted/stoop.toml"));
        stoop(&["tape", "export", &desk.name("planted/tape.mcap"), "-o", &input]).finish().expect(0);
        let mut text = std::fs::read_to_string(&config).expect("a configuration");
        text.push_str("\n[series]\n\"rule:flat\" = \"UPUSDT\"\n");
        std::fs::write(&config, text).expect("it can be written");
        let frames = lines_of(Path::new(&input));
        std::fs::create_dir(desk.path("tapes")).expect("a folder");
        let tape = |number: usize| desk.path(&format!("tapes/{number}.mcap"));
        let mut recorder = Recorder::begin_with(&tape(0), &config, sent_ns(&frames[0]));
        let origin = Origin::endpoint(0, "default").expect("one of eight");
        let (third, mut tapes) = (frames.len().div_ceil(3), 1);
        for (place, frame) in frames.iter().enumerate() {
            // Behind a post, so that its enrichment is on the next tape.
            let is = |place: usize, op: &str| String::from_utf8_lossy(&frames[place]).contains(op);
            if place > tapes * third && is(place - 1, r#""op":"content""#) && is(place, r#""op":"meta""#) {
                recorder = recorder.rotate(&tape(tapes));
                tapes += 1;
            }
            recorder.frame_at(sent_ns(frame), &origin, frame);
        }
        recorder.tick(sent_ns(&frames[frames.len() - 1]) + 86_400_000_000_000);
        recorder.seal();
        Self { desk, input, config }
    }

    fn study(&self, name: &str, args: &[&str]) -> String {
        let (prices, output) = (self.desk.name("planted/prices"), self.desk.name(name));
        let fixed = ["--prices", &prices, "-o", &output, "--horizons", "5m,4h"];
        stoop(&[&["backtest"], args, &fixed[..]].concat()).finish().expect(0).stderr.concat()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.desk.path(name)).expect("the file is there")
    }

    fn summary(&self, study: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{study}/summary.json"))).expect("JSON")
    }
}

#[test]
fn tapes_come_to_what_their_frames_come_to_by_their_own_configuration_or_by_one_given() {
    let recorded = Recorded::new();
    let tapes = recorded.desk.name("tapes");
    recorded.study("frames", &[&recorded.input, "-c", &recorded.config]);
    recorded.study("own", &[&tapes]);
    recorded.study("given", &[&tapes, "-c", &recorded.config]);
    let expect = recorded.text("frames/outcomes.csv");
    assert!(expect.contains(",flat,") && expect.contains(",UPUSDT,"), "{expect}");
    for study in ["own", "given"] {
        assert!(recorded.text(&format!("{study}/outcomes.csv")) == expect, "{study}");
        let decisions = |study: &str| recorded.text(&format!("{study}/decisions.jsonl"));
        assert!(decisions(study) == decisions("frames"), "{study}");
        let (found, expect) = (recorded.summary(study), recorded.summary("frames"));
        for part in ["decisions", "excluded", "settings"] {
            assert_eq!(found[part], expect[part], "{study}");
        }
        let names = found["sources"].as_array().expect("sources").iter();
        let names: Vec<&str> = names.filter_map(|source| source["name"].as_str()).collect();
        assert_eq!(names[..3], ["0.mcap", "1.mcap", "2.mcap"], "{study}");
        assert_eq!(names.contains(&"stoop.toml"), study == "given");
    }
}

#[test]
fn what_was_open_before_a_tape_does_not_count_in_its_study() {
    let recorded = Recorded::new();
    recorded.study("second", &[&recorded.desk.name("tapes/1.mcap")]);
    let rows = recorded.text("second/outcomes.csv");
    let rows: Vec<Vec<&str>> =
        rows.split_terminator("\r\n").skip(1).map(|row| row.split(',').collect()).collect();
    let is_open = |row: &Vec<&str>| row[8] == "open";
    // The later step whose open is on the tape before.
    assert!(
        rows.iter().any(|row| !is_open(row) && !rows.iter().any(|open| is_open(open) && open[0] == row[0]))
    );
    for row in &rows {
        assert_eq!(row[2] == "true", is_open(row), "{row:?}");
    }
    let opens = rows.iter().filter(|row| is_open(row)).count() / 2;
    assert_eq!(recorded.summary("second")["decisions"]["open"], opens);
}

#[test]
fn inputs_are_taken_as_a_replay_takes_them() {
    let recorded = Recorded::new();
    let (tapes, input) = (recorded.desk.name("tapes"), &recorded.input);
    let (prices, output) = (recorded.desk.name("planted/prices"), recorded.desk.name("study"));
    let refused = |inputs: &[&str]| {
        let run = stoop(&[&["backtest"], inputs, &["--prices", &prices, "-o", &output][..]].concat());
        let told = run.finish().expect(2).stderr.concat();
        let replayed = stoop(&[&["replay"], inputs].concat()).finish().expect(2).stderr.concat();
        assert_eq!(told, replayed);
        told
    };
    assert!(refused(&[&tapes, input]).contains("tapes and JSONL cannot be replayed as one input"));
    assert!(refused(&[input]).contains("which rules? use -c FILE"));
}

/// Minute bars around a time, one cent up each, on which everything can be measured over an hour.
fn rising(at_ms: i64) -> String {
    let mut text = String::new();
    for minute in -30..120 {
        let (at_ms, price) = (at_ms.div_euclid(60_000) * 60_000 + minute * 60_000, 1000 + minute);
        writeln!(text, "{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0", at_ms + 59_999)
            .expect("a line");
    }
    text
}

#[test]
fn what_an_outage_lost_and_how_long_the_live_run_took_are_in_the_study_of_its_tape() {
    const RULES: &str =
        "[[rule]]\nname = \"edge\"\nassets = { tokens = true }\n\n[series]\n\"rule:edge\" = \"EDGEUSDT\"\n";
    let (program, _mock, desk) = backfill::start(RULES, &format!("[tape]\ndir = {:?}\n", "tapes"), &[]);
    program.stderr.wait_for("the gap to be filled", |line| line.contains("history has filled the gap from"));
    program.signal("TERM");
    let run = program.finish().expect(143);
    let told = run.summary()["signal"]["missed"].as_u64().expect("a count");
    assert!(told > 0);
    let first: Value = serde_json::from_str(&run.stdout[0]).expect("a decision");
    std::fs::create_dir(desk.path("prices")).expect("a folder");
    desk.file("prices/EDGEUSDT.csv", rising(first["created_ms"].as_i64().expect("a time")));
    let (tapes, prices) = (desk.name("tapes"), desk.name("prices"));
    let study = |name: &str| {
        let output = desk.name(name);
        stoop(&["backtest", &tapes, "--prices", &prices, "-o", &output]).finish().expect(0);
        ["summary.json", "report.html"].map(|file| {
            std::fs::read_to_string(desk.path(&format!("{name}/{file}"))).expect("the file is there")
        })
    };
    let [summary, report] = study("first");
    assert!(study("second") == [summary.clone(), report.clone()], "two runs differ");
    let summary: Value = serde_json::from_str(&summary).expect("JSON");

    let missed = summary["missed"].as_array().expect("a list");
    assert_eq!(missed.len() as u64, told);
    for signal in missed {
        assert_eq!(signal["author"], "some_desk_of_mocks");
        assert!(signal["delay_ms"].as_f64() > Some(0.0) && signal["series"] == "EDGEUSDT", "{signal}");
        // A cent a minute, over five of them.
        let return_ = signal["from_seen"].as_str().and_then(|text| text.parse::<f64>().ok());
        assert!(return_.is_some_and(|value| (0.0045..0.0051).contains(&value)), "{signal}");
    }
    let row = &summary["statistics"]["missed"][0];
    assert_eq!((&row["rule"], row["signals"].as_u64()), (&Value::from("edge"), Some(told)));
    let opens = summary["decisions"]["open"].as_u64().expect("opens");
    let counted = summary["statistics"]["groups"].as_array().expect("groups").iter();
    let most = counted.filter_map(|row| row["outcomes"].as_u64()).max();
    assert_eq!(most, Some(opens), "what was missed is no outcome");

    let stages = summary["recorded"]["latency_ns"].as_array().expect("stages").iter();
    let stages: Vec<&str> = stages.filter_map(|row| row["stage"].as_str()).collect();
    assert_eq!(stages[..4], ["decode", "merge", "signal", "recv→decided"]);
    assert_eq!(summary["recorded"]["decisions"], run.summary()["decisions"]);
    for text in ["from the post", "recv→decided", "Measured by the run that wrote the tapes"] {
        assert!(report.contains(text), "{text}");
    }
}
