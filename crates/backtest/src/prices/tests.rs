//! Prices from files of every packing, in order and out of it.

use std::io::Write;

use super::*;

pub(super) const START_MS: i64 = 1_617_321_600_000;

pub(super) fn kline(minute: i64, open: &str, volume: &str) -> String {
    let at_ms = START_MS + minute * 60_000;
    format!("{at_ms},{open},{open},{open},{open},{volume},{},0,0,0,0,0\n", at_ms + 59_999)
}

pub(super) fn klines(minutes: std::ops::Range<i64>) -> String {
    minutes.map(|minute| kline(minute, &format!("1.{minute:03}"), "5")).collect()
}

/// A folder with files.
pub(super) struct Desk(tempfile::TempDir);

impl Desk {
    pub(super) fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).expect("a file");
        }
        Self(folder)
    }

    pub(super) fn load(&self, series: &str) -> Result<Series, PriceError> {
        Prices::open(self.0.path())?.read(series, |_, _| Need { from_ns: i64::MIN, to_ns: i64::MAX })
    }

    pub(super) fn fails(&self, series: &str) -> String {
        let error = self.load(series).expect_err("the prices are wrong").to_string();
        error.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn gz(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).expect("a Vec takes it");
    out.finish().expect("a Vec takes it")
}

fn zip(text: &str) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.start_file("A-1m-2021-04.csv", zip::write::SimpleFileOptions::default()).expect("a Vec takes it");
    out.write_all(text.as_bytes()).expect("a Vec takes it");
    out.finish().expect("a Vec takes it").into_inner()
}

#[test]
fn every_packing_gives_the_same_series() {
    let text = klines(0..5);
    let with_header = format!("open_time,open,high,low,close,volume,close_time,q,n,t,u,ignore\n{text}");
    let packings: [(&str, Vec<u8>); 5] = [
        ("A-1m.csv", text.clone().into_bytes()),
        ("A-1m.csv", with_header.into_bytes()),
        ("A-1m.csv.gz", gz(&text)),
        ("A-1m.csv.zst", zstd::encode_all(text.as_bytes(), 1).expect("a Vec takes it")),
        ("A-1m.zip", zip(&text)),
    ];
    for (name, bytes) in packings {
        let series = Desk::new(&[(name, &bytes)]).load("A").expect("prices");
        assert_eq!((series.times.len(), series.spacing_ns), (5, 60_000_000_000), "{name}");
        assert_eq!(series.opens[4].to_string(), "1.004", "{name}");
    }
}

#[test]
fn several_files_are_one_series_by_their_times() {
    let (early, late) = (klines(0..3), klines(3..6));
    let desk =
        Desk::new(&[("A-1m-a.csv", late.as_bytes()), ("A-1m-b.csv", early.as_bytes()), ("B.csv", b"")]);
    let series = desk.load("A").expect("prices");
    assert_eq!(series.times.len(), 6);
    assert_eq!(series.holes, Holes::default());
}

#[test]
fn files_are_of_one_series_only_if_they_are_called_exactly_the_same() {
    let text = klines(0..3);
    let names = [
        "A_PERP-1m-1.csv",
        "A_PERP-1m-2.zip",
        "a_perp-1m.csv",
        "APERP.csv",
        "A_260327-1m-2021-04.csv",
        "币安人生USDT-1m.csv",
    ];
    let desk = Desk::new(&names.map(|name| (name, text.as_bytes())));
    let prices = Prices::open(desk.0.path()).expect("prices");
    let found: Vec<&str> = prices.names().collect();
    assert_eq!(found, ["APERP", "A_260327", "A_PERP", "a_perp", "币安人生USDT"]);
    assert_eq!(prices.files("A_PERP").len(), 2);
    assert_eq!(desk.load("a_perp").expect("prices").times.len(), 3);
    assert_eq!(prices.find("a-260327"), Named::One("A_260327"));
}

#[test]
fn overlapping_files_are_refused() {
    let (early, late) = (klines(0..3), klines(2..6));
    let desk = Desk::new(&[("A-1m-a.csv", early.as_bytes()), ("A-1m-b.csv", late.as_bytes())]);
    assert_eq!(
        desk.fails("A"),
        "A-1m-a.csv and A-1m-b.csv: the files overlap in time \
            (bars overlap: this one opens 0 ms after the one above it, \
         and they are 60000 ms long)"
    );
}

