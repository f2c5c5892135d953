//! Many frames at once: every decision exactly once, in bounded memory.

use crate::decisions::{assert_same, json, replayed, timeless};
use crate::desk::{Desk, Mock, lines_of};
use crate::driver::stoop;

/// Frames generated.
const FRAMES: usize = 100_000;
const MEMORY_BYTES: u64 = 700_000_000;
/// The last frame; its decision tells that all before it have been through.
const LAST: &str = r#"{"v":1,"t":"tweet","op":"content","ts":1781149600000,"d":{"tweetId":"2064916866868740096","text":"all quiet on the western front"}}"#;
/// No `two_phase`: by the frames' own times its decisions lapse within the day, here the day passes in seconds.
const RULES: &str = r#"
[[alias]]
terms = ["doge", "dogecoin", "bitcoin"]
market = "binance:DOGEUSDT"

[[rule]]
name = "flash"
fire = "content"
assets = { tokens = true, cex = true, addresses = true }

[[rule]]
name = "words"
fire = "content"
any = ["token", "listing", "lists", "halted", "doge", "watch"]

[[rule]]
name = "patient"
fire = "enriched"
wait = "9m"
assets = { tokens = true, cex = true }

[[rule]]
name = "last"
fire = "content"
all = ["western front"]
"#;

#[test]
fn a_flood_of_frames_loses_no_decision_and_repeats_none() {
    let desk = Desk::new();
    let input = desk.name("flood.jsonl");
    let count = FRAMES.to_string();
    stoop(&["gen", "-o", &input, "--frames", &count, "--seed", "7"]).finish().expect(0);
    let mut frames = lines_of(desk.path("flood.jsonl").as_path());
    assert_eq!(frames.len(), FRAMES);
    frames.push(LAST.as_bytes().to_vec());
    let input = desk.frames("flood-and-last.jsonl", &frames);
    drop(frames);
    let mock = Mock::start(&input, &["--at-once"]);
    let config = desk.config(&mock.addr, RULES, "");
    let run = stoop(&["run", "-c", &config, "--json"]).key("k").start();
    run.stdout.wait_for("the last decision", |line| line.contains(r#""rule":"last""#));
    let memory = run.peak_memory();
    run.signal("TERM");
    let run = run.finish().expect(143);
    assert_eq!(run.summary()["frames"], FRAMES + 1);
    if let Some(bytes) = memory {
        assert!(bytes < MEMORY_BYTES, "{bytes} bytes");
    }
    let mut keys: Vec<String> = run.stdout.iter().map(|line| key(line)).collect();
    let lines = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), lines, "a decision has come twice");
    assert_same(&timeless(&run.stdout), &replayed(&input, &config));
}

/// What a consumer dedupes on.
fn key(line: &str) -> String {
    let decision = json(line);
    format!("{} {}", decision["id"], decision["revision"])
}
