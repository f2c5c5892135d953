//! The network at its worst, as the mock server plays it: the feed comes back, what went wrong is counted, and every
//! decision is made once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::decisions::{TIMELESS, assert_same, digest, json, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Finished, stoop};

/// Waits short enough for a test. None is for the server: however busy a machine is, it loses no connection.
pub(crate) const BRISK: &str = "ping_interval = \"100ms\"\nslow_lane = [\"1ms\", \"5ms\"]";

/// What a run shows of itself.
struct Ran {
    run: Finished,
    /// The last line of the mock server's.
    told: String,
}

impl Ran {
    fn feed(&self, count: &str) -> u64 {
        self.run.summary()["feed"][count].as_u64().unwrap_or_else(|| panic!("no {count}"))
    }

    /// Every decision of a replay of the whole input, once.
    fn assert_decided_once(&self) {
        assert_eq!(self.run.summary()["digest"], digest(&self.run.stdout));
        assert_same(&timeless(&self.run.stdout), &expected());
    }
}

fn expected() -> Vec<String> {
    let desk = Desk::new();
    replayed(&fixture("frames/lifecycle.jsonl"), &desk.file("rules.toml", TIMELESS))
}

fn faults<'a>(specs: &[&'a str]) -> Vec<&'a str> {
    specs.iter().flat_map(|spec| ["--fault", spec]).collect()
}

fn count() -> usize {
    frames("lifecycle").len()
}

/// Runs against faults until so many messages have come.
fn run(specs: &[&str], messages: usize, feed: &str) -> Ran {
    run_with(specs, messages, &format!("{BRISK}\n{feed}"))
}

fn run_with(specs: &[&str], messages: usize, feed: &str) -> Ran {
    run_to(specs, &["--max-frames", &messages.to_string()], 0, feed)
}

/// Runs against faults, one of which refuses for good whoever has seen it all: however often a connection was lost
/// before.
fn run_until_refused(specs: &[&str], feed: &str) -> Ran {
    run_to(specs, &[], 77, &format!("{BRISK}\n{feed}"))
}

fn run_to(specs: &[&str], end: &[&str], code: i32, feed: &str) -> Ran {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &[&["--at-once"][..], &faults(specs)].concat());
    let config = desk.config(&mock.addr, TIMELESS, feed);
    let run = stoop(&[&["run", "-c", &config, "--json"], end].concat()).key("k").finish().expect(code);
    mock.program.signal("TERM");
    let told = mock.program.finish().expect(143).stderr.pop().expect("it says what it did");
    Ran { run, told }
}

#[test]
fn lost_connections_are_taken_up_again_however_they_are_lost() {
    for spec in ["fin", "rst", "close", "close(1012)", "close(1000)", "masked", "rsv", "compressed"] {
        // Twice lost, behind 20 and behind 40 frames; what was shown comes again from the start.
        let specs = [format!("conn=1,after=20:{spec}"), format!("conn=2,after=40:{spec}")];
        let ran = run(&specs.each_ref().map(String::as_str), 60 + count(), "");
        ran.assert_decided_once();
        assert_eq!((ran.feed("opens"), ran.feed("gaps")), (3, 2), "{spec}");
        assert_eq!(ran.run.summary()["bad_frames"], 0, "{spec}");
        assert!(ran.told.ends_with(" 2 faults"), "{spec}: {}", ran.told);
    }
}

#[test]
fn a_link_that_answers_no_ping_is_left() {
    for spec in ["no-pong", "freeze", "claim(1K)", "half"] {
        // Where data would go on, all would have been seen before a pong was missed.
        let actions = [spec, "stall"].into_iter().take(if spec == "no-pong" { 2 } else { 1 });
        let strikes = |when: &'static str| actions.clone().map(move |action| format!("{when}:{action}"));
        let mut specs: Vec<String> =
            ["conn=1,after=20", "conn=2,after=40"].into_iter().flat_map(strikes).collect();
        specs.push("conn=3-,end:close(4001)".to_owned());
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        // A machine too busy for a pong to be in time loses a good connection too, and comes back again.
        let ran = run_until_refused(&specs, "pong_timeout = \"300ms\"");
        ran.assert_decided_once();
        assert!(ran.feed("opens") >= 3, "{spec}");
        assert_eq!(ran.feed("gaps"), ran.feed("opens") - 1, "{spec}");
        assert!(ran.feed("pings") > 0, "{spec}");
        assert!(ran.run.errors().contains("no pong within feed.pong_timeout"), "{spec}");
    }
}

