use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use stoop_synth::{Generator, Options};

const TWEET: &str = "2064689031777615872";
const DELTA_MS: i64 = 1_000;

#[test]
fn a_wrong_clock_moves_the_time_of_sending_only() {
    let text =
        br#"[{"ts":1781095200123,"d":{"ts":1,"createdAt":2,"tweetId":"2064689031777615872"}},{"ts":"x"}]"#;
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
        check(&[&frame(ts, id)], Shift { delta_ms: 255, round: 0 }, &[&frame(ts + 255, &format!("{id}-ff"))]);
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
        let text = String::from_utf8(apply(frame.as_bytes(), &ids.edits(frame.as_bytes()), shift)).unwrap();
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
