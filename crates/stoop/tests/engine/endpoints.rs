//! Several endpoints: the first copy of a frame counts, and the feed is up as long as one of them is.

use std::net::TcpListener;

use stoop::feed::{Api, Cause};
use stoop::{Config, End, Endpoint, Engine, EngineBuilder, Key, News, Placement, Summary};
use stoop_mock::{Fault, Handle, Input};

use super::{ALL, LONG, PLACEMENTS, builder, contents, make_patient, serve, server, wait_for};

/// An engine that reads all of these servers.
fn over(servers: &[&Handle], placement: Placement) -> EngineBuilder {
    let mut config = Config::parse("test", ALL).expect("the rules are right");
    let endpoint = |(at, server): (usize, &&Handle)| Endpoint::new(&format!("e{at}"), &server.url());
    config.endpoints = servers.iter().enumerate().map(endpoint).collect::<Result<_, _>>().expect("URLs");
    config.placement = Some(placement);
    make_patient(&mut config);
    Engine::builder().config(config).key(Key::new("not-a-secret").expect("a key"))
}

fn faulty(frames: usize, spec: &str) -> Handle {
    let fault: Fault = spec.parse().expect("a fault of the language");
    let input = Input::Frames(contents(frames));
    serve(stoop_mock::Config { input, faults: vec![fault], ..stoop_mock::Config::default() })
}

/// What an engine decides until it ends by itself.
fn run(builder: EngineBuilder) -> (Vec<u64>, Vec<News>, Summary) {
    let engine = builder.start().expect("the engine starts");
    let decisions = engine.decisions();
    let notices = engine.notices();
    assert!(engine.ends_within(LONG), "it hangs");
    let seqs = decisions.iter().map(|decision| decision.seq).collect();
    (seqs, notices.try_iter().map(|notice| notice.what).collect(), engine.join())
}

#[test]
fn the_first_copy_counts_and_the_others_are_told_with_their_lag() {
    for placement in PLACEMENTS {
        let servers = [server(contents(200)), server(contents(200)), server(contents(200))];
        let (seqs, _, summary) = run(over(&servers.each_ref(), placement).max_frames(600));
        let alone = run(builder(&servers[0], ALL, placement).max_frames(200)).2;
        assert_eq!(seqs, (0..200).collect::<Vec<u64>>(), "{placement:?}");
        assert_eq!(summary.counters.signal, alone.counters.signal, "{placement:?}");
        assert_eq!((summary.counters.intake.copies, summary.counters.merge.duplicates), (400, 0));
        assert_eq!((summary.counters.intake.frames, summary.counters.feed.opens), (600, 3));
        let names: Vec<&str> = summary.endpoints.iter().map(|endpoint| &*endpoint.name).collect();
        assert_eq!(names, ["e0", "e1", "e2"]);
        let lags = summary.endpoints.iter().filter_map(|endpoint| endpoint.lag.as_ref());
        assert_eq!(lags.map(|lag| lag.count()).sum::<u64>(), 400, "{placement:?}");
        assert!(summary.endpoints.iter().all(|endpoint| endpoint.frames == 200));
        assert_eq!(alone.counters.intake.copies, 0);
        assert!(alone.endpoints[0].lag.is_none());
    }
}

#[test]
fn one_that_refuses_for_good_changes_nothing_for_the_others() {
    for placement in PLACEMENTS {
        let (refusing, good) = (faulty(0, "refuse(401)"), server(contents(50)));
        let (seqs, news, summary) = run(over(&[&refusing, &good], placement).max_frames(50));
        assert_eq!((seqs.len(), &summary.end), (50, &End::MaxFrames), "{placement:?}");
        assert_eq!(summary.counters.feed.gaps, 0, "{placement:?}");
        let refused = news.iter().any(|news| {
            matches!(news, News::Refused { endpoint, cause: Cause::HttpUnauthorized } if endpoint == "e0")
        });
        // Unless the other was through before the refusal came.
        assert!(refused || summary.endpoints[0].feed.opens == 0, "{news:#?}");
        assert!(!summary.endpoints[0].is_up);
    }
}

#[test]
fn when_all_refuse_for_good_the_engine_ends() {
    let servers = [faulty(0, "refuse(401)"), faulty(0, "refuse(403)")];
    let (_, news, summary) = run(over(&servers.each_ref(), Placement::OneArbiter));
    assert!(matches!(summary.end, End::Refused(_)), "{:?}", summary.end);
    assert_eq!(news.iter().filter(|news| matches!(news, News::Refused { .. })).count(), 2, "{news:#?}");
}

#[test]
fn a_gap_is_when_all_are_down() {
    // The one that is left is lost after its frames, and comes again with the same ones.
    let servers = [faulty(0, "refuse(401)"), faulty(20, "conn=1,end:close(1012)")];
    let (seqs, _, summary) = run(over(&servers.each_ref(), Placement::Fused).max_frames(40));
    assert_eq!((seqs.len(), summary.counters.feed.gaps), (20, 1));
    assert_eq!((summary.counters.merge.duplicates, summary.counters.intake.copies), (20, 0));
}

