//! HTML entities, as feeds of posts write them.

/// The entities that are decoded. Others stay: feeds do not write them, and a text about HTML keeps its words.
const ENTITIES: [(&str, char); 6] =
    [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\''), ("&#39;", '\'')];

/// Appends `text` with its entities decoded, once: `&amp;lt;` is `&lt;`. False, and nothing appended, if it has none.
pub(crate) fn decode(text: &str, out: &mut String) -> bool {
    let mut kept = 0;
    for (at, _) in text.match_indices('&') {
        let entity = ENTITIES.iter().find(|(name, _)| text[at..].starts_with(name));
        if let Some((name, letter)) = entity {
            out.push_str(&text[kept..at]);
            out.push(*letter);
            kept = at + name.len();
        }
    }
    if kept == 0 {
        return false;
    }
    out.push_str(&text[kept..]);
    true
}