#[test]
fn a_quiet_link_that_answers_pings_is_kept() {
    // Longer than a pong may take, which is as long as a busy machine may need.
    let ran = run(&["after=20:stall(6s)"], count(), "pong_timeout = \"5s\"");
    ran.assert_decided_once();
    assert_eq!((ran.feed("dials"), ran.feed("gaps")), (1, 0));
    assert!(ran.feed("pongs") > 3);
}

#[test]
fn slow_bytes_are_waited_for() {
    let ran = run(&["slow(256K)"], count(), "pong_timeout = \"5s\"");
    ran.assert_decided_once();
    assert_eq!(ran.feed("dials"), 1);
}

#[test]
fn what_the_socket_cannot_take_ends_it_and_is_counted() {
    for (spec, reason) in [
        ("rubbish(utf8)", "utf8"),
        ("long(17M)", "too_long"),
        ("claim(1G)", "too_long"),
        ("endless", "too_long"),
    ] {
        let first = format!("conn=1,after=10:{spec}");
        let ran = run(&[&first], 10 + count(), "");
        ran.assert_decided_once();
        let summary = ran.run.summary();
        assert_eq!((ran.feed("rejected"), ran.feed("opens"), ran.feed("gaps")), (1, 2, 1), "{spec}");
        assert_eq!(summary["bad_frames"], 1, "{spec}");
        let bad = summary["bad"].as_object().expect("reasons");
        let named = bad.iter().any(|(name, count)| name.contains(reason) && *count == 1);
        assert!(named, "{spec}: {}", summary["bad"]);
    }
}

#[test]
fn a_message_that_holds_nothing_and_has_no_end_is_left_although_pings_are_answered() {
    // Pongs wait behind what floods the socket.
    let ran = run_with(&["conn=1,after=10:hollow"], 10 + count(), "ping_interval = \"100ms\"");
    ran.assert_decided_once();
    assert_eq!((ran.feed("rejected"), ran.feed("opens"), ran.feed("gaps")), (1, 2, 1));
    assert_eq!(ran.run.summary()["bad"]["too_long"], 1);
}

#[test]
fn what_cannot_be_read_is_counted_and_the_connection_stands() {
    let all = count();
    for (spec, more) in [
        ("every=10:rubbish(json)", all / 10),
        ("every=10:rubbish(binary)", all / 10),
        ("every=10:long(40000)", all / 10),
    ] {
        let ran = run(&[spec], all + more, "max_frame = 30000");
        ran.assert_decided_once();
        assert_eq!(ran.run.summary()["bad_frames"], more, "{spec}");
        assert_eq!((ran.feed("dials"), ran.feed("rejected")), (1, 0), "{spec}");
    }
}

#[test]
fn fragments_duplicates_and_replays_decide_nothing_twice() {
    let all = count();
    for (specs, messages, opens) in [
        (&["fragment(7)"][..], all, 1),
        (&["dup"], 2 * all, 1),
        (&["dup(3)", "fragment(2)"], 4 * all, 1),
        (&["conn=2-:replay(15)", "conn=1,after=30:fin", "conn=2,after=30:close(1012)"], all + 30, 3),
        // Every connection shows ten old frames and ten new ones.
        (&["conn=2-:replay(10)", "every=20:fin"], 100, 5),
    ] {
        let ran = run(specs, messages, "");
        assert_eq!(ran.feed("opens"), opens, "{specs:?}");
        if opens < 5 {
            ran.assert_decided_once();
        } else {
            assert_eq!(&timeless(&ran.run.stdout)[..], &replay_of(60)[..], "{specs:?}");
        }
    }
}

/// What the first so many frames decide.
fn replay_of(frames_wanted: usize) -> Vec<String> {
    let desk = Desk::new();
    let input = desk.frames("first.jsonl", &frames("lifecycle")[..frames_wanted]);
    replayed(&input, &desk.file("rules.toml", TIMELESS))
}

