//! What a run records decides what the run decided: killed, restarted, with outages, in every placement.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stoop::tape::{Record, Tape, TapeOptions, TapeWriter};

use crate::decisions::{TIMELESS, json};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Finished, stoop, wait_until};

/// Files of a few frames each.
const TAPES: &str = "[tape]\ndir = \"tapes\"\nmax_bytes = 65536\n";

fn tapes(desk: &Desk) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(desk.path("tapes")).expect("a folder of tapes");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn parity(paths: &[&str]) -> Finished {
    stoop(&[&["parity"][..], paths].concat()).finish()
}

fn replayed(args: &[&str]) -> Finished {
    stoop(&[&["replay"][..], args].concat()).finish().expect(0)
}

/// What stands on a tape, by topic.
fn records(path: &Path, topic: &str) -> Vec<String> {
    let mut tape = Tape::open(path).expect("a tape");
    let mut found = Vec::new();
    while let Some(record) = tape.read().expect("it reads") {
        if record.topic() == topic {
            found.push(String::from_utf8_lossy(record.bytes()).into_owned());
        }
    }
    found
}

fn without_latency(line: &str) -> &str {
    line.rsplit_once(r#","latency_ns":"#).expect("a line ends with its latency").0
}

#[test]
fn tapes_decide_what_the_run_decided_however_it_went() {
    for placement in ["fused", "one-arbiter", "per-actor"] {
        let desk = Desk::new();
        let input = desk.name("frames.jsonl");
        stoop(&["gen", "-o", &input, "--frames", "3000", "--seed", "5"]).finish().expect(0);
        // Round after round of new posts: there are always as many as it takes, wherever a run begins.
        let endless = ["--rate", "3000", "--loop", "--rebase"];
        let faults = ["--fault", "conn=2-:replay(200)", "--fault", "every=700:fin"];
        let mock = Mock::start(&input, &[&endless[..], &faults].concat());
        // Deadlines that fire while the run goes on.
        let rules = TIMELESS.replace("settle = \"5m\"", "settle = \"50ms\"");
        let more = format!("[store]\npath = \"kept.redb\"\n[engine]\nplacement = \"{placement}\"\n{TAPES}");
        let config = desk.config(&mock.addr, &rules, &more);
        let killed = stoop(&["run", "-c", &config]).key("k").start();
        killed.stdout.wait_for_lines(300);
        killed.signal("KILL");
        let killed = killed.finish();
        let before = tapes(&desk);
        let run = stoop(&["run", "-c", &config, "--json"]).key("k").start();
        // How many frames go on a tape before the next begins depends on when the disk has taken them.
        wait_until("three more tapes", || tapes(&desk).len() >= before.len() + 3);
        run.signal("TERM");
        let run = run.finish().expect(143);
        let summary = run.summary();
        assert!(summary["tape"]["files"].as_u64() > Some(2), "{placement}: {}", summary["tape"]);
        assert_eq!((&summary["tape"]["dropped"], &summary["tape"]["failed"]), (&0.into(), &0.into()));

        let same = parity(&[&desk.name("tapes")]).expect(0);
        assert_eq!(same.stdout.len(), tapes(&desk).len());
        assert!(same.stdout.iter().all(|line| line.starts_with("same  ")), "{placement}: {:#?}", same.stdout);

        // The digest of the run is that of its tapes, and its lines are theirs.
        let after: Vec<String> = tapes(&desk)
            .iter()
            .filter(|tape| !before.contains(tape))
            .map(|tape| tape.display().to_string())
            .collect();
        let args: Vec<&str> = after.iter().map(String::as_str).collect();
        let again = replayed(&args);
        let lines = |run: &Finished| {
            run.stdout.iter().map(|line| without_latency(line).to_owned()).collect::<Vec<_>>()
        };
        crate::decisions::assert_same(&lines(&again), &lines(&run));
        assert_eq!(again.digest(), run.digest(), "{placement}");
        // What the killed run has told and is on its tapes is the same.
        let on_tape: Vec<String> = before.iter().flat_map(|tape| records(tape, "decisions")).collect();
        let told = killed
            .stdout
            .iter()
            .zip(&on_tape)
            .filter(|(line, _)| serde_json::from_str::<Value>(line).is_ok());
        told.for_each(|(line, recorded)| assert_eq!(line, recorded, "{placement}"));
    }
}

#[test]
fn a_tape_cut_anywhere_with_the_state_carried_over_decides_the_same() {
    let desk = Desk::new();
    let rules = desk.file("rules.toml", TIMELESS);
    for name in ["lifecycle", "out_of_order", "demo"] {
        let frames = frames(name);
        let whole = desk.frames(&format!("{name}.jsonl"), &frames);
        let expect = replayed(&[&whole, "-c", &rules]);
        for (cut, placement) in [(1, "fused"), (frames.len() / 3, "one-arbiter"), (frames.len() - 1, "fused")]
        {
            let rules =
                desk.file("placed.toml", format!("{TIMELESS}\n[engine]\nplacement = \"{placement}\"\n"));
            let first = desk.frames(&format!("{name}-{cut}-a.jsonl"), &frames[..cut]);
            let second = desk.frames(&format!("{name}-{cut}-b.jsonl"), &frames[cut..]);
            let state = desk.name(&format!("{name}-{cut}.state"));
            let first = replayed(&[&first, "-c", &rules, "--state-out", &state]);
            let second = replayed(&[&second, "-c", &rules, "--state-in", &state]);
            let lines: Vec<&String> = first.stdout.iter().chain(&second.stdout).collect();
            assert_eq!(lines, expect.stdout.iter().collect::<Vec<_>>(), "{name} cut at {cut}");
        }
    }
    let again =
        stoop(&["replay", &desk.name("demo.jsonl"), "-c", &rules, "--state-out", &desk.name("demo-1.state")]);
    again.finish().expect(73);
    let rubbish = desk.file("rubbish.state", "{}\n");
    let run =
        stoop(&["replay", &desk.name("demo.jsonl"), "-c", &rules, "--state-in", &rubbish]).finish().expect(1);
    assert!(run.errors().contains("rubbish.state: line 1"), "{}", run.errors());
}

/// A desk with the tapes of a short run, and its summary.
fn recorded(more: &str) -> (Desk, Finished) {
    let desk = Desk::new();
    let count = frames("lifecycle").len().to_string();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, &format!("[tape]\ndir = \"tapes\"\n{more}"));
    let run =
        stoop(&["run", "-c", &config, "--json", "--max-frames", &count]).key("s3cret").finish().expect(0);
    (desk, run)
}

