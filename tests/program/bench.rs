//! `stoop bench`: it measures something, and every way through the engine decides the same.

use serde_json::Value;

use crate::decisions::json;
use crate::desk::{Desk, fixture, frames};
use crate::driver::{Finished, stoop};

const PASSES: [&str; 6] =
    ["decode", "stages", "stages-clocked", "replay-fused", "replay-one-arbiter", "replay-per-actor"];

/// The one object on stdout.
fn found(run: &Finished) -> Value {
    assert_eq!(run.stdout.len(), 1, "{}", run.stdout.join("\n"));
    assert!(run.stderr.is_empty(), "{}", run.errors());
    json(&run.stdout[0])
}

fn bench(args: &[&str]) -> Value {
    found(&stoop(&[&["bench", "--json"], args].concat()).finish().expect(0))
}

fn replayed(input: &str, rules: &str) -> Value {
    stoop(&["replay", input, "-c", rules, "--json"]).finish().expect(0).summary()
}

#[test]
fn the_digest_is_that_of_a_replay() {
    for (theme, rules) in [("lifecycle", "lifecycle"), ("demo", "starter"), ("operations", "every-key")] {
        let (input, rules) =
            (fixture(&format!("frames/{theme}.jsonl")), fixture(&format!("rules/{rules}.toml")));
        let (found, replayed) = (bench(&[&input, "-c", &rules]), replayed(&input, &rules));
        assert_eq!(found["digest"], replayed["digest"], "{theme}");
        assert_eq!(found["decisions"], replayed["decisions"], "{theme}");
        assert_eq!(found["input"]["frames"], replayed["frames"], "{theme}");
        assert!(found["decisions"].as_u64() > Some(0), "{theme} decides nothing");
    }
}

#[test]
fn generated_frames_are_those_of_gen() {
    let desk = Desk::new();
    let (input, rules) = (desk.name("frames.jsonl.zst"), fixture("rules/vendor-routing.toml"));
    stoop(&["gen", "-o", &input, "--frames", "400", "--seed", "7"]).finish().expect(0);
    let made = bench(&["--frames", "400", "--seed", "7", "-c", &rules]);
    let read = bench(&[&input, "-c", &rules]);
    assert_eq!(made["digest"], read["digest"]);
    assert_eq!(made["input"]["bytes"], read["input"]["bytes"]);
    assert!(made["decisions"].as_u64() > Some(0));
    let other = bench(&["--frames", "400", "--seed", "8", "-c", &rules]);
    assert_ne!(made["digest"], other["digest"]);
}

#[test]
fn every_pass_ratio_and_stage_is_measured() {
    let found = bench(&["--frames", "300"]);
    for pass in PASSES {
        let rates = &found["passes"][pass];
        let rate = |name: &str| rates[name].as_f64().unwrap_or_else(|| panic!("{pass} has no {name}"));
        assert!(rate("frames_per_s_slowest") > 0.0, "{pass}");
        assert!(rate("frames_per_s_slowest") <= rate("frames_per_s"), "{pass}");
        assert!(rate("frames_per_s") <= rate("frames_per_s_fastest"), "{pass}");
        assert!(rate("bytes_per_s") > rate("frames_per_s"), "{pass}: a frame has more than a byte");
    }
    let ratios = found["ratios"].as_object().expect("ratios");
    assert!(ratios.len() >= 5 && ratios.values().all(|ratio| ratio.as_f64() > Some(0.0)), "{ratios:?}");
    let rounds = found["rounds"].as_u64().expect("rounds");
    for stage in ["decode", "merge", "signal", "total"] {
        let row = &found["stages_ns"][stage];
        assert_eq!(row["count"], rounds * 300, "{stage}");
        let figures = ["p50", "p90", "p99", "p99_9", "max"].map(|name| row[name].as_u64().expect("a time"));
        assert!(figures.is_sorted(), "{stage}: {row}");
    }
    assert!(found["environment"]["clock_ns"].as_f64() > Some(0.0));
}