#[test]
fn frames_out_of_order_end_in_the_same_decisions() {
    // Some open in another order, under the id of another asset, or not at all because a deletion was first. What
    // stands at the end, on which tweet and asset, is the same.
    let standing = |lines: &[String]| {
        let mut standing = BTreeMap::new();
        for decision in lines.iter().map(|line| json(line)).filter(|decision| decision["rule"] == "patient") {
            let id = decision["id"].to_string();
            if decision["kind"] == "cancel" {
                standing.remove(&id);
            } else {
                standing.insert(id, format!("{} {}", decision["tweet_id"], decision["asset"]));
            }
        }
        standing.into_values().collect::<BTreeSet<String>>()
    };
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let straight = stoop(&["replay", &input, "-c", &desk.file("rules.toml", TIMELESS)]).finish().expect(0);
    for spec in ["meta-first(40)", "p=0.3:late(6)"] {
        let ran = run(&[spec], count(), "");
        assert!(ran.run.summary()["merge"]["before_content"].as_u64() > Some(0), "{spec}");
        assert_eq!(standing(&ran.run.stdout), standing(&straight.stdout), "{spec}");
    }
}

#[test]
fn a_server_with_a_wrong_clock_decides_the_same() {
    for spec in ["skew(-10m)", "skew(10m)"] {
        let ran = run(&[spec], count(), "");
        let shown = |lines: &[String]| -> Vec<(String, String)> {
            let lines = lines.iter().map(|line| json(line));
            lines.map(|line| (line["id"].to_string(), line["kind"].to_string())).collect()
        };
        assert_eq!(shown(&timeless(&ran.run.stdout)), shown(&expected()), "{spec}");
        assert_eq!(ran.feed("dials"), 1);
    }
}

#[test]
fn an_answer_that_is_no_handshake_is_tried_again() {
    for spec in ["html", "subprotocol(chat)", "endless-head", "silent-head", "refuse(503)", "refuse(429)"] {
        // What is silent is left after a while; a good answer may then be too late as well, on a busy machine.
        let is_silent = spec == "silent-head";
        let feed = if is_silent { "connect_timeout = \"300ms\"" } else { "" };
        let ran = run(&[&format!("first=2:{spec}")], count(), feed);
        ran.assert_decided_once();
        assert!(ran.feed("dials") == 3 || is_silent && ran.feed("dials") > 3, "{spec}");
        assert_eq!((ran.feed("opens"), ran.feed("gaps")), (1, 0), "{spec}");
    }
}

#[test]
fn a_slot_that_is_freed_late_is_waited_for() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let specs = ["first=1:late-slot(3s)", "conn=1,after=20:rst"];
    let args = [&["--at-once", "--max-connections", "1"][..], &faults(&specs)].concat();
    let mock = Mock::start(&input, &args);
    let config = desk.config(&mock.addr, TIMELESS, "slow_lane = [\"200ms\", \"400ms\"]");
    let messages = (20 + count()).to_string();
    let run = stoop(&["run", "-c", &config, "--json", "--max-frames", &messages]).key("k").finish().expect(0);
    assert_same(&timeless(&run.stdout), &expected());
    let feed = &run.summary()["feed"];
    assert_eq!((&feed["opens"], &feed["gaps"]), (&Value::from(2), &Value::from(1)));
    // Three seconds of tries that are at least 200 ms apart.
    assert!((3..=18).contains(&feed["dials"].as_u64().expect("a count")), "{feed}");
}

#[test]
fn a_server_that_flaps_is_not_hammered() {
    for (spec, lane) in
        [("fin", "backoff"), ("close(1012)", "fast"), ("rst", "backoff"), ("close(4029)", "slow")]
    {
        let desk = Desk::new();
        let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &faults(&[spec]));
        // Opens never last for `stable_after`, so delays grow however many there are.
        let feed = "stable_after = \"10s\"\nslow_lane = [\"200ms\", \"400ms\"]";
        let text = format!(
            "{TIMELESS}\n[feed]\nurl = \"ws://{}/ws\"\nbackoff_base = \"200ms\"\nbackoff_cap = \"2s\"\n{feed}\n",
            mock.addr
        );
        let config = desk.file("stoop.toml", text);
        let args = ["run", "-c", &config, "--json", "--for", "700ms"];
        let summary = stoop(&args).key("k").finish().expect(0).summary();
        let count = |name: &str| summary["feed"][name].as_u64().expect("a count");
        // Backoff is at least 50 ms, the fast lane 100 ms and once, the slow one 200 ms. A busy machine dials less
        // often.
        let most = if lane == "slow" { 6 } else { 12 };
        assert!(count("dials") <= most, "{spec}: {} dials", count("dials"));
        assert_eq!(count("gaps"), count("opens").saturating_sub(1), "{spec}");
        // However long it takes, it comes back.
        let run = stoop(&args[..4]).key("k").start();
        let losses = std::cell::Cell::new(0);
        run.stderr.wait_for(&format!("{spec} to end a second connection"), |line| {
            losses.set(losses.get() + u32::from(line.contains("connection lost, trying again")));
            losses.get() == 2
        });
        run.signal("TERM");
        let run = run.finish().expect(143);
        assert!(run.errors().contains(lane), "{spec}: {}", run.errors());
        assert!(run.summary()["feed"]["dials"].as_u64() >= Some(2), "{spec}");
    }
}

