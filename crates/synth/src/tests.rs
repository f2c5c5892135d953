use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

fn parsed(seed: u64, frames: u64) -> Vec<(usize, Value)> {
    let lines = Generator::new(Options { frames, seed, ..Options::default() });
    lines
        .map(|line| {
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            (line.len(), value)
        })
        .collect()
}

fn op(frame: &Value) -> (&str, &str) {
    (frame["t"].as_str().unwrap(), frame["op"].as_str().unwrap())
}

fn id(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

fn assert_share(name: &str, found: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&found), "{name}: {found} is not within {low}..={high}");
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    let lines =
        |seed| Generator::new(Options { frames: 500, seed, ..Options::default() }).collect::<Vec<_>>();
    assert_eq!(lines(1), lines(1));
    let (one, two) = (lines(1), lines(2));
    let same = one.iter().zip(&two).filter(|(a, b)| a == b).count();
    assert_eq!(same, 0);
}

#[test]
fn asking_for_none_gives_none() {
    assert_eq!(Generator::new(Options { frames: 0, ..Options::default() }).count(), 0);
}

#[test]
fn frames_are_compact_in_the_vendors_order_and_sorted_by_time() {
    let mut last = 0;
    for line in Generator::new(Options { frames: 2_000, seed: 3, ..Options::default() }) {
        let value: Value = serde_json::from_str(&line).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            matches!(keys[..], ["v", "t", "op", "id", "ts", "d"] | ["v", "t", "op", "ts", "d"]),
            "{keys:?}"
        );
        let ts = value["ts"].as_u64().unwrap();
        assert!(ts >= last);
        last = ts;
        let mut quoted = false;
        let mut escaped = false;
        for byte in line.bytes() {
            assert!(quoted || !byte.is_ascii_whitespace(), "white space outside a string: {line}");
            quoted ^= byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
        }
    }
}

#[test]
fn contents_have_the_sizes_and_shares_asked_for() {
    let frames = parsed(11, 20_000);
    let contents: Vec<&(usize, Value)> =
        frames.iter().filter(|(_, frame)| op(frame) == ("tweet", "content")).collect();
    let mut sizes: Vec<usize> = contents.iter().map(|(size, _)| *size).collect();
    sizes.sort_unstable();
    let at = |per_mille: usize| sizes[sizes.len() * per_mille / 1000];
    assert!((600..900).contains(&at(1)) && at(999) < 3_200, "{} {}", at(1), at(999));
    assert!((1_200..1_400).contains(&at(500)), "median {}", at(500));

    let count = |test: &dyn Fn(&Value) -> bool| {
        share(contents.iter().filter(|(_, frame)| test(&frame["d"])).count(), contents.len())
    };
    assert_share("Truth Social", count(&|d| d["author"]["platform"] == "truth_social"), 0.03, 0.08);
    assert_share("non-ASCII", count(&|d| !d["text"].as_str().unwrap().is_ascii()), 0.08, 0.13);
    assert_share("empty text", count(&|d| d["text"] == ""), 0.01, 0.04);
    for (kind, low, high) in
        [("post", 0.5, 0.6), ("reply", 0.15, 0.26), ("quote", 0.09, 0.16), ("retweet", 0.08, 0.14)]
    {
        assert_share(kind, count(&|d| d["kind"] == kind), low, high);
    }
    let self_reply = |d: &Value| d["kind"] == "reply" && d["ref"]["author"]["id"] == d["author"]["id"];
    assert_share("self-reply", count(&self_reply), 0.02, 0.06);
}

#[test]
fn enrichment_follows_most_tweets_after_a_while() {
    let frames = parsed(12, 20_000);
    let mut sent: BTreeMap<u64, u64> = BTreeMap::new();
    let mut delays = Vec::new();
    let mut early_updates = 0;
    for (_, frame) in &frames {
        let ts = frame["ts"].as_u64().unwrap();
        match op(frame) {
            ("tweet", "content") => {
                assert!(sent.insert(id(&frame["d"]["tweetId"]), ts).is_none(), "a tweet came twice");
            }
            ("tweet", "meta") => delays.push(ts - sent[&id(&frame["d"]["tweetId"])]),
            ("tweet", "update") => {
                early_updates += usize::from(!sent.contains_key(&id(&frame["d"]["tweetId"])));
            }
            _ => {}
        }
    }
    assert_share("meta", share(delays.len(), sent.len()), 0.83, 0.87);
    assert!(early_updates > 20, "{early_updates} updates before their content");
    delays.sort_unstable();
    assert!((50..=3_000).contains(&delays[0]) && delays[delays.len() - 1] <= 3_000);
    assert!((200..240).contains(&delays[delays.len() / 2]), "median {}", delays[delays.len() / 2]);
}

#[test]
fn ids_tell_the_time_of_creation_and_links_end_in_them() {
    for (_, frame) in parsed(13, 5_000).iter().filter(|(_, frame)| op(frame) == ("tweet", "content")) {
        let d = &frame["d"];
        let (id, created) = (id(&d["tweetId"]), d["createdAt"].as_u64().unwrap());
        let truth = d["author"]["platform"] == "truth_social";
        let decoded = if truth { id >> 16 } else { (id >> 22) + 1_288_834_974_657 };
        assert_eq!(decoded, created);
        assert_eq!(frame["id"], d["tweetId"]);
        assert!(frame["ts"].as_u64().unwrap() > created);
        if let Some(link) = d["link"].as_str() {
            assert!(link.ends_with(&format!("/{id}")), "{link}");
        }
        let handle = d["author"]["handle"].as_str().unwrap();
        assert!(handle.starts_with("@Syn") && handle.len() <= 16, "{handle}");
        assert!(d["author"]["bio"].as_str().unwrap().starts_with("Synthetic"));
    }
}

#[test]
fn every_operation_and_field_comes_up() {
    const OPERATIONS: &str = "content update meta delete pin unpin profile_update follow unfollow callout \
        twitter_handles_result auth_ping auth_pong";
    const FIELDS: &str = "tweetId kind text createdAt author link media mentions urls receivedAt ref thumbnail tco \
        ocr detected tokens cex prediction symbol name contract chain networkId priceUsd sources exchange baseAsset \
        quoteAsset url marketId title eventId deletedAt observedAt action tweet actor target changes previous \
        avatar banner bio handle location verifiedLabel websiteUrl badge description platform profileImage \
        followersCount followingCount joinedAt metrics likes tweets verifiedType requestId results input state \
        normalizedHandle twitterId message";
    const WORDS: &str = "gif video polymarket kalshi hyperliquid government business list postponed e-1";
    let text: String = Generator::new(Options { frames: 60_000, seed: 14, ..Options::default() }).collect();
    for operation in OPERATIONS.split_whitespace() {
        assert!(text.contains(&format!(r#""op":"{operation}""#)), "{operation}");
    }
    for field in FIELDS.split_whitespace() {
        assert!(text.contains(&format!(r#""{field}":"#)), "{field}");
    }
    for word in WORDS.split_whitespace() {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn the_span_is_about_what_was_asked_for() {
    for frames in [2_000, 50_000] {
        let mut times = Generator::new(Options { frames, seed: 15, ..Options::default() })
            .map(|line| serde_json::from_str::<Value>(&line).unwrap()["ts"].as_u64().unwrap());
        let first = times.next().unwrap();
        let span = times.last().unwrap() - first;
        assert_share("span", span as f64 / 86_400_000.0, 0.85, 1.15);
    }
}
