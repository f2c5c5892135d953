//! `stoop replay`: same input and rules, same digest.

use crate::decisions::{digest, parse};
use crate::desk::{Desk, fixture, frames, lines_of};
use crate::driver::stoop;

/// The digest kept for a fixture with its rules.
fn golden(theme: &str) -> String {
    let text = std::fs::read_to_string(fixture("golden/digests.txt")).expect("the goldens are there");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{theme} ")));
    line.expect("the theme has a digest").to_owned()
}

/// Posts that name a ticker, one a millisecond.
fn many(count: u64) -> Vec<Vec<u8>> {
    let frame = |number: u64| {
        let (id, ts) = (2_064_689_031_777_615_872 + (number << 22), 1_781_095_200_123 + number);
        let text = r#""text":"flash $EDGE","author":{"handle":"@fixture_marketdesk"}"#;
        format!(r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}",{text}}}}}"#)
    };
    (0..count).map(|number| frame(number).into_bytes()).collect()
}

fn digest_of(args: &[&str]) -> String {
    let run = stoop(&[&["replay"], args].concat()).finish().expect(0);
    parse(&run.stdout);
    assert_eq!(run.digest(), digest(&run.stdout));
    run.digest()
}

#[test]
fn a_replay_gives_the_digest_kept_every_time() {
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    for _ in 0..2 {
        assert_eq!(digest_of(&[&input, "-c", &rules]), golden("lifecycle"));
    }
}

#[test]
fn placement_changes_no_decision() {
    for (theme, rules) in [("lifecycle", "lifecycle"), ("demo", "starter"), ("out_of_order", "lifecycle")] {
        for placement in ["fused", "one-arbiter"] {
            let desk = Desk::new();
            let rules = fixture(&format!("rules/{rules}.toml"));
            let text = format!("rules = [{rules:?}]\n[engine]\nplacement = \"{placement}\"\n");
            let config = desk.file("stoop.toml", text);
            let input = fixture(&format!("frames/{theme}.jsonl"));
            assert_eq!(digest_of(&[&input, "-c", &config]), golden(theme), "{theme} {placement}");
        }
    }
}

#[test]
fn compressed_inputs_and_stdin_give_the_same_digest() {
    let desk = Desk::new();
    let (frames, rules) = (frames("lifecycle"), fixture("rules/lifecycle.toml"));
    for name in ["frames.jsonl", "frames.jsonl.gz", "frames.jsonl.zst"] {
        let input = desk.frames(name, &frames);
        assert_eq!(digest_of(&[&input, "-c", &rules]), golden("lifecycle"), "{name}");
    }
    let stdin = stoop(&["replay", "-", "-c", &rules]).stdin(frames.join(&b'\n')).finish().expect(0);
    assert_eq!(stdin.digest(), golden("lifecycle"));
}

#[test]
fn several_inputs_are_one_after_the_other() {
    let desk = Desk::new();
    let (frames, rules) = (frames("lifecycle"), fixture("rules/lifecycle.toml"));
    let (first, rest) = frames.split_at(25);
    let (second, third) = rest.split_at(20);
    let inputs = [("a.jsonl", first), ("b.jsonl.gz", second), ("c.jsonl", third)]
        .map(|(name, part)| desk.frames(name, part));
    assert_eq!(digest_of(&[&inputs[0], &inputs[1], &inputs[2], "-c", &rules]), golden("lifecycle"));
}

#[test]
fn an_output_is_written_and_never_overwritten() {
    let desk = Desk::new();
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    let output = desk.name("out.jsonl");
    let run = stoop(&["replay", &input, "-c", &rules, "-o", &output]).finish().expect(0);
    assert!(run.stdout.is_empty());
    let golden = std::fs::read(fixture("golden/lifecycle.decisions.jsonl")).expect("the golden is there");
    assert_eq!(std::fs::read(&output).expect("it was written"), golden);
    let again = stoop(&["replay", &input, "-c", &rules, "-o", &output]).finish().expect(73);
    let expect = format!("stoop: {output} exists: nothing is overwritten; name another file with -o FILE");
    assert_eq!(again.stderr, [expect]);
    assert_eq!(std::fs::read(&output).expect("it is still there"), golden);
    let again = stoop(&["replay", &input, "-c", &rules, "--state-out", &output]).finish().expect(73);
    assert!(again.errors().contains("name another file with --state-out FILE"), "{}", again.errors());
}

#[test]
fn a_missing_input_fails_with_its_name() {
    let rules = fixture("rules/lifecycle.toml");
    let run = stoop(&["replay", "absent.jsonl", "-c", &rules]).finish().expect(1);
    assert!(run.errors().contains("absent.jsonl"), "{}", run.errors());
    let good = fixture("frames/lifecycle.jsonl");
    let run = stoop(&["replay", &good, "absent.jsonl", "-c", &rules]).finish().expect(1);
    assert!(run.errors().contains("absent.jsonl"), "{}", run.errors());
}

