//! Rubbish between good frames changes no decision.

use crate::decisions::{assert_same, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::stoop;

/// The words of the good frames; no age and no deadline.
const RULES: &str = r#"
[[rule]]
name = "token"
any = ["token"]
kinds = ["post"]
authors = ["@fixture_marketdesk"]
none = ["nothing anybody asked for"]
assets = { tokens = true }
fire = "content"

[[rule]]
name = "follow"
any = ["token"]
authors = ["@fixture_marketdesk"]
settle = "5m"
"#;

/// Every odd line before every good one, and once more at the end.
fn mixed(is_fit: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    let (odd, good) = (frames("odd"), frames("odd-good"));
    let odd: Vec<_> = odd.into_iter().filter(|line| is_fit(line)).collect();
    good.into_iter().flat_map(|good| odd.iter().cloned().chain([good])).chain(odd.clone()).collect()
}

#[test]
fn odd_lines_between_good_frames_change_no_decision_of_a_replay() {
    let desk = Desk::new();
    let rules = fixture("rules/lifecycle.toml");
    let good = stoop(&["replay", &fixture("frames/odd-good.jsonl"), "-c", &rules]).finish().expect(0);
    let input = desk.frames("mixed.jsonl", &mixed(|_| true));
    let all = stoop(&["replay", &input, "-c", &rules]).finish().expect(0);
    assert_eq!(all.stdout, good.stdout);
    assert_eq!(all.digest(), good.digest());
}

#[test]
fn odd_lines_between_good_frames_change_no_decision_of_a_run() {
    let is_text = |line: &[u8]| std::str::from_utf8(line).is_ok();
    // Text that is no UTF-8 ends a connection; in a binary message it is a bad frame like others.
    for (encoding, frames) in [("binary", mixed(|_| true)), ("text", mixed(is_text))] {
        let desk = Desk::new();
        let input = desk.frames("mixed.jsonl", &frames);
        let mock = Mock::start(&input, &["--at-once", "--encoding", encoding]);
        let config = desk.config(&mock.addr, RULES, "");
        let expect = replayed(&fixture("frames/odd-good.jsonl"), &config);
        let count = frames.len().to_string();
        let run =
            stoop(&["run", "-c", &config, "--max-frames", &count, "--json"]).key("k").finish().expect(0);
        assert_same(&timeless(&run.stdout), &expect);
        assert_eq!(run.summary()["feed"]["opens"], 1);
        assert!(run.summary()["bad_frames"].as_u64().is_some_and(|bad| bad > 100));
    }
}
