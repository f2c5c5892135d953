//! `stoop run`: how it begins, writes and ends.

use crate::decisions::{TIMELESS, assert_same, digest, parse, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames, lines_of};
use crate::driver::{Program, stoop};

/// A mock server, a configuration for it, and how many lines a run of all of it writes.
fn lifecycle(desk: &Desk, mock: &[&str]) -> (Mock, String, usize) {
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &[&["--at-once"], mock].concat());
    let config = desk.config(&mock.addr, TIMELESS, "");
    let count = replayed(&input, &config).len();
    (mock, config, count)
}

fn start(args: &[&str]) -> Program {
    stoop(&[&["run"], args].concat()).key("k").start()
}

#[test]
fn a_run_ends_after_as_many_frames_as_asked_for() {
    let desk = Desk::new();
    let (_mock, config, _) = lifecycle(&desk, &[]);
    let run = start(&["-c", &config, "--max-frames", "10", "--json"]).finish().expect(0);
    assert_eq!((&run.summary()["frames"], &run.summary()["end"]), (&10.into(), &"max_frames".into()));
    parse(&run.stdout);
}

#[test]
fn a_signal_ends_a_run_cleanly_with_its_own_code() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let desk = Desk::new();
        let (_mock, config, count) = lifecycle(&desk, &[]);
        let run = start(&["-c", &config]);
        run.stdout.wait_for_lines(count);
        run.signal(name);
        let run = run.finish().expect(code);
        assert_eq!(run.digest(), digest(&run.stdout), "everything decided was written");
        assert!(run.stderr.iter().any(|line| line.starts_with("recv→queued")), "{}", run.errors());
    }
}

#[test]
fn a_signal_ends_a_run_that_has_no_connection() {
    let desk = Desk::new();
    // A port nobody listens at.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = free.local_addr().expect("it has an address").to_string();
    drop(free);
    let config = desk.config(&addr, TIMELESS, "");
    let run = start(&["-c", &config]);
    run.stderr.wait_for_lines(1);
    run.signal("TERM");
    assert!(run.finish().expect(143).stdout.is_empty());
}

#[test]
fn both_placements_decide_the_same() {
    for placement in ["fused", "one-arbiter"] {
        let desk = Desk::new();
        let input = fixture("frames/lifecycle.jsonl");
        let mock = Mock::start(&input, &["--at-once", "--encoding", "batch"]);
        let config = desk.config(&mock.addr, TIMELESS, &format!("[engine]\nplacement = \"{placement}\""));
        let batches = frames("lifecycle").len().div_ceil(10).to_string();
        let run = start(&["-c", &config, "--max-frames", &batches]).finish().expect(0);
        assert_same(&timeless(&run.stdout), &replayed(&input, &config));
    }
}

#[test]
fn a_lapse_comes_when_its_time_has_come_without_another_frame() {
    let desk = Desk::new();
    let frame = r#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"2064689031777615872","text":"$EDGE"}}"#;
    let mock = Mock::start(&desk.file("one.jsonl", frame), &[]);
    let rules = "[[rule]]\nname = \"a\"\nassets = { tokens = true }\nsettle = \"100ms\"\n";
    let config = desk.config(&mock.addr, rules, "");
    let run = start(&["-c", &config]);
    run.stdout.wait_for_lines(2);
    run.signal("TERM");
    let decisions = parse(&run.finish().expect(143).stdout);
    assert_eq!((&decisions[0]["kind"], &decisions[1]["kind"]), (&"open".into(), &"lapse".into()));
    let times = [0, 1].map(|place| decisions[place]["decided_ns"].as_i64().expect("a time"));
    assert_eq!(times[1] - times[0], 100_000_000, "a late timer changes nothing");
}

