//! The study finds what was planted, and nothing where nothing is.

use std::ops::ControlFlow;
use std::path::Path;

use stoop::Config;
use stoop::replay::Lines;
use stoop::tape::{
    Follower, Parity, Record, Tape, TapeConfig, TapeReplayOptions, TapeStep, Tapes, event_type,
};
use stoop_backtest::{Dimension, Exclusion, Findings, GroupRow, Prices, Settings, Statistics, Study};
use stoop_synth::{PLANTED_CALL, PLANTED_RETURN, Planted, planted};
use stoop_tests::{fixture, read_text};

/// `stoop gen --planted fixtures/study --seed 7`
const TAPE: &str = "study/tape.mcap";
const SEED: u64 = 7;

const MINUTE_NS: i64 = 60_000_000_000;
const FIVE_MINUTES_MS: i64 = 300_000;
const COSTS: f64 = 0.011;

fn after(latency_ns: i64) -> Settings {
    Settings { latency_ns, ..Settings::default() }
}

/// Studies ten days of a seed.
fn study(seed: u64, settings: Settings) -> Found {
    let planted = planted(seed);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in &planted.prices {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let config = Config::parse("stoop.toml", &planted.config).expect("a configuration");
    let mut follower = Follower::with_config(config);
    let mut study = Study::default();
    let clock = Record::Event { at_ns: planted.end_ns, json: br#"{"type":"clock"}"# };
    for record in planted.records().chain([clock]) {
        follower.follow(&record).expect("an input");
        follower.decisions().iter().for_each(|decision| study.add(decision));
    }
    measure(study, settings, folder.path())
}

/// Studies the tape that is shipped, by its own configuration.
fn shipped(settings: Settings) -> Found {
    let mut study = Study::default();
    let tapes = Tapes::open(&[fixture(TAPE)]).expect("the tape opens");
    let take = |step: TapeStep<'_>| {
        match step {
            TapeStep::Decided(decision) => study.add(decision),
            TapeStep::Missed(missed) => study.miss(missed),
            TapeStep::Recorded(_) => {}
        }
        ControlFlow::Continue(())
    };
    let options = TapeReplayOptions::default();
    stoop::tape::replay_tapes(tapes, &mut Follower::default(), options, take).expect("a replay");
    measure(study, settings, &fixture("study/prices"))
}

struct Found {
    findings: Findings,
    statistics: Statistics,
}

fn measure(study: Study, settings: Settings, prices: &Path) -> Found {
    let findings = study.measure(settings, &Prices::open(prices).expect("prices")).expect("findings");
    let statistics = Statistics::of(&findings, 0);
    Found { findings, statistics }
}

fn row<'a>(found: &'a Found, rule: &str, horizon_ms: i64) -> &'a GroupRow {
    let is_it =
        |row: &&GroupRow| row.rule == rule && row.by == Dimension::All && row.horizon_ms == horizon_ms;
    found.statistics.groups.iter().find(is_it).expect("the rule has outcomes")
}

/// The return is within the interval, before costs.
fn holds(row: &GroupRow, gross: f64) -> bool {
    let bounds = row.summary.net_low.zip(row.summary.net_high).expect("an interval");
    (bounds.0..=bounds.1).contains(&(gross - COSTS))
}

