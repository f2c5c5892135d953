//! Whether two decision lines say the same.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::decision::escape_line_ends;
use crate::line::read_body;

/// The newer line says what the older one does, latencies apart.
///
/// A line of an older version lacks members that were added later, and does not escape characters that are escaped now.
/// Neither makes it another decision. The members of the older line must be in the newer one, in the same order and
/// with the same bytes.
pub fn is_same_decision(older: &str, newer: &str) -> bool {
    // Nearly always, and much cheaper than parsing.
    if older == newer {
        return true;
    }
    let (Ok(known), Ok(decided)) =
        (serde_json::from_str::<Members>(older), serde_json::from_str::<Members>(newer))
    else {
        return false;
    };
    let is_known = |name: &str| name != LATENCY && known.0.iter().any(|(known, _)| known == name);
    // Text and not values: `1` and `1.0` are equal as numbers and are different lines to a digest.
    let of = |members: &Members| -> Vec<(String, String)> {
        let shared = members.0.iter().filter(|(name, _)| is_known(name));
        shared.map(|(name, json)| (name.clone(), escaped(json.get()).into_owned())).collect()
    };
    // A line that lacks a member which every version writes is not old but broken.
    read_body(older.as_bytes()).is_ok() && of(&known) == of(&decided)
}

const LATENCY: &str = "latency_ns";

fn escaped(json: &str) -> Cow<'_, str> {
    if json.is_ascii() {
        return json.into();
    }
    let mut out = Vec::with_capacity(json.len());
    escape_line_ends(json, &mut out).expect("a Vec accepts every byte");
    String::from_utf8(out).expect("escapes are ASCII").into()
}

/// The members of an object as they are written.
// A list and not a map: the order of members is part of the line.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a decision line")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with one more member after `asset`, as a later version writes it.
    const LINE: &str = concat!(
        r#"{"schema":1,"seq":17,"id":"00000000000000000000000000000001","#,
        r#""signal_id":"00000000000000000000000000000002","revision":0,"kind":"open","basis":"content","#,
        r#""reason":null,"trigger":"content","rule":"listing","rule_hash":"0000000000000003","#,
        r#""generation":0,"side":"buy","destination":"default","params":{"a":1},"platform":"twitter","#,
        r#""tweet_id":"2064689031777615872","tweet_kind":"post","author":"fixture_marketdesk","#,
        r#""author_id":null,"link":null,"text":"one\u2028two $EDGE","matched":[],"asset":null,"#,
        r#""added":[{"venue":"gateio"}],"previous_asset":null,"evidence":null,"group":{"index":1,"#,
        r#""count":1},"ref_price":null,"late":false,"created_ms":null,"received_ms":null,"sent_ms":null,"#,
        r#""recv_ns":1781095200131000000,"decided_ns":1781095200131000000,"expires_ms":1781095230131}"#,
    );

    fn older() -> String {
        LINE.replace(r#""added":[{"venue":"gateio"}],"#, "").replace("\\u2028", "\u{2028}")
    }

    #[test]
    fn what_an_older_line_lacks_or_does_not_escape_makes_no_difference() {
        assert_ne!(older(), LINE);
        assert!(is_same_decision(&older(), LINE));
        assert!(is_same_decision(LINE, LINE));
        let measured = LINE
            .replace(r#""expires_ms":1781095230131}"#, r#""expires_ms":1781095230131,"latency_ns":null}"#);
        assert!(is_same_decision(&measured, LINE));
    }

    #[test]
    fn what_an_older_line_has_must_be_the_same() {
        let changes = [
            (r#""seq":17"#, r#""seq":18"#),
            (r#""author":"fixture_marketdesk""#, r#""author":null"#),
            (r#"{"a":1}"#, r#"{"a":1.0}"#),
            ("$EDGE", "$EDGY"),
            (
                r#""asset":null"#,
                concat!(
                    r#""asset":{"class":"ticker","symbol":"EDGE","contract":null,"chain":null,"venue":null,"#,
                    r#""market":null,"sources":[]}"#
                ),
            ),
            (r#""late":false,"created_ms":null"#, r#""created_ms":null,"late":false"#),
        ];
        for (from, to) in changes {
            let newer = LINE.replace(from, to);
            assert_ne!(newer, LINE, "{from}");
            assert!(!is_same_decision(&older(), &newer), "{to}");
        }
    }

    #[test]
    fn what_the_replay_lacks_or_a_line_that_is_none_is_a_difference() {
        assert!(!is_same_decision(LINE, &older()), "a newer tape says more than this version decides");
        for broken in ["", "{}", "[]", r#"{"schema":1}"#, &LINE.replace(r#""rule":"listing","#, "")] {
            assert!(!is_same_decision(broken, LINE), "{broken}");
        }
    }
}
