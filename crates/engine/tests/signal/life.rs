//! How decisions end, and that they do not begin again.

use super::{check, opens};

const TOKENS: &str = "assets = { tokens = true }";

#[test]
fn the_first_reason_that_holds_is_told() {
    let rule = "any = [\"a\"]\nassets = { tokens = true }";
    let content = (0.0, r#"content "text":"a $AB""#);
    let two = r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"C"},{"symbol":"AB","contract":"D"}]}"#;
    let open = "0 open ticker:AB content";
    check(rule, &[content, (1.0, "delete")], &[open, "1 cancel ticker:AB delete deleted"]);
    check(rule, &[content, (1.0, r#"update "text":"b""#)], &[open, "1 cancel ticker:AB update no_match"]);
    check(rule, &[content, (1.0, r#"update "text":"a""#)], &[open, "1 cancel ticker:AB update unnamed"]);
    check(rule, &[content, (1.0, two)], &[open, "1 cancel ticker:AB meta ambiguous"]);
    // Neither the term nor a clear symbol: no match comes first.
    let none = "none = [\"x\"]\nassets = { tokens = true }";
    let both = two.replace("meta ", r#"meta "ocr":{"text":"x"},"#);
    check(none, &[content, (1.0, &both)], &[open, "1 cancel ticker:AB meta no_match"]);
    // What is ambiguous is not named either: ambiguous comes first.
    check(TOKENS, &[content, (1.0, two), (2.0, "meta")], &[open, "1 cancel ticker:AB meta ambiguous"]);
}

#[test]
fn nothing_follows_a_cancel_and_it_never_reopens() {
    let content = (0.0, r#"content "text":"a $AB""#);
    let cancelled = ["0 open ticker:AB content", "1 cancel ticker:AB update no_match"];
    let rule = "any = [\"a\"]\nassets = { tokens = true }";
    let meta = r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"C"}]}"#;
    check(
        rule,
        &[
            content,
            (1.0, r#"update "text":"b""#),
            (2.0, r#"update "text":"a $AB""#),
            (3.0, r#"content "text":"a $AB","n":1"#),
            (4.0, meta),
            (5.0, "delete"),
        ],
        &cancelled,
    );
    // Another asset is another decision.
    check(
        rule,
        &[content, (1.0, r#"update "text":"b""#), (2.0, r#"update "text":"a $CD""#)],
        &[cancelled[0], cancelled[1], "2 open ticker:CD update", "3002 lapse ticker:CD timeout"],
    );
}

#[test]
fn a_second_content_never_reopens() {
    check(
        "",
        &[(0.0, "content"), (1.0, r#"content "text":"b""#), (2.0, "meta"), (3.0, r#"content "text":"c""#)],
        &["0 open - content", "2 confirm - meta"],
    );
    check(
        "fire = \"content\"",
        &[(0.0, "content"), (1.0, "delete"), (2.0, r#"content "text":"b""#)],
        &["0 open - content", "1 cancel - delete deleted"],
    );
}

#[test]
fn an_empty_enrichment_confirms_what_needs_none_and_cancels_what_does() {
    let content = (0.0, r#"content "text":"$AB""#);
    check("", &[content, (1.0, "meta")], &["0 open - content", "1 confirm - meta"]);
    check(
        TOKENS,
        &[content, (1.0, "meta")],
        &["0 open ticker:AB content", "1 cancel ticker:AB meta unnamed"],
    );
    check(
        "",
        &[content, (1.0, "meta"), (1.0, "meta"), (2.0, "meta \"n\":1")],
        &["0 open - content", "1 confirm - meta"],
    );
}

#[test]
fn a_lapse_stands_and_may_still_be_followed() {
    let content = (0.0, r#"content "text":"$AB""#);
    let (open, lapse) = ("0 open ticker:AB content", "3000 lapse ticker:AB timeout");
    let token = r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"C"}]}"#;
    check(TOKENS, &[content, (9_000.0, token)], &[open, lapse, "9000 revise token:-:C meta was ticker:AB"]);
    check(TOKENS, &[content, (9_000.0, "meta")], &[open, lapse, "9000 cancel ticker:AB meta unnamed"]);
    check(
        TOKENS,
        &[content, (9_000.0, r#"meta "detected":{"tokens":[{"symbol":"AB"}]}"#)],
        &[open, lapse, "9000 confirm token:AB meta"],
    );
}

#[test]
fn two_platforms_of_one_id_have_decisions_of_their_own() {
    let truth = r#"content "author":{"handle":"@t","platform":"truth_social"}"#;
    check(
        "",
        &[
            (0.0, "content"),
            (1.0, truth),
            (2.0, "meta"),
            (3.0, r#"delete "author":{"handle":"ab"}"#),
            (4.0, "delete"),
        ],
        &[
            "0 open - content",
            "1 open - content",
            "2 confirm - meta",
            "2 confirm - meta",
            "3 cancel - delete deleted",
            "4 cancel - delete deleted",
        ],
    );
}

#[test]
fn rules_decide_in_their_order_each_for_itself() {
    let rules = "[[rule]]\nname = \"b\"\n[[rule]]\nname = \"a\"\nany = [\"x\"]\n[[rule]]\nname = \"c\"\nany = [\"y\"]";
    check(
        rules,
        &[(0.0, r#"content "text":"x y""#), (1.0, "meta"), (2.0, r#"update "text":"y""#)],
        &[
            "0 open - content of b",
            "0 open - content of a",
            "0 open - content of c",
            "1 confirm - meta of b",
            "1 confirm - meta of a",
            "1 confirm - meta of c",
            "2 cancel - update no_match of a",
        ],
    );
}

#[test]
fn one_contract_on_two_chains_is_two_decisions_that_stay_apart() {
    let list = |price: u32| {
        format!(
            r#"meta "detected":{{"tokens":[{{"symbol":"E","contract":"C","chain":"a","priceUsd":{price}}},{{"symbol":"E","contract":"C","chain":"b"}}]}}"#
        )
    };
    check(
        TOKENS,
        &[(0.0, "content"), (1.0, &list(1)), (2.0, &list(2)), (3.0, "delete")],
        &[
            "1 open token:a:C meta",
            "1 open token:b:C meta",
            "3 cancel token:a:C delete deleted",
            "3 cancel token:b:C delete deleted",
        ],
    );
    opens(TOKENS, &[(0.0, "content"), (1.0, &list(1))], true);
}