#[test]
fn refusals_for_good_end_the_run() {
    for spec in ["refuse(401)", "refuse(403)", "close(4001)", "close(4003)"] {
        let desk = Desk::new();
        let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &faults(&[spec]));
        let config = desk.config(&mock.addr, TIMELESS, BRISK);
        stoop(&["run", "-c", &config]).key("k").finish().expect(77);
    }
}

#[test]
fn faults_by_chance_are_survived_and_are_the_same_for_a_seed() {
    let specs = [
        "p=0.2:dup",
        "p=0.3:fragment(3)",
        "p=0.05:rubbish(json)",
        "p=0.05:rubbish(binary)",
        "conn=1-6,p=0.03:rst",
        // Whoever has seen it all is told to go.
        "end:close(4001)",
    ];
    let run = |seed: &str| {
        let desk = Desk::new();
        let args = [&["--at-once", "--fault-seed", seed][..], &faults(&specs)].concat();
        let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &args);
        let config = desk.config(&mock.addr, TIMELESS, BRISK);
        let run = stoop(&["run", "-c", &config, "--json"]).key("k").finish().expect(77);
        assert_same(&timeless(&run.stdout), &expected());
        let summary = run.stderr.iter().find(|line| line.starts_with('{')).map(|line| json(line));
        assert!(summary.expect("a summary")["bad_frames"].as_u64() > Some(0), "seed {seed}");
        mock.program.signal("TERM");
        mock.program.finish().expect(143).stderr.pop()
    };
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("2"), run("3"));
}

#[test]
fn a_mistake_in_a_fault_is_told_with_its_place() {
    let input = fixture("frames/vendor.jsonl");
    for (args, parts) in [
        (["--fault", "after=200:rts"], ["column 11", "`rts` is not an action"]),
        (["--fault", "after=x:rst"], ["column 7", "`x` is not a number"]),
        (["--refuse", "200"], ["--refuse", "from 400 to 599"]),
        (["--close", "1006"], ["--close", "not a code that can be sent"]),
    ] {
        let wrong = stoop(&["mock", "--input", &input, args[0], args[1]]).finish().expect(2);
        for part in parts {
            assert!(wrong.errors().contains(part), "{args:?}: {}", wrong.errors());
        }
    }
}

#[test]
fn every_fault_is_in_the_help_and_in_the_docs_with_an_example_that_works() {
    let help = stoop(&["mock", "--help"]).finish().expect(0).stdout.join("\n");
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/mock.md"));
    let page = page.expect("the page is there");
    let mut examples = 0;
    // The page shows one mistake, in what a terminal shows.
    let lines = page.lines().filter(|line| !line.starts_with("    $ ") && !line.starts_with("    error: "));
    for rest in lines.flat_map(|line| line.split("--fault ").skip(1)) {
        let quoted = rest.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
        let spec = quoted.unwrap_or_else(|| rest.split([' ', '`']).next().unwrap_or_default());
        if spec == "SPEC" {
            continue;
        }
        examples += 1;
        spec.parse::<stoop_mock::Fault>().unwrap_or_else(|error| panic!("{spec}: {error}"));
    }
    assert!(examples > 30, "{examples} examples");
    let help_rows = stoop_mock::fault_help();
    for row in help_rows
        .lines()
        .filter(|line| line.starts_with("  ") && !line.contains("--fault '") && !line.contains("--fault a"))
    {
        for form in row.trim_start().split("  ").next().unwrap_or_default().split(" or ") {
            assert!(help.contains(form), "{form} is not in the help");
            assert!(form.is_empty() || page.contains(&format!("`{form}`")), "{form} is not in docs/mock.md");
        }
    }
}
