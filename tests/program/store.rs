//! What is kept over a restart: killed at any moment, the program goes on where its output ended.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::decisions::{TIMELESS, assert_same, json, replayed, timeless};
use crate::desk::{Desk, Mock, fixture};
use crate::driver::stoop;

/// Each `id` and `revision` once: what a consumer makes of the lines. A line that a kill has torn is none.
fn taken_once(lines: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let is_new = |line: &&String| {
        let decision = serde_json::from_str::<Value>(line).unwrap_or_default();
        !decision.is_null() && seen.insert((decision["id"].to_string(), decision["revision"].as_u64()))
    };
    lines.iter().filter(is_new).cloned().collect()
}

/// Posts, each with its enrichment three thousand posts later: who forgets the one cannot confirm the other.
fn long_waits() -> Vec<Vec<u8>> {
    const POSTS: usize = 4_000;
    const APART: usize = 3_000;
    let frame = |op: &str, at: usize, members: &str| {
        let ts = 1_781_095_200_000 + at;
        let id = 1_000 + at;
        format!(r#"{{"v":1,"t":"tweet","op":"{op}","ts":{ts},"d":{{"tweetId":"{id}",{members}}}}}"#)
            .into_bytes()
    };
    let mut frames = Vec::new();
    for at in 0..POSTS + APART {
        if at < POSTS {
            let text = format!("\"text\":\"token listing $T{at}A\",\"author\":{{\"handle\":\"@a\"}}");
            frames.push(frame("content", at, &text));
        }
        if let Some(at) = at.checked_sub(APART) {
            let token =
                format!("\"detected\":{{\"tokens\":[{{\"symbol\":\"T{at}A\",\"contract\":\"c{at}\"}}]}}");
            frames.push(frame("meta", at, &token));
        }
    }
    frames
}

fn killed_again_and_again(placement: &str) {
    let desk = Desk::new();
    let input = desk.frames("frames.jsonl", &long_waits());
    let rules = desk.file("rules.toml", TIMELESS);
    let expect = replayed(&input, &rules);
    // A reconnect shows what was sent lately, as the vendor's server may.
    let mock = Mock::start(&input, &["--rate", "4000", "--fault", "conn=2-:replay(2000)"]);
    // In memory, where there is such a disk: how long a busy one takes to sync is not the matter here.
    let folder = ["/dev/shm", "/tmp"].into_iter().find(|folder| Path::new(folder).is_dir());
    let folder = tempfile::tempdir_in(folder.expect("a folder")).expect("a folder");
    let store = folder.path().join("kept.redb").display().to_string();
    let more = format!("[store]\npath = \"{store}\"\n[engine]\nplacement = \"{placement}\"");
    let config = desk.config(&mock.addr, TIMELESS, &more);
    let last = json(expect.last().expect("decisions"));
    let is_last = |line: &str| {
        let decision = json(line);
        (&decision["id"], &decision["revision"]) == (&last["id"], &last["revision"])
    };
    let (mut lines, mut kills) = (Vec::new(), 0);
    let finished = loop {
        let program = stoop(&["run", "-c", &config, "--json"]).key("k").start();
        let count = Cell::new(0);
        let line = program.stdout.wait_for(|line| {
            count.set(count.get() + 1);
            count.get() > 2_500 || is_last(line)
        });
        if is_last(&line) {
            program.signal("TERM");
            break program.finish().expect(143);
        }
        program.signal("KILL");
        lines.extend(program.finish().stdout);
        kills += 1;
    };
    assert!(kills > 2, "killed {kills} times");
    let summary = finished.summary();
    lines.extend(finished.stdout);
    assert_same(&timeless(&taken_once(&lines)), &expect);
    assert!(summary["store"]["restored_tweets"].as_u64() > Some(0), "{summary}");
    assert!(summary["store"]["commits"].as_u64() > Some(0), "{summary}");
    assert_eq!(summary["store"]["failed"], 0);
}

#[test]
fn killed_again_and_again_every_decision_is_made_and_none_is_new_twice() {
    killed_again_and_again("one-arbiter");
}

#[test]
fn killed_again_and_again_with_the_stages_in_place() {
    killed_again_and_again("fused");
}

#[test]
fn killed_again_and_again_with_a_thread_for_each_actor() {
    killed_again_and_again("per-actor");
}

#[test]
fn a_clean_stop_forgets_nothing() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let rules = desk.file("rules.toml", TIMELESS);
    let expect = replayed(&input, &rules);
    // Each connection is shown everything from the start.
    let mock = Mock::start(&input, &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"kept.redb\"");
    let args = ["run", "-c", &config, "--json", "--max-frames", "60"];
    let first = stoop(&args).key("k").finish().expect(0);
    let second = stoop(&args[..4]).key("k").start();
    second.stdout.wait_for_lines(expect.len() - first.stdout.len());
    second.signal("TERM");
    let second = second.finish().expect(143);
    let lines: Vec<String> = first.stdout.iter().chain(&second.stdout).cloned().collect();
    assert_same(&timeless(&lines), &expect);
    let seqs: Vec<Value> = lines.iter().map(|line| json(line)["seq"].clone()).collect();
    assert_eq!(seqs, (0..lines.len()).collect::<Vec<_>>(), "seq goes on");
    assert!(second.summary()["merge"]["duplicates"].as_u64() >= Some(50), "what had come before");
    assert_eq!(second.summary()["feed"]["gaps"], 1, "it was away between the two");
}

