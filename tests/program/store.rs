//! What is kept over a restart: killed at any moment, the program goes on where its output ended.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::decisions::{TIMELESS, assert_same, json, replayed, timeless};
use crate::desk::{Desk, Mock, fixture};
use crate::driver::{Program, stoop, wait_until};

/// Each `id` and `revision` once: what a consumer makes of the lines. A line that a kill has torn is none.
fn taken_once(lines: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let is_new = |line: &&String| {
        let decision = serde_json::from_str::<Value>(line).unwrap_or_default();
        !decision.is_null() && seen.insert((decision["id"].to_string(), decision["revision"].as_u64()))
    };
    lines.iter().filter(is_new).cloned().collect()
}

/// Frames that decide.
const POSTS: usize = 4_000;
/// Between a post and its enrichment.
const APART: usize = 3_000;
/// Frames that a connection shows again before those that are new, as the vendor's server may.
const REPLAYED: usize = 2_000;
/// New frames that a connection shows, at most; then the feed is quiet.
const NEW: usize = 1_000;
/// Every so-manyth run is stopped in order, which keeps all it knows. Those between are killed, and may have kept
/// nothing at all, however slow the disk is: what they were shown is fewer frames than the next one is shown again.
const STOPPED_EVERY: usize = 3;
const _: () = assert!((STOPPED_EVERY - 1) * NEW <= REPLAYED);
/// Runs until the last decision, at most. Each that is stopped in order gets nearly `NEW` frames further.
const RUNS: usize = 100;

/// Posts, each with its enrichment three thousand posts later: who forgets the one cannot confirm the other. Then posts
/// that decide nothing, so that there is always something new to show.
fn long_waits() -> Vec<Vec<u8>> {
    const QUIET: usize = STOPPED_EVERY * NEW + REPLAYED;
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
    for at in 0..QUIET {
        frames.push(frame("content", POSTS + at, "\"text\":\"-\",\"author\":{\"handle\":\"@a\"}"));
    }
    frames
}

/// Frames that the connection of a run shows, both old and new.
fn shown(run: usize) -> usize {
    (run * NEW).min(REPLAYED + NEW)
}

/// A folder in memory, where there is such a disk: how long a busy one takes to sync is not the matter here.
fn quick_folder() -> tempfile::TempDir {
    let folder = ["/dev/shm", "/tmp"].into_iter().find(|folder| Path::new(folder).is_dir());
    tempfile::tempdir_in(folder.expect("a folder")).expect("a folder")
}

/// Decisions among lines; no status lines.
fn decisions(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().filter(|line| !line.starts_with(r#"{"kind":"status""#))
}

/// Starts a run that writes status lines, and waits until one of them tells that so many frames have been read.
fn start_and_read(config: &str, frames: usize, step: &str) -> Program {
    let program = stoop(&["run", "-c", config, "--json", "--status", "5ms"]).key("k").start();
    let has_read = |line: &str| {
        line.starts_with(r#"{"kind":"status""#) && json(line)["frames"].as_u64() >= Some(frames as u64)
    };
    program.stdout.wait_for(&format!("{step} to read {frames} frames"), has_read);
    program
}

fn killed_again_and_again(placement: &str) {
    let desk = Desk::new();
    let input = desk.frames("frames.jsonl", &long_waits());
    let rules = desk.file("rules.toml", TIMELESS);
    let expect = replayed(&input, &rules);
    // The first connections have less to show again; from the last of these on all show as much.
    let steady = (REPLAYED + NEW).div_ceil(NEW);
    let mut faults = vec![format!("conn=2-:replay({REPLAYED})")];
    faults.extend((1..steady).map(|run| format!("conn={run},after={}:stall", shown(run))));
    faults.push(format!("conn={steady}-,after={}:stall", shown(steady)));
    let faults = faults.iter().flat_map(|spec| ["--fault", spec]);
    let args: Vec<&str> = std::iter::once("--at-once").chain(faults).collect();
    let mock = Mock::start(&input, &args);
    let folder = quick_folder();
    let store = folder.path().join("kept.redb").display().to_string();
    let more = format!("[store]\npath = \"{store}\"\n[engine]\nplacement = \"{placement}\"");
    let config = desk.config(&mock.addr, TIMELESS, &more);
    let last = json(expect.last().expect("decisions"));
    let is_last = |line: &String| {
        let decision = serde_json::from_str::<Value>(line).unwrap_or_default();
        (&decision["id"], &decision["revision"]) == (&last["id"], &last["revision"])
    };
    let (mut lines, mut run) = (Vec::<String>::new(), 0);
    while !lines.iter().any(is_last) {
        run += 1;
        let step = format!("{placement}, run {run}");
        assert!(run <= RUNS, "{step}: {} lines have come, but not the last decision", lines.len());
        let is_stopped = run.is_multiple_of(STOPPED_EVERY);
        // At its start, at its first frames, in the middle, or when it has read all there is.
        let point = if is_stopped { 4 } else { run % 5 };
        let program = start_and_read(&config, shown(run) * point / 4, &step);
        program.signal(if is_stopped { "TERM" } else { "KILL" });
        let finished = program.finish();
        if is_stopped {
            assert_eq!(finished.code, Some(143), "{step}: {}", finished.errors());
            let store = &finished.summary()["store"];
            assert!(store["commits"].as_u64() > Some(0), "{step}: {store}");
            assert_eq!(store["failed"], 0, "{step}");
            let is_first = run == STOPPED_EVERY;
            assert!(is_first || store["restored_tweets"].as_u64() > Some(0), "{step}: {store}");
        }
        lines.extend(decisions(finished.stdout));
    }
    assert!(run > 2 * STOPPED_EVERY, "all was decided by run {run}");
    assert_same(&timeless(&taken_once(&lines)), &expect);
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
fn a_run_that_is_killed_has_been_kept_while_it_went_on() {
    // Each time one commit more is waited for: the first writes seen may be those of one that was cut off.
    const TRIES: usize = 20;
    let (desk, folder) = (Desk::new(), quick_folder());
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once"]);
    let store = folder.path().join("kept.redb");
    let more = format!("[store]\npath = \"{}\"", store.display());
    let frames = crate::desk::frames("lifecycle").len();
    let kept = (1..=TRIES).find_map(|writes| {
        let step = format!("try {writes}");
        let config = desk.config(&mock.addr, TIMELESS, &more);
        let killed = start_and_read(&config, frames, &step);
        for _ in 0..writes {
            wait_for_write(&store, &step);
        }
        killed.signal("KILL");
        killed.finish();
        // Nothing comes from where nobody listens: what this run knows is what was kept.
        let config = desk.config("127.0.0.1:1", TIMELESS, &more);
        let after = start_and_read(&config, 0, &step);
        after.signal("TERM");
        let store = after.finish().expect(143).summary()["store"].clone();
        (store["restored_tweets"].as_u64() > Some(0)).then_some(store)
    });
    let kept = kept.unwrap_or_else(|| panic!("{TRIES} runs were killed, and none had kept a tweet"));
    assert!(kept["restored_decisions"].as_u64() > Some(0), "{kept}");
}

/// Waits until somebody has written to this file.
fn wait_for_write(path: &Path, step: &str) {
    let written = || std::fs::metadata(path).and_then(|file| file.modified()).expect("the file is there");
    let before = written();
    wait_until(&format!("{step} to write to {}", path.display()), || written() != before);
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
