//! Gaps of the feed, and what history brings of them.

use stoop_engine::{Bounds, Condition, Gap, Input, Origin, Receipt, RuleSet};
use stoop_model::{Platform, TweetId};

use super::{Row, Run, ZERO_MS, json, nanos, rules_of};

const META: &str = r#"meta "detected":{"tokens":[{"symbol":"EDGE","contract":"9x","chain":"solana"}]}"#;
const CONTENT: &str = r#"content "text":"$EDGE""#;
const TOKENS: &str = "assets = { tokens = true }\nsettle = \"3s\"";

fn run(rules: &str) -> Run {
    Run::new(&rules_of(rules), Bounds::default())
}

fn late_too(rules: &str) -> Run {
    run(&format!("{rules}\nallow_late = true"))
}

impl Run {
    /// The feed was away between these times and is there again.
    fn gap(&mut self, from: f64, to: f64) {
        let [from_ns, to_ns] = [from, to].map(|at| ZERO_MS * 1_000_000 + nanos(at));
        let gap = Gap { from_ns, to_ns, cause: "closed with 1012".to_owned() };
        self.pipeline.handle(&Input::gap(gap, to_ns), &mut self.decisions);
    }

    /// History brings a frame, sent at the time zero.
    fn late(&mut self, (at, input): Row<'_>) {
        let at_ns = ZERO_MS * 1_000_000 + nanos(at);
        let (bytes, receipt) = (json(0.0, input), Receipt::At(at_ns));
        let frame = Input::Frame { origin: Origin::History, bytes, receipt };
        self.pipeline.handle(&frame, &mut self.decisions);
    }

    /// The lines since the last call with what they say of being late.
    fn marked(&mut self) -> Vec<String> {
        let late: Vec<bool> = self.decisions.iter().map(|decision| decision.late).collect();
        let mark = |(line, late)| if late { format!("{line}, late") } else { line };
        self.lines().into_iter().zip(late).map(mark).collect()
    }

    /// What was missed since the last call.
    fn missed(&mut self) -> Vec<String> {
        let missed = self.pipeline.signal.take_missed();
        let line = |missed: &stoop_engine::Missed| {
            let key = stoop_engine::asset_key(missed.asset.as_ref());
            format!("{} {} {key}", missed.rule.name, missed.tweet_id)
        };
        missed.iter().map(line).collect()
    }
}

#[test]
fn a_gap_is_time_and_nothing_else() {
    let mut run = run("any = [\"a\"]\nsettle = \"3s\"");
    run.put((0.0, "content \"text\":\"a\""));
    run.gap(100.0, 2_999.0);
    assert_eq!(run.lines(), ["0 open - content"]);
    run.gap(3_000.0, 4_000.0);
    assert_eq!(run.lines(), ["3000 lapse - timeout"]);
    assert_eq!(run.pipeline.signal.counters().gaps, 2);
}

#[test]
fn a_rule_opens_on_a_late_content_only_if_it_says_so_and_every_line_says_late() {
    let mut strict = run(TOKENS);
    strict.late((9_000.0, CONTENT));
    strict.late((9_000.0, META));
    assert_eq!(strict.lines(), [""; 0]);
    let mut taking = late_too(TOKENS);
    taking.late((9_000.0, CONTENT));
    assert_eq!(taking.marked(), ["9000 open ticker:EDGE content, late"]);
    // The feed brings the rest.
    taking.put((9_100.0, META));
    assert_eq!(taking.marked(), ["9100 revise token:solana:9x meta was ticker:EDGE, late"]);
    taking.put((9_200.0, "delete"));
    assert_eq!(taking.marked(), ["9200 cancel token:solana:9x delete deleted, late"]);
    let mut lapsing = late_too(TOKENS);
    lapsing.late((9_000.0, CONTENT));
    lapsing.put((13_000.0, "tick"));
    assert_eq!(
        lapsing.marked(),
        ["9000 open ticker:EDGE content, late", "12000 lapse ticker:EDGE timeout, late"]
    );
    assert_eq!(lapsing.missed(), [""; 0]);
}

#[test]
fn what_the_feed_brings_for_a_late_content_opens_nothing_either() {
    let mut strict = run("assets = { tokens = true }\nfire = \"enriched\"");
    strict.late((9_000.0, CONTENT));
    strict.put((9_100.0, META));
    assert_eq!((strict.lines(), strict.missed()), (vec![], vec!["r 7 token:solana:9x".to_owned()]));
    let mut waiting =
        run("assets = { tokens = true }\nfire = \"enriched\"\nwait = \"1s\"\non_timeout = \"open\"");
    waiting.late((9_000.0, CONTENT));
    waiting.put((11_000.0, "tick"));
    assert_eq!((waiting.lines(), waiting.missed()), (vec![], vec!["r 7 ticker:EDGE".to_owned()]));
    let mut taking =
        late_too("assets = { tokens = true }\nfire = \"enriched\"\nwait = \"1s\"\non_timeout = \"open\"");
    taking.late((9_000.0, CONTENT));
    taking.put((11_000.0, "tick"));
    assert_eq!(taking.marked(), ["10000 open ticker:EDGE timeout, late"]);
}

#[test]
fn the_life_of_a_live_decision_goes_on_with_what_comes_late() {
    for rules in [TOKENS.to_owned(), format!("{TOKENS}\nallow_late = true")] {
        let mut run = run(&rules);
        run.put((0.0, CONTENT));
        assert_eq!(run.marked(), ["0 open ticker:EDGE content"]);
        run.late((100.0, META));
        assert_eq!(run.marked(), ["100 revise token:solana:9x meta was ticker:EDGE, late"]);
        run.put((200.0, "delete"));
        assert_eq!(run.marked(), ["200 cancel token:solana:9x delete deleted"], "the feed brought both");
    }
}

