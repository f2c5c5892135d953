//! The whole engine as a host has it, against a mock server on this machine.

mod backfill;
mod dial;
mod endpoints;
mod host;
mod notices;
mod strategies;

use std::time::Duration;

use stoop::crossbeam_channel::Receiver;
use stoop::model::Decision;
use stoop::{Config, Endpoint, Engine, EngineBuilder, Key, News, Notice, Placement};
use stoop_mock::{Handle, Input, Pace, Server};

const PLACEMENTS: [Placement; 3] = [Placement::Fused, Placement::OneArbiter, Placement::PerActor];
/// A rule that opens on every post, and whose decisions no deadline of a test's length touches.
const ALL: &str = "[[rule]]\nname = \"r\"\nsettle = \"5m\"\n";
/// Longer than anything here takes on the slowest machine: only a failing test waits for it.
const LONG: Duration = Duration::from_mins(10);

fn tweet(op: &str, id: &str) -> Vec<u8> {
    let rest = if op == "content" { r#","text":"a","author":{"handle":"@ab"}"# } else { "" };
    format!(r#"{{"v":1,"t":"tweet","op":"{op}","d":{{"tweetId":"{id}"{rest}}}}}"#).into_bytes()
}

fn contents(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|id| tweet("content", &id.to_string())).collect()
}

/// A server that sends these frames as fast as they are read, and stays.
fn server(frames: Vec<Vec<u8>>) -> Handle {
    serve(stoop_mock::Config { input: Input::Frames(frames), ..stoop_mock::Config::default() })
}

fn serve(config: stoop_mock::Config) -> Handle {
    Server::start(stoop_mock::Config { pace: Pace::AtOnce, ..config }).expect("the mock server starts")
}

/// An engine to be, with these rules, that reads this server.
fn builder(server: &Handle, rules: &str, placement: Placement) -> EngineBuilder {
    let mut config = Config::parse("test", rules).expect("the rules are right");
    config.endpoints = vec![Endpoint::new("mock", &server.url()).expect("the URL is one")];
    config.placement = Some(placement);
    make_patient(&mut config);
    Engine::builder().config(config).key(Key::new("not-a-secret").expect("a key"))
}

/// A server that closes is dialled again at once, and none is left because the machine is busy.
fn make_patient(config: &mut Config) {
    config.feed.backoff_base = Duration::from_millis(1);
    config.feed.backoff_cap = Duration::from_millis(1);
    config.feed.connect_timeout = LONG;
    config.feed.pong_timeout = LONG;
}

fn next(decisions: &Receiver<Decision>) -> Decision {
    decisions.recv_timeout(LONG).expect("a decision comes")
}

/// The first of the news to come that `pick` picks.
fn wait_for<T>(notices: &Receiver<Notice>, mut pick: impl FnMut(News) -> Option<T>) -> T {
    // Counters may be told of every millisecond, whatever else comes.
    const NEWS: u32 = 1_000_000;
    for _ in 0..NEWS {
        let notice = notices.recv_timeout(LONG).expect("news come");
        assert!(notice.at_ns > 0);
        if let Some(picked) = pick(notice.what) {
            return picked;
        }
    }
    panic!("waited for news that are not among {NEWS}")
}
