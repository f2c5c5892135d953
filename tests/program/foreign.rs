//! Against a WebSocket server of another make: the same frames give the decisions of a replay, however they travel.

use crate::decisions::{TIMELESS, assert_same, digest, replayed, timeless};
use crate::desk::{Desk, fixture, frames};
use crate::driver::{Finished, stoop};
use crate::feed::{Answer, Feed, Guest, Travel, Visit};

/// Runs against visits until so many messages have come.
fn run(visits: Vec<Visit>, messages: usize, more: &str) -> (Finished, Vec<Guest>) {
    let desk = Desk::new();
    let count = visits.len();
    let feed = Feed::start(visits);
    let config = desk.config(&feed.addr, TIMELESS, more);
    let args = ["run", "-c", &config, "--json", "--max-frames", &messages.to_string()];
    let run = stoop(&args).key("k").finish().expect(0);
    assert_eq!(run.summary()["digest"], digest(&run.stdout));
    (run, feed.finish(count))
}

fn expected(name: &str) -> Vec<String> {
    let desk = Desk::new();
    replayed(&fixture(&format!("frames/{name}.jsonl")), &desk.file("rules.toml", TIMELESS))
}

#[test]
fn frames_decide_the_same_however_they_travel() {
    for name in ["lifecycle", "many_assets", "out_of_order", "unicode"] {
        let (frames, expect) = (frames(name), expected(name));
        for travel in [Travel::Text, Travel::Binary, Travel::Fragments, Travel::Batches] {
            let is_batched = matches!(travel, Travel::Batches);
            let messages = if is_batched { frames.len().div_ceil(10) } else { frames.len() };
            let visit = Visit { travel, ..Visit::plain(frames.clone()) };
            let (found, guests) = run(vec![visit], messages, "");
            assert_same(&timeless(&found.stdout), &expect);
            assert_eq!(guests[0].close, Some(1000), "a clean stop says good-bye");
            if matches!(travel, Travel::Fragments) {
                assert!(guests[0].pongs > 0, "pings between fragments are answered");
            }
        }
    }
}

#[test]
fn frames_decide_the_same_whatever_sub_protocol_is_selected() {
    let (frames, expect) = (frames("lifecycle"), expected("lifecycle"));
    for answer in [Answer::Version, Answer::Token, Answer::Nothing] {
        let visit = Visit { answer, ..Visit::plain(frames.clone()) };
        let (found, _) = run(vec![visit], frames.len(), "");
        assert_same(&timeless(&found.stdout), &expect);
    }
}

#[test]
fn a_lost_connection_is_taken_up_again_and_nothing_is_decided_twice() {
    let (frames, expect) = (frames("lifecycle"), expected("lifecycle"));
    for code in [1000, 1001, 1011, 1012, 4999] {
        let visits = vec![
            Visit::plain(frames[..20].to_vec()).closed(code),
            Visit::plain(frames[..40].to_vec()).closed(code),
            Visit::plain(frames.clone()),
        ];
        let (found, guests) = run(visits, 60 + frames.len(), "");
        assert_same(&timeless(&found.stdout), &expect);
        assert_eq!(found.summary()["feed"]["opens"], 3, "after {code}");
        assert_eq!(guests[0].close, Some(code), "the close is answered");
    }
}

#[test]
fn what_the_socket_cannot_take_is_counted_and_the_connection_taken_up_again() {
    let (frames, expect) = (frames("lifecycle"), expected("lifecycle"));
    let not_utf8 = b"{\"v\":1,\"t\":\"\xff\"}".to_vec();
    let over_the_limit = vec![b' '; (16 << 20) + 1];
    for (bad, code) in [(not_utf8, 1007), (over_the_limit, 1009)] {
        let first = Visit::plain([&frames[..10], &[bad]].concat());
        let (found, guests) = run(vec![first, Visit::plain(frames.clone())], 10 + frames.len(), "");
        assert_same(&timeless(&found.stdout), &expect);
        assert_eq!(guests[0].close, Some(code));
        let summary = found.summary();
        assert_eq!((&summary["feed"]["rejected"], &summary["bad_frames"]), (&1.into(), &1.into()));
    }
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_so_and_come_back_to() {
    let (frames, expect) = (frames("lifecycle"), expected("lifecycle"));
    // A reserved bit, a mask, an opcode nobody knows, a ping in pieces.
    for broken in [&b"\xc1\x01x"[..], b"\x81\x81\0\0\0\0x", b"\x83\0", b"\x09\0"] {
        let first = Visit { raw: broken.to_vec(), ..Visit::plain(frames[..10].to_vec()) };
        let (found, guests) = run(vec![first, Visit::plain(frames.clone())], 10 + frames.len(), "");
        assert_same(&timeless(&found.stdout), &expect);
        assert_eq!(guests[0].close, Some(1002), "{broken:x?}");
        assert!(found.errors().contains("WebSocket protocol violation"), "{}", found.errors());
        assert_eq!(found.summary()["feed"]["rejected"], 0);
    }
}

#[test]
fn a_frame_over_max_frame_is_counted_and_the_stream_goes_on() {
    let (mut frames, expect) = (frames("lifecycle"), expected("lifecycle"));
    let long = format!(r#"{{"v":1,"t":"tweet","op":"content","d":{{"text":"{}"}}}}"#, "a".repeat(40_000));
    frames.insert(5, long.into_bytes());
    let (found, _) = run(vec![Visit::plain(frames.clone())], frames.len(), "max_frame = 30000");
    assert_same(&timeless(&found.stdout), &expect);
    assert_eq!(found.summary()["bad"]["too_long"], 1, "{}", found.summary()["bad"]);
    assert_eq!(found.summary()["feed"]["opens"], 1);
}

#[test]
fn a_server_that_answers_no_ping_is_left() {
    let frames = frames("lifecycle");
    let expect = expected("lifecycle");
    let visits = vec![Visit::plain(frames[..30].to_vec()).without_pongs(), Visit::plain(frames.clone())];
    // As long as a busy machine may need: the second visit is the last.
    let settings = "ping_interval = \"300ms\"\npong_timeout = \"3s\"";
    let (found, guests) = run(visits, 30 + frames.len(), settings);
    assert_same(&timeless(&found.stdout), &expect);
    assert!(guests[0].pings > 0);
}
