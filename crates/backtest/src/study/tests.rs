//! Whole studies on files a page long.

use std::fmt::Write;
use std::path::Path;

use stoop_model::{Asset, AssetClass, Side};

use super::*;
use crate::made_up::{MINUTE_NS, NOON_NS, decision, with};
use crate::outcome::Exclusion;
use crate::report::report;
use crate::search::{SeriesBy, SeriesNames};
use crate::statistics::Statistics;
use crate::summary::write_summary;
use crate::table::write_outcomes;
use crate::tally::assigned_series;

/// Minute bars whose price goes up by 0.01 a minute from 1.00 at noon, in a folder.
fn folder(minutes: i64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::new();
    for minute in 0..minutes {
        let at_ms = (NOON_NS + minute * MINUTE_NS) / 1_000_000;
        let price = format!("{}.{:02}", 1 + minute / 100, minute % 100);
        writeln!(text, "{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0", at_ms + 59_999)
            .expect("a line");
    }
    std::fs::write(folder.path().join("UPUSDT-1m.csv"), text).expect("a file");
    folder
}

fn asset(class: AssetClass, symbol: &str, contract: Option<&str>) -> Asset {
    Asset {
        class,
        symbol: Some(symbol.to_owned()),
        contract: contract.map(str::to_owned),
        chain: None,
        venue: None,
        market: None,
        sources: Vec::new(),
    }
}

fn settings(horizons_ms: &[i64]) -> Settings {
    let names = SeriesNames::new([("rule:test".to_owned(), "UPUSDT".to_owned())]);
    Settings { horizons_ms: horizons_ms.to_vec(), names, ..Settings::default() }
}

fn findings(decisions: &[Decision], settings: Settings, folder: &Path) -> Findings {
    let mut study = Study::default();
    for decision in decisions {
        study.add(decision);
    }
    study.measure(settings, &Prices::open(folder).expect("prices")).expect("findings")
}

fn table(findings: &Findings) -> Vec<String> {
    let mut out = Vec::new();
    write_outcomes(findings, &mut out).expect("a Vec takes it");
    String::from_utf8(out).expect("UTF-8").split_terminator("\r\n").map(str::to_owned).collect()
}

#[test]
fn a_decision_has_a_row_for_each_horizon() {
    let folder = folder(10);
    let rows = table(&findings(&[decision(1, 0)], settings(&[1_000, 120_000, 600_000]), folder.path()));
    assert_eq!(rows[0], crate::table::COLUMNS.join(","));
    let head = "00000000000000010000000000000000,0,true,test,fixture_author_of_posts,2064689031777615872,,post,open,\
                content,,,UPUSDT,\
                buy,1767614400000000000,1767614400000000000,1.00,";
    assert_eq!(rows[1], format!("{head}1000,,,,,,,,,coarse,series"));
    let done = "120000,1767614520000000000,1.02,0.020000000000,0.009000000000,,0.020000000000,0.000000000000,\
                UPUSDT@1767614400000000000,,series";
    assert_eq!(rows[2], format!("{head}{done}"));
    assert_eq!(rows[3], format!("{head}600000,,,,,,,,,no_price,series"));
    assert_eq!(rows.len(), 4);
}

#[test]
fn rows_come_by_time_id_revision_and_horizon_whatever_their_order() {
    let folder = folder(10);
    let (open, other) = (decision(2, 1000), decision(1, 1000));
    let confirm = with(&open, |body| {
        body.revision = 1;
        body.kind = DecisionKind::Confirm;
    });
    let found =
        findings(&[confirm, open, other, decision(3, 0)], settings(&[60_000, 120_000]), folder.path());
    let keys: Vec<(u8, u32, i64, bool)> = found
        .outcomes
        .iter()
        .map(|outcome| {
            let event = &found.events[outcome.event];
            (
                event.decision.id.0[7],
                event.decision.revision,
                outcome.horizon_ms,
                outcome.cluster_ns.is_some(),
            )
        })
        .collect();
    let row = |id, revision, counts| [(id, revision, 60_000, counts), (id, revision, 120_000, counts)];
    assert_eq!(keys, [row(3, 0, true), row(1, 0, true), row(2, 0, true), row(2, 1, false)].concat());
}

