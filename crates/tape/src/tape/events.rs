//! The type of an event.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
struct TypeJson<'j> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'j, str>,
}

/// The `type` of an event; `None` unless it is an object that has one.
///
/// ```
/// let json = br#"{"type":"gap","from_ns":1,"to_ns":2}"#;
/// assert_eq!(stoop_tape::event_type(json).as_deref(), Some("gap"));
/// assert_eq!(stoop_tape::event_type(b"[]"), None);
/// ```
pub fn event_type(json: &[u8]) -> Option<Cow<'_, str>> {
    let parsed: TypeJson<'_> = serde_json::from_slice(json).ok()?;
    Some(parsed.kind)
}
