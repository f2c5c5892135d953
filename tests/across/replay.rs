//! Fixtures through the whole engine, and goldens compared or rewritten.

use std::path::PathBuf;
use std::sync::Arc;

use stoop_engine::syntax::{Source, Table};
use stoop_engine::{Bounds, Input, IntakeCounters, Pipeline, Receipt, RuleReader, RuleSet, Universe};
use stoop_tape::{Digest, Frames, write_decision};
use stoop_tests::{fixture, read_text};

/// What a replay gave: the decision lines and their digest.
pub(crate) struct Outcome {
    pub(crate) lines: String,
    pub(crate) digest: String,
}

/// The rule file that names a universe.
const WITH_UNIVERSE: &str = "written";

/// The rules of a file of `fixtures/rules`, named without its ending.
pub(crate) fn rules(name: &str) -> RuleSet {
    let path = format!("rules/{name}.toml");
    let source = Source { text: read_text(&path), name: path };
    let parsed = source.parse().unwrap_or_else(|error| panic!("{error}"));
    let mut reader = RuleReader::default();
    reader.universe((name == WITH_UNIVERSE).then(|| Arc::new(universe())));
    reader.read(&Table::root(&source, &parsed));
    RuleSet::new(reader).unwrap_or_else(|error| panic!("{error}"))
}

fn universe() -> Universe {
    let path = "universe/universe.csv";
    Universe::parse(path, &read_text(path)).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Frames of `fixtures/frames`, named without their ending, through the engine.
pub(crate) fn replay(frames: &str, rules: &str) -> Outcome {
    replay_counted(frames, rules).0
}

/// The same, with what was counted on the way in.
pub(crate) fn replay_counted(frames: &str, rules_name: &str) -> (Outcome, IntakeCounters) {
    let path: PathBuf = fixture(&format!("frames/{frames}.jsonl"));
    let bounds = Bounds::default();
    let mut frames = Frames::open([path], bounds.limits).expect("the fixture opens");
    let mut pipeline = Pipeline::new(rules(rules_name), bounds, frames.start_ns());
    let (mut line, mut decisions) = (Vec::new(), Vec::new());
    while frames.next(&mut line).expect("the fixture reads").is_some() {
        pipeline.handle(&Input::frame(&line, Receipt::Sent), &mut decisions);
    }
    pipeline.handle(&Input::end(), &mut decisions);
    (written(&decisions), *pipeline.intake.counters())
}

/// Decisions as lines, with their digest.
pub(crate) fn written(decisions: &[stoop_model::Decision]) -> Outcome {
    let (mut lines, mut digest) = (Vec::new(), Digest::default());
    for decision in decisions {
        digest.add(decision);
        write_decision(decision, &mut lines);
        lines.push(b'\n');
    }
    let lines = String::from_utf8(lines).expect("decision lines are UTF-8");
    Outcome { lines, digest: digest.to_string() }
}

/// Compares with a file of `fixtures/golden`, or rewrites it if `STOOP_BLESS` is 1.
pub(crate) fn same_as_golden(name: &str, found: &str) {
    let path = format!("golden/{name}");
    if is_blessing() {
        std::fs::write(fixture(&path), found).expect("the golden can be written");
        return;
    }
    let expect = read_text(&path);
    if let Some((line, expect, found)) = difference(&expect, found) {
        panic!("fixtures/{path}:{line} differs\n  golden: {expect}\n  found:  {found}");
    }
}

/// The goldens are to be rewritten.
#[expect(clippy::disallowed_methods, reason = "the one switch of these tests; the program does not read it")]
pub(crate) fn is_blessing() -> bool {
    std::env::var("STOOP_BLESS").is_ok_and(|value| value == "1")
}

/// The first line in which two texts differ, counted from 1.
fn difference(expect: &str, found: &str) -> Option<(usize, String, String)> {
    let (mut a, mut b) = (expect.lines(), found.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (a.next(), b.next()) {
            (None, None) => return None,
            (expect, found) if expect == found => {}
            (expect, found) => {
                let shown = |line: Option<&str>| line.unwrap_or("(no line)").to_owned();
                return Some((number, shown(expect), shown(found)));
            }
        }
    }
}