#[test]
fn a_damaged_input_fails_after_what_could_be_read_in_every_placement() {
    let desk = Desk::new();
    let rules = fixture("rules/lifecycle.toml");
    let whole = std::fs::read(desk.frames("whole.jsonl.gz", &frames("lifecycle"))).expect("it was written");
    let cut = desk.file("cut.jsonl.gz", &whole[..whole.len() * 2 / 3]);
    let decided = ["fused", "one-arbiter"].map(|placement| {
        let text = format!("rules = [{rules:?}]\n[engine]\nplacement = \"{placement}\"\n");
        let config = desk.file("stoop.toml", text);
        let run = stoop(&["replay", &cut, "-c", &config]).finish().expect(1);
        assert!(run.errors().contains("cut.jsonl.gz"), "{}", run.errors());
        run.stdout
    });
    assert!(!decided[0].is_empty());
    assert_eq!(decided[0], decided[1]);
}

#[test]
fn bad_rules_end_with_78_and_the_place_of_the_mistake() {
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/bad/unknown-key.toml"));
    let run = stoop(&["replay", &input, "-c", &rules]).finish().expect(78);
    assert!(run.errors().contains("unknown-key.toml:4:1: "), "{}", run.errors());
    assert!(run.stdout.is_empty());
}

#[test]
fn the_summary_for_programs_counts_what_was_decided() {
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    let run = stoop(&["replay", &input, "-c", &rules, "--json"]).finish().expect(0);
    let summary = run.summary();
    assert_eq!(summary["digest"], golden("lifecycle"));
    assert_eq!(summary["decisions"], run.stdout.len());
    assert_eq!(summary["frames"], frames("lifecycle").len());
    assert_eq!(run.stderr.len(), 2, "the digest, then the summary, and no more");
    assert_eq!(run.digest(), golden("lifecycle"));
}

#[test]
fn the_summary_is_the_same_in_every_placement() {
    let desk = Desk::new();
    let (input, rules) = (fixture("frames/operations.jsonl"), fixture("rules/every-key.toml"));
    let summaries = ["fused", "one-arbiter"].map(|placement| {
        let text = format!("rules = [{rules:?}]\n[engine]\nplacement = \"{placement}\"\n");
        let config = desk.file("stoop.toml", text);
        stoop(&["replay", &input, "-c", &config, "--json", "-q"]).finish().expect(0).summary()
    });
    assert_eq!(summaries[0], summaries[1]);
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_replay_well() {
    let desk = Desk::new();
    let rules = fixture("rules/lifecycle.toml");
    let input = desk.frames("many.jsonl", &many(20_000));
    for placement in ["fused", "one-arbiter"] {
        let text = format!("rules = [{rules:?}]\n[engine]\nplacement = \"{placement}\"\n");
        let config = desk.file("stoop.toml", text);
        let mut run = stoop(&["replay", &input, "-c", &config]).start_unread();
        run.close_stdout();
        let run = run.finish().expect(0);
        assert!(run.stderr.is_empty(), "{}", run.errors());
    }
}

#[test]
fn a_replay_stops_after_as_many_frames_as_asked_for() {
    let desk = Desk::new();
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    let whole = stoop(&["replay", &input, "-c", &rules]).finish().expect(0);
    let args = ["replay", &input, "-c", &rules, "--max-frames", "30", "--json"];
    let part = stoop(&args).finish().expect(0);
    assert_eq!(part.summary()["frames"], 30);
    assert!(!part.stdout.is_empty());
    assert!(whole.stdout.starts_with(&part.stdout), "what comes later changes nothing before it");
    let output = desk.path("out.jsonl");
    let none = stoop(&["replay", &input, "-c", &rules, "--for", "0ms", "-o", &desk.name("out.jsonl")]);
    none.finish().expect(0);
    assert!(lines_of(&output).len() < whole.stdout.len());
}

#[test]
fn more_deadlines_at_the_end_than_a_queue_holds_all_fire() {
    // So many that none is under way when the input ends, 64 being under way at most.
    const POSTS: u64 = 64 * 547;
    let desk = Desk::new();
    let input = desk.frames("many.jsonl", &many(POSTS));
    let rule = |name| format!("[[rule]]\nname = \"{name}\"\nassets = {{ tokens = true }}\nsettle = \"5m\"\n");
    let digests = ["fused", "one-arbiter"].map(|placement| {
        let text = format!("{}{}[engine]\nplacement = \"{placement}\"\n", rule("a"), rule("b"));
        let config = desk.file("stoop.toml", text);
        let run = stoop(&["replay", &input, "-c", &config]).finish().expect(0);
        assert_eq!(run.stdout.len(), 4 * POSTS as usize, "an open and a lapse a rule");
        run.digest()
    });
    assert_eq!(digests[0], digests[1]);
}
