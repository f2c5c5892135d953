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
/// How far ids that are no snowflakes are moved per round: above the bits in which neighbours differ.
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
        if !text.windows(MARK.len()).any(|window| window == MARK) {
            return;
        }
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else { return };
        let frames = value.as_array().map_or(std::slice::from_ref(&value), Vec::as_slice);
        for payload in frames.iter().map(|frame| &frame["d"]) {
            self.learn_post(payload, false);
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

/// Writes a frame with its edits carried out.
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
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use stoop_synth::{Generator, Options};

    const TWEET: &str = "2064689031777615872";
    const DELTA_MS: i64 = 1_000;

    #[test]
    fn a_wrong_clock_moves_the_time_of_sending_only() {
        let text = br#"[{"ts":1781095200123,"d":{"ts":1,"createdAt":2,"tweetId":"2064689031777615872"}},{"ts":"x"}]"#;
        let late = String::from_utf8(super::moved(text, -5_000)).unwrap();
        assert_eq!(late, String::from_utf8_lossy(text).replace("1781095200123", "1781095195123"));
    }

    fn moved(id: &str, delta_ms: i64) -> String {
        (id.parse::<i64>().unwrap() + (delta_ms << 22)).to_string()
    }

    fn check(frames: &[&str], shift: Shift, expect: &[&str]) {
        let mut ids = Ids::default();
        for frame in frames {
            ids.learn(frame.as_bytes(), crate::scan::frame_ts(frame.as_bytes()));
        }
        for (frame, expect) in frames.iter().zip(expect) {
            let edits = ids.edits(frame.as_bytes());
            let found = String::from_utf8(apply(frame.as_bytes(), &edits, shift)).unwrap();
            assert_eq!(&found, expect);
        }
    }

    #[test]
    fn times_and_ids_move_together_and_nothing_else_does() {
        let new = moved(TWEET, DELTA_MS);
        let content = |ts: i64, id: &str| {
            format!(
                r#"{{"v":1, "t":"tweet","op":"content","id":"{id}","ts":{ts},"d":{{"tweetId":"{id}","text":"at {TWEET} \"ts\":1","createdAt":{created},"receivedAt":{ts},"author":{{"id":"{TWEET}","joinedAt":1264000000000}},"link":"https://x.com/a/status/{id}","ref":{{"tweetId":"{id}"}},"urls":[{{"url":"https:\/\/x.com\/a\/status\/{id}"}}]}}}}"#,
                created = ts - 200,
            )
        };
        let meta = |ts: i64, id: &str| {
            format!(
                r#"{{"v":1,"t":"tweet","op":"meta","id":"{id}","ts":{ts},"d":{{"tweetId":"{id}","detected":{{"tokens":[{{"priceUsd":0.00000000000123400}},{{"priceUsd":1e-12}}]}}}}}}"#
            )
        };
        let ts = 1_781_095_200_123;
        check(
            &[&content(ts, TWEET), &meta(ts + 5, TWEET)],
            Shift { delta_ms: DELTA_MS, round: 0 },
            &[&content(ts + DELTA_MS, &new), &meta(ts + 5 + DELTA_MS, &new)],
        );
    }

    #[test]
    fn truth_social_ids_change_only_with_the_round() {
        let id = "114512345678901234";
        let frame = |ts: i64, id: &str, joined: bool| {
            let author = if joined { r#","author":{"platform":"truth_social"}"# } else { "" };
            format!(r#"{{"id":"{id}","ts":{ts},"d":{{"tweetId":"{id}"{author}}}}}"#)
        };
        let ts = 1_781_095_200_123;
        let next = (id.parse::<u64>().unwrap() + (1 << 40)).to_string();
        for (round, expect) in [(0, id), (1, &next)] {
            check(
                &[&frame(ts, id, true), &frame(ts, id, false)],
                Shift { delta_ms: 1, round },
                &[&frame(ts + 1, expect, true), &frame(ts + 1, expect, false)],
            );
        }
        // The same digits as a real snowflake's, but known to be of the other platform.
        check(
            &[&frame(ts, TWEET, true), &frame(ts, TWEET, false)],
            Shift { delta_ms: 1, round: 0 },
            &[&frame(ts + 1, TWEET, true), &frame(ts + 1, TWEET, false)],
        );
    }

    #[test]
    fn event_ids_get_a_suffix_and_the_envelope_follows() {
        let ts = 1_781_095_200_123;
        for id in ["evt_1", "2064689031777615872"] {
            let frame = |ts: i64, id: &str| {
                format!(
                    r#"{{"t":"account","op":"follow","id":"{id}","ts":{ts},"d":{{"eventId":"{id}","observedAt":{ts}}}}}"#
                )
            };
            check(
                &[&frame(ts, id)],
                Shift { delta_ms: 255, round: 0 },
                &[&frame(ts + 255, &format!("{id}-ff"))],
            );
        }
    }

    #[test]
    fn a_pinned_tweet_moves_inside_its_envelope_and_a_batch_like_its_frames() {
        let ts = 1_781_095_200_123;
        let new = moved(TWEET, DELTA_MS);
        let frame = |ts: i64, id: &str, event: &str| {
            format!(
                r#"[{{"ts":{ts},"id":"{id}","d":{{"tweetId":"{id}","eventId":"{event}","tweet":{{"tweetId":"{id}","createdAt":{ts}}}}}}},{{"ts":{ts}}}]"#
            )
        };
        check(
            &[&frame(ts, TWEET, "e")],
            Shift { delta_ms: DELTA_MS, round: 0 },
            &[&frame(ts + DELTA_MS, &new, "e-3e8")],
        );
    }

    /// Walks two values side by side and reports each leaf that differs, with the key it stands under.
    fn differences(old: &Value, new: &Value, key: &str, found: &mut Vec<(String, Value, Value)>) {
        match (old, new) {
            (Value::Object(a), Value::Object(b)) => {
                assert!(a.keys().eq(b.keys()));
                a.iter().zip(b.values()).for_each(|((key, a), b)| differences(a, b, key, found));
            }
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len());
                a.iter().zip(b).for_each(|(a, b)| differences(a, b, key, found));
            }
            (a, b) if a != b => found.push((key.to_owned(), a.clone(), b.clone())),
            _ => {}
        }
    }

    #[test]
    fn a_whole_day_moves_consistently() {
        let options = Options { frames: 6_000, seed: 5, ..Options::default() };
        let frames: Vec<String> = Generator::new(options).collect();
        let mut ids = Ids::default();
        for frame in &frames {
            ids.learn(frame.as_bytes(), crate::scan::frame_ts(frame.as_bytes()));
        }
        let shift = Shift { delta_ms: 86_400_000 * 30, round: 1 };
        let (mut forth, mut back) = (BTreeMap::new(), BTreeMap::new());
        let mut moved_keys = BTreeSet::new();
        for frame in &frames {
            let text =
                String::from_utf8(apply(frame.as_bytes(), &ids.edits(frame.as_bytes()), shift)).unwrap();
            let (old, new): (Value, Value) =
                (serde_json::from_str(frame).unwrap(), serde_json::from_str(&text).unwrap());
            assert_eq!(new["ts"].as_i64().unwrap(), old["ts"].as_i64().unwrap() + shift.delta_ms);
            let mut found = Vec::new();
            differences(&old, &new, "", &mut found);
            for (key, old, new) in found {
                if let (Some(old), Some(new)) = (old.as_i64(), new.as_i64()) {
                    assert_eq!(new - old, shift.delta_ms, "{key}");
                } else if key == "tweetId" {
                    let (old, new) = (old.to_string(), new.to_string());
                    assert_eq!(*forth.entry(old.clone()).or_insert_with(|| new.clone()), new, "{old}");
                    assert_eq!(*back.entry(new.clone()).or_insert_with(|| old.clone()), old, "{new}");
                }
                moved_keys.insert(key);
            }
        }
        let expect =
            ["createdAt", "deletedAt", "eventId", "id", "link", "observedAt", "receivedAt", "ts", "tweetId"];
        assert!(moved_keys.iter().eq(expect.iter()), "{moved_keys:?}");
        assert!(forth.len() > 3_000, "{} ids", forth.len());
    }
}
