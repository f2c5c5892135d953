//! Links and handles: one definition each, for everything that looks for them or leaves them out.

use std::ops::Range;

/// The next link of `text` at or after the byte `from`.
///
/// A link is `http://` or `https://` in any ASCII case, directly followed by `t.co/` and ASCII letters and digits, or
/// else by the longest run of the characters that RFC 3986 allows in a URL; repeatedly, and never into the scheme, less
/// a trailing `. , ; : ! ? '`, and less a trailing `)` or `]` that has no opener in the link. So it ends where Chinese,
/// Korean or a closing bracket begins.
pub(crate) fn next(text: &str, from: usize) -> Option<Range<usize>> {
    // By one letter: searching for three costs more to set up than there is to search.
    let mut colons = text.get(from..)?.match_indices(':');
    colons.find_map(|(colon, _)| {
        let colon = from + colon;
        text[colon..].starts_with("://").then_some(())?;
        let start = scheme_start(text.get(from..colon)?)? + from;
        Some(start..end(text, colon + "://".len()))
    })
}

/// There is a link, or the beginning of one, in the text.
pub(crate) fn has_link(text: &str) -> bool {
    next(text, 0).is_some()
}

fn scheme_start(before: &str) -> Option<usize> {
    ["https", "http"].iter().find_map(|scheme| {
        let start = before.len().checked_sub(scheme.len())?;
        before.as_bytes()[start..].eq_ignore_ascii_case(scheme.as_bytes()).then_some(start)
    })
}

/// Where a link whose scheme ends at `from` ends.
fn end(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    if let Some(name) = rest.strip_prefix(SHORTENER) {
        let len = name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if len > 0 {
            return from + SHORTENER.len() + len;
        }
    }
    let len = rest.iter().take_while(|byte| is_of_url(**byte)).count();
    let run = rest.get(..len).unwrap_or_default();
    from + without_tail(run, &strays(run))
}

/// X's own shortener: what it makes holds letters and digits only, so that whatever else follows is text.
const SHORTENER: &[u8] = b"t.co/";

/// The characters of a URL: unreserved, reserved and the per cent sign of RFC 3986.
fn is_of_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Places of the closing brackets of a run that have no opener in it.
fn strays(run: &[u8]) -> Vec<usize> {
    let (mut round, mut square) = (0_usize, 0_usize);
    let mut strays = Vec::new();
    for (at, byte) in run.iter().enumerate() {
        let depth = match byte {
            b'(' | b')' => &mut round,
            b'[' | b']' => &mut square,
            _ => continue,
        };
        if matches!(byte, b'(' | b'[') {
            *depth += 1;
        } else if *depth > 0 {
            *depth -= 1;
        } else {
            strays.push(at);
        }
    }
    strays
}

/// Length of a run without the punctuation and the stray brackets it ends in.
fn without_tail(run: &[u8], strays: &[usize]) -> usize {
    let mut strays = strays.iter().rev().peekable();
    let mut len = run.len();
    while let Some(last) = len.checked_sub(1) {
        let is_stray = strays.next_if_eq(&&last).is_some();
        let is_mark = run.get(last).is_some_and(|byte| b".,;:!?'".contains(byte));
        if !is_stray && !is_mark {
            break;
        }
        len = last;
    }
    len
}

/// Appends `text` with every handle replaced by one space.
///
/// A handle is `@` and ASCII letters, digits or `_`, not after one of these: an e-mail address stays.
pub(crate) fn push_without_handles(text: &str, out: &mut String) {
    let mut kept = 0;
    let mut from = 0;
    while let Some(handle) = handle(text, from) {
        out.push_str(&text[kept..handle.start]);
        out.push(' ');
        kept = handle.end;
        from = handle.end;
    }
    out.push_str(&text[kept..]);
}

/// There is a handle in the text.
pub(crate) fn has_handle(text: &str) -> bool {
    handle(text, 0).is_some()
}

/// The next handle of `text` at or after the byte `from`.
fn handle(text: &str, mut from: usize) -> Option<Range<usize>> {
    let is_of_handle = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    loop {
        let at = from + text.get(from..)?.find('@')?;
        let is_free =
            at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| !is_of_handle(byte));
        let len = bytes.iter().skip(at + 1).take_while(|byte| is_of_handle(byte)).count();
        from = at + 1 + len;
        if is_free && len > 0 {
            return Some(at..from);
        }
    }
}
