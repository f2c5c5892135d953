//! Bursts that meet a signal, a reader that falls behind, and one that hangs up: nothing is lost that is not told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stoop_synth::{Generator, Options};

use crate::decisions::{json, without_times};
use crate::desk::{Desk, Mock};
use crate::driver::{Finished, Program, stoop};
use crate::feed::{Feed, Travel, Visit};

const PLACEMENTS: [&str; 3] = ["fused", "one-arbiter", "per-actor"];
const POLICIES: [&str; 2] = ["hold", "drop_newest"];
/// Frames generated.
const FRAMES: u64 = 10_000;
/// Every so many of the contents are deleted again, so many frames later.
const DELETED: usize = 3;
const DELETED_AFTER: usize = 20;
/// Lines that a reader takes at first.
const SOME: usize = 200;
/// Its waits are longer than any test, and than the time its frames are spread over.
const RULES: &str = r#"
[[alias]]
terms = ["doge", "dogecoin", "bitcoin"]
market = "binance:DOGEUSDT"

[[rule]]
name = "all"
fire = "content"
ttl = "1h"

[[rule]]
name = "follow"
settle = "1h"
ttl = "1h"
assets = { tokens = true, cex = true, addresses = true }

[[rule]]
name = "patient"
fire = "enriched"
wait = "1h"
ttl = "1h"
assets = { tokens = true }
"#;

/// Four minutes of synthetic frames, with more deletions than the generator makes.
fn frames() -> Vec<Vec<u8>> {
    let options = Options { frames: FRAMES, seed: 11, span_ms: 240_000, ..Options::default() };
    let mut frames = Vec::new();
    let mut doomed = Vec::new();
    for (place, frame) in Generator::new(options).enumerate() {
        if frame.contains(r#""op":"content""#) && place % DELETED == 0 {
            doomed.push((place + DELETED_AFTER, deletion(&frame)));
        }
        frames.push(frame.into_bytes());
        if let Some(at) = doomed.iter().position(|(due, _)| *due <= place) {
            frames.push(doomed.remove(at).1);
        }
    }
    frames
}