#[test]
fn a_deletion_cancels_what_was_opened_before_the_restart() {
    let desk = Desk::new();
    let frame = |op: &str, more: &str| {
        format!(
            r#"{{"v":1,"t":"tweet","op":"{op}","ts":1781095200123,"d":{{"tweetId":"7","eventId":"{op}"{more}}}}}"#
        )
    };
    let content = frame("content", r#","text":"a listing","author":{"handle":"@a"}"#);
    let config_for =
        |addr: &str| desk.config(addr, "[[rule]]\nname = \"all\"\n", "[store]\npath = \"kept.redb\"");
    let mock = Mock::start(&desk.file("one.jsonl", &content), &["--at-once"]);
    let args = |config: &str| {
        vec!["run".to_owned(), "-c".to_owned(), config.to_owned(), "--max-frames".to_owned(), "1".to_owned()]
    };
    let call = |config: &str| {
        let args = args(config);
        stoop(&args.iter().map(String::as_str).collect::<Vec<_>>()).key("k").finish().expect(0)
    };
    let opened = call(&config_for(&mock.addr));
    let mock = Mock::start(&desk.file("two.jsonl", frame("delete", "")), &["--at-once"]);
    let cancelled = call(&config_for(&mock.addr));
    let (open, cancel) = (json(&opened.stdout[0]), json(&cancelled.stdout[0]));
    assert_eq!(
        (&open["kind"], &cancel["kind"], &cancel["reason"]),
        (&"open".into(), &"cancel".into(), &"deleted".into())
    );
    assert_eq!((&cancel["id"], &cancel["revision"], &cancel["seq"]), (&open["id"], &1.into(), &1.into()));
    assert_eq!(cancel["text"], "a listing");
}

#[test]
fn a_damaged_store_is_set_aside_and_the_run_goes_on() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"kept.redb\"");
    desk.file("kept.redb", "rubbish");
    let args = ["run", "-c", &config, "--max-frames", "20"];
    let run = stoop(&args).key("k").finish().expect(0);
    assert!(run.errors().contains("kept.redb.damaged-1"), "{}", run.errors());
    assert_eq!(std::fs::read(desk.path("kept.redb.damaged-1")).expect("set aside"), b"rubbish");
    // And it is a store now.
    let again = stoop(&args).key("k").finish().expect(0);
    assert!(again.stdout.is_empty() && !again.errors().contains("damaged"), "{}", again.errors());
}

#[test]
fn a_store_that_cannot_be_is_said_before_anything_is_dialled() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"no/such/folder/kept.redb\"");
    let run = stoop(&["run", "-c", &config]).key("k").finish().expect(1);
    assert!(run.errors().contains("no/such/folder/kept.redb"), "{}", run.errors());
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"kept.redb\"");
    let first = stoop(&["run", "-c", &config]).key("k").start();
    first.stdout.wait_for_lines(1);
    let second = stoop(&["run", "-c", &config]).key("k").finish().expect(1);
    assert!(second.errors().contains("another process"), "{}", second.errors());
}
