//! A disk that is full for a while costs what was not written, and nothing once there is room.

use serde_json::Value;

use crate::decisions::{TIMELESS, assert_same, json, replayed, timeless};
use crate::desk::{Desk, Mock, fixture};
use crate::driver::stoop;

const PLACEMENTS: [&str; 3] = ["one-arbiter", "fused", "per-actor"];
const POSTS: usize = 3_000;

fn posts() -> Vec<Vec<u8>> {
    let post = |at: usize| {
        let ts = 1_781_095_200_000 + at;
        format!(
            r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{}","text":"token listing $T{at}A","author":{{"handle":"@a"}}}}}}"#,
            1_000 + at
        )
        .into_bytes()
    };
    (0..POSTS).map(post).collect()
}

fn forgets_nothing(placement: &str) {
    let desk = Desk::new();
    let input = desk.frames("frames.jsonl", &posts());
    let rules = desk.file("rules.toml", TIMELESS);
    let expect = replayed(&input, &rules);
    // Each connection is shown everything from the start.
    let mock = Mock::start(&input, &["--at-once"]);
    let more = format!("[store]\npath = \"kept.redb\"\n[engine]\nplacement = \"{placement}\"");
    let config = desk.config(&mock.addr, TIMELESS, &more);
    let run = stoop(&["run", "-c", &config, "--json", "--status", "20ms"]).key("k");
    // A new store finds room, and what is remembered in the end does not.
    let run = run.with_file_limit_kib(2_048).start();
    // The alert of the guide.
    let failing = |status: &Value| status["store"]["failing_ms"].as_u64() > Some(500);
    let status = run.stdout.wait_for_status("the store fails", failing);
    assert!(status["store"]["failed"].as_u64() > Some(0), "{status}");
    let is_done = |status: &Value| status["next_seq"].as_u64() >= Some(expect.len() as u64);
    run.stdout.wait_for_status("all is decided", is_done);
    run.make_room();
    let is_well = |status: &Value| status["store"].is_object() && status["store"]["failing_ms"].is_null();
    let status = run.stdout.wait_for_status("the store is written again", is_well);
    // Not a try for every save: it is tried less and less often.
    assert!((1..30).contains(&status["store"]["failed"].as_u64().unwrap_or(0)), "{status}");
    run.signal("TERM");
    let first = run.finish().expect(143);
    assert_eq!(first.summary()["store"]["failing_ms"], Value::Null);
    let decided = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| json(line)["kind"] != "status").cloned().collect()
    };
    assert_same(&timeless(&decided(&first.stdout)), &expect);
    let again = ["run", "-c", &config, "--json", "--max-frames", &POSTS.to_string()];
    let second = stoop(&again).key("k").finish().expect(0);
    assert!(second.stdout.is_empty(), "decided again: {}", second.stdout[0]);
    assert!(
        second.summary()["store"]["restored_tweets"].as_u64() >= Some(POSTS as u64),
        "{}",
        second.errors()
    );
}

#[test]
fn a_store_on_a_disk_that_was_full_forgets_nothing() {
    PLACEMENTS.into_iter().for_each(forgets_nothing);
}

#[test]
fn a_latency_log_on_a_full_disk_does_not_end_a_run_before_its_time() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--rate", "200", "--loop", "--rebase"]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let log = desk.name("latency.hlog");
    let args = ["run", "-c", &config, "--latency-log", &log, "--latency-every", "10ms"];
    let run = stoop(&args).key("k").with_file_limit_kib(4).start();
    let has_failed = |line: &str| line.contains("cannot write to") && line.contains("latency.hlog");
    run.stderr.wait_for("the latency log that cannot be written", has_failed);
    run.stdout.wait_for_lines(run.stdout.seen().len() + 10);
    run.make_room();
    run.signal("TERM");
    run.finish().expect(143);
    let text = std::fs::read_to_string(&log).expect("the log is there");
    assert!(text.len() > 4_096 && text.ends_with('\n'), "{} bytes", text.len());
    assert!(text.lines().all(|line| line.starts_with(['#', '"', 'T'])), "{text}");
}
