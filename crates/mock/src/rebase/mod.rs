//! Moves the times of a frame and re-mints its ids to match.
//!
//! The same old id always becomes the same new id, wherever it stands, so that content, updates and
//! enrichment of one tweet still belong together.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::scan::{integer, scalars};

/// X ids count ms from here, in their upper 42 bits.
const SNOWFLAKE_EPOCH_MS: i64 = 1_288_834_974_657;
const SNOWFLAKE_SHIFT: u32 = 22;
/// Ids of Truth Social, read as snowflakes, fall before this until the 2030s, and so do counters. X ids
/// that are really older are not moved either, which does no harm: they are only ever referred to.
const SNOWFLAKE_FROM_MS: i64 = 1_325_376_000_000;
const DAY_MS: i64 = 86_400_000;
/// How far ids that are not snowflakes are moved per round: above the bits in which neighbours differ.
const FOREIGN_SHIFT: u32 = 40;

/// One place of a frame that changes, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    at: Range<usize>,
    old: Old,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    /// A time in Unix ms.
    Time(i64),
    /// The id of a tweet whose upper bits are its time.
    Snowflake(u64),
    /// The id of a post in another id space.
    Foreign(u64),
    /// An opaque id; it gets a suffix.
    Opaque,
}

/// How far one round of one client is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shift {
    /// Added to every time.
    pub(crate) delta_ms: i64,
    /// Rounds of the input before this one.
    pub(crate) round: u64,
}

/// What must be known of the whole input to tell the id spaces apart.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    truth_social: BTreeSet<u64>,
    last_ms: i64,
}

impl Ids {
    /// Notes the posts of Truth Social in a frame, and its time.
    pub(crate) fn learn(&mut self, text: &[u8], ts: Option<i64>) {
        const MARK: &[u8] = b"truth_social";
        self.last_ms = self.last_ms.max(ts.unwrap_or(0));
        // Parsing is slow, and nearly all frames are of X.
        if !text.windows(MARK.len()).any(|window| window == MARK) {
            return;
        }
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else { return };
        let frames = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for payload in frames.iter().map(|frame| &frame["d"]) {
            self.learn_post(payload, false);
            // A pinned tweet need not repeat its author.
            self.learn_post(&payload["tweet"], author_is_foreign(payload));
        }
    }

    fn learn_post(&mut self, post: &serde_json::Value, inherited: bool) {
        let foreign = inherited || author_is_foreign(post);
        for (post, foreign) in [(post, foreign), (&post["ref"], foreign || author_is_foreign(&post["ref"]))] {
            if foreign && let Some(id) = post["tweetId"].as_str().and_then(|id| id.parse().ok()) {
                self.truth_social.insert(id);
            }
        }
    }

    fn old(&self, digits: &[u8]) -> Option<Old> {
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let id: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let created_ms = (id >> SNOWFLAKE_SHIFT) as i64 + SNOWFLAKE_EPOCH_MS;
        // A day of grace: ids may be a little ahead of the frames' own clock.
        let plausible = (SNOWFLAKE_FROM_MS..=self.last_ms + DAY_MS).contains(&created_ms);
        let snowflake = plausible && !self.truth_social.contains(&id);
        Some(if snowflake { Old::Snowflake(id) } else { Old::Foreign(id) })
    }

    /// Finds what changes in a frame, in the order of its bytes.
    pub(crate) fn edits(&self, text: &[u8]) -> Vec<Edit> {
        let mut edits = Vec::new();
        let mut event_ids: Vec<&[u8]> = Vec::new();
        let mut envelope_ids: Vec<usize> = Vec::new();
        scalars(text, |scalar| {
            let value = &text[scalar.at.clone()];
            let old = match (scalar.key, scalar.string) {
                (Some(b"ts"), false) if scalar.objects == 1 => integer(value).map(Old::Time),
                (Some(b"createdAt" | b"receivedAt" | b"observedAt" | b"deletedAt"), false) => {
                    integer(value).map(Old::Time)
                }
                (Some(b"tweetId"), true) => self.old(value),
                (Some(b"eventId"), true) => {
                    event_ids.push(value);
                    Some(Old::Opaque)
                }
                (Some(b"id"), true) if scalar.objects == 1 => {
                    envelope_ids.push(edits.len());
                    self.old(value).or(Some(Old::Opaque))
                }
                (_, true) => {
                    let digits = value.len() - link_id(value).len();
                    if let Some(old) = self.old(&value[digits..]) {
                        edits.push(Edit { at: scalar.at.start + digits..scalar.at.end, old });
                    }
                    None
                }
                (_, false) => None,
            };
            edits.extend(old.map(|old| Edit { at: scalar.at, old }));
        });
        // The envelope of an account event may repeat its event id, which may be all digits.
        for at in envelope_ids {
            let edit: &mut Edit = &mut edits[at];
            if event_ids.contains(&&text[edit.at.clone()]) {
                edit.old = Old::Opaque;
            }
        }
        edits
    }
}

fn author_is_foreign(post: &serde_json::Value) -> bool {
    post["author"]["platform"] == "truth_social"
}

/// The digits at the end of a link to a post; empty for any other string.
fn link_id(value: &[u8]) -> &[u8] {
    let digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, id) = value.split_at(value.len() - digits);
    let is_link =
        [&b"/status/"[..], b"/posts/", br"\/status\/", br"\/posts\/"].iter().any(|tail| head.ends_with(tail));
    if is_link { id } else { &[] }
}

/// Writes a frame with its edits applied.
pub(crate) fn apply(text: &[u8], edits: &[Edit], shift: Shift) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16 * edits.len());
    let mut copied = 0;
    for edit in edits {
        out.extend_from_slice(&text[copied..edit.at.start]);
        copied = edit.at.end;
        let new = match edit.old {
            Old::Time(ms) => ms.checked_add(shift.delta_ms).map(|ms| ms.to_string()),
            Old::Snowflake(id) => {
                let moved = i128::from(id) + (i128::from(shift.delta_ms) << SNOWFLAKE_SHIFT);
                u64::try_from(moved).ok().map(|id| id.to_string())
            }
            Old::Foreign(id) => shift
                .round
                .checked_mul(1 << FOREIGN_SHIFT)
                .and_then(|step| id.checked_add(step))
                .map(|id| id.to_string()),
            Old::Opaque => {
                let old = String::from_utf8_lossy(&text[edit.at.clone()]);
                Some(format!("{old}-{:x}", shift.delta_ms))
            }
        };
        match new {
            Some(new) => out.extend_from_slice(new.as_bytes()),
            None => out.extend_from_slice(&text[edit.at.clone()]),
        }
    }
    out.extend_from_slice(&text[copied..]);
    out
}

/// Writes a frame with its `ts` moved, or those of a batch, and nothing else: a server whose clock is wrong.
pub(crate) fn moved(text: &[u8], by_ms: i64) -> Vec<u8> {
    let mut edits = Vec::new();
    scalars(text, |scalar| {
        if scalar.objects == 1 && scalar.key == Some(b"ts") && !scalar.string {
            let old = integer(&text[scalar.at.clone()]).map(Old::Time);
            edits.extend(old.map(|old| Edit { at: scalar.at, old }));
        }
    });
    apply(text, &edits, Shift { delta_ms: by_ms, round: 0 })
}

#[cfg(test)]
mod tests;
