//! When a rule decides: triggers, modes, deadlines.

use super::{Run, check, rules_of};
use stoop_engine::Bounds;
use stoop_model::Basis;

const CONTENT: (f64, &str) = (0.0, r#"content "text":"a""#);
const META: &str = r#"meta "ocr":{"text":"b"}"#;
/// A nanosecond, in ms.
const NANO: f64 = 0.000_001;

#[test]
fn no_rule_is_tested_before_the_content() {
    check("", &[(0.0, META), (1.0, r#"update "text":"x""#), (2.0, "pin")], &[]);
    // What came earlier is in the view then, and the trigger is the content.
    check(r#"any = ["b"]"#, &[(0.0, META), (1.0, "content")], &["1 open - content"]);
    check(
        r#"any = ["u"]"#,
        &[(0.0, r#"update "text":"u""#), (1.0, r#"content "text":"c""#)],
        &["1 open - content", "3001 lapse - timeout"],
    );
    check("", &[(0.0, "delete"), (1.0, "content"), (2.0, META)], &[]);
}

#[test]
fn on_limits_what_may_open() {
    check(r#"on = ["meta"]"#, &[CONTENT, (1.0, r#"update "text":"c""#), (5.0, META)], &["5 open - meta"]);
    check(
        r#"on = ["update"]"#,
        &[CONTENT, (1.0, r#"update "text":"c""#), (5.0, META)],
        &["1 open - update", "5 confirm - meta"],
    );
    check(
        r#"on = ["content"]
        any = ["c"]"#,
        &[CONTENT, (1.0, r#"update "text":"c""#)],
        &[],
    );
    // The rest of the life cycle goes on at every frame, and delete always cancels.
    check(
        r#"on = ["content"]
        any = ["a"]"#,
        &[CONTENT, (1.0, r#"update "text":"c""#)],
        &["0 open - content", "1 cancel - update no_match"],
    );
    check(
        r#"on = ["content"]"#,
        &[CONTENT, (1.0, "delete")],
        &["0 open - content", "1 cancel - delete deleted"],
    );
    check(r#"on = ["pin"]"#, &[CONTENT, (1.0, META), (9.0, r#"pin "observedAt":1"#)], &["9 open - pin"]);
    check(r#"on = ["unpin"]"#, &[CONTENT, (9.0, r#"pin "observedAt":1"#)], &[]);
}

#[test]
fn two_phase_lapses_when_the_enrichment_does_not_come() {
    let rule = r#"settle = "2s""#;
    check(rule, &[CONTENT, (1_999.0, META)], &["0 open - content", "1999 confirm - meta"]);
    check(rule, &[CONTENT, (2_000.0 - NANO, META)], &["0 open - content", "1999.999999 confirm - meta"]);
    // A deadline at the time of a frame fires before it.
    check(
        rule,
        &[CONTENT, (2_000.0, META)],
        &["0 open - content", "2000 lapse - timeout", "2000 confirm - meta"],
    );
    check(
        rule,
        &[CONTENT, (2_000.0 + NANO, META)],
        &["0 open - content", "2000 lapse - timeout", "2000.000001 confirm - meta"],
    );
    check(
        rule,
        &[CONTENT, (9_000.0, "delete")],
        &["0 open - content", "2000 lapse - timeout", "9000 cancel - delete deleted"],
    );
    check(rule, &[CONTENT, (1.0, "delete")], &["0 open - content", "1 cancel - delete deleted"]);
    // From the open, not from the content; default 3 s.
    check(
        r#"any = ["c"]"#,
        &[CONTENT, (500.0, r#"update "text":"c""#)],
        &["500 open - update", "3500 lapse - timeout"],
    );
    // Opened on the enrichment, it neither confirms nor lapses.
    check(
        rule,
        &[(0.0, META), (1.0, "content"), (9_000.0, r#"meta "ocr":{"text":"c"}"#)],
        &["1 open - content"],
    );
    check(r#"any = ["b"]"#, &[CONTENT, (1.0, META)], &["1 open - meta"]);
    check(
        r#"settle = "0s""#,
        &[CONTENT, (0.0, META)],
        &["0 open - content", "0 lapse - timeout", "0 confirm - meta"],
    );
}

#[test]
fn content_evaluates_once_and_only_a_deletion_follows() {
    let rule = "fire = \"content\"\nassets = { tokens = true }";
    let content = (0.0, r#"content "text":"$AB""#);
    check(rule, &[content, (1.0, META), (9_000.0, r#"update "text":"x""#)], &["0 open ticker:AB content"]);
    check(
        rule,
        &[content, (1.0, META), (2.0, "delete"), (3.0, "delete \"text\":\"x\"")],
        &["0 open ticker:AB content", "2 cancel ticker:AB delete deleted"],
    );
    check(
        rule,
        &[(0.0, r#"content "text":"x""#), (1.0, r#"update "text":"$AB""#), (2.0, r#"content "text":"$CD""#)],
        &[],
    );
    // With what is there.
    check(
        rule,
        &[(0.0, r#"meta "detected":{"tokens":[{"symbol":"CD"}]}"#), (1.0, r#"content "text":"$AB""#)],
        &["1 open token:CD content"],
    );
    check("fire = \"content\"\non = [\"meta\"]", &[CONTENT, (1.0, META)], &[]);
}

#[test]
fn enriched_is_tested_from_the_enrichment_on() {
    let rule = "fire = \"enriched\"\nwait = \"800ms\"";
    check(rule, &[CONTENT, (5.0, META)], &["5 open - meta"]);
    check(rule, &[(0.0, META), (90_000.0, "content")], &["90000 open - content"]);
    check(rule, &[CONTENT, (800.0 - NANO, META)], &["799.999999 open - meta"]);
    // None has come by then: the rule never opens for this tweet.
    for late in [800.0, 800.0 + NANO, 5_000.0] {
        check(rule, &[CONTENT, (late, META), (late + 1.0, r#"update "text":"c""#)], &[]);
    }
    check(rule, &[CONTENT], &[]);
    // At every frame from then on.
    let asks = "fire = \"enriched\"\nany = [\"c\"]";
    check(asks, &[CONTENT, (5.0, META), (90_000.0, r#"update "text":"c""#)], &["90000 open - update"]);
    check(asks, &[(0.0, r#"content "text":"c""#), (1.0, r#"update "text":"d""#), (2.0, META)], &[]);
}

#[test]
fn enriched_may_open_on_the_timeout() {
    let rule = "fire = \"enriched\"\nwait = \"800ms\"\non_timeout = \"open\"";
    check(rule, &[CONTENT, (5.0, META)], &["5 open - meta"]);
    check(rule, &[CONTENT], &["800 open - timeout"]);
    check(rule, &[CONTENT, (800.0, META)], &["800 open - timeout", "800 confirm - meta"]);
    check(rule, &[CONTENT, (800.0 - NANO, META)], &["799.999999 open - meta"]);
    check(rule, &[CONTENT, (5.0, "delete")], &[]);
    // What an update has told by then is there; later frames lead the decision, without a lapse.
    let asks = format!("{rule}\nassets = {{ tokens = true }}");
    check(
        &asks,
        &[
            CONTENT,
            (700.0, r#"update "text":"$AB""#),
            (5_000.0, r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"C"},{"symbol":"CD"}]}"#),
        ],
        &["800 open ticker:AB timeout", "5000 revise token:-:C meta was ticker:AB"],
    );
    // Tested once: it does not open later.
    check(&asks, &[CONTENT, (900.0, r#"update "text":"$AB""#), (901.0, META)], &[]);
}

#[test]
fn basis_and_times_of_every_line() {
    let mut run = Run::new(&rules_of("ttl = \"10s\""), Bounds::default());
    run.put((
        100.0,
        r#"content "text":"a","createdAt":5,"receivedAt":6,"link":"l","author":{"handle":"@Ab","id":"9"}"#,
    ));
    run.put((4_000.0, r#"meta "ocr":{}"#));
    run.put((5_000.0, "delete"));
    let zero_ns = super::ZERO_MS * 1_000_000;
    let times: Vec<_> = (run.decisions.iter())
        .map(|line| {
            (
                line.kind.as_str(),
                line.sent_ms.unwrap_or(0) - super::ZERO_MS,
                line.recv_ns - zero_ns,
                line.decided_ns - zero_ns,
            )
        })
        .collect();
    let ms = 1_000_000;
    assert_eq!(
        times,
        [
            ("open", 100, 100 * ms, 100 * ms),
            // On a timeout the content's, with the deadline as the time of decision.
            ("lapse", 100, 100 * ms, 3_100 * ms),
            ("confirm", 4_000, 4_000 * ms, 4_000 * ms),
            ("cancel", 5_000, 5_000 * ms, 5_000 * ms),
        ]
    );
    for (line, revision) in run.decisions.iter().zip(0..) {
        assert_eq!((line.basis, line.revision, line.id), (Basis::Content, revision, run.decisions[0].id));
        assert_eq!(line.expires_ms, super::ZERO_MS + 10_100);
        assert_eq!((line.created_ms, line.received_ms), (Some(5), Some(6)));
        assert_eq!(
            (line.author.as_deref(), line.author_id.as_deref(), line.link.as_deref()),
            (Some("ab"), Some("9"), Some("l"))
        );
        assert_eq!(line.reason.is_some(), line.kind.as_str() == "cancel");
    }
    for (rule, frames, basis) in [
        ("", vec![(0.0, META), (1.0, "content")], Basis::Enriched),
        ("fire = \"enriched\"\non_timeout = \"open\"", vec![CONTENT, (9_000.0, META)], Basis::Timeout),
    ] {
        let mut run = Run::new(&rules_of(rule), Bounds::default());
        for frame in frames {
            run.put(frame);
        }
        assert!(!run.decisions.is_empty() && run.decisions.iter().all(|line| line.basis == basis));
    }
}

#[test]
fn deadlines_fire_in_order_of_time_then_of_creation() {
    let rules = r#"
        [[rule]]
        name = "slow"
        settle = "2s"
        [[rule]]
        name = "fast"
        settle = "1s"
        [[rule]]
        name = "wait"
        fire = "enriched"
        wait = "2s"
        on_timeout = "open""#;
    check(
        rules,
        &[(0.0, "content"), (1_000.0, "content@8 \"text\":\"x\""), (9_000.0, "tick")],
        &[
            "0 open - content of slow",
            "0 open - content of fast",
            "1000 lapse - timeout of fast",
            "1000 open - content of slow",
            "1000 open - content of fast",
            "2000 lapse - timeout of slow",
            "2000 open - timeout of wait",
            "2000 lapse - timeout of fast",
            "3000 lapse - timeout of slow",
            "3000 open - timeout of wait",
        ],
    );
}