fn deletion(content: &str) -> Vec<u8> {
    let content = json(content);
    let (ts, id) = (&content["ts"], &content["d"]["tweetId"]);
    format!(r#"{{"v":1,"t":"tweet","op":"delete","ts":{ts},"d":{{"tweetId":{id}}}}}"#).into_bytes()
}

fn settings(placement: &str, when_full: &str, queue: &str) -> String {
    format!("[engine]\nplacement = \"{placement}\"\n[queue]\nwhen_full = \"{when_full}\"\n{queue}")
}

/// Starts a run whose reader takes some lines and then no more.
fn start(config: &str, lines: usize) -> Program {
    let mut run = stoop(&["run", "-c", config, "--json"]).key("k").start_unread();
    run.read_stdout_up_to(lines);
    run.stdout.wait_for_lines(lines);
    run
}

/// Asserts that a run has decided what a replay of the frames it took decides, and has told all of it but the opens it
/// says it dropped and what follows them. Returns its summary.
fn assert_accounted(run: &Finished, taken: &[Vec<u8>], desk: &Desk, config: &str) -> Value {
    let summary = run.summary();
    let decided = replayed(&desk.frames("taken.jsonl", taken), config);
    let told: BTreeMap<usize, Value> = run.stdout.iter().map(|line| numbered(json(line))).collect();
    assert_eq!(told.len(), run.stdout.len(), "a number comes twice");
    assert!(run.stdout.iter().map(|line| numbered(json(line)).0).is_sorted(), "numbers rise");
    assert_eq!(summary["decisions"], decided.len());
    for (seq, line) in &told {
        let expect = decided.get(*seq).unwrap_or_else(|| panic!("never decided: {line}"));
        assert_eq!(without_times(line.clone()), without_times(expect.clone()), "seq {seq}");
    }
    let (mut lost, mut lost_opens, mut lost_followers) = (BTreeSet::new(), 0, 0);
    for (seq, decision) in decided.iter().enumerate() {
        let (id, is_open) = (text(decision, "id"), decision["kind"] == "open");
        match (told.contains_key(&seq), is_open) {
            (true, true) => {}
            (true, false) => assert!(!lost.contains(id), "told, though its open was dropped: {decision}"),
            (false, true) => {
                lost.insert(id);
                lost_opens += 1;
            }
            (false, false) => {
                assert!(lost.contains(id), "dropped, though its open was told: {decision}");
                lost_followers += 1;
            }
        }
    }
    let queue = |name: &str| summary["queue"][name].as_u64().expect("a count");
    assert_eq!(lost_opens, queue("expired") + queue("dropped_opens"));
    assert_eq!(lost_followers, queue("dropped_followers"));
    assert_eq!((queue("queued"), queue("undelivered")), (told.len() as u64, 0));
    assert_deleted_are_cancelled(taken, told.into_values());
    summary
}

/// The frames a run has taken of those that it was sent over and over, one a message.
fn taken(run: &Finished, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let count = run.summary()["frames"].as_u64().expect("a count");
    frames.iter().cycle().take(count as usize).cloned().collect()
}

/// The same without the help of a replay: what was opened on a tweet and told has ended once it is deleted.
fn assert_deleted_are_cancelled(taken: &[Vec<u8>], told: impl Iterator<Item = Value>) {
    let deleted: BTreeSet<String> = taken
        .iter()
        .filter_map(|frame| {
            std::str::from_utf8(frame).ok().filter(|frame| frame.contains(r#""op":"delete""#))
        })
        .map(|frame| text(&json(frame)["d"], "tweetId").to_owned())
        .collect();
    assert!(!deleted.is_empty());
    let last: BTreeMap<String, Value> = told.map(|line| (text(&line, "id").to_owned(), line)).collect();
    for line in last.values().filter(|line| deleted.contains(text(line, "tweet_id"))) {
        assert_eq!(line["kind"], "cancel", "the last of a deleted tweet: {line}");
    }
}

fn numbered(decision: Value) -> (usize, Value) {
    (decision["seq"].as_u64().expect("a number") as usize, decision)
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_else(|| panic!("no {member} in {object}"))
}

/// Decisions of a replay by number. At its end, unlike that of a run, every deadline fires: those lapses come last.
fn replayed(input: &str, config: &str) -> Vec<Value> {
    let lines = stoop(&["replay", input, "-c", config]).finish().expect(0).stdout;
    let decided = lines.iter().map(|line| json(line)).filter(|decision| decision["kind"] != "lapse");
    let decided: Vec<Value> = decided.collect();
    assert!(decided.iter().enumerate().all(|(place, decision)| decision["seq"] == place), "lapses come last");
    decided
}

#[test]
fn sigterm_in_a_burst_loses_nothing_that_was_decided() {
    for placement in PLACEMENTS {
        let (desk, frames) = (Desk::new(), frames());
        let mock = Mock::start(&desk.frames("burst.jsonl", &frames), &["--at-once", "--loop"]);
        let config = desk.config(&mock.addr, RULES, &settings(placement, "hold", ""));
        let run = stoop(&["run", "-c", &config, "--json"]).key("k").start();
        run.stdout.wait_for_lines(SOME);
        run.signal("TERM");
        let run = run.finish().expect(143);
        let summary = assert_accounted(&run, &taken(&run, &frames), &desk, &config);
        assert_eq!(summary["queue"]["queued"], summary["decisions"], "{placement}");
    }
}

#[test]
fn sigterm_while_a_reader_is_behind_loses_nothing_that_was_decided() {
    for placement in PLACEMENTS {
        let (desk, frames) = (Desk::new(), frames());
        let feed = Feed::start(vec![Visit::plain(frames.clone())]);
        let queue = settings(placement, "hold", "capacity = 16\ndrain_timeout = \"10m\"");
        let config = desk.config(&feed.addr, RULES, &format!("ping_interval = \"5ms\"\n{queue}"));
        let run = start(&config, SOME);
        // Once more than the pipe and the queue take has been sent, so many pings leave time for the queue to fill.
        let guest = feed.wait_for(0, "to be sent 500 frames", |guest| guest.frames >= 500);
        feed.wait_for(0, "to send 40 more pings", |now| now.pings >= guest.pings + 40);
        run.signal("TERM");
        // The reader is behind until the connection has ended: what is held back then leaves all the same.
        feed.wait_for(0, "to hang up", |guest| guest.is_gone);
        run.stdout.go_on(usize::MAX);
        let run = run.finish().expect(143);
        let summary = assert_accounted(&run, &taken(&run, &frames), &desk, &config);
        let queue = &summary["queue"];
        assert_eq!(queue["queued"], summary["decisions"], "{placement}");
        assert!(queue["full"].as_u64() > Some(0), "{placement}: {queue}");
    }
}

#[test]
fn a_reader_that_is_behind_misses_opens_and_what_follows_them_if_the_newest_are_dropped() {
    for placement in PLACEMENTS {
        let (desk, frames) = (Desk::new(), frames());
        let feed = Feed::start(vec![Visit::plain(frames.clone())]);
        let queue = "capacity = 16\ndrain_timeout = \"10m\"";
        let config = desk.config(&feed.addr, RULES, &settings(placement, "drop_newest", queue));
        let run = start(&config, SOME);
        // Far more than pipes and the queue take, and sockets hold.
        feed.wait_for(0, "to be sent 9 frames of 10", |guest| guest.frames >= frames.len() * 9 / 10);
        run.signal("TERM");
        feed.wait_for(0, "to hang up", |guest| guest.is_gone);
        run.stdout.go_on(usize::MAX);
        let run = run.finish().expect(143);
        let summary = assert_accounted(&run, &taken(&run, &frames), &desk, &config);
        let queue = &summary["queue"];
        for count in ["dropped_opens", "dropped_followers"] {
            assert!(queue[count].as_u64() > Some(0), "{placement}: {count} in {queue}");
        }
    }
}

/// Contents of 20 kB, far more in all than pipes and sockets hold; then each of them is deleted.
fn large_frames(count: u64) -> Vec<Vec<u8>> {
    let padding = "a ".repeat(10_000);
    let id = |number: u64| 2_064_689_031_777_615_872 + (number << 22);
    let content = |number: u64| {
        let (id, ts) = (id(number), 1_781_095_200_123 + number);
        format!(
            r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}","text":"{padding}"}}}}"#
        )
    };
    let contents: Vec<String> = (0..count).map(content).collect();
    let deletions: Vec<Vec<u8>> = contents.iter().map(|content| deletion(content)).collect();
    contents.into_iter().map(String::into_bytes).chain(deletions).collect()
}

#[test]
fn a_reader_that_was_stuck_gets_every_cancel_of_what_it_was_told() {
    const CONTENTS: u64 = 1_500;
    const RULES: &str = "[[rule]]\nname = \"all\"\nfire = \"content\"\nttl = \"5ms\"\n";
    for when_full in POLICIES {
        for placement in PLACEMENTS {
            let (desk, frames) = (Desk::new(), large_frames(CONTENTS));
            let feed = Feed::start(vec![Visit { travel: Travel::Batches, ..Visit::plain(frames.clone()) }]);
            let settings = settings(placement, when_full, "capacity = 2\ndrain_timeout = \"10m\"");
            let settings = format!("ping_interval = \"5ms\"\n{settings}");
            let config = desk.config(&feed.addr, RULES, &settings);
            let messages = (frames.len() / 10).to_string();
            let args = ["run", "-c", &config, "--max-frames", &messages, "--json"];
            let mut run = stoop(&args).key("k").start_unread();
            // With nobody reading, so many are taken only because what is held back expires, or is dropped at once.
            feed.wait_for(0, "to be sent all contents and to ping", |guest| {
                guest.frames >= CONTENTS as usize && guest.pings > 0
            });
            run.read_stdout();
            let run = run.finish().expect(0);
            let summary = assert_accounted(&run, &frames, &desk, &config);
            let (feed, queue) = (&summary["feed"], &summary["queue"]);
            assert_eq!((&feed["dials"], &feed["opens"]), (&1.into(), &1.into()), "the connection stood");
            for count in ["pings", "pongs"] {
                assert!(feed[count].as_u64() > Some(0), "{placement}, {when_full}: {count} in {feed}");
            }
            let dropped = if when_full == "hold" { "expired" } else { "dropped_opens" };
            assert!(queue[dropped].as_u64() > Some(0), "{placement}, {when_full}: {queue}");
            assert_eq!(queue["dropped_followers"], queue[dropped], "{placement}, {when_full}");
        }
    }
}

#[test]
fn a_run_whose_reader_hangs_up_in_a_burst_ends_well() {
    for when_full in POLICIES {
        for placement in PLACEMENTS {
            let desk = Desk::new();
            let mock = Mock::start(&desk.frames("burst.jsonl", &frames()), &["--at-once", "--loop"]);
            // Nobody makes room any more, and the end does not wait for it.
            let queue = "capacity = 16\ndrain_timeout = \"10m\"";
            let config = desk.config(&mock.addr, RULES, &settings(placement, when_full, queue));
            let run = start(&config, SOME);
            run.stdout.hang_up();
            let run = run.finish().expect(0);
            assert_eq!(run.stdout.len(), SOME);
        }
    }
}