#[test]
fn rows_out_of_order_are_refused_with_their_line() {
    let text = [kline(0, "1", "1"), kline(1, "1", "1"), kline(3, "1", "1"), kline(2, "1", "1")].concat();
    let desk = Desk::new(&[("A.csv", text.as_bytes())]);
    assert_eq!(desk.fails("A"), "A.csv:4: not sorted: 60000 ms before the row above it");
}

#[test]
fn a_bad_price_is_told_with_file_and_line() {
    let text = [kline(0, "1", "1"), kline(1, "0.000", "1")].concat();
    let desk = Desk::new(&[("A.csv.gz", &gz(&text))]);
    assert_eq!(desk.fails("A"), "A.csv.gz:2: `open` is 0.000, and a price is above 0");
}

#[test]
fn bars_of_two_lengths_or_trades_beside_bars_are_refused() {
    let minutes = klines(0..4);
    let hours: String = (10..14).map(|hour| kline(hour * 60, "1", "1")).collect();
    let desk = Desk::new(&[("A-1m.csv", minutes.as_bytes()), ("A-1h.csv", hours.as_bytes())]);
    assert_eq!(desk.fails("A"), "A-1m.csv and A-1h.csv: bars of different lengths: keep one of them");
    let trades = format!("1,2.5,1,1,1,{START_MS},true\n");
    let desk = Desk::new(&[("A-1m.csv", minutes.as_bytes()), ("A-aggTrades.csv", trades.as_bytes())]);
    assert!(desk.fails("A").ends_with("klines and trades of one series: keep one of them"));
}

#[test]
fn halts_and_gaps_are_told() {
    let text = [klines(0..3), kline(3, "1", "0"), kline(4, "1", "0"), klines(5..6), klines(9..12)].concat();
    let series = Desk::new(&[("A.csv", text.as_bytes())]).load("A").expect("prices");
    let at = |minute: i64| (START_MS + minute * 60_000) * 1_000_000;
    assert_eq!((series.holes.missing_bars, series.holes.silent_bars), (3, 2));
    let silent = Hole { from_ns: at(3), to_ns: at(5), is_missing: false };
    assert_eq!(series.holes.longest, [silent, Hole { from_ns: at(6), to_ns: at(9), is_missing: true }]);
    // A silent bar gives no price, and a price is at most two bars away.
    assert_eq!(series.near(at(3)).map(|place| series.times[place]), Some(at(5)));
    assert_eq!(series.near(at(5) + 1), None);
    assert_eq!(series.near(at(7)).map(|place| series.times[place]), Some(at(9)));
    assert_eq!(series.near(at(12)), None);
}

#[test]
fn the_first_bar_at_or_after_a_time_is_found_as_by_looking_at_all() {
    let text: String = (0..400)
        .filter(|minute| minute % 7 != 3 && !(100..230).contains(minute))
        .map(|m| klines(m..m + 1))
        .collect();
    let series = Desk::new(&[("A.csv", text.as_bytes())]).load("A").expect("prices");
    for half in -3..810 {
        let at_ns = START_MS * 1_000_000 + half * 30_000_000_000;
        let naive = series.times.iter().position(|time| *time >= at_ns).unwrap_or(series.times.len());
        assert_eq!(series.at_or_after(at_ns), naive, "{half}");
    }
}

#[test]
fn trades_are_found_at_or_after_a_time() {
    let trade = |id: i64, ms: i64, price: &str| format!("{id},{price},1,1,1,{},true,true\n", START_MS + ms);
    let text =
        [trade(1, 0, "1.0"), trade(2, 0, "1.1"), trade(3, 1500, "1.2"), trade(4, 9000, "1.3")].concat();
    let series = Desk::new(&[("A-aggTrades.csv", text.as_bytes())]).load("A").expect("prices");
    let at = |ms: i64| (START_MS + ms) * 1_000_000;
    assert_eq!(series.near(at(0)).map(|place| series.opens[place].to_string()).as_deref(), Some("1.0"));
    assert_eq!(series.near(at(1)), Some(2));
    assert_eq!(series.near(at(1501)), None);
    assert_eq!(series.known_at(at(100)).map(|price| price.to_string()).as_deref(), Some("1.1"));
}

