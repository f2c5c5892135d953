//! Frames that come after the window, for tweets with decisions and without.

use super::{Row, Run, rules_of};
use stoop_engine::{Bounds, Keeping, Window};

const MINUTE: f64 = 60_000.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

#[track_caller]
fn check(rules: &str, bounds: Bounds, inputs: &[Row<'_>], expect: &[&str]) -> Run {
    let mut run = Run::new(&rules_of(rules), bounds);
    for input in inputs {
        run.put(*input);
    }
    assert_eq!(run.lines(), expect, "\n{rules}\n{inputs:#?}");
    run
}

#[test]
fn a_deletion_cancels_a_kept_decision_after_an_hour() {
    let opened = ["0 open - content", "3000 lapse - timeout", "3600000 cancel - delete deleted"];
    let run = check("", Bounds::default(), &[(0.0, "content"), (HOUR, "delete")], &opened);
    assert_eq!(run.pipeline.signal.remembered(), (1, 0));
    // It is forgotten once it has left the window again, and with it what was set for it.
    let mut run = run;
    run.put((HOUR + 10.0 * MINUTE, "tick"));
    assert_eq!((run.pipeline.signal.remembered(), run.pipeline.signal.deadline()), ((0, 0), None));
}

#[test]
fn late_frames_lead_a_kept_decision() {
    let content = (0.0, r#"content "text":"$AB""#);
    let token =
        |chain: &str| format!(r#"meta "detected":{{"tokens":[{{"symbol":"AB","contract":"C"{chain}}}]}}"#);
    check(
        "assets = { tokens = true }",
        Bounds::default(),
        &[
            content,
            (HOUR, r#"update "link":"l""#),
            (2.0 * HOUR, &token("")),
            // A copy of the content after an hour opens nothing, in this stay or the next.
            (2.0 * HOUR + 1.0, content.1),
            (3.0 * HOUR, content.1),
            (4.0 * HOUR, r#"update "text":"$AB a""#),
            (5.0 * HOUR, "delete"),
        ],
        &[
            "0 open ticker:AB content",
            "3000 lapse ticker:AB timeout",
            "7200000 revise token:-:C meta was ticker:AB",
            "18000000 cancel token:-:C delete deleted",
        ],
    );
    check(
        "fire = \"content\"",
        Bounds::default(),
        &[(0.0, "content"), (HOUR, "content"), (HOUR + 1.0, r#"content "text":"b""#)],
        &["0 open - content"],
    );
}

#[test]
fn a_tweet_without_decision_is_forgotten_with_the_window() {
    let rule = r#"any = ["b"]"#;
    check(rule, Bounds::default(), &[(0.0, "content"), (10.0 * MINUTE, r#"update "text":"b""#)], &[]);
    check(
        rule,
        Bounds::default(),
        &[(0.0, "content"), (10.0 * MINUTE - 1.0, r#"update "text":"b""#)],
        &["599999 open - update"],
    );
}

#[test]
fn a_decision_is_kept_until_the_later_of_ttl_and_keep_open() {
    let opened = ["0 open - content", "3000 lapse - timeout"];
    let cancelled = |at: f64| format!("{at} cancel - delete deleted");
    let nano = 0.000_001;
    check(
        "",
        Bounds::default(),
        &[(0.0, "content"), (DAY - 1.0, "delete")],
        &[opened[0], opened[1], &cancelled(DAY - 1.0)],
    );
    check("", Bounds::default(), &[(0.0, "content"), (DAY, "delete")], &opened);
    let ttl = r#"ttl = "25h""#;
    check(
        ttl,
        Bounds::default(),
        &[(0.0, "content"), (25.0 * HOUR - 1.0, "delete")],
        &[opened[0], opened[1], &cancelled(25.0 * HOUR - 1.0)],
    );
    let run = check(ttl, Bounds::default(), &[(0.0, "content"), (25.0 * HOUR - nano, "tick")], &opened);
    assert_eq!(run.pipeline.signal.remembered(), (1, 1));
    let run = check(ttl, Bounds::default(), &[(0.0, "content"), (25.0 * HOUR, "tick")], &opened);
    assert_eq!((run.pipeline.signal.remembered(), run.pipeline.signal.deadlines()), ((0, 0), 0));
}

#[test]
fn kept_tweets_are_bounded_and_the_oldest_goes_first() {
    let bounds = Bounds {
        window: Window { tweets: 2, ..Window::default() },
        keeping: Keeping { tweets: 3, ..Keeping::default() },
        ..Bounds::default()
    };
    let mut run = Run::new(&rules_of(""), bounds);
    for id in 0..100 {
        run.put((f64::from(id), &format!("content@{id}")));
        assert!(run.pipeline.merge.len() <= 2);
        let (remembered, kept) = run.pipeline.signal.remembered();
        assert!(remembered <= 5 && kept <= 3, "{remembered} {kept}");
        // Deadlines of forgotten tweets are gone: two a decision.
        assert!(run.pipeline.signal.deadlines() <= 10);
    }
    assert_eq!(run.pipeline.signal.counters().pushed_out, 95);
    run.lines();
    // 95 to 99 are remembered; 95 goes when this stay of 96 pushes another out of the window.
    for (id, expect) in [(96, 1), (95, 0), (94, 0)] {
        run.put((200.0, &format!("delete@{id}")));
        assert_eq!(run.lines().len(), expect, "{id}");
    }
}

/// A leaves at 10, B at 11, C at 14 and pushes A out, since B is kept until 16: however late all that is told.
#[test]
fn a_tweet_leaves_at_its_time_and_not_when_the_next_input_tells() {
    let rules = "[[rule]]\nname = \"long\"\nany = [\"l\"]\nttl = \"1h\"\n\
                 [[rule]]\nname = \"short\"\nany = [\"s\"]\nttl = \"1ms\"";
    let bounds = Bounds {
        window: Window { span_ns: 10_000_000, ..Window::default() },
        keeping: Keeping { open_ns: 15_000_000, tweets: 2 },
        ..Bounds::default()
    };
    for ticks in [vec![], vec![10.0, 11.0, 14.0, 16.0], vec![14.0]] {
        let mut run = Run::new(rules, bounds);
        run.put((0.0, r#"content@1 "text":"l""#));
        run.put((1.0, r#"content@2 "text":"s""#));
        run.put((4.0, r#"content@3 "text":"l""#));
        for tick in ticks {
            run.put((tick, "tick"));
        }
        run.lines();
        run.put((20.0, "delete@1"));
        run.put((20.0, "delete@3"));
        assert_eq!(run.lines(), ["20 cancel - delete deleted of long"]);
        assert_eq!(run.pipeline.signal.counters().pushed_out, 1);
    }
}

#[test]
fn a_tweet_that_has_left_the_window_opens_nothing() {
    let rule = "fire = \"enriched\"\nwait = \"20m\"\non_timeout = \"open\"";
    check(rule, Bounds::default(), &[(0.0, "content"), (HOUR, "tick")], &[]);
    check(rule, Bounds::default(), &[(0.0, "content"), (15.0 * MINUTE, "meta"), (HOUR, "tick")], &[]);
    // What stands is led on, but nothing is added to what was cancelled.
    check(
        "assets = { tokens = true }\nany = [\"a\"]",
        Bounds::default(),
        &[
            (0.0, r#"content "text":"a $AB""#),
            (1.0, r#"update "text":"b""#),
            (HOUR, r#"update "text":"a $CD""#),
        ],
        &["0 open ticker:AB content", "1 cancel ticker:AB update no_match"],
    );
}
