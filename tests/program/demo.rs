//! `stoop demo` shows everything at work.

use crate::decisions::{digest, parse};
use crate::driver::stoop;

#[test]
fn the_demo_decides_and_shows_how_long_each_stage_took() {
    let demo = stoop(&["demo"]).finish().expect(0);
    let decisions = parse(&demo.stdout);
    assert!(decisions.len() > 20, "{} decisions", decisions.len());
    for kind in ["open", "confirm", "revise", "lapse", "cancel"] {
        assert!(decisions.iter().any(|decision| decision["kind"] == kind), "no {kind}");
    }
    let on_frames = decisions.iter().filter(|decision| decision["trigger"] != "timeout");
    for decision in on_frames {
        assert!(decision["latency_ns"]["total"].as_u64().is_some_and(|total| total > 0), "{decision}");
    }
    assert_eq!(demo.digest(), digest(&demo.stdout));
    for stage in ["decode", "merge", "signal", "queue", "recv→queued", "queued→taken"] {
        assert!(demo.stderr.iter().any(|line| line.starts_with(stage)), "no {stage}:\n{}", demo.errors());
    }
}

#[test]
fn the_demo_for_people_shows_a_cancel_and_why_not() {
    let demo = stoop(&["demo", "--pretty"]).finish().expect(0);
    assert!(demo.stdout.iter().any(|line| line.trim_start().starts_with("cancel ")));
    assert!(demo.stdout.iter().any(|line| line.trim_start().starts_with("why not ")));
    assert!(demo.stdout.iter().all(|line| !line.starts_with('{')));
}

#[test]
fn the_demo_for_programs_ends_with_one_json_object() {
    let demo = stoop(&["demo", "--json"]).finish().expect(0);
    let summary = demo.summary();
    assert_eq!(summary["digest"], digest(&demo.stdout));
    assert_eq!(summary["decisions"], demo.stdout.len());
    assert_eq!(summary["end"], "max_frames");
    let stages = summary["latency_ns"].as_array().expect("a row a stage");
    assert!(stages.iter().any(|row| row["stage"] == "decode" && row["count"] == summary["frames"]));
}
