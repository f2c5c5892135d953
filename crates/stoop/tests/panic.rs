//! A stage that panics. Nothing from outside makes one panic, so a logger does it: stages log, and a log line runs code
//! of the host.

use std::time::Duration;

use stoop::{Config, End, Endpoint, Engine, Key, Placement};
use stoop_mock::{Input, Pace, Server};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Panics where the queue is found full, deep in the last stage.
struct Mine;

impl Subscriber for Mine {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().ends_with("outbox")
    }

    fn event(&self, _: &Event<'_>) {
        panic!("the logger has broken");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

const FRAME: &str = r#"{"v":1,"t":"tweet","op":"content","d":{"tweetId":"ID","text":"a"}}"#;

#[test]
fn a_stage_that_panics_ends_the_engine_and_what_was_decided_is_handed_over() {
    tracing::subscriber::set_global_default(Mine).expect("the only logger of this process");
    for placement in [Placement::Fused, Placement::OneArbiter, Placement::PerActor] {
        let frames = (1..=50).map(|id| FRAME.replace("ID", &id.to_string()).into_bytes()).collect();
        let server = Server::start(stoop_mock::Config {
            pace: Pace::AtOnce,
            input: Input::Frames(frames),
            ..stoop_mock::Config::default()
        });
        let server = server.expect("the server starts");
        let mut config = Config::parse("rules", "[[rule]]\nname = \"all\"\n").expect("a configuration");
        config.endpoints = vec![Endpoint::new("mock", &server.url()).expect("its URL is one")];
        config.placement = Some(placement);
        config.queue_capacity = 1;
        let key = Key::new("k").expect("a key");
        let engine = Engine::builder().config(config).key(key).start().expect("the engine starts");
        let decisions = engine.decisions();
        assert!(engine.ends_within(Duration::from_mins(10)), "{placement:?} hangs");
        assert_eq!(decisions.iter().map(|decision| decision.seq).collect::<Vec<_>>(), [0], "{placement:?}");
        let summary = engine.join();
        assert!(summary.end.is_failure());
        let End::Panicked(message) = &summary.end else { panic!("{placement:?}: {}", summary.end) };
        assert!(message.ends_with("the logger has broken"), "{message}");
        assert_eq!(summary.counters.feed.dials, 1, "{placement:?}: no actor comes back by itself");
        server.stop();
    }
}
