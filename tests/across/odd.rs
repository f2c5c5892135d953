//! Rubbish between good frames moves counters and nothing else.

use std::fmt::Write;

use stoop_engine::{Bounds, Input, IntakeCounters, Pipeline, Receipt};
use stoop_model::{BadReason, Decision, Op};
use stoop_tests::{read, read_text};

use crate::replay::{rules, same_as_golden, written};

/// What the lines of `odd.jsonl` are and what they count as: number, description and counters, tabs between.
const COUNTERS: &str = "odd.counters.txt";

fn lines(name: &str) -> Vec<Vec<u8>> {
    let bytes = read(&format!("frames/{name}.jsonl"));
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Decision lines and counters of some frames.
fn run<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> (String, IntakeCounters) {
    let mut pipeline = Pipeline::new(rules("lifecycle"), Bounds::default(), 0);
    let mut decisions: Vec<Decision> = Vec::new();
    for frame in frames {
        pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
    }
    pipeline.handle(&Input::end(), &mut decisions);
    (written(&decisions).lines, *pipeline.intake.counters())
}

/// The good frames with an odd one before the `gap`th.
fn with<'a>(good: &'a [Vec<u8>], odd: &'a [u8], gap: usize) -> impl Iterator<Item = &'a [u8]> {
    let (before, after) = good.split_at(gap);
    before.iter().map(Vec::as_slice).chain([odd]).chain(after.iter().map(Vec::as_slice))
}

/// What one run counted beyond another, as text.
fn counted(with: &IntakeCounters, without: &IntakeCounters) -> String {
    let mut text = String::new();
    let mut add = |name: &str, count: u64| {
        if count > 0 {
            let gap = if text.is_empty() { "" } else { ", " };
            write!(text, "{gap}{name} {count}").expect("a String takes every text");
        }
    };
    for (op, (a, b)) in Op::ALL.iter().zip(with.events.iter().zip(&without.events)) {
        add(&format!("event {}", op.as_str()), a - b);
    }
    for (reason, (a, b)) in BadReason::ALL.iter().zip(with.bad.iter().zip(&without.bad)) {
        add(&format!("bad {}", reason.as_str()), a - b);
    }
    add("unknown_version", with.unknown_version - without.unknown_version);
    add("unknown_fields", with.unknown_fields - without.unknown_fields);
    add("unknown_values", with.unknown_values - without.unknown_values);
    add("field_errors", with.field_errors - without.field_errors);
    text
}

fn check(what: &str, good: &[Vec<u8>], odd: &[u8]) -> String {
    let (expect, quiet) = run(good.iter().map(Vec::as_slice));
    let mut found = None;
    for gap in 0..=good.len() {
        let (decisions, counters) = run(with(good, odd, gap));
        assert_eq!(decisions, expect, "{what}, before frame {gap}");
        assert_eq!(counters.frames, quiet.frames + 1, "{what}, before frame {gap}");
        let counted = counted(&counters, &quiet);
        let first = found.get_or_insert_with(|| counted.clone());
        assert_eq!(*first, counted, "{what}, before frame {gap}");
    }
    found.unwrap_or_default()
}

#[test]
fn an_odd_line_is_counted_where_it_belongs_and_changes_no_decision() {
    let (good, odd) = (lines("odd-good"), lines("odd"));
    let kept = read_text(&format!("golden/{COUNTERS}"));
    let names: Vec<&str> = kept.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(names.len(), odd.len(), "every line of odd.jsonl has its line in {COUNTERS}");
    let mut found = String::new();
    for (number, (odd, what)) in (1..).zip(odd.iter().zip(&names)) {
        let counted = check(what, &good, odd);
        assert!(!counted.is_empty(), "line {number}, {what}, was counted nowhere");
        writeln!(found, "{number}\t{what}\t{counted}").expect("a String takes every text");
    }
    same_as_golden(COUNTERS, &found);
}

#[test]
fn all_odd_lines_between_all_good_frames_change_no_decision() {
    let (good, odd) = (lines("odd-good"), lines("odd"));
    let (expect, _) = run(good.iter().map(Vec::as_slice));
    let frames = good.iter().flat_map(|good| odd.iter().chain([good])).chain(&odd);
    let (found, counters) = run(frames.map(Vec::as_slice));
    assert_eq!(found, expect);
    assert_eq!(counters.frames, (good.len() * (odd.len() + 1) + odd.len()) as u64);
    assert!(expect.lines().count() >= 10, "the good frames decide something");
}

#[test]
fn frames_too_large_for_a_fixture_are_counted_and_change_no_decision() {
    let good = lines("odd-good");
    let long = format!(
        r#"{{"v":1,"t":"tweet","op":"content","d":{{"tweetId":"1","text":"{}"}}}}"#,
        "a".repeat(1_153_434)
    );
    let text = format!(
        r#"{{"v":1,"t":"tweet","op":"content","ts":1,"d":{{"tweetId":"1","text":"{}"}}}}"#,
        "token ".repeat(150_000)
    );
    let deep = "[".repeat(10 << 20);
    let half_deep = "{\"d\":".repeat(200_000);
    let element = r#"{"v":1,"t":"tweet","op":"meta","d":{"tweetId":"1"}}"#;
    let batch = format!("[{}]", vec![element; 1025].join(","));
    for (what, frame, expect) in [
        ("1.1 MiB", long.as_str(), "bad too_long 1"),
        ("900 KB of text", text.as_str(), "event content 1"),
        ("10 MiB of nesting", deep.as_str(), "bad too_long 1"),
        ("1 MB of nesting", half_deep.as_str(), "bad too_deep 1"),
        ("a batch of 1,025", batch.as_str(), "bad too_many 1"),
        ("nothing", "", "bad empty 1"),
        ("white space", " \t\r ", "bad empty 1"),
        ("a byte order mark alone", "\u{feff}", "bad empty 1"),
    ] {
        assert_eq!(check(what, &good, frame.as_bytes()), expect, "{what}");
    }
}