#[test]
fn a_run_checks_its_own_tapes() {
    let (_, run) = recorded("parity = true");
    let tape = &run.summary()["tape"];
    assert_eq!((&tape["same"], &tape["differing"], &tape["unchecked"]), (&1.into(), &0.into(), &0.into()));
}

#[test]
fn a_key_that_stands_in_the_configuration_is_taken_out_on_the_tape() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--at-once"]);
    desk.file("universe.csv", format!("# my key: {KEY}\nsymbol,venue,market\nEDGE,gateio,EDGE_USDT\n"));
    let more = format!("# my key: {KEY}\n[tape]\ndir = \"tapes\"\n[universe]\nfile = \"universe.csv\"\n");
    let config = desk.config(&mock.addr, TIMELESS, &more);
    stoop(&["run", "-c", &config, "--max-frames", "20"]).key(KEY).finish().expect(0);
    let tape = tapes(&desk)[0].to_str().expect("a path of text").to_owned();
    stoop(&["tape", "verify", &tape]).finish().expect(0);
    let info = stoop(&["tape", "info", &tape]).finish().expect(0);
    assert!(
        info.stdout.iter().any(|line| line.starts_with("  universe: 1 symbol, sha256:")),
        "{:?}",
        info.stdout
    );
    let events = records(&tapes(&desk)[0], "events");
    assert!(events.iter().any(|event| event.contains("# my key: KEY")));
    assert!(events.iter().all(|event| !event.contains(KEY)));
}

