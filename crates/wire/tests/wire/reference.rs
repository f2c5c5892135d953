//! A second decoder, over `serde_json`, as plain as it can be: parse everything into a tree, then read the tree.
//!
//! Where the two parsers differ by nature the rule is written here: numbers must fit a double (a `RawValue` may be any
//! digits), nesting is limited by us, a name may not come twice (`serde_json`'s `Value` keeps the
//! last).

use std::fmt;

use serde_json::value::RawValue;
use stoop_model::{Bad, BadReason};
use stoop_wire::Limits;

use crate::show::Fields;
use crate::values::Reader;

/// What the reference says of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The parser must refuse it; this decoder does not know the exact reason.
    Refused,
    /// One event or reason for each element.
    Elements(Vec<Result<Fields, Bad>>),
}

pub(crate) struct Value<'a> {
    /// Offset into the frame.
    pub(crate) at: usize,
    pub(crate) text: &'a str,
    pub(crate) kind: Kind<'a>,
}

pub(crate) enum Kind<'a> {
    Null,
    Bool,
    Number,
    String(String),
    Array(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

pub(crate) struct Member<'a> {
    pub(crate) name: String,
    /// Offset of the name's opening quote.
    pub(crate) at: usize,
    pub(crate) value: Value<'a>,
}

struct Refused;

impl From<serde_json::Error> for Refused {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// Decodes `frame`.
pub(crate) fn decode(frame: &[u8], limits: Limits) -> Verdict {
    if frame.len() > limits.max_frame {
        return Verdict::Elements(vec![Err(Bad { reason: BadReason::TooLong, offset: None })]);
    }
    let bytes = frame.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(frame);
    let shift = frame.len() - bytes.len();
    let bad = |reason, offset: Option<usize>| {
        Verdict::Elements(vec![Err(Bad { reason, offset: offset.map(|at| at as u32) })])
    };
    if bytes.iter().all(|byte| b" \t\r\n".contains(byte)) {
        return bad(BadReason::Empty, None);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return bad(BadReason::InvalidUtf8, Some(error.valid_up_to() + shift)),
    };
    let base = text.as_ptr().addr() - shift;
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else { return Verdict::Refused };
    let Ok(tree) = parse(raw, base, limits.max_depth) else { return Verdict::Refused };
    match &tree.kind {
        Kind::Object(_) => Verdict::Elements(vec![Reader::element(&tree, limits)]),
        Kind::Array(items) if items.is_empty() => bad(BadReason::Empty, None),
        Kind::Array(items) if items.len() > limits.max_batch => bad(BadReason::TooMany, None),
        Kind::Array(items) => {
            Verdict::Elements(items.iter().map(|item| Reader::element(item, limits)).collect())
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::String(_) => {
            bad(BadReason::NotAnObject, Some(tree.at))
        }
    }
}

fn parse(raw: &RawValue, base: usize, depth: usize) -> Result<Value<'_>, Refused> {
    let text = raw.get();
    let at = text.as_ptr().addr() - base;
    let kind = match text.as_bytes()[0] {
        b'n' => Kind::Null,
        b't' | b'f' => Kind::Bool,
        b'"' => Kind::String(serde_json::from_str(text)?),
        b'[' | b'{' if depth == 0 => return Err(Refused),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            Kind::Array(items.into_iter().map(|item| parse(item, base, depth - 1)).collect::<Result<_, _>>()?)
        }
        b'{' => {
            let Pairs(pairs) = serde_json::from_str(text)?;
            let (mut members, mut end) = (Vec::new(), at + 1);
            for (name, value) in pairs {
                let value = parse(value, base, depth - 1)?;
                let before = &text[end - at..];
                let quote = end + before.find('"').expect("a member has a name");
                end = value.at + value.text.len();
                members.push(Member { name, at: quote, value });
            }
            Kind::Object(members)
        }
        _ => number(text).map(|()| Kind::Number)?,
    };
    Ok(Value { at, text, kind })
}

/// A number fits a double, if not exactly.
fn number(text: &str) -> Result<(), Refused> {
    text.parse::<f64>().is_ok_and(f64::is_finite).then_some(()).ok_or(Refused)
}

/// The members of an object in order, repeated ones too.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