#[test]
fn an_open_that_comes_twice_counts_once() {
    let folder = folder(10);
    let first = decision(1, 0);
    let again = with(&first, |body| body.decided_ns += 60_000_000_000);
    let found = findings(&[again, first], settings(&[60_000]), folder.path());
    let counts: Vec<bool> = found.events.iter().map(|event| event.counts).collect();
    assert_eq!(counts, [true, false]);
    assert_eq!(found.events[0].decision.decided_ns + 60_000_000_000, found.events[1].decision.decided_ns);
}

#[test]
fn overlapping_windows_are_one_cluster() {
    let folder = folder(30);
    let minutes = [0, 1, 2, 4, 10, 13];
    let decisions: Vec<Decision> =
        (0..).zip(minutes).map(|(n, minute)| decision(n, minute * 60_000)).collect();
    let found = findings(&decisions, settings(&[120_000, 180_000]), folder.path());
    let clusters = |horizon_ms: i64| -> Vec<i64> {
        let rows = found.outcomes.iter().filter(|outcome| outcome.horizon_ms == horizon_ms);
        rows.filter_map(|outcome| Some((outcome.cluster_ns? - NOON_NS) / MINUTE_NS)).collect()
    };
    assert_eq!(clusters(120_000), [0, 0, 2, 4, 10, 13].map(|minute| if minute == 2 { 0 } else { minute }));
    assert_eq!(clusters(180_000), [0, 0, 0, 0, 10, 13]);
}

#[test]
fn latency_moves_the_entry_and_nothing_else() {
    let folder = folder(30);
    let late = Settings { latency_ns: 1, ..settings(&[60_000]) };
    let found = findings(&[decision(1, 0)], late, folder.path());
    assert_eq!(found.events[0].entry.map(|entry| entry.at_ns), Some(NOON_NS + MINUTE_NS));
    assert_eq!(found.events[0].decision.decided_ns, NOON_NS);
}

#[test]
fn what_cannot_be_measured_is_listed_with_its_reason() {
    let folder = folder(5);
    let ticker = with(&decision(1, 0), |body| body.asset = Some(asset(AssetClass::Ticker, "GONE", None)));
    let mut settings = settings(&[60_000]);
    settings.names = SeriesNames::default();
    let found = findings(&[ticker, decision(2, 0)], settings.clone(), folder.path());
    let reasons: Vec<_> = found.outcomes.iter().map(|outcome| outcome.excluded).collect();
    assert_eq!(reasons, [Some(Exclusion::NoSeries), Some(Exclusion::NoAsset)]);
    settings.names = SeriesNames::new([("rule:test".to_owned(), "UPUSDT".to_owned())]);
    let found = findings(&[decision(1, -600_000), decision(2, 600_000)], settings, folder.path());
    let reasons: Vec<_> = found.outcomes.iter().map(|outcome| outcome.excluded).collect();
    assert_eq!(reasons, [Some(Exclusion::NotOpen), Some(Exclusion::NoPrice)]);
}

#[test]
fn a_later_step_without_a_series_is_measured_on_that_of_its_open() {
    let folder = folder(10);
    let open = with(&decision(1, 0), |body| body.asset = Some(asset(AssetClass::Ticker, "UP", None)));
    let revise = with(&open, |body| {
        body.revision = 1;
        body.kind = DecisionKind::Revise;
        body.decided_ns += MINUTE_NS;
        body.asset = Some(asset(AssetClass::Token, "WRAPPEDUP", Some("0xbEEF")));
    });
    let cancel = with(&revise, |body| {
        body.revision = 2;
        body.kind = DecisionKind::Cancel;
        body.asset = Some(asset(AssetClass::Token, "GONE", None));
    });
    let settings = Settings { horizons_ms: vec![60_000], ..Settings::default() };
    let found = findings(&[open, revise, cancel], settings, folder.path());
    for event in &found.events {
        assert_eq!((event.search.series(), event.search.by()), (Some("UPUSDT"), Some(SeriesBy::Symbol)));
        assert!(event.excluded.is_none() && event.search.looked_for.is_empty());
    }
}