#[test]
fn the_key_is_on_no_tape() {
    let (desk, _) = recorded("");
    for tape in tapes(&desk) {
        for topic in ["frames", "events", "decisions"] {
            assert!(records(&tape, topic).iter().all(|record| !record.contains("s3cret")), "{topic}");
        }
    }
}

/// Copies a tape; `change` may take a record's place.
fn altered(desk: &Desk, name: &str, change: impl Fn(&Record<'_>, u64) -> Option<Vec<u8>>) -> String {
    let path = tapes(desk).remove(0);
    let mut tape = Tape::open(&path).expect("a tape");
    let mut writer = TapeWriter::create(&desk.path(name), TapeOptions::default()).expect("a new tape");
    let mut number = 0;
    while let Some(record) = tape.read().expect("it reads") {
        let is_decision = matches!(record, Record::Decision { .. });
        match change(&record, number) {
            None => writer.copy(&record).expect("it is written"),
            Some(other) if is_decision => writer.decision(record.at_ns(), &other).expect("it is written"),
            Some(other) => writer.event(record.at_ns(), &other).expect("it is written"),
        }
        number += u64::from(is_decision);
    }
    writer.seal().expect("it is ended");
    desk.name(name)
}

#[test]
fn parity_says_what_differs_and_which_input_led_to_it() {
    let (desk, run) = recorded("");
    let other = altered(&desk, "other.mcap", |record, number| {
        let Record::Decision { line, .. } = record else { return None };
        (number == 3).then(|| {
            String::from_utf8_lossy(line).replace("\"side\":\"alert\"", "\"side\":\"buy\"").into_bytes()
        })
    });
    let found = parity(&[&other]).expect(1);
    let [first, tape, replay, input] = &found.stdout[..] else { panic!("{:#?}", found.stdout) };
    assert!(first.starts_with("differs ") && first.contains("after 3 decisions"), "{first}");
    assert!(tape.contains("\"side\":\"buy\"") && replay.contains("\"side\":\"alert\""));
    let tweet = json(&run.stdout[3])["tweet_id"].as_str().expect("an id").to_owned();
    assert!(input.contains("frames at ") && input.contains(&tweet), "{input}");

    let lost = altered(&desk, "lost.mcap", |record, _| {
        let is_close = matches!(
            record,
            Record::Event { json, .. }
                if json.starts_with(b"{\"now_ns\"") || json.starts_with(b"{\"type\":\"clock\"")
        );
        is_close.then(|| br#"{"type":"dropped","count":2}"#.to_vec())
    });
    let found = parity(&[&lost]).expect(1);
    assert!(
        found.stdout[0].starts_with("incomplete ") && found.stdout[0].contains("no room for 2"),
        "{:#?}",
        found.stdout
    );
}

#[test]
fn a_tape_that_cannot_be_written_any_more_ends_the_recording_and_nothing_else() {
    let desk = Desk::new();
    let input = desk.name("frames.jsonl");
    stoop(&["gen", "-o", &input, "--frames", "3000", "--seed", "6"]).finish().expect(0);
    let mock = Mock::start(&input, &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "[tape]\ndir = \"tapes\"\n");
    // A disk that is full at 64 KiB.
    let run = stoop(&["run", "-c", &config, "--json", "--max-frames", "3000"])
        .key("k")
        .with_file_limit_kib(64)
        .finish()
        .expect(0);
    let summary = run.summary();
    assert_eq!((&summary["tape"]["failed"], &summary["frames"]), (&1.into(), &3000.into()));
    assert_eq!(summary["decisions"], run.stdout.len(), "every decision is told");
    assert!(run.errors().contains("a tape has ended"), "{}", run.errors());
    // What was written before reads.
    let tape = tapes(&desk).remove(0);
    assert!(records(&tape, "events").iter().any(|event| event.contains("\"config\"")));
}

#[test]
fn a_recording_goes_on_with_a_new_tape_once_there_is_room() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--rate", "500", "--loop", "--rebase"]);
    let config = desk.config(&mock.addr, TIMELESS, "[tape]\ndir = \"tapes\"\n");
    // Room for the first tape, which begins with nothing, but not for what is remembered once that is full.
    let run = stoop(&["run", "-c", &config, "--json"]).key("k").with_file_limit_kib(16).start();
    run.stderr.wait_for("the end of the first tape", |line| line.contains("a tape has ended"));
    run.make_room();
    run.stderr.wait_for("the next tape", |line| line.contains("recording again, with a new file"));
    run.stdout.wait_for_lines(run.stdout.seen().len() + 10);
    run.signal("TERM");
    let run = run.finish().expect(143);
    let summary = run.summary();
    assert_eq!((&summary["tape"]["failed"], &summary["tape"]["files"]), (&1.into(), &2.into()));
    assert!(summary["tape"]["dropped"].as_u64() > Some(0), "{summary}");
    // The second one stands for itself: it begins with what was remembered, and misses nothing.
    let tapes = tapes(&desk);
    assert_eq!(tapes.len(), 2, "no other file is left: {tapes:?}");
    parity(&[tapes[1].to_str().expect("text")]).expect(0);
}

#[test]
fn a_folder_that_cannot_be_is_said_before_anything_is_dialled() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &[]);
    desk.file("taken", "a file");
    let config = desk.config(&mock.addr, TIMELESS, "[tape]\ndir = \"taken\"\n");
    let run = stoop(&["run", "-c", &config]).key("k").finish().expect(1);
    assert!(run.errors().contains("cannot record to") && run.errors().contains("taken"), "{}", run.errors());
}

