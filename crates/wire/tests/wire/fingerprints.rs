//! The fingerprint is over the payload's bytes without its own `receivedAt`.

use twox_hash::XxHash3_64;

use crate::show::one;

fn of(d: &str) -> String {
    let alone = one(&format!(r#"{{"t":"tweet","op":"content","d":{d}}}"#))["fingerprint"].clone();
    for frame in [
        format!(r#"{{"d":{d},"op":"content","t":"tweet"}}"#),
        format!("{{ \"t\":\"tweet\",\"ts\":5, \"d\" :\n {d} , \"op\" : \"content\" }} "),
        format!(r#"{{"t":"tweet","op":"content","\u0064":{d},"id":"}}}}"}}"#),
        format!("\u{feff}[{{\"t\":\"tweet\",\"op\":\"content\",\"d\":{d}}}]"),
    ] {
        assert_eq!(one(&frame)["fingerprint"], alone, "{frame}");
    }
    alone
}

fn hash(d: &str) -> String {
    format!("{:016x}", XxHash3_64::oneshot(d.as_bytes()))
}

#[test]
fn receipt_time_and_envelope_do_not_matter() {
    let without = r#"{"tweetId":"1","text":"a"}"#;
    assert_eq!(of(without), hash(without));
    for with in [
        r#"{"receivedAt":1,"tweetId":"1","text":"a"}"#,
        r#"{"tweetId":"1","receivedAt":1781095200108,"text":"a"}"#,
        r#"{"tweetId":"1","text":"a","receivedAt":2}"#,
        r#"{"tweetId":"1","text":"a","receivedAt":null}"#,
        r#"{"tweetId":"1","text":"a","receivedAt":{"x":[1,"}"]}}"#,
        r#"{"tweetId":"1","text":"a","received\u0041t":2}"#,
    ] {
        assert_eq!(of(with), hash(without), "{with}");
    }
}

#[test]
fn spaces_around_the_cut_stay_with_their_neighbours() {
    let without = "{ \"tweetId\" : \"1\", \"text\": \"a\" }";
    for with in [
        "{ \"receivedAt\": 1, \"tweetId\" : \"1\", \"text\": \"a\" }",
        "{ \"tweetId\" : \"1\", \"receivedAt\" : 1, \"text\": \"a\" }",
        "{ \"tweetId\" : \"1\", \"text\": \"a\" , \"receivedAt\": 1 }",
    ] {
        assert_eq!(of(with).len(), 16);
    }
    assert_eq!(of("{ \"receivedAt\": 1, \"tweetId\" : \"1\", \"text\": \"a\" }"), hash(without));
    assert_eq!(of("{ \"tweetId\" : \"1\", \"receivedAt\" : 1, \"text\": \"a\" }"), hash(without));
    assert_eq!(of("{ \"tweetId\" : \"1\", \"text\": \"a\", \"receivedAt\": 1 }"), hash(without));
}

#[test]
fn anything_else_matters() {
    let mut all = vec![of(r#"{"tweetId":"1","text":"a"}"#)];
    for d in [
        r#"{"tweetId":"1","text":"b"}"#,
        r#"{"tweetId":"1", "text":"a"}"#,
        r#"{"text":"a","tweetId":"1"}"#,
        r#"{"tweetId":"1","text":"\u0061"}"#,
        r#"{"tweetId":"1","text":"a","author":{"receivedAt":1}}"#,
        r#"{"tweetId":"1","text":"a","author":{"receivedAt":2}}"#,
        r#"{"tweetId":"1","text":"a","link":"{}}"}"#,
    ] {
        all.push(of(d));
    }
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn long_payloads_too() {
    let text = "long text, \\\"quoted\\\" ".repeat(500);
    let without = format!(r#"{{"tweetId":"1","text":"{text}"}}"#);
    let with = format!(r#"{{"tweetId":"1","receivedAt":7,"text":"{text}"}}"#);
    assert_eq!((of(&without), of(&with)), (hash(&without), hash(&without)));
}