#[test]
fn there_is_one_endpoint_at_least_and_eight_at_most() {
    let server = server(contents(1));
    for count in [0, 9] {
        let error = over(&vec![&server; count], Placement::Fused).start().unwrap_err();
        assert!(error.to_string().contains(&format!("{count} endpoints")), "{error}");
    }
}

/// Three endpoints of which this server has so many connections to give; its REST interface says so.
fn on_a_plan_of(connections: usize, api: Option<&str>, faults: &[&str]) -> (Handle, EngineBuilder) {
    let config = stoop_mock::Config {
        input: Input::Frames(contents(50)),
        max_connections: connections,
        faults: faults.iter().map(|spec| spec.parse().expect("a fault of the language")).collect(),
        ..stoop_mock::Config::default()
    };
    let server = serve(config);
    let mut config = Config::parse("test", ALL).expect("the rules are right");
    let endpoint = |at| Endpoint::new(&format!("e{at}"), &server.url()).expect("the URL is one");
    config.endpoints = (0..3).map(endpoint).collect();
    let api = api.map_or(format!("http://{}", server.addr()), str::to_owned);
    config.api = Api::new(&api).expect("the URL is one");
    make_patient(&mut config);
    (server, Engine::builder().config(config).key(Key::new("not-a-secret").expect("a key")))
}

#[test]
fn endpoints_that_the_plan_has_no_connection_for_are_not_dialled() {
    for (connections, left_out) in [(1, &["e1", "e2"][..]), (2, &["e2"])] {
        let (server, builder) = on_a_plan_of(connections, None, &[]);
        let engine = builder.start().expect("the engine starts");
        for name in left_out {
            let told = wait_for(&engine.notices(), |news| {
                if let News::LeftOut { endpoint, limit } = news { Some((endpoint, limit)) } else { None }
            });
            assert_eq!(told, ((*name).to_owned(), connections as u64));
        }
        engine.stop();
        let summary = engine.join();
        for endpoint in summary.endpoints {
            assert_eq!(endpoint.is_left_out, left_out.contains(&&*endpoint.name), "{endpoint:?}");
            assert_eq!(endpoint.feed.dials, u64::from(!endpoint.is_left_out), "{endpoint:?}");
        }
        assert_eq!((summary.end, server.stop().refused), (End::Stopped, 0));
    }
    let (_server, builder) = on_a_plan_of(3, None, &[]);
    let (seqs, _, summary) = run(builder.max_frames(150));
    assert_eq!((seqs.len(), summary.counters.feed.opens), (50, 3));
    assert!(!summary.endpoints.iter().any(|endpoint| endpoint.is_left_out));
}

#[test]
fn the_first_endpoint_waits_for_no_answer_and_the_others_for_none_that_never_comes() {
    // The system takes the question, and nobody ever reads it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let api = format!("http://{}", silent.local_addr().expect("it has an address"));
    let (_server, builder) = on_a_plan_of(1, Some(&api), &[]);
    let (seqs, _, summary) = run(builder.max_frames(50));
    assert_eq!((seqs.len(), summary.counters.feed.dials), (50, 1));
    // Nobody is there at all.
    drop(silent);
    let (_server, builder) = on_a_plan_of(3, Some(&api), &[]);
    let (seqs, _, summary) = run(builder.max_frames(150));
    assert_eq!((seqs.len(), summary.counters.feed.dials), (50, 3));
}

#[test]
fn one_that_was_left_out_takes_the_connection_of_one_that_is_refused_for_good() {
    let (_server, builder) = on_a_plan_of(1, None, &["conn=1:refuse(403)"]);
    let engine = builder.start().expect("the engine starts");
    let up =
        wait_for(
            &engine.notices(),
            |news| if let News::Up { endpoint } = news { Some(endpoint) } else { None },
        );
    engine.stop();
    let summary = engine.join();
    let is_left_out: Vec<bool> = summary.endpoints.iter().map(|endpoint| endpoint.is_left_out).collect();
    let dials: Vec<u64> = summary.endpoints.iter().map(|endpoint| endpoint.feed.dials).collect();
    assert_eq!((&*up, is_left_out, dials), ("e1", vec![false, false, true], vec![1, 1, 0]));

    let (_server, builder) = on_a_plan_of(1, None, &["refuse(403)"]);
    let (_, news, summary) = run(builder);
    assert!(matches!(summary.end, End::Refused(Cause::HttpForbidden)), "{:?}", summary.end);
    assert_eq!(news.iter().filter(|news| matches!(news, News::Refused { .. })).count(), 3, "{news:#?}");
}
