//! Which posts a rule matches: origin and terms.

use super::{on_content, opens};

#[test]
fn authors_by_handle_and_id_in_any_case() {
    for (rule, author, expect) in [
        (r#"authors = ["@Binance"]"#, r#"{"handle":"@bInAnCe"}"#, true),
        (r#"authors = ["binance"]"#, r#"{"handle":"BINANCE"}"#, true),
        (r#"authors = ["binance"]"#, r#"{"handle":"@binance_"}"#, false),
        (r#"authors = ["other", "@binance"]"#, r#"{"handle":"@binance"}"#, true),
        (r#"authors = ["id:44"]"#, r#"{"handle":"@x","id":"44"}"#, true),
        (r#"authors = ["id:44"]"#, r#"{"handle":"@x","id":"4"}"#, false),
        // An id fails on a frame without one.
        (r#"authors = ["id:44"]"#, r#"{"handle":"@x"}"#, false),
        (r#"authors = ["id:44", "@x"]"#, r#"{"handle":"@x"}"#, true),
        (r#"authors = ["@x"]"#, "{}", false),
        ("", "{}", true),
    ] {
        on_content(rule, &format!(r#""text":"a","author":{author}"#), expect);
    }
}

#[test]
fn platforms() {
    for (rule, author, expect) in [
        ("", r#"{"handle":"a","platform":"gab"}"#, true),
        (r#"platforms = ["twitter"]"#, r#"{"handle":"a"}"#, true),
        (r#"platforms = ["twitter"]"#, "{}", true),
        (r#"platforms = ["twitter"]"#, r#"{"handle":"a","platform":"truth_social"}"#, false),
        (r#"platforms = ["truth_social"]"#, r#"{"handle":"a","platform":"truth_social"}"#, true),
        (r#"platforms = ["truth_social", "twitter"]"#, r#"{"handle":"a","platform":"gab"}"#, false),
    ] {
        on_content(rule, &format!(r#""text":"a","author":{author}"#), expect);
    }
}

#[test]
fn kinds() {
    let reply =
        r#""author":{"handle":"@ab"},"kind":"reply","ref":{"type":"reply","author":{"handle":"@AB"}}"#;
    for (rule, members, expect) in [
        ("", "", true),
        ("", r#""kind":"post""#, true),
        ("", r#""kind":"quote""#, true),
        ("", r#""ref":{"type":"quote"}"#, true),
        ("", reply, true),
        ("", r#""kind":"reply","ref":{"type":"reply","author":{"handle":"@b"}}"#, false),
        ("", r#""kind":"reply""#, false),
        ("", r#""ref":{"type":"retweet"}"#, false),
        ("", r#""kind":"thread""#, false),
        (r#"kinds = ["reply"]"#, r#""kind":"reply""#, true),
        (r#"kinds = ["reply"]"#, reply, false),
        (r#"kinds = ["self_reply"]"#, reply, true),
        (r#"kinds = ["retweet"]"#, r#""kind":"retweet""#, true),
        (r#"kinds = ["quote"]"#, r#""kind":"post""#, false),
    ] {
        on_content(rule, members, expect);
    }
    let by_id =
        r#""author":{"handle":"@new","id":"5"},"kind":"reply","ref":{"author":{"handle":"@old","id":"5"}}"#;
    on_content(r#"kinds = ["self_reply"]"#, by_id, true);
}

#[test]
fn followers_and_verification_fail_when_unknown() {
    for (rule, author, expect) in [
        ("min_followers = 10", r#"{"handle":"a","followersCount":10}"#, true),
        ("min_followers = 10", r#"{"handle":"a","followersCount":9}"#, false),
        ("min_followers = 0", r#"{"handle":"a"}"#, false),
        ("min_followers = 0", r#"{"handle":"a","followersCount":-1}"#, false),
        (r#"verified = ["government", "business"]"#, r#"{"handle":"a","verifiedType":"business"}"#, true),
        (r#"verified = ["government"]"#, r#"{"handle":"a","verifiedType":"blue"}"#, false),
        (r#"verified = ["none"]"#, r#"{"handle":"a"}"#, false),
    ] {
        on_content(rule, &format!(r#""text":"a","author":{author}"#), expect);
    }
}

#[test]
fn any_all_and_none() {
    for (rule, text, expect) in [
        (r#"any = ["will list", "lists"]"#, "Binance WILL  LIST it", true),
        (r#"any = ["will list", "lists"]"#, "it lists", true),
        (r#"any = ["will list", "lists"]"#, "list", false),
        ("all = []", "x", true),
        (r#"all = ["a", "b"]"#, "b a", true),
        (r#"all = ["a", "b"]"#, "a", false),
        (r#"any = ["a"]"#, "", false),
        (r#"none = ["delist*"]"#, "they delisted it", false),
        (r#"none = ["delist*"]"#, "", true),
        (
            r#"any = ["a"]
            all = ["b"]
            none = ["c"]"#,
            "a b",
            true,
        ),
        (
            r#"any = ["a"]
            all = ["b"]
            none = ["c"]"#,
            "a b c",
            false,
        ),
    ] {
        on_content(rule, &format!(r#""text":"{text}""#), expect);
    }
}

#[test]
fn words_prefixes_and_substrings() {
    for (term, text, word, substring) in [
        ("doge", "doge", true, true),
        ("doge", "DOGE!", true, true),
        ("doge", "a doge.", true, true),
        ("doge", "dogecoin", false, true),
        ("doge", "predoge", false, true),
        ("doge", "_doge", false, true),
        ("doge", "1doge", false, true),
        ("doge", "#doge $doge", true, true),
        ("doge*", "dogecoin", true, true),
        ("doge*", "doge", true, true),
        ("doge*", "doge*", true, true),
        ("doge*", "predoge", false, true),
        ("$doge", "x$doge", true, true),
        // Scripts without spaces have no boundaries to fail.
        ("上线", "币安上线新币", true, true),
        ("doge", "币安doge上线", true, true),
        ("ビット", "新ビットコイン", true, true),
        ("상장", "신규상장안내", true, true),
        ("дог", "догма", false, true),
        // The same normalisation for text and term.
        ("STRASSE", "Straße", true, true),
        ("doge", "ＤＯＧＥ", true, true),
        ("doge", "do\\u200bge", true, true),
        ("will  list", "will\\n\\tlist", true, true),
        ("café", "cafe\\u0301", true, true),
        ("don't", "DON’T", true, true),
        ("don’t", "don't", true, true),
        ("list", "li\\u00adst", true, true),
        ("AT&T", "at&amp;t", true, true),
        ("list", "L\u{130}ST", true, true),
        ("re-list", "re‑list", true, true),
        // A mark goes with its letter.
        ("doge", "doge\\u20e3", false, true),
        // What stands behind a link is text.
        ("上线", "https://x.com/a上线", true, true),
        ("delist", "https://t.co/Ab1-delist", true, true),
        ("delist", "(https://x.com/a)，delist", true, true),
    ] {
        let body = format!(r#""text":"{text}""#);
        on_content(&format!("any = [\"{term}\"]"), &body, word);
        on_content(&format!("any = [\"{term}\"]\nmatch = \"substring\""), &body, substring);
        // `none` and `all` look no differently.
        on_content(&format!("none = [\"{term}\"]"), &body, !word);
        on_content(&format!("all = [\"{term}\"]"), &body, word);
    }
}

#[test]
fn each_field_of_in() {
    let frame = r#""text":"tt https://uu.io/x @hh\nsecond","mentions":[{"handle":"@mm"}],"urls":[{"url":"https://vv.io/doge"}],
        "author":{"handle":"@ab","name":"nn","bio":"bb"},"ref":{"type":"quote","text":"rr https://ww.io"},
        "kind":"quote""#;
    let frame = frame.replace('\n', " ");
    let fields = ["text", "first_line", "ref", "mentions", "urls", "bio", "name"];
    for (term, found) in [
        ("tt", vec!["text", "first_line"]),
        ("second", vec!["text"]),
        ("rr", vec!["ref"]),
        ("mm", vec!["mentions"]),
        ("vv.io", vec!["urls"]),
        ("bb", vec!["bio"]),
        ("nn", vec!["name"]),
        // URLs and handles are no text, whether the frame lists them or not.
        ("uu", vec![]),
        ("hh", vec![]),
        ("ab", vec![]),
    ] {
        for field in fields {
            let rule = format!("any = [\"{term}\"]\nin = [\"{field}\"]");
            on_content(&rule, &frame, found.contains(&field));
        }
    }
    let meta = (1.0, r#"meta "ocr":{"text":"oo"}"#);
    opens(r#"any = ["oo"]"#, &[(0.0, "content"), meta], true);
    opens("any = [\"oo\"]\nin = [\"text\"]", &[(0.0, "content"), meta], false);
    opens("any = [\"oo\"]\nin = [\"ocr\"]", &[(0.0, "content"), meta], true);
}

#[test]
fn any_and_all_look_at_each_field_on_its_own_and_none_at_all_of_them() {
    let frames = [(0.0, r#"meta "ocr":{"text":"b"}"#), (1.0, r#"content "text":"a""#)];
    opens(r#"all = ["a", "b"]"#, &frames, false);
    opens(r#"any = ["b"]"#, &frames, true);
    opens("any = [\"a\"]\nnone = [\"b\"]", &frames, false);
    // No hit spans two entries of a list.
    let mentions = r#""mentions":[{"handle":"@will"},{"handle":"@list"}]"#;
    on_content("any = [\"will list\"]\nin = [\"mentions\"]\nmatch = \"substring\"", mentions, false);
}

#[test]
fn any_of_needs_one_branch_besides_the_rule() {
    let rule = r#"
        any = ["a"]
        any_of = [{ all = ["b", "c"] }, { any = ["D"], match = "substring", in = ["bio"] },
        { none = ["e"], any = ["f"] }]"#;
    for (text, bio, expect) in [
        ("a b c", "", true),
        ("a b", "", false),
        ("b c", "", false),
        ("a", "xdx", true),
        ("a f", "", true),
        ("a f e", "", false),
    ] {
        on_content(rule, &format!(r#""text":"{text}","author":{{"handle":"ab","bio":"{bio}"}}"#), expect);
    }
}

#[test]
fn max_age_is_decision_time_minus_created_and_a_negative_age_is_not_stale() {
    use super::ZERO_MS;
    let rule = "max_age = \"5s\"";
    for (created, expect) in [(-5_000, true), (-5_001, false), (60_000, true)] {
        on_content(rule, &format!(r#""createdAt":{}"#, ZERO_MS + created), expect);
    }
    on_content(rule, "", false);
    // A nanosecond more is too old.
    let content = format!(r#"content "createdAt":{ZERO_MS}"#);
    opens(rule, &[(5_000.0, &content)], true);
    opens(rule, &[(5_000.000_001, &content)], false);
    // The snowflake comes before `createdAt`.
    let id = (ZERO_MS - 1_288_834_974_657) << 22;
    let content = format!("content@{id} \"createdAt\":5");
    opens(rule, &[(4_000.0, &content)], true);
    opens(rule, &[(6_000.0, &content)], false);
}
