//! Fixtures are listed, used, synthetic and consistent.

use std::path::Path;

use serde_json::Value;
use stoop_tests::{files, fixture, read, read_text, workspace};

/// The vendor's printed example, whose handle is not ours to choose.
const VENDOR: &str = "vendor";
/// Lines of this file are wrong on purpose.
const ODD: &str = "odd";
/// The longest handle X allows; those of our fixtures are longer, so that nobody owns one.
const LONGEST_HANDLE: usize = 15;

/// Paths of all fixtures, relative to their folder.
fn all() -> Vec<String> {
    let root = fixture("");
    let relative =
        |path: &Path| path.strip_prefix(&root).ok().and_then(|path| Some(path.to_str()?.to_owned()));
    files(&root).iter().filter_map(|path| relative(path)).collect()
}

/// The good frames of a fixture by name; batches are taken apart.
fn frames(name: &str) -> Vec<Value> {
    let bytes = read(&format!("frames/{name}.jsonl"));
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parse = |line| serde_json::from_slice::<Value>(line).unwrap_or_else(|e| panic!("{name}: {e}"));
    lines.map(parse).flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value])).collect()
}

/// Names of the frame fixtures that hold only good frames and are not compressed.
fn good_frames() -> Vec<String> {
    let paths = all();
    let name = |path: &String| Some(path.strip_prefix("frames/")?.strip_suffix(".jsonl")?.to_owned());
    paths.iter().filter_map(name).filter(|name| name != ODD).collect()
}

#[test]
fn every_fixture_is_listed() {
    let readme = read_text("README.md");
    for path in all().iter().filter(|path| *path != "README.md") {
        let pattern = match path.rsplit_once('/') {
            Some(("rules/bad", _)) => "rules/bad/*.toml",
            Some(("study/prices", _)) => "study/prices/*.csv.zst",
            Some(("golden", name)) if name.ends_with(".decisions.jsonl") => "golden/*.decisions.jsonl",
            _ => path,
        };
        assert!(readme.contains(&format!("`{pattern}`")), "fixtures/README.md does not list `{pattern}`");
    }
}

#[test]
fn every_fixture_is_used_by_a_test() {
    let sources: String = [workspace("tests"), workspace("crates"), workspace("benches")]
        .iter()
        .flat_map(|folder| files(folder))
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect();
    for path in all().iter().filter(|path| *path != "README.md") {
        let name = path.rsplit('/').next().unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default();
        // Rule files and prices are read folder by folder.
        let is_used = path.starts_with("rules/")
            || path.starts_with("study/prices/")
            || [stem, name, path].iter().any(|text| sources.contains(&format!("\"{text}\"")));
        assert!(is_used, "no test names fixtures/{path}");
    }
}

#[test]
fn every_golden_has_its_frames() {
    for path in all() {
        let theme = path.strip_prefix("golden/").and_then(|path| path.strip_suffix(".decisions.jsonl"));
        if let Some(theme) = theme {
            assert!(fixture(&format!("frames/{theme}.jsonl")).is_file(), "no frames for {path}");
        }
    }
}

#[test]
fn handles_of_fixtures_are_too_long_to_exist() {
    for name in good_frames().iter().filter(|name| *name != VENDOR) {
        for frame in frames(name) {
            let payload = &frame["d"];
            let authors =
                [&payload["author"], &payload["ref"]["author"], &payload["actor"], &payload["target"]];
            for handle in authors.iter().filter_map(|author| author["handle"].as_str()) {
                assert!(handle.len() > 1 + LONGEST_HANDLE, "{name}: {handle} could be somebody's");
            }
        }
    }
}

#[test]
fn ids_are_snowflakes_of_their_times() {
    for name in good_frames() {
        for frame in frames(&name) {
            let payload = &frame["d"];
            let is_content = frame["t"] == "tweet" && frame["op"] == "content";
            let platform = payload["author"]["platform"].as_str().unwrap_or("twitter");
            let id = payload["tweetId"].as_str().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
            // Shorter ids are of the other platform, borrowed to show that both spaces are apart.
            if !is_content || platform != "twitter" || id < 1 << 60 {
                continue;
            }
            let created_ms = payload["createdAt"].as_u64().expect("a content frame has its time");
            assert_eq!((id >> 22) + 1_288_834_974_657, created_ms, "{name}: {id}");
            let sent_ms = frame["ts"].as_u64().expect("a good frame has ts");
            assert!(sent_ms > created_ms, "{name}: {id} was sent before it was written");
        }
    }
}

#[test]
fn every_operation_and_every_field_of_the_protocol_occurs() {
    let frames = frames("operations");
    for (family, op) in [
        ("tweet", "content"),
        ("tweet", "update"),
        ("tweet", "meta"),
        ("tweet", "delete"),
        ("tweet", "pin"),
        ("tweet", "unpin"),
        ("account", "profile_update"),
        ("account", "follow"),
        ("account", "unfollow"),
        ("account", "callout"),
        ("control", "twitter_handles_result"),
        ("control", "auth_ping"),
        ("control", "auth_pong"),
    ] {
        let occurs = frames.iter().any(|frame| frame["t"] == family && frame["op"] == op);
        assert!(occurs, "no frame is {family}/{op}");
    }
    let text = read_text("frames/operations.jsonl");
    let fields = "tweetId kind text createdAt author link media mentions urls receivedAt ref url type thumbnail handle \
                  id name tco platform profileImage banner bio location followersCount followingCount joinedAt metrics \
                  likes tweets verifiedType verifiedLabel badge description websiteUrl ocr detected tokens cex \
                  prediction symbol contract chain networkId priceUsd sources exchange baseAsset quoteAsset marketId \
                  title eventId deletedAt observedAt action tweet actor changes previous avatar target requestId error \
                  results input state normalizedHandle twitterId message";
    for field in fields.split_whitespace() {
        assert!(text.contains(&format!("\"{field}\":")), "no frame has `{field}`");
    }
}

#[test]
fn the_demo_is_short_and_lively() {
    let times: Vec<u64> = frames("demo").iter().filter_map(|frame| frame["ts"].as_u64()).collect();
    let (first, last) = (times.first().expect("frames"), times.last().expect("frames"));
    assert!(times.is_sorted(), "the demo is played in order");
    assert!((4_000..=6_000).contains(&(last - first)), "it takes {} ms", last - first);
    assert!((70..=120).contains(&times.len()), "it has {} frames", times.len());
}
