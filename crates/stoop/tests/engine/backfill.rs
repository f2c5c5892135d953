//! What an outage lost, in every placement.

use std::time::Duration;

use stoop::feed::Api;
use stoop::notice::BackfillEnd;
use stoop::{Config, Endpoint, Engine, Key, News};
use stoop_mock::Input;

use super::{LONG, PLACEMENTS, make_patient, serve};

const POSTS: usize = 12;
const SHOWN: usize = 5;
const RULES: &str = r#"
[[rule]]
name = "strict"
settle = "5m"

[[rule]]
name = "taking"
settle = "5m"
allow_late = true
"#;

/// A post and its enrichment, all posts within a moment.
fn frames() -> Vec<Vec<u8>> {
    let post = |number: usize| {
        let ts = 1_781_095_200_000_i64 + number as i64;
        let id = (ts - 1_288_834_974_657) << 22 | number as i64;
        let frame = |op: &str, rest: &str| {
            format!(r#"{{"v":1,"t":"tweet","op":"{op}","ts":{ts},"d":{{"tweetId":"{id}"{rest}}}}}"#)
                .into_bytes()
        };
        let rest = format!(r#","text":"post {number}","createdAt":{ts},"author":{{"handle":"@ab"}}"#);
        [frame("content", &rest), frame("meta", r#","ocr":{"text":"o"}"#)]
    };
    (0..POSTS).flat_map(post).collect()
}

#[test]
fn rows_are_late_frames_and_what_nobody_took_is_told() {
    for placement in PLACEMENTS {
        let lost = format!("conn=1,after={}:close(1012)", 2 * SHOWN);
        let server = serve(stoop_mock::Config {
            input: Input::Frames(frames()),
            rebase: true,
            faults: vec![lost.parse().expect("a fault of the language")],
            ..stoop_mock::Config::default()
        });
        let mut config = Config::parse("test", RULES).unwrap();
        config.endpoints = vec![Endpoint::new("mock", &server.url()).unwrap()];
        config.api = Api::new(&format!("http://{}", server.addr())).unwrap();
        config.placement = Some(placement);
        make_patient(&mut config);
        config.backfill = Some(Duration::from_millis(50));
        let engine = Engine::builder().config(config).key(Key::new("k").unwrap()).start().unwrap();
        let (decisions, notices) = (engine.decisions(), engine.notices());
        let (mut missed, mut end) = (Vec::new(), None);
        // The last of the rows may still be on its way when it is told that all are in.
        while missed.len() < POSTS - SHOWN || end.is_none() {
            let news = notices.recv_timeout(LONG).expect("news come").what;
            if let News::Backfill { rows, end: how, .. } = news {
                end = Some((rows, how));
            } else if let News::Missed(signal) = news {
                missed.push(signal);
            }
        }
        engine.stop();
        let lines: Vec<_> = decisions.iter().collect();
        let counters = engine.join().counters;
        // Those lost, those shown before and those shown since.
        assert_eq!(end, Some((2 * POSTS as u64, BackfillEnd::Whole)), "{placement:?}");
        assert!(missed.iter().all(|missed| missed.rule.name == "strict"));
        assert_eq!((missed.len(), counters.signal.missed), (POSTS - SHOWN, (POSTS - SHOWN) as u64));
        let late: Vec<_> = lines.iter().filter(|line| line.late).collect();
        let brief = |line: &&stoop::model::Decision| format!("{} {}", line.kind.as_str(), line.tweet_id);
        let expect: Vec<String> = missed
            .iter()
            .flat_map(|missed| ["open", "confirm"].map(|kind| format!("{kind} {}", missed.tweet_id)))
            .collect();
        assert_eq!(
            late.iter().copied().map(|line| brief(&line)).collect::<Vec<_>>(),
            expect,
            "{placement:?}"
        );
        assert!(late.iter().all(|line| line.rule.name == "taking" && line.latency.is_some()));
        // Two rules, an open and a confirm each, for all that the feed brought.
        assert_eq!(lines.len() - late.len(), 4 * (SHOWN + POSTS), "{placement:?}");
        assert_eq!(counters.intake.late, 4 * POSTS as u64);
        assert_eq!(counters.merge.duplicates, 2 * (SHOWN + POSTS) as u64);
    }
}
