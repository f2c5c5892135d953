//! `history`: fetched rows replay as if they had come live.

use serde_json::Value;

use crate::accounts::{KEY, desk, mock, with_key};
use crate::decisions::json;
use crate::desk::{fixture, frames, lines_of};
use crate::driver::{Finished, stoop};

/// Conditions that do not depend on when the enrichment came.
const RULES: &str = r#"
[[rule]]
name = "token"
assets = { tokens = true, cex = true }
settle = "1h"

[[rule]]
name = "words"
any = ["list*", "token*", "launch*"]
in = ["text", "ocr"]
fire = "enriched"
wait = "1h"
"#;

fn history(args: &[&str], config: &str) -> Finished {
    with_key(&[&["history", "-c", config], args].concat(), KEY)
}

/// What was decided, without what depends on times of receipt.
fn decisions(input: &str, rules: &str) -> Vec<Vec<Value>> {
    let replay = stoop(&["replay", input, "-c", rules]).finish().expect(0);
    let members =
        ["rule", "kind", "tweet_id", "platform", "id", "revision", "reason", "asset", "matched", "evidence"];
    let part = |line: &String| {
        let line = json(line);
        members.iter().map(|member| line[*member].clone()).collect::<Vec<_>>()
    };
    let mut told: Vec<Vec<Value>> = replay.stdout.iter().map(part).collect();
    told.sort_by_key(|members| members.iter().map(ToString::to_string).collect::<String>());
    told
}

fn op(frame: &[u8]) -> String {
    let frame: Value = serde_json::from_slice(frame).unwrap_or_default();
    frame["op"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn history_replays_to_the_decisions_of_the_frames_it_is_of() {
    for theme in ["demo", "routing", "listings", "pictures"] {
        let live = frames(theme);
        let kept: Vec<_> =
            live.into_iter().filter(|frame| matches!(&*op(frame), "content" | "meta")).collect();
        let mock = mock(&fixture(&format!("frames/{theme}.jsonl")), &[]);
        let (desk, config) = desk(&mock.addr);
        let rules = desk.file("rules.toml", RULES);
        let original = desk.frames("original.jsonl", &kept);
        let expect = decisions(&original, &rules);
        for name in ["history.jsonl", "history.jsonl.gz", "history.jsonl.zst"] {
            let output = desk.name(name);
            history(&["--from", "2020-01-01", "--to", "2099-01-01", "-o", &output], &config).expect(0);
            assert_eq!(decisions(&output, &rules), expect, "{theme}: {name}");
        }
        assert!(!expect.is_empty(), "{theme} decides something");
    }
}

#[test]
fn pages_are_put_together_and_the_newest_rows_kept() {
    let desk_of_frames = crate::desk::Desk::new();
    let input = desk_of_frames.name("frames.jsonl");
    stoop(&["gen", "-o", &input, "--frames", "4000", "--seed", "3"]).finish().expect(0);
    let contents = lines_of(input.as_ref()).iter().filter(|frame| op(frame) == "content").count();
    let mock = mock(&input, &[]);
    let (desk, config) = desk(&mock.addr);
    let (whole, newest) = (desk.name("whole.jsonl"), desk.name("newest.jsonl"));
    let all = ["--from", "2000-01-01T00:00:00Z", "--to", "2099-01-01", "-o", &whole];
    let told = history(&all, &config).expect(0);
    let of_whole = lines_of(whole.as_ref());
    assert!(contents > 1_000, "{contents} rows are more than a page");
    assert_eq!(of_whole.iter().filter(|frame| op(frame) == "content").count(), contents);
    assert!(told.errors().contains(&format!("frames of {contents} rows written to")), "{}", told.errors());
    assert!(!told.errors().contains('\r'), "progress is for terminals");
    history(&["--from", "2000-01-01", "--to", "2099-01-01", "--limit", "5", "-o", &newest], &config)
        .expect(0);
    let of_newest = lines_of(newest.as_ref());
    assert!(of_whole.ends_with(&of_newest), "the last of all");
    let stdout = history(&["--from", "2000-01-01", "--to", "2099-01-01", "--limit", "5", "-o", "-"], &config)
        .expect(0);
    assert!(stdout.stdout.iter().map(String::as_bytes).eq(of_newest.iter().map(Vec::as_slice)));
    assert_eq!(of_newest.iter().filter(|frame| op(frame) == "content").count(), 5);
}

#[test]
fn rows_of_every_type_come_in_one_file() {
    let mock = mock(&fixture("frames/operations.jsonl"), &[]);
    let (desk, config) = desk(&mock.addr);
    let output = desk.name("all.jsonl");
    let span = ["--from", "2000-01-01", "--to", "2099-01-01", "--type", "all", "-o", &output];
    history(&span, &config).expect(0);
    let ops: Vec<String> = lines_of(output.as_ref()).iter().map(|frame| op(frame)).collect();
    for expect in ["content", "meta", "profile_update", "follow", "unfollow"] {
        assert!(ops.iter().any(|op| op == expect), "no {expect} in {ops:?}");
    }
    let one = desk.name("one.jsonl");
    let few = ["--from", "2000-01-01", "--to", "2099-01-01", "--handles", "@Nobody_Of_These,x", "-o", &one];
    let told = history(&few, &config).expect(0);
    assert!(told.errors().contains("0 frames of 0 rows"), "{}", told.errors());
}

#[test]
fn nothing_is_overwritten_and_nothing_asked_for_in_vain() {
    let (desk, config) = desk("127.0.0.1:1");
    let output = desk.file("there.jsonl", "mine\n");
    history(&["--from", "-2h", "-o", &output], &config).expect(73);
    assert_eq!(std::fs::read_to_string(&output).expect("it is there"), "mine\n");
    let new = desk.name("new.jsonl");
    history(&["--from", "2026-05-02", "--to", "2026-05-01", "-o", &new], &config).expect(2);
    history(&["--from", "yesterday", "-o", &new], &config).expect(2);
    let gone = history(&["--from", "-2h", "-o", &new], &config).expect(1);
    assert!(gone.errors().contains("cannot reach http://127.0.0.1:1: "), "{}", gone.errors());
    assert!(!desk.path("new.jsonl").exists(), "a file that would be empty is not made");
}

#[test]
fn a_plan_without_history_is_told_so() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &["--plan", "basic"]);
    let (desk, config) = desk(&mock.addr);
    let output = desk.name("new.jsonl");
    let refused = history(&["--from", "-1d", "-o", &output], &config).expect(77);
    assert!(refused.errors().contains("the plan of this key has no history (403: "), "{}", refused.errors());
    with_key(&["history", "-c", &config, "--from", "-1d", "-o", &output], "an0ther-k3y").expect(77);
    assert!(!desk.path("new.jsonl").exists());
}
