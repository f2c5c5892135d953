//! What is no frame: the reason and where.

use stoop_model::{Bad, BadReason};
use stoop_wire::{Decoder, Limits};

use crate::show::{decode, decode_with, one};

const EXAMPLE: &str = r#"{"v":1,"t":"tweet","op":"content","id":"2064689031777615872","ts":1781095200123,"d":{"tweetId":"2064689031777615872","kind":"post","text":"New token live. CA: 9xQeWvG816bUx9EP...","createdAt":1781095199900,"receivedAt":1781095200108,"author":{"handle":"@marketdesk","name":"Market Account"},"media":[{"type":"image","url":"https://pbs.twimg.com/media/sample-token-chart.jpg"}]}}"#;

#[track_caller]
fn check(frame: impl AsRef<[u8]>, expect: &str) {
    let frame = frame.as_ref();
    let text = String::from_utf8_lossy(frame);
    match decode(frame).as_slice() {
        [Err(bad)] => assert_eq!(bad.to_string(), expect, "{text}"),
        other => panic!("{text}: {other:?}"),
    }
}

/// A content frame whose payload is `{"tweetId":"1",` + `rest`.
fn content(rest: &str) -> String {
    format!(r#"{{"t":"tweet","op":"content","d":{{"tweetId":"1",{rest}}}}}"#)
}

#[test]
fn half_a_frame_is_never_good() {
    for end in 0..EXAMPLE.len() {
        let half = &EXAMPLE.as_bytes()[..end];
        let answers = decode(half);
        let [Err(bad)] = answers.as_slice() else { panic!("{end}: {answers:?}") };
        let expect = if end == 0 {
            Bad { reason: BadReason::Empty, offset: None }
        } else {
            Bad { reason: BadReason::Syntax, offset: Some(end as u32) }
        };
        assert_eq!(*bad, expect);
    }
    assert!(decode(EXAMPLE.as_bytes())[0].is_ok());
}

#[test]
fn empty() {
    for frame in ["", " ", "\r\n\t ", "\u{feff}", "\u{feff} ", "[]", " [ ] "] {
        check(frame, "empty");
    }
}

#[test]
fn no_object() {
    check("7", "not_an_object at byte 0");
    check(" \"x\"", "not_an_object at byte 1");
    check("\u{feff}true", "not_an_object at byte 3");
    check("null", "not_an_object at byte 0");
    check("[-1]", "not_an_object at byte 1");
    check("[[]]", "not_an_object at byte 1");
}

#[test]
fn syntax() {
    check("{", "syntax at byte 1");
    check("{]", "syntax at byte 1");
    check("x", "syntax at byte 0");
    check("{\"a\":1,}", "syntax at byte 7");
    check("{\"a\" 1}", "syntax at byte 5");
    check("{a:1}", "syntax at byte 1");
    check("[{}}", "syntax at byte 3");
    check("[1 2]", "syntax at byte 3");
    check("{\"a\":tru}", "syntax at byte 8");
    check("{\"a\":truey}", "syntax at byte 9");
    check("{\"a\":01}", "syntax at byte 6");
    check("{\"a\":1.}", "syntax at byte 7");
    check("{\"a\":-}", "syntax at byte 6");
    check("{\"a\":1e}", "syntax at byte 7");
    check("{\"a\":+1}", "syntax at byte 5");
    check("{\"a\":NaN}", "syntax at byte 5");
    check("{\"a\":\"b\nc\"}", "syntax at byte 7");
    check("{\"a\":\"b\0c\"}", "syntax at byte 7");
    check("{\"a\":\0}", "syntax at byte 5");
    check("{}\0", "syntax at byte 2");
    check("{} {}", "syntax at byte 3");
    check("{}}", "syntax at byte 2");
    check("\u{feff}{} x", "syntax at byte 6");
    check("{\"a\":\"b", "syntax at byte 7");
    check("{\"a\":\"b\\", "syntax at byte 8");
    check(format!("{EXAMPLE}{EXAMPLE}"), &format!("syntax at byte {}", EXAMPLE.len()));
}

#[test]
fn encoding() {
    check(b"{\"a\":\"\xff\"}", "invalid_utf8 at byte 6");
    check(b"{\"a\":\"\xc3\"}", "invalid_utf8 at byte 6");
    check(b"{\"a\":\"ok \xed\xa0\x80\"}", "invalid_utf8 at byte 9");
    check(b"\xEF\xBB\xBF{\"\x80\":1}", "invalid_utf8 at byte 5");
    check(b"\xEF\xBB", "invalid_utf8 at byte 0");
    // Encoding is judged first, wherever other faults are.
    check(b"{\"a\":tru \xff", "invalid_utf8 at byte 9");
    for cut in 1..4 {
        let mut bytes = b"{\"a\":\"".to_vec();
        bytes.extend_from_slice(&"🚀".as_bytes()[..cut]);
        bytes.extend_from_slice(b"\"}");
        check(&bytes, "invalid_utf8 at byte 6");
    }
}

#[test]
fn escapes() {
    let escaped = |escape: &str| format!("{{\"a\":\"xy{escape}\"}}");
    for escape in [
        r"\ud800",
        r"\udbff",
        r"\udc00",
        r"\udfff",
        r"\ud800\u0041",
        r"\ud800\ud800",
        r"\ud800x",
        r"\ud800\n",
        r"\ud800\",
        r"\u12",
        r"\u12g4",
        r"\u",
        r"\u 123",
        r"\x41",
        r"\'",
        r"\a",
    ] {
        check(escaped(escape), "invalid_escape at byte 8");
    }
    check("{\"\\ud800\":1}", "invalid_escape at byte 2");
    check(format!("{{\"a\":\"{}\\ud800\"}}", "x".repeat(1000)), "invalid_escape at byte 1006");
    for (escape, text) in [(r"\ud83d\ude80", "🚀"), (r"\u0000", "\0"), (r"\uFFFF", "\u{ffff}"), (r"\/", "/")]
    {
        assert_eq!(one(&content(&format!("\"text\":\"{escape}\"")))["post.Text"], text);
    }
}

#[test]
fn numbers_out_of_range() {
    // In a known field and in one that nobody reads.
    for name in ["createdAt", "zone"] {
        for number in
            ["1e400", "-1e400", "1.7976931348623159e308", &"9".repeat(400), &format!("-1{}", "0".repeat(309))]
        {
            let frame = content(&format!("\"{name}\":[{number}]"));
            let at = frame.find('[').expect("it is there") + 1;
            check(&frame, &format!("number_range at byte {at}"));
        }
    }
    for number in [
        "1e-400",
        "18446744073709551615",
        "-9223372036854775808",
        "1.7976931348623157e308",
        "0e99999999999",
        "18446744073709551616",
        "-9223372036854775809",
        &"9".repeat(308),
    ] {
        assert_eq!(one(&content(&format!("\"zone\":{number}")))["unknowns.fields"], "1");
    }
}

#[test]
fn nesting() {
    check("[".repeat(1000), "too_deep at byte 64");
    check(format!("{}{}", "[".repeat(1000), "]".repeat(1000)), "too_deep at byte 64");
    check("{\"a\":".repeat(1000), "too_deep at byte 320");
    // The envelope and the payload are two levels.
    let zone = |depth: usize| content(&format!("\"zone\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert_eq!(one(&zone(62))["unknowns.fields"], "1");
    check(zone(63), "too_deep at byte 116");
    let deepest = Limits { max_depth: usize::MAX, ..Limits::default() };
    let answers = decode_with(&mut Decoder::new(deepest), zone(1023).as_bytes());
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].as_ref().map_err(|bad| bad.reason), Err(BadReason::TooDeep));
    assert!(decode_with(&mut Decoder::new(deepest), zone(1022).as_bytes())[0].is_ok());
}

#[test]
fn lengths() {
    check(vec![b'x'; 10 * 1024 * 1024], "too_long");
    let mut frame = EXAMPLE.to_owned();
    frame.push_str(&" ".repeat(1024 * 1024 - frame.len()));
    assert!(decode(frame.as_bytes())[0].is_ok());
    frame.push(' ');
    check(&frame, "too_long");
    check(format!("[{}]", vec!["{}"; 1025].join(",")), "too_many");
    assert_eq!(decode(format!("[{}]", vec!["{}"; 1024].join(",")).as_bytes()).len(), 1024);
}

#[test]
fn duplicates() {
    let twice = |frame: &str, name: &str| {
        let at = frame.rfind(name).expect("it is there");
        check(frame, &format!("duplicate_key at byte {at}"));
    };
    twice(r#"{"t":"tweet","op":"content","t":"tweet","d":{"tweetId":"1"}}"#, "\"t\"");
    twice(r#"{"t":"tweet","op":"content","d":{"tweetId":"1"},"d":{"tweetId":"1"}}"#, "\"d\"");
    twice(&content(r#""text":"a","text":"b""#), "\"text\"");
    twice(&content(r#""text":null,"te\u0078t":"b""#), "\"te\\u0078t\"");
    twice(&content(r#""tweetId":"1""#), "\"tweetId\"");
    twice(&content(r#""author":{"bio":"a","name":"x","bio":"a"}"#), "\"bio\"");
    twice(&content(r#""media":[{"url":"a"},{"url":"a","url":"b"}]"#), "\"url\"");
    twice(&content(r#""zone":1,"mood":2,"zone":{}"#), "\"zone\"");
    twice(
        r#"{"t":"tweet","op":"meta","d":{"tweetId":"1","detected":{"cex":[{"priceUsd":1,"priceUsd":1}]}}}"#,
        "\"priceUsd\"",
    );
    // Not in objects that nobody reads.
    assert_eq!(one(&content(r#""zone":{"a":1,"a":2}"#))["unknowns.fields"], "1");
    // Unknown members are compared up to a bound, then only counted.
    let many: Vec<String> = (0..17).map(|at| format!("\"x{at}\":1")).collect();
    assert_eq!(one(&content(&format!("{},\"x0\":2", many.join(","))))["unknowns.fields"], "18");
    twice(&content(&format!("{},\"x0\":2", many[..15].join(","))), "\"x0\"");
}

#[test]
fn missing() {
    check("{}", "missing at byte 0");
    check(" {\"v\":1}", "missing at byte 1");
    check(r#"{"t":"tweet","op":"content"}"#, "missing at byte 0");
    check(r#"{"t":"tweet","d":{}}"#, "missing at byte 0");
    check(r#"{"op":"content","d":{}}"#, "missing at byte 0");
    check(r#"{"t":null,"op":"content","d":{}}"#, "missing at byte 0");
    check(r#"{"t":"tweet","op":"content","d":null}"#, "missing at byte 0");
    check(r#"{"t":"account","op":"callout"}"#, "missing at byte 0");
    for op in ["content", "update", "meta", "delete", "pin", "unpin"] {
        let at = op.len() + 21;
        check(format!(r#"{{"t":"tweet","op":"{op}","d":{{}}}}"#), &format!("missing at byte {at}"));
        let at = at + 5;
        check(
            format!(r#"{{"t":"tweet","op":"{op}","d":{{"tweetId":null}}}}"#),
            &format!("missing at byte {at}"),
        );
        check(
            format!(r#"{{"t":"tweet","op":"{op}","d":{{"tweetId":""}}}}"#),
            &format!("missing at byte {at}"),
        );
    }
}

#[test]
fn wrong_types() {
    check(r#"{"t":1,"op":"content","d":{}}"#, "wrong_type at byte 1");
    check(r#"{"t":"tweet","op":[],"d":{}}"#, "wrong_type at byte 13");
    check(r#"{"t":"tweet","op":"content","d":[]}"#, "wrong_type at byte 28");
    check(r#"{"t":"account","op":"callout","d":7}"#, "wrong_type at byte 30");
    for id in ["-1", "1.5", "1e3", "true", "{}", "[]"] {
        check(format!(r#"{{"t":"tweet","op":"meta","d":{{"tweetId":{id}}}}}"#), "wrong_type at byte 30");
    }
    for (rest, name) in [
        ("\"text\":7", "\"text\""),
        ("\"kind\":7", "\"kind\""),
        ("\"author\":\"marketdesk\"", "\"author\""),
        ("\"author\":{\"handle\":7}", "\"handle\""),
        ("\"author\":{\"id\":-7}", "\"id\""),
        ("\"author\":{\"id\":1.5}", "\"id\""),
        ("\"author\":{\"platform\":7}", "\"platform\""),
        ("\"ref\":[]", "\"ref\""),
        ("\"ref\":{\"type\":7}", "\"type\""),
        ("\"ref\":{\"text\":7}", "\"text\""),
        ("\"ref\":{\"author\":7}", "\"author\""),
        ("\"ref\":{\"author\":{\"id\":[]}}", "\"id\""),
        ("\"ref\":{\"media\":7}", "\"media\""),
        ("\"media\":{}", "\"media\""),
        ("\"mentions\":\"x\"", "\"mentions\""),
        ("\"urls\":7", "\"urls\""),
    ] {
        let frame = content(rest);
        check(&frame, &format!("wrong_type at byte {}", frame.rfind(name).expect("it is there")));
    }
    for (family, op, d, name) in [
        ("tweet", "meta", r#"{"tweetId":"1","ocr":"x"}"#, "\"ocr\""),
        ("tweet", "meta", r#"{"tweetId":"1","ocr":{"text":7}}"#, "\"text\""),
        ("tweet", "meta", r#"{"tweetId":"1","detected":[]}"#, "\"detected\""),
        ("tweet", "meta", r#"{"tweetId":"1","detected":{"tokens":{}}}"#, "\"tokens\""),
        ("tweet", "meta", r#"{"tweetId":"1","detected":{"cex":7}}"#, "\"cex\""),
        ("tweet", "meta", r#"{"tweetId":"1","detected":{"prediction":"x"}}"#, "\"prediction\""),
        ("tweet", "delete", r#"{"tweetId":"1","text":7}"#, "\"text\""),
        ("tweet", "pin", r#"{"tweetId":"1","tweet":"x"}"#, "\"tweet\""),
        ("tweet", "pin", r#"{"tweetId":"1","tweet":{"text":7}}"#, "\"text\""),
        ("account", "follow", r#"{"actor":"x"}"#, "\"actor\""),
        ("account", "follow", r#"{"target":{"handle":7}}"#, "\"handle\""),
        ("account", "unfollow", r#"{"kind":7}"#, "\"kind\""),
        ("account", "profile_update", r#"{"changes":[]}"#, "\"changes\""),
        ("account", "profile_update", r#"{"previous":"x"}"#, "\"previous\""),
        ("control", "twitter_handles_result", r#"{"results":{}}"#, "\"results\""),
    ] {
        let frame = format!(r#"{{"t":"{family}","op":"{op}","d":{d}}}"#);
        check(&frame, &format!("wrong_type at byte {}", frame.rfind(name).expect("it is there")));
    }
}
