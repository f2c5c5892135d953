//! Finds the scalars of a JSON text and where they stand, so that they can be replaced without touching
//! another byte: not a digit of a price, not a space, not the order of members.

use std::ops::Range;

/// A string or number of a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar<'a> {
    /// The name of the member it is the value of; `None` in an array and at the top. Escapes are as written.
    pub(crate) key: Option<&'a [u8]>,
    /// How many objects enclose it; arrays do not count, so a batch looks like its frames.
    pub(crate) objects: usize,
    /// Where its text stands; for a string without the quotes.
    pub(crate) at: Range<usize>,
    /// Whether it is a string.
    pub(crate) string: bool,
}

/// Whether a text is one complete JSON value in UTF-8.
pub(crate) fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok()
}

/// Calls `found` with each string and number of `text`, in order. Member names are not reported as strings.
///
/// The text must be JSON; the scalars of anything else are found as far as it looks like JSON.
pub(crate) fn scalars<'a>(text: &'a [u8], mut found: impl FnMut(Scalar<'a>)) {
    let mut enclosing: Vec<bool> = Vec::new();
    let mut objects = 0;
    let mut key: Option<&'a [u8]> = None;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'{' | b'[' => {
                enclosing.push(byte == b'{');
                objects += usize::from(byte == b'{');
                key = None;
                at += 1;
            }
            b'}' | b']' => {
                objects -= usize::from(enclosing.pop() == Some(true));
                key = None;
                at += 1;
            }
            b',' => {
                key = None;
                at += 1;
            }
            b'"' => {
                let inner = at + 1..string_end(text, at + 1);
                at = inner.end + 1;
                let in_object = enclosing.last() == Some(&true);
                if in_object && key.is_none() {
                    key = text.get(inner);
                } else {
                    found(Scalar { key, objects, at: inner, string: true });
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = text[at..].iter().take_while(|byte| number(byte)).count();
                found(Scalar { key, objects, at: at..at + length, string: false });
                at += length;
            }
            _ => at += 1,
        }
    }
}

/// The place of the quote that ends a string.
fn string_end(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// The time a frame moves the clock to: the `ts` of its envelope, or the first of a batch, that is an
/// integer between the years 2006 and 2100.
pub(crate) fn frame_ts(text: &[u8]) -> Option<i64> {
    const YEAR_2006_MS: i64 = 1_136_073_600_000;
    const YEAR_2100_MS: i64 = 4_102_444_800_000;
    // The same bounds as in a replay, so that both agree on the time of an input.
    let mut ts = None;
    scalars(text, |scalar| {
        if ts.is_none() && !scalar.string && scalar.objects == 1 && scalar.key == Some(b"ts") {
            ts = integer(&text[scalar.at]).filter(|ms| (YEAR_2006_MS..YEAR_2100_MS).contains(ms));
        }
    });
    ts
}

/// The operation of a frame and the tweet it is about, as they are written.
pub(crate) fn subject(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut op, mut tweet) = (None, None);
    scalars(text, |scalar| match (scalar.objects, scalar.key) {
        (1, Some(b"op")) => op = text.get(scalar.at),
        (2, Some(b"tweetId")) => tweet = text.get(scalar.at),
        _ => {}
    });
    Some((op?, tweet?))
}

/// Reads a plain integer; `None` for anything with a point or an exponent.
pub(crate) fn integer(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(Option<&str>, usize, &str, bool)]) {
        let mut found = Vec::new();
        scalars(text.as_bytes(), |scalar| {
            let key = scalar.key.map(|key| String::from_utf8(key.to_vec()).unwrap());
            found.push((key, scalar.objects, text[scalar.at.clone()].to_owned(), scalar.string));
        });
        let expect: Vec<_> = expect
            .iter()
            .map(|&(key, objects, value, string)| (key.map(str::to_owned), objects, value.to_owned(), string))
            .collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn scalars_come_with_their_key_and_depth() {
        check(
            r#"{"a":1,"b":{"c":"x","d":[-2.5e-12,"y",{"e":"z"}],"f":true},"g":null,"h":3}"#,
            &[
                (Some("a"), 1, "1", false),
                (Some("c"), 2, "x", true),
                (None, 2, "-2.5e-12", false),
                (None, 2, "y", true),
                (Some("e"), 3, "z", true),
                (Some("h"), 1, "3", false),
            ],
        );
    }

    #[test]
    fn escapes_and_quotes_do_not_end_a_string() {
        check(
            r#"{"a\"":"x\\\",\"ts\":1" , "ts" : 7}"#,
            &[(Some(r#"a\""#), 1, r#"x\\\",\"ts\":1"#, true), (Some("ts"), 1, "7", false)],
        );
    }

    #[test]
    fn rubbish_does_not_panic() {
        for text in ["", "}}}]", "\"", "\"\\", "{\"", "{\"a", "-", "[1,", "{\"a\":\"\\"] {
            scalars(text.as_bytes(), |_| {});
        }
    }

    #[test]
    fn only_a_plausible_ts_of_the_envelope_counts() {
        for (text, expect) in [
            (r#"{"v":1,"ts":1781095200123,"d":{"ts":1}}"#, Some(1_781_095_200_123)),
            (r#"{"d":{"ts":1781095200123}}"#, None),
            (r#"[{"ts":1781095200123},{"ts":1781095200999}]"#, Some(1_781_095_200_123)),
            (r#"{"ts":1781095200.5}"#, None),
            (r#"{"ts":"1781095200123"}"#, None),
            (r#"{"ts":1781095200}"#, None),
            (r#"{"ts":4102444800000}"#, None),
        ] {
            assert_eq!(frame_ts(text.as_bytes()), expect, "{text}");
        }
    }

    #[test]
    fn a_frame_is_about_the_tweet_of_its_payload() {
        let text = br#"{"d":{"ref":{"tweetId":"1"},"tweetId":"2"},"op":"meta"}"#;
        assert_eq!(subject(text), Some((&b"meta"[..], &b"2"[..])));
        assert_eq!(subject(br#"{"op":"meta","d":{}}"#), None);
        assert_eq!(subject(b"rubbish"), None);
    }
}
