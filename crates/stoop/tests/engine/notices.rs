//! What the engine tells its host besides decisions.

use std::time::Duration;

use stoop::feed::Cause;
use stoop::notice::{HandleOutcome, HandleReport};
use stoop::{Config, End, Endpoint, Engine, Key, News, Placement};
use stoop_mock::{Fault, Input};

use super::{ALL, LONG, PLACEMENTS, builder, contents, next, serve, server, wait_for};

fn fault(spec: &str) -> Fault {
    spec.parse().expect("a fault of the language")
}

#[test]
fn a_connection_that_is_lost_and_comes_again_leaves_a_gap() {
    for placement in PLACEMENTS {
        // Two connections of one frame each; the second ends the run before it is closed too.
        let server = serve(stoop_mock::Config {
            input: Input::Frames(contents(1)),
            faults: vec![fault("end:close(1012)")],
            ..stoop_mock::Config::default()
        });
        let engine = builder(&server, ALL, placement).max_frames(2).start().unwrap();
        let notices = engine.notices();
        assert!(engine.ends_within(LONG), "{placement:?}");
        let counters = engine.join().counters;
        let news: Vec<News> = notices.try_iter().map(|notice| notice.what).collect();
        let [News::Up { .. }, News::Down { cause: Cause::CloseRestart, .. }, News::Up { .. }, gap] =
            &news[..]
        else {
            panic!("{placement:?}: {news:#?}");
        };
        let News::Gap { from_ns, to_ns, cause: Some(Cause::CloseRestart) } = gap else { panic!("{gap:?}") };
        assert_eq!((counters.feed.gaps, counters.feed.gap_ns), (1, to_ns - from_ns));
        assert!(counters.feed.gap_ns > 0);
        assert_eq!(counters.signal.gaps, 1, "an input for the engine too");
        assert_eq!((counters.feed.dials, counters.feed.opens), (2, 2));
    }
}

#[test]
fn a_limit_that_is_reached_is_told_with_what_the_plan_is_used_for() {
    let server = serve(stoop_mock::Config {
        faults: vec![fault("first=1:refuse(429)")],
        input: Input::Frames(contents(1)),
        ..stoop_mock::Config::default()
    });
    let mut config = Config::parse("test", ALL).unwrap();
    config.endpoints = vec![Endpoint::new("mock", &server.url()).unwrap()];
    config.api = stoop::feed::Api::new(&format!("http://{}", server.addr())).unwrap();
    config.feed.slow_lane = [Duration::from_millis(1), Duration::from_millis(2)];
    let engine = Engine::builder().config(config).key(Key::new("k").unwrap()).start().unwrap();
    let me = wait_for(&engine.notices(), |news| if let News::Plan(me) = news { Some(me) } else { None });
    assert_eq!(me.plan.as_deref(), Some("ELITE"));
    assert_eq!(me.sockets.limit, Some(stoop_mock::Config::default().max_connections as u64));
}

#[test]
fn a_refusal_is_told_before_the_engine_ends() {
    let faults = vec![fault("refuse(401)")];
    let server = serve(stoop_mock::Config { faults, ..stoop_mock::Config::default() });
    let engine = builder(&server, ALL, Placement::OneArbiter).start().unwrap();
    let notices = engine.notices();
    let summary = engine.join();
    assert_eq!(summary.end, End::Refused(Cause::HttpUnauthorized));
    assert!(summary.end.is_failure() && summary.end.to_string().contains("401"));
    let news: Vec<News> = notices.try_iter().map(|notice| notice.what).collect();
    assert!(matches!(news[..], [News::Refused { cause: Cause::HttpUnauthorized, .. }]), "{news:#?}");
}

#[test]
fn a_server_that_cannot_be_reached_is_told_and_dialled_again() {
    let server = server(Vec::new());
    let url = server.url();
    server.stop();
    let mut config = Config::parse("test", ALL).unwrap();
    config.endpoints = vec![Endpoint::new("mock", &url).unwrap()];
    config.feed.backoff_base = Duration::from_millis(1);
    config.feed.backoff_cap = Duration::from_millis(1);
    let key = Key::new("not-a-secret").unwrap();
    let engine = Engine::builder().config(config).key(key).start().unwrap();
    let notices = engine.notices();
    let mut downs = 0;
    wait_for(&notices, |news| {
        assert!(matches!(news, News::Down { .. }), "{news:?}");
        downs += 1;
        (downs == 2).then_some(())
    });
    assert!(!engine.snapshot().unwrap().counters.link.is_up);
}

#[test]
fn the_result_of_an_account_command_is_passed_on() {
    let frame = r#"{"v":1,"t":"control","op":"twitter_handles_result","id":"result-1","ts":1781100002900,"d":{
        "action":"follow","requestId":"request-1","error":null,
        "results":[{"input":"@ab","state":"added","handle":"ab","twitterId":"19","message":"state added"}]}}"#;
    for placement in PLACEMENTS {
        let server = server(vec![frame.as_bytes().to_vec()]);
        let engine = builder(&server, ALL, placement).start().unwrap();
        let report = wait_for(&engine.notices(), |news| {
            let News::Handles(report) = news else { return None };
            Some(report)
        });
        let text = |text: &str| Some(text.to_owned());
        let row = HandleOutcome {
            input: text("@ab"),
            state: text("added"),
            handle: text("ab"),
            twitter_id: text("19"),
            message: text("state added"),
        };
        let expect = HandleReport {
            action: text("follow"),
            request_id: text("request-1"),
            error: None,
            rows: vec![row],
        };
        assert_eq!(report, expect, "{placement:?}");
    }
}

#[test]
fn the_counters_are_told_as_often_as_was_asked_for() {
    for placement in PLACEMENTS {
        let server = server(contents(3));
        let builder = builder(&server, ALL, placement).status_every(Duration::from_millis(1));
        let engine = builder.start().unwrap();
        let mut told = 0;
        let counters = wait_for(&engine.notices(), |news| {
            let News::Status(counters) = news else { return None };
            told += 1;
            (counters.decisions == 3).then_some(counters)
        });
        assert!(counters.link.is_up && counters.intake.frames == 3, "{placement:?}: {counters:?}");
        assert!(told >= 1);
    }
}

#[test]
fn a_queue_that_fills_and_empties_is_told_of() {
    for placement in PLACEMENTS {
        let server = server(contents(10));
        let rules = format!("{ALL}[queue]\ncapacity = 1\n");
        let engine = builder(&server, &rules, placement).start().unwrap();
        let (decisions, notices) = (engine.decisions(), engine.notices());
        let is = |wanted: &'static str| move |news: News| (format!("{news:?}") == wanted).then_some(());
        wait_for(&notices, is("QueueFull"));
        let taken: Vec<u64> = (0..10).map(|_| next(&decisions).seq).collect();
        assert_eq!(taken, (0..10).collect::<Vec<_>>(), "{placement:?}");
        wait_for(&notices, is("QueueFree"));
    }
}