#[test]
fn rows_beyond_the_month_or_day_of_the_name_are_refused() {
    let text = [klines(1438..1440), kline(1440, "1", "1")].concat();
    for (name, at, span) in [
        ("A-1m-2021-04-02.csv", "A-1m-2021-04-02.csv:3: 2021-04-03T00:00:00.000Z", "2021-04-02"),
        ("A-1m-2021-05.csv.gz", "A-1m-2021-05.csv.gz:1: 2021-04-02T23:58:00.000Z", "2021-05"),
    ] {
        let bytes = if name.ends_with("gz") { gz(&text) } else { text.clone().into_bytes() };
        let expect = format!(
            "{at} is not in {span}, which the file is named after: are its times in a zone other than UTC?"
        );
        assert_eq!(Desk::new(&[(name, &bytes)]).fails("A"), expect);
    }
    for name in ["A-1m-2021-04.csv", "A-1m-2021-04_05.csv", "A-1m-2021-03-2021-04.csv"] {
        let series = Desk::new(&[(name, text.as_bytes())]).load("A").expect("prices");
        assert_eq!(series.times.len(), 3, "{name}");
    }
}

#[test]
fn bars_that_open_within_a_minute_are_refused_unless_they_are_shorter() {
    let every = |step_ms: i64, from_ms: i64| -> String {
        let times = (0..4).map(|bar| START_MS + from_ms + bar * step_ms);
        times
            .map(|at| format!("{at},1,1,1,1,1,{},0,0,0,0,0\n", at + step_ms - 1))
            .collect::<Vec<_>>()
            .concat()
    };
    let load = |text: String| Desk::new(&[("A.csv", text.as_bytes())]).load("A");
    for (step_ms, from_ms) in [(1000, 5000), (15_000, 45_000), (90_000, 30_000), (3_600_000, 1_800_000)] {
        let series = load(every(step_ms, from_ms)).expect("prices");
        assert_eq!(series.spacing_ns, step_ms * 1_000_000, "{step_ms} {from_ms}");
    }
    // Times of closes in the place of those of opens.
    assert_eq!(
        Desk::new(&[("A.csv", every(60_000, 59_999).as_bytes())]).fails("A"),
        "A.csv:1: the bar opens at 2021-04-02T00:00:59.999Z, which is not a multiple of 60000 ms: \
            is it the time it closes?"
    );
    assert!(load(every(3_600_000, 1_830_000)).is_err());
    assert!(load(every(1000, 999)).is_err());
}

#[test]
fn nothing_is_no_prices() {
    assert_eq!(Desk::new(&[("A.csv", b"")]).fails("A"), "A.csv: no rows");
    assert!(
        Desk::new(&[("A.txt", b"")]).fails("A").contains("no prices: files are named after their series")
    );
    let desk = Desk::new(&[("A.csv", klines(0..2).as_bytes())]);
    let told = desk.fails("B");
    assert!(told.starts_with("no series B in") && told.ends_with(": it has A"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_folder_is_told_and_not_waited_for() {
    let desk = Desk::new(&[("A.csv", klines(0..2).as_bytes())]);
    let pipe = desk.0.path().join("B.csv");
    let status = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts");
    assert!(status.success());
    let error = Prices::open(desk.0.path()).expect_err("a pipe");
    assert!(error.to_string().ends_with("B.csv is not a file"), "{error}");
}

#[test]
fn only_the_stretch_asked_for_is_in_memory() {
    let minutes = 20_000;
    let text: String =
        (0..minutes).filter(|minute| minute % 7 != 3).map(|minute| kline(minute, "1", "5")).collect();
    let desk = Desk::new(&[("A.csv", text.as_bytes())]);
    let whole = desk.load("A").expect("prices");
    let prices = Prices::open(desk.0.path()).expect("prices");
    let at = |minute: i64| (START_MS + minute * 60_000) * 1_000_000;
    let mut asked = (5_000..19_000).step_by(100).peekable();
    let (mut answered, mut most) = (0, 0);
    let last = prices.read("A", |series, until_ns| {
        while let Some(minute) = asked.peek().copied() {
            let need = Need { from_ns: at(minute - 100), to_ns: at(minute + 100) };
            if need.to_ns > until_ns {
                return need;
            }
            asked.next();
            answered += 1;
            for at_ns in (need.from_ns..=at(minute + 97)).step_by(30_000_000_000) {
                let time = |series: &Series| series.near(at_ns).map(|place| series.times[place]);
                assert_eq!(time(series), time(&whole), "{minute}");
            }
            most = most.max(series.times.len());
        }
        Need::NOTHING
    });
    let last = last.expect("prices");
    assert_eq!(answered, 140);
    assert!((150..1_000).contains(&most), "{most} bars in memory");
    assert_eq!((last.traded, last.first_ns, last.last_ns), (whole.traded, whole.first_ns, whole.last_ns));
    assert_eq!((last.holes, last.times.len()), (whole.holes, 0));
}