#[test]
fn decisions_are_appended_to_a_file_and_a_torn_last_line_is_cut() {
    let desk = Desk::new();
    let (_mock, config, count) = lifecycle(&desk, &[]);
    let all = frames("lifecycle").len().to_string();
    let path = desk.name("decisions.jsonl");
    let args = ["-c", &config, "--max-frames", &all, "--decisions", &path];
    let first = start(&args).finish().expect(0);
    assert!(first.stdout.is_empty());
    let mut bytes = std::fs::read(&path).expect("it was written");
    let before = lines_of(desk.path("decisions.jsonl").as_path());
    assert_eq!(before.len(), count);
    bytes.extend_from_slice(br#"{"schema":1,"seq":17,"id":"#);
    desk.file("decisions.jsonl", &bytes);
    let second = start(&args).finish().expect(0);
    assert!(second.errors().contains("torn"), "{}", second.errors());
    let after = lines_of(desk.path("decisions.jsonl").as_path());
    assert_eq!(after.len(), 2 * count);
    assert_eq!(after[..count], before);
    let text: Vec<String> =
        after[count..].iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    assert_eq!(parse(&text).len(), count);
    assert_eq!(second.digest(), digest(&text));
}

#[test]
fn a_file_of_decisions_that_is_emptied_meanwhile_begins_anew() {
    let desk = Desk::new();
    // Takes the call and never answers: all that is written are status lines, the last one at the end.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let config = desk.config(&silent.local_addr().expect("it has an address").to_string(), TIMELESS, "");
    let path = desk.file("decisions.jsonl", "{}\n".repeat(1000));
    let run = start(&["-c", &config, "--decisions", &path, "--status", "1h"]);
    run.stderr.wait_for("a dial", |line| line.contains("dialling"));
    desk.file("decisions.jsonl", "");
    run.signal("TERM");
    run.finish().expect(143);
    let text = std::fs::read_to_string(&path).expect("it is text");
    assert!(text.starts_with("{\"kind\":\"status\"") && text.ends_with("}\n"), "{text:.100}");
}

#[test]
fn a_run_whose_reader_is_gone_ends_well() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once", "--loop", "--rebase"]);
    // Nobody makes room in the queue any more, nothing held back expires, and a stop does not wait for either.
    let rule = "[[rule]]\nname = \"all\"\nttl = \"1h\"\n";
    let config = desk.config(&mock.addr, rule, "[queue]\ncapacity = 1\ndrain_timeout = \"10m\"");
    let mut run = stoop(&["run", "-c", &config]).key("k").start_unread();
    run.close_stdout();
    run.finish().expect(0);
}

#[test]
fn a_run_ends_after_the_time_asked_for() {
    let desk = Desk::new();
    let (_mock, config, _) = lifecycle(&desk, &[]);
    let run = start(&["-c", &config, "--for", "1s", "--json"]).finish().expect(0);
    assert_eq!(run.summary()["end"], "stopped");
    // How far it comes in that time is the machine's matter.
    let expect = replayed(&fixture("frames/lifecycle.jsonl"), &config);
    let found = timeless(&run.stdout);
    assert_same(&found, &expect[..found.len().min(expect.len())]);
}

#[test]
fn the_whole_input_again_after_each_close_decides_nothing_new() {
    for code in ["1000", "1012"] {
        let desk = Desk::new();
        let (_mock, config, count) = lifecycle(&desk, &["--close-at-end", code]);
        let thrice = (3 * frames("lifecycle").len()).to_string();
        let run = start(&["-c", &config, "--max-frames", &thrice, "--json"]).finish().expect(0);
        assert_eq!(timeless(&run.stdout).len(), count);
        assert_eq!(run.summary()["feed"]["opens"], 3);
    }
}

#[test]
fn a_configuration_that_cannot_run_ends_with_78() {
    let desk = Desk::new();
    let no_rules = desk.config("127.0.0.1:9", "", "");
    assert!(start(&["-c", &no_rules]).finish().expect(78).errors().contains("no rule"));
    let plain = desk.file("plain.toml", format!("{TIMELESS}\n[feed]\nurl = \"ws://example.org/ws\"\n"));
    assert!(start(&["-c", &plain]).finish().expect(78).errors().contains("plain.toml:"));
    let absent = desk.name("absent.toml");
    assert!(start(&["-c", &absent]).finish().expect(78).errors().contains("absent.toml"));
}