#[test]
fn people_get_the_same_as_text() {
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    let run = stoop(&["bench", &input, "-c", &rules]).finish().expect(0);
    assert!(run.stderr.is_empty(), "progress is for terminals: {}", run.errors());
    let digest = replayed(&input, &rules)["digest"].as_str().expect("a digest").to_owned();
    assert!(run.stdout.iter().any(|line| line.starts_with("digest ") && line.contains(&digest)));
    for name in PASSES.iter().chain(&["stoop", "system", "machine", "clock", "merge", "recv→queued"]) {
        let is_shown = run.stdout.iter().any(|line| line.split(' ').next() == Some(name));
        assert!(is_shown, "no line for {name}:\n{}", run.stdout.join("\n"));
    }
}

#[test]
fn rubbish_is_counted_and_measured_all_the_same() {
    let desk = Desk::new();
    let rules = fixture("rules/lifecycle.toml");
    let odd = fixture("frames/odd.jsonl");
    let (found, replayed) = (bench(&[&odd, "-c", &rules]), replayed(&odd, &rules));
    assert_eq!(found["digest"], replayed["digest"]);
    assert!(found["input"]["bad"].as_object().is_some_and(|bad| !bad.is_empty()));
    let rubbish = desk.file("rubbish.jsonl", b"nonsense\n\n{\n\xff\xfe\0\n[]\n \r\r\nend \r\r\n");
    let run = bench(&[&rubbish, "-c", &rules]);
    assert_eq!((&run["input"]["frames"], &run["decisions"]), (&5.into(), &0.into()), "{run}");
    let text = stoop(&["bench", &rubbish, "-c", &rules]).finish().expect(0);
    assert!(text.stdout.iter().any(|line| line.starts_with("bad ")), "{}", text.stdout.join("\n"));
}

#[test]
fn inputs_are_read_as_a_replay_reads_them() {
    let desk = Desk::new();
    let (frames, rules) = (frames("lifecycle"), fixture("rules/lifecycle.toml"));
    let whole = bench(&[&fixture("frames/lifecycle.jsonl"), "-c", &rules]);
    let (first, rest) = frames.split_at(20);
    let parts = [desk.frames("a.jsonl.gz", first), desk.frames("b.jsonl", rest)];
    assert_eq!(bench(&[&parts[0], &parts[1], "-c", &rules])["digest"], whole["digest"]);
    let stdin = stoop(&["bench", "-", "-c", &rules, "--json"]).stdin(frames.join(&b'\n')).finish().expect(0);
    assert_eq!(found(&stdin)["digest"], whole["digest"]);
    let part = bench(&[&parts[0], &parts[1], "-c", &rules, "--frames", "25"]);
    assert_eq!(part["input"]["frames"], 25);
}

#[test]
fn nothing_to_measure_with_is_a_failure_that_says_so() {
    let desk = Desk::new();
    let absent = stoop(&["bench", "absent.jsonl"]).finish().expect(1);
    assert!(absent.errors().contains("absent.jsonl") && absent.stdout.is_empty(), "{}", absent.errors());
    let good = std::fs::read(desk.frames("good.jsonl.gz", &frames("lifecycle"))).expect("it was written");
    let cut = desk.file("cut.jsonl.gz", &good[..good.len() / 2]);
    assert!(stoop(&["bench", &cut]).finish().expect(1).errors().contains("cut.jsonl.gz"));
    let empty = desk.file("empty.jsonl", "\n\n");
    assert!(stoop(&["bench", &empty]).finish().expect(1).errors().contains("no frame"));
    stoop(&["bench", "--frames", "0"]).finish().expect(1);
    stoop(&["bench", &empty, "--seed", "1"]).finish().expect(2);
}

#[test]
fn bad_rules_end_with_78_and_no_rule_is_measured_without() {
    let desk = Desk::new();
    let bad = stoop(&["bench", "-c", &fixture("rules/bad/unknown-key.toml")]).finish().expect(78);
    assert!(bad.errors().contains("unknown-key.toml:4:1: ") && bad.stdout.is_empty(), "{}", bad.errors());
    let none = bench(&["--frames", "50", "-c", &desk.file("none.toml", "")]);
    assert_eq!((&none["rules"]["rules"], &none["decisions"]), (&0.into(), &0.into()));
    assert!(none["notes"].to_string().contains("no rule"), "{none}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_well() {
    let mut run = stoop(&["bench", "--frames", "50"]).start_unread();
    run.close_stdout();
    assert!(run.finish().expect(0).stderr.is_empty());
}
