//! The generated day: reproducible, without surprises, and decided alike however it is run.

use std::ops::ControlFlow;

use stoop::replay::{Digest, Frames, Line, Lines, ReplayOptions};
use stoop::{Placement, Summary};
use stoop_synth::{Generator, Options};
use stoop_tests::fixture;

use crate::replay::rules;

/// `stoop gen -o fixtures/frames/day.jsonl.gz --frames 3000 --seed 1`
const FRAMES: u64 = 3000;
const SEED: u64 = 1;

fn replay_day(options: ReplayOptions) -> Summary {
    let frames =
        Frames::open([fixture("frames/day.jsonl.gz")], options.bounds.limits).expect("the day opens");
    let mut digest = Digest::default();
    let summary = stoop::replay::replay(rules("lifecycle"), frames, options, |decision| {
        digest.add(&decision.body);
        ControlFlow::Continue(())
    });
    let summary = summary.expect("the day reads");
    assert_eq!(digest.to_string(), summary.digest.to_string(), "every decision is handed over");
    summary
}

#[test]
fn the_day_is_what_the_generator_makes() {
    let mut lines = Lines::open(&fixture("frames/day.jsonl.gz")).expect("the day opens");
    let mut line = Vec::new();
    let mut count = 0;
    for made in Generator::new(Options { frames: FRAMES, seed: SEED, ..Options::default() }) {
        count += 1;
        assert_eq!(lines.read(&mut line).expect("the day reads"), Some(Line::Whole { number: count }));
        assert_eq!(String::from_utf8_lossy(&line), made, "line {count}");
    }
    assert_eq!(lines.read(&mut line).expect("the day reads"), None);
    assert_eq!(count, FRAMES);
}

#[test]
fn the_day_is_decoded_without_surprise() {
    let intake = replay_day(ReplayOptions::default()).counters.intake;
    assert_eq!(intake.frames, FRAMES);
    assert_eq!((intake.bad_frames(), intake.field_errors, intake.unknown_version), (0, 0, 0));
}

#[test]
fn the_day_is_decided_alike_in_every_placement() {
    let fused = replay_day(ReplayOptions { placement: Placement::Fused, ..ReplayOptions::default() });
    assert!(fused.digest.count() > 100, "{} decisions prove little", fused.digest.count());
    for placement in [Placement::OneArbiter, Placement::PerActor] {
        let actors = replay_day(ReplayOptions { placement, ..ReplayOptions::default() });
        assert_eq!(fused.digest.to_string(), actors.digest.to_string(), "{}", placement.as_str());
        assert_eq!(fused.counters.signal, actors.counters.signal, "{}", placement.as_str());
        assert_eq!(fused.counters.merge, actors.counters.merge, "{}", placement.as_str());
    }
}
