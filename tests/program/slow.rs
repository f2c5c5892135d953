//! A consumer that does not keep up.

use crate::decisions::{assert_same, parse, replayed, timeless};
use crate::desk::Desk;
use crate::driver::stoop;
use crate::feed::{Feed, Visit};

/// Frames of 20 kB, far more in all than pipes and sockets hold.
const FRAMES: u64 = 2_500;
const RULES: &str = r#"
[[rule]]
name = "all"
any = ["token"]
fire = "content"
ttl = "1h"
"#;

fn large_frames() -> Vec<Vec<u8>> {
    let padding = "a ".repeat(10_000);
    let frame = |number: u64| {
        let id = 2_064_689_031_777_615_872 + (number << 22);
        let ts = 1_781_095_200_123 + number;
        format!(
            r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}","text":"token {padding}"}}}}"#
        )
    };
    (0..FRAMES).map(|number| frame(number).into_bytes()).collect()
}

#[test]
fn a_stuck_consumer_stops_the_reading_not_the_pings_and_loses_nothing() {
    let (desk, frames) = (Desk::new(), large_frames());
    let expect = replayed(&desk.frames("frames.jsonl", &frames), &desk.file("rules.toml", RULES));
    for placement in ["fused", "one-arbiter", "per-actor"] {
        let feed = Feed::start(vec![Visit::plain(frames.clone())]);
        let settings = format!(
            "ping_interval = \"40ms\"\npong_timeout = \"4s\"\n\
             [queue]\ncapacity = 2\n[engine]\nplacement = \"{placement}\""
        );
        let config = desk.config(&feed.addr, RULES, &settings);
        let count = FRAMES.to_string();
        let args = ["run", "-c", &config, "--max-frames", &count, "--json"];
        let mut run = stoop(&args).key("k").start_unread();
        // More pings than fit into the time a pong may take: its deadline waits as well.
        let guest = feed.wait_for(0, "to send 120 pings", |guest| guest.pings >= 120);
        assert!(guest.frames < FRAMES as usize, "everything was read though nobody took a decision");
        run.read_stdout();
        let run = run.finish().expect(0);
        assert_eq!(parse(&run.stdout).len(), FRAMES as usize);
        assert_same(&timeless(&run.stdout), &expect);
        let summary = run.summary();
        assert_eq!(summary["feed"]["opens"], 1, "the connection stood");
        assert!(summary["feed"]["pongs"].as_u64().is_some_and(|pongs| pongs > 0));
        assert!(summary["queue"]["full"].as_u64().is_some_and(|full| full > 0));
        for lost in ["expired", "dropped_opens", "dropped_followers", "undelivered"] {
            assert_eq!(summary["queue"][lost], 0, "{lost}");
        }
    }
}

#[test]
fn sigterm_ends_a_run_whose_output_nobody_reads() {
    // Started together: each takes the whole grace.
    let stuck = ["hold", "drop_newest"].map(|when_full| {
        let desk = Desk::new();
        let feed = Feed::start(vec![Visit::plain(large_frames())]);
        let settings = format!(
            "ping_interval = \"50ms\"\n\
             [queue]\ncapacity = 2\ndrain_timeout = \"100ms\"\nwhen_full = \"{when_full}\""
        );
        let config = desk.config(&feed.addr, RULES, &settings);
        let run = stoop(&["run", "-c", &config]).key("k").start_unread();
        (desk, feed, run)
    });
    for (_, feed, run) in &stuck {
        feed.wait_for(0, "to send 3 pings", |guest| guest.pings >= 3);
        run.signal("TERM");
    }
    for (_desk, _feed, run) in stuck {
        run.finish_unread().expect(143);
    }
}