#[test]
fn a_recording_needs_no_rules_and_its_frames_decide_under_others() {
    let desk = Desk::new();
    let count = frames("lifecycle").len().to_string();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--at-once"]);
    let config = desk.config(&mock.addr, "", "");
    let folder = desk.name("tapes");
    let run = stoop(&["record", "-c", &config, "-o", &folder, "--max-frames", &count, "--json"])
        .key("k")
        .finish()
        .expect(0);
    assert!(run.stdout.is_empty());
    assert_eq!(run.summary()["tape"]["files"], 1);
    assert!(replayed(&[&folder]).stdout.is_empty(), "no rules, no decisions");
    let rules = desk.file("rules.toml", TIMELESS);
    let found = crate::decisions::timeless(&replayed(&[&folder, "-c", &rules]).stdout);
    crate::decisions::assert_same(
        &found,
        &crate::decisions::replayed(&fixture("frames/lifecycle.jsonl"), &rules),
    );
    // Frames stand on the tape byte for byte.
    let on_tape: Vec<Vec<u8>> =
        records(&tapes(&desk)[0], "frames").into_iter().map(String::into_bytes).collect();
    assert_eq!(on_tape, frames("lifecycle"));
}

#[test]
fn a_bundle_is_one_file_that_anybody_can_run_again() {
    let (desk, run) = recorded("");
    let middle = json(&run.stdout[run.stdout.len() / 2])["recv_ns"].as_i64().expect("a time") / 1_000_000;
    let bundle = desk.name("incident.mcap");
    let args =
        ["tape", "cut", &desk.name("tapes"), "--from", &(middle + 1).to_string(), "--bundle", "-o", &bundle];
    let cut = stoop(&args).finish().expect(0);
    let digest = cut.errors().split("digest ").nth(1).expect("it says so")[..71].to_owned();
    assert!(parity(&[&bundle]).expect(0).stdout[0].starts_with("same "));
    assert_eq!(replayed(&[&bundle]).digest(), digest);
    stoop(&args).finish().expect(73);
}

#[test]
fn what_cannot_be_asked_of_an_input_is_a_mistake_in_the_call() {
    let (desk, _) = recorded("");
    let (folder, jsonl) = (desk.name("tapes"), fixture("frames/lifecycle.jsonl"));
    let rules = desk.file("rules.toml", TIMELESS);
    for args in [
        &["replay", &jsonl][..],
        &["replay", &folder, &jsonl, "-c", &rules],
        &["replay", &jsonl, "-c", &rules, "--from", "2026-01-01"],
        &["replay", &folder, "--for", "1s"],
    ] {
        stoop(args).finish().expect(2);
    }
    stoop(&["parity", &desk.name("absent.mcap")]).finish().expect(1);
}
