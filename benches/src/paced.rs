//! The live engine, one frame at a time: a mock server sends at an even pace over loopback.

use std::ops::RangeInclusive;

use stoop::latency::Stage;
use stoop::{Config, End, Endpoint, Engine, Key, Placement};
use stoop_mock::{Input, Pace, Server};

/// Frames a second: far below what any placement can do, so that each frame finds the engine idle.
const RATE: f64 = 2_000.0;
/// Decides on every content at once and on nothing else.
const RULES: &str = "[[rule]]\nname = \"all\"\nfire = \"content\"\n\
    kinds = [\"post\", \"quote\", \"reply\", \"self_reply\", \"retweet\"]\n";

/// Median time from the socket read to the decision queue, ns, in one run of the engine over these content frames.
///
/// # Panics
///
/// If the engine does not end as it should, or decides on too few frames to speak of a median.
pub fn recv_to_queued_ns(placement: Placement, contents: &[Vec<u8>]) -> f64 {
    let server = Server::start(stoop_mock::Config {
        pace: Pace::Rate(RATE),
        input: Input::Frames(contents.to_vec()),
        ..stoop_mock::Config::default()
    });
    let server = server.expect("a port of loopback is free");
    let mut config = Config::parse("all", RULES).expect("the rule is one");
    config.endpoints = vec![Endpoint::new("mock", &server.url()).expect("the server has a URL")];
    config.placement = Some(placement);
    let engine = Engine::builder()
        .config(config)
        .key(Key::new("bench").expect("a key"))
        .max_frames(contents.len() as u64)
        .start()
        .expect("a thread");
    let decided = engine.decisions().iter().count();
    let summary = engine.join();
    server.stop();
    assert_eq!(summary.end, End::MaxFrames);
    assert!(
        expected(contents.len()).contains(&decided),
        "{decided} decisions on {} contents",
        contents.len()
    );
    let p50 = summary.latency.snapshot().row(Stage::Total).p50;
    p50.expect("decisions are measured") as f64
}

/// Some frames may be of one tweet.
fn expected(contents: usize) -> RangeInclusive<usize> {
    contents / 2..=contents
}