#[test]
fn what_comes_late_to_a_live_post_opens_only_if_the_rule_says_so() {
    let rules = "assets = { tokens = true }\nmax_age = \"1h\"";
    let posted = r#"content "text":"soon","createdAt":1700000000000"#;
    let mut strict = run(rules);
    strict.put((0.0, posted));
    strict.late((100.0, META));
    assert_eq!((strict.lines(), strict.missed()), (vec![], vec!["r 7 token:solana:9x".to_owned()]));
    let mut taking = late_too(rules);
    taking.put((0.0, posted));
    taking.late((100.0, META));
    assert_eq!(taking.marked(), ["100 open token:solana:9x meta, late"]);
    // A post that was too old when the feed brought it was not lost.
    let mut old = run(rules);
    old.put((4_000_000.0, posted));
    old.late((4_000_100.0, META));
    assert_eq!((old.missed(), old.pipeline.signal.counters().stale), (vec![], 1));
}

#[test]
fn a_row_whose_frame_the_feed_has_brought_is_a_duplicate() {
    for has_copies in [false, true] {
        let set = RuleSet::parse("r.toml", &rules_of(TOKENS)).unwrap();
        let mut run = Run::of(set, Bounds { has_copies, ..Bounds::default() });
        run.put((0.0, CONTENT));
        run.late((100.0, CONTENT));
        assert_eq!(run.marked(), ["0 open ticker:EDGE content"]);
        assert_eq!(run.pipeline.merge.counters().duplicates, 1);
        // The other way round: what history has brought first is still the feed's first copy.
        run.late((200.0, META));
        run.put((300.0, META));
        let counters = run.pipeline.intake.counters();
        assert_eq!((counters.copies, counters.frames, counters.late), (0, 4, 2), "{has_copies}");
        assert_eq!(run.pipeline.merge.counters().duplicates, 2);
    }
}

#[test]
fn a_missed_signal_is_told_once_however_old_its_post_is() {
    let mut run = run(&format!("{TOKENS}\nmax_age = \"5s\""));
    run.late((600_000.0, r#"content "text":"$EDGE","createdAt":1700000000000"#));
    // The vendor names it, once more, and another.
    run.late((600_000.0, META));
    run.put((
        600_100.0,
        r#"meta "detected":{"tokens":[{"symbol":"EDGE","contract":"9x","chain":"solana","priceUsd":2}]}"#,
    ));
    run.put((600_200.0, r#"meta "detected":{"tokens":[{"symbol":"NEW","contract":"n","chain":"solana"}]}"#));
    assert!(run.pipeline.signal.has_missed());
    assert_eq!(run.missed(), ["r 7 ticker:EDGE", "r 7 token:solana:n"]);
    assert!(!run.pipeline.signal.has_missed());
    assert_eq!((run.lines(), run.pipeline.signal.counters().missed), (vec![], 2));
    assert_eq!(run.pipeline.signal.counters().stale, 0);
}

#[test]
fn no_more_missed_signals_wait_than_there_is_room_for() {
    let mut run = run("any = [\"a\"]");
    let more = stoop_engine::MISSED + 10;
    for id in 1..=more {
        run.late((9_000.0, &format!("content@{id} \"text\":\"a\"")));
    }
    assert_eq!(run.missed().len(), stoop_engine::MISSED);
    assert_eq!(run.pipeline.signal.counters().missed, more as u64);
}

#[test]
fn a_late_post_that_no_rule_would_have_taken_is_not_missed() {
    let mut run = run(TOKENS);
    run.late((9_000.0, r#"content "text":"no ticker""#));
    assert_eq!((run.missed(), run.lines()), (vec![], vec![]));
}

#[test]
fn a_late_post_is_as_old_as_it_is_where_the_rule_takes_it() {
    for (max_age, opens) in [("5s", false), ("10s", true)] {
        let mut run = late_too(&format!("{TOKENS}\nmax_age = \"{max_age}\""));
        run.late((9_000.0, r#"content "text":"$EDGE","createdAt":1700000000000"#));
        assert_eq!((run.lines().len() == 1, run.missed()), (opens, vec![]), "{max_age}");
    }
}

#[test]
fn why_a_rule_has_not_opened_on_a_late_post_is_explained() {
    let mut run = run(TOKENS);
    run.late((9_000.0, CONTENT));
    let view = run.pipeline.merge.view(&TweetId::Number(7), &Platform::Twitter).unwrap().clone();
    let told = run.pipeline.signal.explain(&view, 0);
    assert_eq!(told[0].failed, Some(Condition::Late));
    assert!(told[0].detail.starts_with("late: "), "{}", told[0].detail);
}

#[test]
fn the_hash_of_a_rule_tells_whether_it_takes_what_comes_late() {
    let hash = |rules: &str| {
        RuleSet::parse("r.toml", &rules_of(rules)).unwrap().rules()[0]
            .label
            .hash
            .map(|byte| format!("{byte:02x}"))
    };
    // As it was before there was such a key.
    assert_eq!(hash("").concat(), "6acee5aaeead0891");
    assert_eq!(hash("allow_late = false"), hash(""));
    assert_ne!(hash("allow_late = true"), hash(""));
}
