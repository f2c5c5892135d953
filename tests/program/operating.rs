//! The guide for those who keep it running: it names every counter, member and exit code there is, and no other.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::decisions::{TIMELESS, json};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::stoop;

const GUIDE: &str = include_str!("../../docs/operating.md");
const CODES: &str = include_str!("../../crates/cli/src/failure.rs");

/// The text below a heading, up to the next.
fn section(heading: &str) -> &'static str {
    let start = GUIDE.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let rest = &GUIDE[start + 4..];
    rest.split("\n## ").next().expect("a first part")
}

/// The first cells of a section's tables.
fn first_cells(heading: &str) -> impl Iterator<Item = &'static str> {
    section(heading).lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
}

/// What stands in backticks in the first cells.
fn named(heading: &str) -> BTreeSet<String> {
    first_cells(heading).flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// The paths of all members that hold a number, a text or nothing.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                paths(member, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|each| paths(each, &format!("{path}[]"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_guide_names_every_member_of_the_summary_and_of_the_status_line() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mocks = [Mock::start(&input, &["--at-once"]), Mock::start(&input, &["--at-once"])];
    let endpoints =
        mocks.each_ref().map(|mock| format!("[[feed.endpoint]]\nurl = \"ws://{}/ws\"\n", mock.addr));
    let two = desk.file("two.toml", format!("{TIMELESS}\n{}", endpoints.concat()));
    let one = desk.config(&mocks[0].addr, TIMELESS, "");
    let count = frames("lifecycle").len();
    let (mut summary, mut status) = (BTreeSet::new(), BTreeSet::new());
    // With two endpoints every frame comes twice, and the lag of a copy is told.
    for (config, count) in [(&one, count), (&two, 2 * count)] {
        let args = ["run", "-c", config, "--json", "--status", "1h", "--max-frames", &count.to_string()];
        let run = stoop(&args).key("k").finish().expect(0);
        paths(&run.summary(), "", &mut summary);
        let last = run.stdout.last().expect("a status line is the last");
        paths(&json(last), "", &mut status);
    }
    assert_same(&named("The summary"), &summary);
    assert_same(&named("The status line"), &status);
}

#[track_caller]
fn assert_same(told: &BTreeSet<String>, there: &BTreeSet<String>) {
    let missing: Vec<_> = there.difference(told).collect();
    let made_up: Vec<_> = told.difference(there).collect();
    assert!(
        missing.is_empty() && made_up.is_empty(),
        "not in docs/operating.md: {missing:?}; only there: {made_up:?}"
    );
}

#[test]
fn the_guide_names_every_exit_code() {
    let codes = CODES.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "));
    let mut codes: BTreeSet<&str> = codes.map(|(_, code)| code).collect();
    codes.insert("0");
    assert!(codes.len() > 8, "{codes:?}");
    let told: BTreeSet<&str> = first_cells("How it ends")
        .flat_map(|cell| cell.split(", "))
        .filter(|cell| cell.parse::<u8>().is_ok())
        .collect();
    assert_eq!(told, codes);
}
