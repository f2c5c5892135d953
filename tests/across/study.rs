//! The study finds what was planted, and nothing where nothing is.

use std::ops::ControlFlow;

use stoop::{Config, Frames, ReplayOptions};
use stoop_backtest::{Dimension, Exclusion, Findings, GroupRow, Prices, Settings, Study};
use stoop_mock::synth::{PLANTED_RETURN, planted};

const MINUTE_NS: i64 = 60_000_000_000;
const COSTS: f64 = 0.011;

/// Studies ten days of a seed.
fn study(seed: u64, latency_ns: i64) -> Findings {
    let planted = planted(seed);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in &planted.prices {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let config = Config::parse("stoop.toml", &planted.config).expect("a configuration");
    let text = planted.frames.join("\n");
    let frames =
        Frames::from_reader("planted", std::io::Cursor::new(text), config.bounds.limits).expect("frames");
    let mut study = Study::default();
    stoop::replay(config.rules().expect("rules"), frames, ReplayOptions::default(), |decision| {
        study.add(decision);
        ControlFlow::Continue(())
    })
    .expect("a replay");
    let settings = Settings { latency_ns, ..Settings::default() };
    study.measure(settings, &Prices::open(folder.path()).expect("prices")).expect("findings")
}

fn row<'a>(findings: &'a Findings, rule: &str, horizon_ms: i64) -> &'a GroupRow {
    let is_it =
        |row: &&GroupRow| row.rule == rule && row.by == Dimension::All && row.horizon_ms == horizon_ms;
    findings.statistics.groups.iter().find(is_it).expect("the rule has outcomes")
}

/// The return is within the interval, before costs.
fn holds(row: &GroupRow, gross: f64) -> bool {
    let bounds = row.summary.net_low.zip(row.summary.net_high).expect("an interval");
    (bounds.0..=bounds.1).contains(&(gross - COSTS))
}

#[test]
fn a_known_return_is_found_within_its_interval() {
    let mut held = 0;
    for seed in 0..20 {
        let found = study(seed, 0);
        let at_once = row(&found, "up", 300_000);
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
        let found = study(seed, 2 * MINUTE_NS);
        held += u32::from(holds(row(&found, "up", 300_000), 1.004_f64.powi(3) - 1.0));
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
    for seed in 0..3 {
        let found = study(seed, 0);
        let flat = row(&found, "flat", 300_000);
        assert!(flat.summary.outcomes > 35, "seed {seed}: {flat:?}");
        assert_eq!(flat.beats_placebo, Some(false), "seed {seed}");
        assert!(flat.summary.mean.is_some_and(|mean| mean.abs() < 0.0005), "seed {seed}: {flat:?}");
    }
}

#[test]
fn halts_and_late_listings_are_left_out_with_their_reasons() {
    let found = study(0, 0);
    let reasons = |rule: &str| -> Vec<Option<Exclusion>> {
        let opens = found.events.iter().filter(|event| event.counts && event.decision.rule.name == rule);
        opens.map(|event| event.excluded).collect()
    };
    assert_eq!(reasons("halt"), [Some(Exclusion::NoPrice); 10]);
    assert_eq!(reasons("late"), [Some(Exclusion::NotOpen), None]);
    let halt = found.series.iter().find(|series| series.name == "HALTUSDT").expect("the series is there");
    assert_eq!((halt.holes.missing_bars, halt.holes.longest.len()), (1800, 10));
}

#[test]
fn what_acting_before_the_enrichment_gained_is_found() {
    let found = study(0, 0);
    let of = |rule: &str| {
        found.statistics.enrichment.iter().find(|row| row.rule == rule).expect("the rule opened")
    };
    let up = of("up");
    assert_eq!((up.held, up.cancelled), (up.opens, 0));
    assert!(up.head_start_mean.is_some_and(|mean| (mean - 0.004).abs() < 0.0003), "{up:?}");
    let flat = of("flat");
    assert_eq!(flat.reasons.get("unnamed"), Some(&(flat.opens / 2)));
    let delay =
        found.statistics.delays.iter().find(|row| row.author == "fixture_voice_of_up").expect("a delay");
    assert!((delay.delay_ms_p50 - 60_000.0).abs() < 1e-9, "{delay:?}");
}