#[test]
fn every_asset_is_told_with_its_series_and_why_or_with_what_was_looked_for() {
    let folder = folder(10);
    let of = |number, asset: Asset| with(&decision(number, 0), |body| body.asset = Some(asset));
    let decisions = [
        of(1, asset(AssetClass::Token, "UP", Some("0xBEEF"))),
        of(2, asset(AssetClass::Ticker, "UP", None)),
        of(3, asset(AssetClass::Ticker, "UP", None)),
        of(4, asset(AssetClass::Token, "GONE", Some("0xDEAD"))),
        decision(5, 0),
    ];
    let settings = Settings { horizons_ms: vec![60_000], ..Settings::default() };
    let found = findings(&decisions, settings, folder.path());
    let rows: Vec<_> = assigned_series(&found);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (&*row.asset, row.series.as_deref(), row.series_by, row.by_symbol_alone, row.opens))
        .collect();
    assert_eq!(
        told,
        [
            ("ticker:UP", Some("UPUSDT"), Some("symbol"), false, 2),
            ("", None, None, false, 1),
            ("token:-:0xBEEF", Some("UPUSDT"), Some("symbol"), true, 1),
            ("token:-:0xDEAD", None, None, false, 1),
        ]
    );
    assert_eq!(rows[3].looked_for, ["GONEUSDT", "1000GONEUSDT"]);
    let table = table(&found);
    let ends: Vec<&str> =
        table.iter().skip(1).map(|row| row.rsplit(',').next().unwrap_or_default()).collect();
    assert_eq!(ends, ["symbol", "symbol", "symbol", "", ""]);
    let page = report(&found, &Statistics::of(&found, 0), "0.0.0", &[], &[]);
    for text in [
        "1\u{a0}open on a contract is measured by symbol alone.",
        "none; looked for GONEUSDT, 1000GONEUSDT",
        "UPUSDT by symbol, ",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let mut summary = Vec::new();
    write_summary(&found, &Statistics::of(&found, 0), &mut summary, "0.0.0", &[]).expect("a Vec takes it");
    let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
    assert_eq!(summary["assigned"][3]["looked_for"], serde_json::json!(["GONEUSDT", "1000GONEUSDT"]));
    assert_eq!(summary["assigned"][0]["series_by"], "symbol");
}

#[test]
fn the_benchmark_is_found_however_it_is_written() {
    let folder = folder(5);
    let named = Settings { benchmark: Some("up_usdt".to_owned()), ..settings(&[60_000]) };
    let found = findings(&[decision(1, 0)], named, folder.path());
    assert_eq!(found.settings.benchmark.as_deref(), Some("UPUSDT"));
    assert_eq!(found.outcomes[0].adjusted, Some(Decimal::new(0, 12)));
}

#[test]
fn a_short_earns_what_the_price_loses() {
    let folder = folder(5);
    let short = with(&decision(1, 0), |body| {
        let mut rule = (*body.rule).clone();
        rule.side = Side::Sell;
        body.rule = rule.into();
    });
    let found = findings(&[short], settings(&[60_000]), folder.path());
    assert_eq!(found.outcomes[0].gross.map(|gross| gross.to_string()).as_deref(), Some("0.010000000000"));
    assert_eq!(found.outcomes[0].net.map(|net| net.to_string()).as_deref(), Some("-0.021000000000"));
}

#[test]
fn a_benchmark_that_is_not_there_is_an_error() {
    let folder = folder(5);
    let mut study = Study::default();
    study.add(&decision(1, 0));
    let settings = Settings { benchmark: Some("BTCUSDT".to_owned()), ..settings(&[60_000]) };
    let error =
        study.measure(settings, &Prices::open(folder.path()).expect("prices")).expect_err("none there");
    assert!(error.to_string().starts_with("no series BTCUSDT in"));
}

/// A signal that came so late, ms, on a post a minute after noon.
fn missed(number: u64, late_ms: i64) -> Missed {
    let open = decision(number, 60_000);
    Missed {
        rule: std::sync::Arc::clone(&open.rule),
        platform: open.platform.clone(),
        tweet_id: open.tweet_id.clone(),
        author: open.author.clone(),
        link: None,
        asset: None,
        created_ms: Some(NOON_NS / 1_000_000 + 60_000),
        decided_ns: NOON_NS + 60_000_000_000 + late_ms * 1_000_000,
    }
}

