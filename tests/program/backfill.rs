//! An outage that loses frames: history fills it, and says what was missed.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::decisions::{digest, json};
use crate::desk::{Desk, Mock};
use crate::driver::{Finished, Program, stoop};

/// Posts of the input, ten ms apart; those with an odd number are of interest.
const POSTS: usize = 20;
/// Posts that the first connection shows before it is lost.
const SHOWN: usize = 8;
const RULES: &str = "[[rule]]\nname = \"edge\"\nassets = { tokens = true }\nmax_age = \"1m\"\n";
const FEED: &str = "backfill_delay = \"100ms\"";

fn post(number: usize) -> Vec<u8> {
    let ts = 1_781_095_200_000_i64 + 10 * number as i64;
    // Posts of one moment on two timelines are still two posts.
    let id = (ts - 20 - 1_288_834_974_657) << 22 | number as i64;
    let text = if number % 2 == 1 { format!("$EDGE{}", letter(number)) } else { "nothing".to_owned() };
    let created = ts - 20;
    let frame = format!(
        r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}","text":"{text}","createdAt":{created},"author":{{"handle":"@some_desk_of_mocks"}}}}}}"#
    );
    frame.into_bytes()
}

/// A ticker has letters only where it matters.
fn letter(number: usize) -> char {
    char::from(b'A' + number as u8)
}

/// Runs until a line is logged, then stops.
fn run(rules: &str, feed: &str, mock_args: &[&str], awaited: &str) -> Finished {
    let (program, _mock, _desk) = start(rules, feed, mock_args);
    program.stderr.wait_for(awaited, |line| line.contains(awaited));
    program.signal("TERM");
    program.finish().expect(143)
}

/// A run whose first connection is lost with what it would have shown next.
pub(crate) fn start(rules: &str, feed: &str, mock_args: &[&str]) -> (Program, Mock, Desk) {
    let desk = Desk::new();
    let posts: Vec<Vec<u8>> = (0..POSTS).map(post).collect();
    let input = desk.frames("posts.jsonl", &posts);
    let lost = format!("conn=1,after={SHOWN}:close(1012)");
    let args = [&["--at-once", "--rebase", "--fault", &lost][..], mock_args].concat();
    let mock = Mock::start(&input, &args);
    let config = desk.config(&mock.addr, rules, &format!("{FEED}\n{feed}"));
    (stoop(&["run", "-c", &config, "--json"]).key("k").start(), mock, desk)
}

/// Tickers of the opens that say so of being late.
fn opened(run: &Finished, late: bool) -> BTreeSet<String> {
    let lines = run.stdout.iter().map(|line| json(line));
    let opens = lines.filter(|line| line["kind"] == "open" && line["late"] == late);
    opens.map(|line| line["asset"]["symbol"].as_str().expect("a ticker").to_owned()).collect()
}

fn tickers(numbers: std::ops::Range<usize>) -> BTreeSet<String> {
    numbers.filter(|number| number % 2 == 1).map(|number| format!("EDGE{}", letter(number))).collect()
}

#[test]
fn what_an_outage_lost_is_fetched_and_the_missed_signals_are_named() {
    let run = run(RULES, "", &[], "history has filled the gap from");
    let (summary, errors) = (run.summary(), run.errors());
    assert!(errors.contains("the feed was away"), "{errors}");
    let missed: Vec<&String> =
        run.stderr.iter().filter(|line| line.contains("missed while the feed was down: ")).collect();
    let named = |line: &&String| {
        let (_, ticker) = line.split_once(", ticker ").expect("what it is about");
        ticker.split(',').next().expect("a name").to_owned()
    };
    assert_eq!(missed.iter().map(named).collect::<BTreeSet<_>>(), tickers(SHOWN..POSTS), "{errors}");
    assert_eq!(missed.len(), tickers(SHOWN..POSTS).len());
    let told = ["rule edge on twitter ", " by some_desk_of_mocks, ticker EDGE", ", posted 20"];
    assert!(told.iter().all(|part| missed[0].contains(part)), "{}", missed[0]);
    // The second connection shows everything anew: its posts are others.
    let (live, late) = (opened(&run, false), opened(&run, true));
    assert_eq!((live, late), (tickers(0..POSTS), BTreeSet::new()));
    assert_eq!(digest(&run.stdout), summary["digest"]);
    let count = |path: &str| summary.pointer(path).unwrap_or_else(|| panic!("no {path}")).clone();
    assert_eq!((count("/feed/gaps"), count("/signal/gaps")), (Value::from(1), Value::from(1)));
    assert_eq!(count("/feed/backfills"), 1);
    assert_eq!(count("/feed/backfill_failed"), 0);
    // Those of the gap, those shown before, and those shown since.
    assert_eq!(count("/feed/backfill_rows"), 2 * POSTS);
    assert_eq!(count("/late"), 2 * POSTS);
    assert_eq!(count("/merge/duplicates"), SHOWN + POSTS);
    assert_eq!(count("/merge/joined"), 2 * POSTS);
    assert_eq!(count("/signal/missed"), tickers(SHOWN..POSTS).len());
    let latency = summary["latency_ns"].as_array().expect("rows");
    let sent = latency.iter().find(|row| row["stage"] == "sent→recv").expect("the stage");
    // Sent at once, they are ahead of their times.
    let all = ["count", "negative"].iter().filter_map(|name| sent[*name].as_u64()).sum::<u64>();
    assert_eq!(all, (SHOWN + POSTS) as u64, "only what the feed brought: {sent}");
}