/// What is on a tape but for its head and its end.
fn inputs_of(tape: &mut Tape, mut each: impl FnMut(&Record<'_>)) -> TapeConfig {
    let mut config = None;
    while let Some(record) = tape.read().expect("it can be read") {
        match record {
            Record::Frame { .. } => each(&record),
            Record::Event { json, .. } => match event_type(json).as_deref() {
                Some("config") => config = Some(TapeConfig::from_event(json).expect("a configuration")),
                Some("state" | "clock") => {}
                Some(_) | None => each(&record),
            },
            Record::Decision { .. } | Record::Unknown { .. } => {}
        }
    }
    config.expect("a configuration at its head")
}

#[test]
fn the_shipped_study_is_what_the_generator_makes() {
    let Planted { config, prices, .. } = &planted(SEED);
    let made = planted(SEED);
    let mut expect = made.records();
    let mut tape = Tape::open(&fixture(TAPE)).expect("the tape opens");
    let head = inputs_of(&mut tape, |record| assert_eq!(Some(*record), expect.next()));
    assert_eq!(expect.next(), None);
    assert!(tape.end().is_sealed && tape.end().damage.is_none(), "{:?}", tape.end());
    assert_eq!((&head.text, &read_text("study/stoop.toml")), (config, config));
    for (name, text) in prices {
        let mut lines = Lines::open(&fixture(&format!("study/prices/{name}.zst"))).expect("prices open");
        let mut line = Vec::new();
        for made in text.lines() {
            lines.read(&mut line).expect("prices read");
            assert_eq!(String::from_utf8_lossy(&line), made, "{name}");
        }
        assert_eq!(lines.read(&mut line).expect("prices read"), None, "{name}");
    }
}

#[test]
fn the_shipped_tape_decides_what_stands_on_it() {
    let parity = stoop::tape::parity(&fixture(TAPE)).expect("it can be followed");
    assert!(matches!(parity, Parity::Same { decisions, beyond: 0 } if decisions > 300), "{parity:?}");
}

#[test]
fn the_shipped_study_finds_what_was_planted() {
    let found = shipped(after(0));
    for (rule, gross) in [("up", PLANTED_RETURN), ("tide", PLANTED_CALL)] {
        let row = row(&found, rule, FIVE_MINUTES_MS);
        assert!(holds(row, gross) && row.beats_placebo == Some(true), "{row:?}");
    }
    for rule in ["flat", "calls"] {
        assert_eq!(row(&found, rule, FIVE_MINUTES_MS).beats_placebo, Some(false), "{rule}");
    }
    let later = shipped(after(2 * MINUTE_NS));
    assert!(holds(row(&later, "up", FIVE_MINUTES_MS), 1.004_f64.powi(3) - 1.0));
}

#[test]
fn a_known_return_is_found_within_its_interval() {
    let mut held = 0;
    for seed in 0..20 {
        let found = study(seed, after(0));
        let at_once = row(&found, "up", FIVE_MINUTES_MS);
        assert_eq!(at_once.beats_placebo, Some(true), "seed {seed}");
        assert!(at_once.summary.p.is_some_and(|p| p < 1e-6), "seed {seed}: {at_once:?}");
        held += u32::from(holds(at_once, PLANTED_RETURN));
    }
    // Intervals of 95 % are to miss one in twenty; of fewer clusters than a hundred a little more.
    assert!((16..=20).contains(&held), "{held} of 20");
}

#[test]
fn its_decay_with_delay_and_with_time_is_found() {
    let mut held = 0;
    for seed in 0..10 {
        let found = study(seed, after(2 * MINUTE_NS));
        held += u32::from(holds(row(&found, "up", FIVE_MINUTES_MS), 1.004_f64.powi(3) - 1.0));
        let gone = row(&found, "up", 14_400_000);
        let what_is_left = 1.004_f64.powi(-2) - 1.0;
        assert!(
            gone.summary.mean.is_some_and(|mean| (mean - what_is_left).abs() < 0.003),
            "seed {seed}: {gone:?}"
        );
    }
    assert!((7..=10).contains(&held), "{held} of 10");
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for seed in 0..5 {
        let found = study(seed, after(0));
        let flat = row(&found, "flat", FIVE_MINUTES_MS);
        assert!(flat.summary.outcomes > 35, "seed {seed}: {flat:?}");
        assert_eq!(flat.beats_placebo, Some(false), "seed {seed}");
        assert!(flat.summary.mean.is_some_and(|mean| mean.abs() < 0.0005), "seed {seed}: {flat:?}");
    }
}

#[test]
fn who_knows_something_is_told_from_who_does_not() {
    for seed in 0..5 {
        let found = study(seed, after(0));
        let board: Vec<(&str, f64)> = found
            .statistics
            .scoreboard
            .authors
            .iter()
            .map(|row| (row.author.as_str(), row.net_mean))
            .collect();
        assert_eq!(board[0].0, "fixture_early_otter", "seed {seed}: {board:?}");
        let of = |author: &str| board.iter().find(|(name, _)| *name == author).expect("it has outcomes").1;
        let (heron, lemming) = (of("fixture_patient_heron"), of("fixture_eager_lemming"));
        assert!((heron - (PLANTED_CALL - COSTS)).abs() < 0.0005, "seed {seed}: {board:?}");
        assert!((lemming + COSTS).abs() < 0.0005, "seed {seed}: {board:?}");
        let by_author = |author: &str| {
            let is_it = |row: &&GroupRow| {
                row.by == Dimension::Author && row.value == author && row.horizon_ms == FIVE_MINUTES_MS
            };
            found.statistics.groups.iter().find(is_it).expect("the author has outcomes").beats_placebo
        };
        assert_ne!(by_author("fixture_eager_lemming"), Some(true), "seed {seed}");
    }
}

#[test]
fn a_move_of_the_whole_market_is_gone_once_the_market_is_taken_off() {
    let mut held = 0;
    for seed in 0..10 {
        let found = study(seed, Settings { benchmark: Some("SEAUSDT".to_owned()), ..after(0) });
        held += u32::from(holds(row(&found, "tide", FIVE_MINUTES_MS), PLANTED_CALL));
        let outcomes = found.findings.outcomes.iter().filter(|outcome| {
            let event = &found.findings.events[outcome.event];
            event.counts && event.decision.rule.name == "tide" && outcome.horizon_ms == FIVE_MINUTES_MS
        });
        let adjusted: Vec<f64> =
            outcomes.filter_map(|outcome| outcome.adjusted?.to_string().parse().ok()).collect();
        let mean = adjusted.iter().sum::<f64>() / adjusted.len() as f64;
        assert!(adjusted.len() == 33 && mean.abs() < 0.0006, "seed {seed}: {mean} of {}", adjusted.len());
    }
    assert!((7..=10).contains(&held), "{held} of 10");
}

#[test]
fn halts_and_late_listings_are_left_out_with_their_reasons() {
    for found in [shipped(after(0)), study(1, after(0))] {
        let reasons = |rule: &str| -> Vec<Option<Exclusion>> {
            let opens =
                found.findings.events.iter().filter(|event| event.counts && event.decision.rule.name == rule);
            opens.map(|event| event.excluded).collect()
        };
        assert_eq!(reasons("halt"), [Some(Exclusion::NoPrice); 10]);
        assert_eq!(reasons("late"), [Some(Exclusion::NotOpen), None]);
        let halt = found
            .findings
            .series
            .iter()
            .find(|series| series.name == "HALTUSDT")
            .expect("the series is there");
        assert_eq!((halt.holes.missing_bars, halt.holes.longest.len()), (1800, 10));
    }
}

#[test]
fn what_acting_before_the_enrichment_gained_is_found() {
    let found = shipped(after(0));
    let of = |rule: &str| {
        found.statistics.enrichment.iter().find(|row| row.rule == rule).expect("the rule opened")
    };
    let up = of("up");
    assert_eq!((up.held, up.cancelled), (up.opens, 0));
    assert!(up.head_start_mean.is_some_and(|mean| (mean - 0.004).abs() < 0.0003), "{up:?}");
    let flat = of("flat");
    assert_eq!(flat.reasons.get("unnamed"), Some(&(flat.opens / 2)));
    assert!(flat.reasons.contains_key("ambiguous"), "{flat:?}");
    let calls = of("calls");
    assert!(calls.lapsed > 0 && calls.reasons.contains_key("deleted"), "{calls:?}");
    let delay =
        found.statistics.delays.iter().find(|row| row.author == "fixture_early_otter").expect("a delay");
    assert!((delay.delay_ms_p50 - 60_000.0).abs() < 20.0, "{delay:?}");
}

#[test]
fn a_post_that_history_brought_is_no_decision() {
    let made = planted(SEED);
    let is_late = |record: &Record<'_>| match record {
        Record::Frame { origin, .. } => **origin == stoop::tape::Origin::History,
        Record::Event { .. } | Record::Decision { .. } | Record::Unknown { .. } => false,
    };
    assert_eq!(made.records().filter(is_late).count(), 2, "a content and its enrichment");
    let mut named = 0;
    for record in made.records() {
        if let Record::Frame { bytes, .. } = record {
            let text = String::from_utf8_lossy(bytes);
            named += usize::from(text.contains("\"content\"") && text.contains("early_otter\",\"name"));
        }
    }
    let found = shipped(after(0));
    let opens =
        found.findings.events.iter().filter(|event| event.counts && event.decision.rule.name == "up").count();
    assert_eq!(opens + 1, named);
}