#[test]
fn what_was_missed_is_told_and_counts_nowhere() {
    let folder = folder(40);
    let mut study = Study::default();
    study.add(&decision(1, 0));
    study.miss(&missed(2, 600_000));
    study.miss(&missed(2, 600_000));
    let found = study
        .measure(settings(&[60_000, 300_000]), &Prices::open(folder.path()).expect("prices"))
        .expect("findings");
    assert_eq!(found.missed.len(), 1, "the same one twice, as of two tapes");
    let signal = &found.missed[0];
    let text = |value: Option<Decimal>| value.expect("a return").round_dp(6).to_string();
    // From 1.01 to 1.06, and ten minutes later from 1.11 to 1.16.
    assert_eq!(
        (text(signal.from_post), text(signal.from_seen)),
        ("0.049505".to_owned(), "0.045045".to_owned())
    );
    let row = &Statistics::of(&found, 0).missed[0];
    assert_eq!(
        (row.signals, row.priced, row.delay_ms_p50, row.delay_ms_max),
        (1, 1, Some(600_000.0), Some(600_000.0))
    );
    assert_eq!((found.events.len(), found.outcomes.len()), (1, 2));
    assert!(Statistics::of(&found, 0).groups.iter().all(|row| row.summary.outcomes == 1));
}

#[test]
fn what_was_missed_beyond_the_prices_has_a_reason() {
    let folder = folder(10);
    let mut study = Study::default();
    study.miss(&missed(2, 3_600_000));
    assert!(!study.is_empty());
    let prices = Prices::open(folder.path()).expect("prices");
    let found = study.measure(settings(&[300_000]), &prices).expect("findings");
    assert_eq!((found.missed[0].from_seen, found.missed[0].excluded), (None, Some(Exclusion::NoPrice)));
    assert!(found.missed[0].from_post.is_some());
    let mut study = Study::default();
    study.miss(&missed(2, 0));
    let found = study
        .measure(Settings { horizons_ms: vec![300_000], ..Settings::default() }, &prices)
        .expect("findings");
    assert_eq!(found.missed[0].excluded, Some(Exclusion::NoAsset));
}

/// Three days of minute bars whose prices jump about.
fn restless() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::new();
    for minute in 0..3 * 1440 {
        let at_ms = (NOON_NS + minute * MINUTE_NS) / 1_000_000;
        let price = 1000 + minute * minute * 7919 % 101;
        writeln!(text, "{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0", at_ms + 59_999)
            .expect("a line");
    }
    std::fs::write(folder.path().join("UPUSDT-1m.csv"), text).expect("a file");
    folder
}

#[test]
fn random_moments_are_as_many_as_there_are_clusters() {
    let folder = restless();
    let band = |count: u64| {
        let decisions: Vec<Decision> = (0..count).map(|n| decision(n, 86_400_000)).collect();
        let found = findings(&decisions, settings(&[300_000]), folder.path());
        let row = Statistics::of(&found, 0).groups.first().expect("a group").clone();
        assert_eq!((row.summary.outcomes as u64, row.summary.clusters), (count, 1));
        (row.placebo_low.expect("a bound"), row.placebo_high.expect("a bound"))
    };
    let (once, often) = (band(1), band(20));
    assert!((once.0 - often.0).abs() < 1e-9 && (once.1 - often.1).abs() < 1e-9, "{once:?} {often:?}");
}

#[test]
fn what_is_held_against_no_random_moments_has_no_verdict() {
    let folder = restless();
    let decisions: Vec<Decision> = (0..).zip([0, 30, 60]).map(|(n, m)| decision(n, m * 60_000)).collect();
    let found = findings(&decisions, settings(&[300_000]), folder.path());
    for row in &Statistics::of(&found, 0).groups {
        let verdict = serde_json::to_value(row).expect("a row")["verdict"].clone();
        assert_eq!(verdict.is_null(), row.placebo_high.is_none(), "{row:?}");
    }
}
