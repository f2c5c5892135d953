//! The fingerprint of a payload: XXH3 over its bytes without its own `receivedAt`.
//!
//! Two endpoints may send the same payload with different receipt times, or one of them without. So the member is cut
//! out together with one comma, and what remains is what would have been sent without it. White space is not
//! normalised.

use twox_hash::XxHash3_64;

/// The payload's own `receivedAt`, as offsets into the frame.
#[derive(Clone, Copy)]
pub(crate) struct Cut {
    /// The opening quote of its name.
    pub(crate) quote: usize,
    /// The opening quote of the next member's name; none for the last member.
    pub(crate) next: Option<usize>,
}

/// Where the value of a payload lies in `bytes`, given the opening quote of its name, and either the opening quote of
/// the next member's name or the end of the envelope.
pub(crate) fn extent(
    bytes: &[u8],
    quote: usize,
    next: Option<usize>,
    envelope_end: usize,
) -> Option<(usize, usize)> {
    let mut at = quote + 1;
    loop {
        match bytes.get(at)? {
            b'"' => break,
            // The name may be written with escapes.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    let start = at + bytes.get(at..)?.iter().position(|byte| *byte == b'{')?;
    // Only white space and a comma are between the payload and the next name or the end of the envelope.
    let before = next.or_else(|| envelope_end.checked_sub(1))?;
    let end = bytes.get(..before)?.iter().rposition(|byte| *byte == b'}')? + 1;
    (start < end).then_some((start, end))
}

/// Fingerprint of `bytes[start..end]`, an object, without the member `cut`. `scratch` is cleared and reused.
pub(crate) fn of(bytes: &[u8], (start, end): (usize, usize), cut: Option<Cut>, scratch: &mut Vec<u8>) -> u64 {
    let kept = cut.and_then(|cut| {
        let (from, to) = gap(bytes, end, cut)?;
        Some((bytes.get(start..from)?, bytes.get(to..end)?))
    });
    let Some((head, tail)) = kept else {
        return XxHash3_64::oneshot(bytes.get(start..end).unwrap_or_default());
    };
    scratch.clear();
    scratch.extend_from_slice(head);
    scratch.extend_from_slice(tail);
    XxHash3_64::oneshot(scratch)
}

/// The bytes to leave out: the member and the comma after it, or for the last member the one before it.
fn gap(bytes: &[u8], end: usize, cut: Cut) -> Option<(usize, usize)> {
    if let Some(next) = cut.next {
        return Some((cut.quote, next));
    }
    let value_end = bytes.get(..end.checked_sub(1)?)?.iter().rposition(|byte| !is_space(*byte))? + 1;
    let before = bytes.get(..cut.quote)?.iter().rposition(|byte| !is_space(*byte))?;
    // The only member has no comma.
    let from = if bytes.get(before) == Some(&b',') { before } else { cut.quote };
    Some((from, value_end))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
