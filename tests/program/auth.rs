//! How the key is shown to the server, refused, and shown to nobody else.

use crate::decisions::{TIMELESS, assert_same, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Finished, stoop};
use crate::feed::{Answer, Feed, Visit, header};

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

fn shows_no_key(run: &Finished) {
    for line in run.stdout.iter().chain(&run.stderr) {
        assert!(!line.contains(KEY), "the key is shown: {line}");
    }
}

/// Runs against a mock server that takes one key.
fn run_with(auth: &str, mock: &[&str], args: &[&str]) -> (Finished, Vec<String>) {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let count = frames("lifecycle").len().to_string();
    let mock = Mock::start(&input, &[&["--at-once", "--api-key", KEY], mock].concat());
    let config = desk.config(&mock.addr, TIMELESS, &format!("auth = \"{auth}\""));
    let args = [&["run", "-c", &config, "--max-frames", &count], args].concat();
    (stoop(&args).key(KEY).finish(), replayed(&input, &config))
}

#[test]
fn each_way_to_show_the_key_is_let_in_whatever_the_server_selects() {
    for auth in ["subprotocol", "bearer", "query"] {
        for select in ["v1", "token", "first", "none"] {
            let (run, expect) = run_with(auth, &["--select", select], &["-vvv"]);
            let run = run.expect(0);
            shows_no_key(&run);
            assert_same(&timeless(&run.stdout), &expect);
        }
    }
}

#[test]
fn the_key_goes_where_the_configuration_says_and_nowhere_else() {
    let visits = |answer| vec![Visit { answer, ..Visit::plain(frames("vendor")) }];
    for (auth, answer) in
        [("subprotocol", Answer::Token), ("bearer", Answer::Version), ("query", Answer::Nothing)]
    {
        let desk = Desk::new();
        let feed = Feed::start(visits(answer));
        let config = desk.config(&feed.addr, TIMELESS, &format!("auth = \"{auth}\""));
        let run = stoop(&["run", "-c", &config, "--max-frames", "2", "-vvv"]).key(KEY).finish().expect(0);
        shows_no_key(&run);
        let head = &feed.finish(1)[0].head;
        let path = head.lines().next().expect("a request");
        let token = format!("tweetstream.auth.token.{KEY}");
        let protocols = header(head, "sec-websocket-protocol").expect("always offered");
        assert!(protocols.split(", ").any(|name| name == "tweetstream.v1"), "{head}");
        assert_eq!(protocols.split(", ").any(|name| name == token), auth == "subprotocol", "{head}");
        let bearer = header(head, "authorization");
        assert_eq!(bearer, (auth == "bearer").then(|| format!("Bearer {KEY}")), "{head}");
        assert_eq!(path.contains(&format!("?apiKey={KEY} ")), auth == "query", "{head}");
        assert_eq!(header(head, "sec-websocket-extensions"), None, "{head}");
        assert_eq!(head.matches(KEY).count(), 1, "{head}");
    }
}

#[test]
fn a_key_from_a_file_is_let_in() {
    let desk = Desk::new();
    let key_file = desk.file("key", format!("{KEY}\n"));
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--at-once", "--api-key", KEY]);
    let config = desk.config(&mock.addr, TIMELESS, &format!("key_file = {key_file:?}"));
    let run = stoop(&["run", "-c", &config, "--max-frames", "2"]).key("of-another").finish().expect(0);
    assert!(!run.stdout.is_empty());
    shows_no_key(&run);
}

#[test]
fn a_wrong_key_ends_with_77_and_is_not_shown() {
    for auth in ["subprotocol", "bearer", "query"] {
        for verbose in ["-q", "-vvv"] {
            let desk = Desk::new();
            let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--api-key", "another"]);
            let config = desk.config(&mock.addr, TIMELESS, &format!("auth = \"{auth}\""));
            let run = stoop(&["run", "-c", &config, verbose]).key(KEY).finish().expect(77);
            shows_no_key(&run);
            let last = run.stderr.last().expect("it says why");
            assert!(last.contains("TWEETSTREAM_API_KEY") && last.contains("key_file"), "{last}");
        }
    }
}

#[test]
fn a_missing_or_unfit_key_ends_with_78() {
    let desk = Desk::new();
    let config = desk.config("127.0.0.1:9", TIMELESS, "");
    let missing = stoop(&["run", "-c", &config]).finish().expect(78);
    assert!(missing.errors().contains("TWEETSTREAM_API_KEY"), "{}", missing.errors());
    for key in ["", " ", "with space", "with,comma"] {
        let unfit = stoop(&["run", "-c", &config]).key(key).finish().expect(78);
        assert!(key.len() < 2 || !unfit.errors().contains(key), "{}", unfit.errors());
    }
    let no_file = desk.config("127.0.0.1:9", TIMELESS, "key_file = \"absent\"");
    assert!(stoop(&["run", "-c", &no_file]).key(KEY).finish().expect(78).errors().contains("absent"));
}

#[test]
fn refusals_for_good_end_with_77() {
    for status in ["400", "401", "403"] {
        let desk = Desk::new();
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--refuse", status]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let run = stoop(&["run", "-c", &config]).key(KEY).finish().expect(77);
        assert!(run.stderr.last().is_some_and(|line| line.contains(status)), "{}", run.errors());
    }
    for code in ["4001", "4003"] {
        let desk = Desk::new();
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--close", code]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let run = stoop(&["run", "-c", &config]).key(KEY).finish().expect(77);
        assert!(run.stderr.last().is_some_and(|line| line.contains(code)), "{}", run.errors());
    }
}

#[test]
fn the_summary_is_the_last_line_also_of_a_run_that_fails() {
    for (fault, opens) in [("--refuse=401", 0), ("--close=4001", 1)] {
        let desk = Desk::new();
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[fault]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let run = stoop(&["run", "-c", &config, "--json"]).key(KEY).finish().expect(77);
        let summary = run.summary();
        assert_eq!((&summary["end"], &summary["feed"]["opens"]), (&"refused".into(), &opens.into()));
        assert!(run.stderr.iter().any(|line| line.starts_with("stoop: the server ")), "{}", run.errors());
    }
}

#[test]
fn a_connection_limit_is_waited_for_and_not_hammered() {
    let desk = Desk::new();
    let feed = Feed::start(vec![Visit { answer: Answer::Refuse(429), ..Visit::plain(Vec::new()) }]);
    let config = desk.config(&feed.addr, TIMELESS, "");
    let run = stoop(&["run", "-c", &config, "--json"]).key(KEY).start();
    // Gone: the answer was read and the socket let go of.
    feed.wait_for(0, "to hang up", |guest| guest.is_gone);
    run.signal("TERM");
    let summary = run.finish().expect(143).summary();
    assert_eq!((&summary["feed"]["dials"], &summary["feed"]["opens"]), (&1.into(), &0.into()));
}

#[test]
fn a_passing_connection_limit_is_outlived() {
    let desk = Desk::new();
    let mock = Mock::start(
        &fixture("frames/vendor.jsonl"),
        &["--at-once", "--refuse", "429", "--refuse-first", "2"],
    );
    let config = desk.config(&mock.addr, TIMELESS, "slow_lane = [\"1ms\", \"5ms\"]");
    let run = stoop(&["run", "-c", &config, "--max-frames", "2", "--json"]).key(KEY).finish().expect(0);
    assert_eq!(run.summary()["feed"]["dials"], 3);
}