#[test]
fn a_rule_that_takes_what_is_late_opens_on_it() {
    let rules = format!("{RULES}allow_late = true\n");
    let run = run(&rules, "", &[], "history has filled the gap from");
    assert_eq!((opened(&run, false), opened(&run, true)), (tickers(0..POSTS), tickers(SHOWN..POSTS)));
    assert_eq!(run.summary()["signal"]["missed"], 0);
    let mut lines = run.stdout.iter().map(|line| json(line)).filter(|line| line["late"] == true);
    let rising = lines.try_fold(0, |before, line| {
        let created = line["created_ms"].as_i64().expect("a time");
        (created >= before).then_some(created)
    });
    assert!(rising.is_some(), "oldest first");
}

#[test]
fn a_plan_without_history_is_gone_on_without_and_told_once() {
    const TOLD: &str = "the plan of this key has no history";
    let basic = ["--plan", "basic"];
    let (program, mock, desk) = start(RULES, "", &basic);
    program.stderr.wait_for(TOLD, |line| line.contains(TOLD));
    // Lost again, and the end long after it would have been asked again.
    mock.program.signal("TERM");
    mock.program.finish().expect(143);
    let end = ["--listen", &mock.addr, "--at-once", "--rebase", "--fault", "at=400ms:close(4001)"];
    let _mock = Mock::start(&desk.name("posts.jsonl"), &[&end[..], &basic].concat());
    let run = program.finish().expect(77);
    let (summary, errors) = (run.summary(), run.errors());
    assert_eq!(errors.matches(TOLD).count(), 1, "{errors}");
    assert_eq!(opened(&run, false), tickers(0..POSTS));
    assert_eq!((&summary["feed"]["backfills"], &summary["late"]), (&Value::from(0), &Value::from(0)));
    assert_eq!(
        (&summary["feed"]["backfill_failed"], &summary["feed"]["gaps"]),
        (&Value::from(1), &Value::from(2))
    );
}

#[test]
fn history_that_cannot_be_read_is_told_and_nothing_else_suffers() {
    // Where the mock has no REST interface.
    let desk = Desk::new();
    let mock = Mock::start(&desk.frames("none.jsonl", &[post(0)]), &[]);
    let feed = format!("api = \"http://{}/nowhere\"", mock.addr);
    let run = run(RULES, &feed, &[], "history cannot be read");
    assert_eq!(opened(&run, false), tickers(0..POSTS));
    assert_eq!(run.summary()["feed"]["backfill_failed"], 1);
}

#[test]
fn a_stop_waits_for_no_request() {
    // It takes the request and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let feed = format!("api = \"http://{}\"", silent.local_addr().expect("an address"));
    let run = run(RULES, &feed, &[], "asking history for what the feed has lost");
    assert!(run.errors().contains("the run ends before a gap is filled"), "{}", run.errors());
    assert_eq!(run.summary()["end"], "stopped");
}

#[test]
fn nobody_asks_where_it_is_switched_off() {
    // The server ends the run long after it would have been asked.
    let ending = ["--fault", "conn=2,at=400ms:close(4001)"];
    let (program, _mock, _desk) = start(RULES, "backfill = false", &ending);
    let run = program.finish().expect(77);
    let feed = &run.summary()["feed"];
    assert_eq!(
        (&feed["gaps"], &feed["backfills"], &feed["backfill_rows"]),
        (&Value::from(1), &Value::from(0), &Value::from(0))
    );
    assert!(!run.errors().contains("history"), "{}", run.errors());
}
