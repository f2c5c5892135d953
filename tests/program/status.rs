//! Status lines and the latency log: what tells that all is well while nothing happens.

use serde_json::Value;

use crate::decisions::{TIMELESS, digest, json, parse};
use crate::desk::{Desk, Mock, fixture};
use crate::driver::stoop;

fn is_status(line: &str) -> bool {
    line.starts_with(r#"{"kind":"status","feed":""#)
}

fn statuses(lines: &[String]) -> Vec<Value> {
    lines.iter().filter(|line| is_status(line)).map(|line| json(line)).collect()
}

#[test]
fn status_lines_tell_up_down_and_gap_and_are_not_in_the_digest() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once", "--fault", "conn=1,after=5:close(1012)"]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let args = ["run", "-c", &config, "--json", "--status", "10ms"];
    let run = stoop(&args).key("k").start();
    run.stdout.wait_for("a gap", |line| line.starts_with(r#"{"kind":"status","feed":"gap","schema":1,"#));
    run.signal("TERM");
    let finished = run.finish().expect(143);
    let (told, decided): (Vec<String>, Vec<String>) =
        finished.stdout.iter().cloned().partition(|line| is_status(line));
    let told = statuses(&told);
    let decisions = parse(&decided);
    assert!(!decisions.is_empty());
    assert_eq!(digest(&decided), finished.digest());
    let (first, last) = (&told[0], &told[told.len() - 1]);
    assert_eq!((&first["feed"], &first["next_seq"]), (&Value::from("down"), &Value::from(0)));
    assert_eq!(first["last_frame_ns"], Value::Null);
    assert_eq!((&last["feed"], &last["next_seq"]), (&Value::from("down"), &Value::from(decisions.len())));
    let summary = finished.summary();
    assert_eq!(last["gaps"], summary["feed"]["gaps"]);
    assert_eq!(last["frames"], summary["frames"]);
    assert!(summary["feed"]["gaps"].as_u64() > Some(0) && summary["feed"]["gap_ns"].as_i64() > Some(0));
    assert!(told.iter().any(|line| line["last_frame_ns"].is_i64()));
    for pair in told.windows(2) {
        assert!(pair[0]["at_ns"].as_i64() <= pair[1]["at_ns"].as_i64(), "{pair:?}");
        let has_new = pair[0]["gaps"].as_u64() < pair[1]["gaps"].as_u64();
        let is_down = pair[1]["feed"] == "down";
        assert_eq!(pair[1]["feed"] == "gap", has_new && !is_down, "{pair:?}");
    }
}

#[test]
fn a_quiet_feed_is_told_to_be_up() {
    let desk = Desk::new();
    let input = desk.file("none.jsonl", "");
    let mock = Mock::start(&input, &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let run = stoop(&["run", "-c", &config, "--status", "10ms"]).key("k").start();
    let line = run.stdout.wait_for("the feed to be up", |line| line.contains(r#""feed":"up""#));
    assert_eq!(json(&line)["frames"], 0);
    run.signal("INT");
    run.finish().expect(130);
}

#[test]
fn the_latency_log_holds_every_interval_and_is_never_overwritten() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once"]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let log = desk.name("latency.hlog");
    let frames = crate::desk::frames("lifecycle").len().to_string();
    let args =
        ["run", "-c", &config, "--max-frames", &frames, "--latency-log", &log, "--latency-every", "1h"];
    stoop(&args).key("k").finish().expect(0);
    let text = std::fs::read_to_string(&log).expect("the log is there");
    assert!(text.starts_with("#[Histogram log format version 1.3]\n"), "{text}");
    let tags: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("Tag=")?.split(',').next()).collect();
    for tag in ["decode", "merge", "signal", "queue", "recv-queued", "queued-taken"] {
        assert_eq!(tags.iter().filter(|known| **known == tag).count(), 1, "{tag}: {text}");
    }
    let again = stoop(&args).key("k").finish().expect(73);
    assert!(again.errors().contains(&log), "{}", again.errors());
    assert_eq!(std::fs::read_to_string(&log).ok(), Some(text));
}

#[test]
fn an_interval_is_longer_than_nothing() {
    for option in ["--status", "--latency-every"] {
        let finished = stoop(&["run", "--latency-log", "x", option, "0s"]).finish().expect(2);
        assert!(finished.errors().contains(option), "{}", finished.errors());
    }
}
