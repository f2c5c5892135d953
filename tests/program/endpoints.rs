//! Two servers of the same feed.

use crate::decisions::{TIMELESS, assert_same, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::stoop;

#[test]
fn two_endpoints_decide_what_one_does_and_the_summary_tells_who_was_first() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mocks = [Mock::start(&input, &["--at-once"]), Mock::start(&input, &["--at-once"])];
    let [a, b] = mocks.each_ref().map(|mock| mock.addr.clone());
    let text = format!(
        "{TIMELESS}\n[[feed.endpoint]]\nname = \"a\"\nurl = \"ws://{a}/ws\"\n\
         [[feed.endpoint]]\nname = \"b\"\nurl = \"ws://{b}/ws\"\n"
    );
    let config = desk.file("stoop.toml", text);
    let count = frames("lifecycle").len();
    let both = (2 * count).to_string();
    let run = stoop(&["run", "-c", &config, "--json", "--max-frames", &both]).key("k").finish().expect(0);
    assert_same(&timeless(&run.stdout), &replayed(&input, &config));
    let summary = run.summary();
    let endpoints = summary["endpoints"].as_array().expect("a list");
    assert_eq!(
        endpoints.iter().map(|each| each["name"].as_str().unwrap_or("")).collect::<Vec<_>>(),
        ["a", "b"]
    );
    let of = |member: &str| endpoints.iter().filter_map(|each| each[member].as_u64()).sum::<u64>();
    assert_eq!((of("frames"), of("opens")), (2 * count as u64, 2));
    assert_eq!(of("copies"), summary["copies"].as_u64().expect("a count"));
    // Each frame comes twice; those that no merge tells apart (bad ones) are no copies.
    assert!(of("copies") > count as u64 / 2, "{summary}");
}

#[test]
fn an_endpoint_the_plan_has_no_connection_for_is_left_out_and_the_summary_says_so() {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once", "--plan", "basic", "--max-connections", "1"]);
    let addr = &mock.addr;
    let endpoint = format!("[[feed.endpoint]]\nurl = \"ws://{addr}/ws\"\n");
    let config =
        desk.file("stoop.toml", format!("{TIMELESS}\n[feed]\napi = \"http://{addr}\"\n{endpoint}{endpoint}"));
    let run = stoop(&["run", "-c", &config, "--json"]).key("k").start();
    run.stderr.wait_for("the second endpoint to be left out", |line| {
        line.contains("endpoint-2") && line.contains("left out")
    });
    run.signal("TERM");
    let endpoints = run.finish().expect(143).summary()["endpoints"].clone();
    assert_eq!((&endpoints[0]["left_out"], &endpoints[0]["dials"]), (&false.into(), &1.into()));
    assert_eq!((&endpoints[1]["left_out"], &endpoints[1]["dials"]), (&true.into(), &0.into()));
}
