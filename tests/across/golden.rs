//! Each theme replayed gives the decisions that were reviewed.

use stoop_model::Op;

use crate::replay::{Outcome, replay, replay_counted, same_as_golden};

/// Frames and rules whose decisions are kept. A theme is named after its frames.
const THEMES: [(&str, &str); 15] = [
    ("demo", "starter"),
    ("duplicates", "lifecycle"),
    ("lifecycle", "lifecycle"),
    ("listings", "starter"),
    ("many_assets", "assets"),
    ("odd-good", "lifecycle"),
    ("operations", "every-key"),
    ("out_of_order", "lifecycle"),
    ("pictures", "pictures"),
    ("prices", "lifecycle"),
    ("routing", "vendor-routing"),
    ("truth_social", "platforms"),
    ("unicode", "text"),
    ("vendor", "vendor-routing"),
    ("written", "written"),
];

fn decided(theme: &str) -> Outcome {
    let (frames, rules) = THEMES.iter().find(|(name, _)| *name == theme).expect("the theme is listed");
    replay(frames, rules)
}

fn check(theme: &str) {
    same_as_golden(&format!("{theme}.decisions.jsonl"), &decided(theme).lines);
}

#[test]
fn decisions_live_as_the_texts_of_their_frames_say() {
    check("lifecycle");
}

#[test]
fn listings_open_and_their_opposites_do_not() {
    check("listings");
}

#[test]
fn the_demo_shows_every_step_of_a_decision() {
    check("demo");
    let lines = decided("demo").lines;
    for step in [
        r#""kind":"open""#,
        r#""kind":"confirm""#,
        r#""kind":"revise""#,
        r#""kind":"lapse""#,
        r#""kind":"cancel""#,
        r#""reason":"deleted""#,
        r#""reason":"unnamed""#,
        r#""reason":"ambiguous""#,
        r#""basis":"enriched""#,
        r#""basis":"timeout""#,
        r#""platform":"truth_social""#,
        r#""evidence":"ocr_only""#,
    ] {
        assert!(lines.contains(step), "no line has {step}");
    }
    for silent in
        ["postponed", "@cb_doge", "department", r#""tweet_kind":"reply""#, r#""tweet_kind":"retweet""#]
    {
        assert!(!lines.contains(silent), "a line has {silent}");
    }
}

#[test]
fn frames_out_of_order_end_in_the_same_view() {
    check("out_of_order");
}

#[test]
fn a_second_copy_of_a_frame_decides_nothing() {
    check("duplicates");
}

#[test]
fn a_platform_is_part_of_what_a_tweet_is() {
    check("truth_social");
}

#[test]
fn one_decision_an_asset() {
    check("many_assets");
}

#[test]
fn terms_are_found_in_every_script() {
    check("unicode");
}

#[test]
fn text_in_pictures_counts_as_the_rule_says() {
    check("pictures");
}

#[test]
fn coins_are_found_in_every_form_and_live_as_their_texts_say() {
    check("written");
    let lines = decided("written").lines;
    for member in [
        r#""evidence":"ticker""#,
        r#""evidence":"pair""#,
        r#""evidence":"parentheses""#,
        r#""evidence":"listed""#,
        r#""evidence":"capitals""#,
        r#""markets":[{"venue":"gateio","market":"EDGE_USDT"},"#,
        r#""markets":[{"venue":"bybit","market":"EDGEUSDT"}],"#,
    ] {
        assert!(lines.contains(member), "no line has {member}");
    }
}

#[test]
fn prices_keep_their_digits_or_are_absent() {
    check("prices");
}

#[test]
fn the_vendors_routing_rule_routes() {
    check("routing");
    check("vendor");
}

#[test]
fn the_good_frames_among_the_odd_ones_decide() {
    check("odd-good");
}

#[test]
fn every_key_of_a_rule_takes_part() {
    check("operations");
}

#[test]
fn every_operation_is_known_down_to_its_last_field() {
    let (_, counters) = replay_counted("operations", "every-key");
    for (op, count) in Op::ALL.iter().zip(counters.events) {
        let is_known = !matches!(op, Op::UnknownOp | Op::UnknownFamily);
        assert_eq!(count > 0, is_known, "{} came {count} times", op.as_str());
    }
    let unknown = (counters.unknown_version, counters.unknown_fields, counters.unknown_values);
    assert_eq!(unknown, (0, 0, 0), "versions, fields and values not in the protocol");
    assert_eq!((counters.bad_frames(), counters.field_errors), (0, 0));
}

#[test]
fn digests_of_all_themes_are_those_kept() {
    let lines = THEMES.map(|(theme, _)| format!("{theme} {}\n", decided(theme).digest));
    same_as_golden("digests.txt", &lines.concat());
}
