//! A log that cannot be written costs the log, and never the run.

use std::cell::Cell;
use std::fs::File;
use std::net::TcpListener;

use serde_json::Value;

use crate::decisions::{TIMELESS, assert_same, json, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Call, Program, stoop};

const PLACEMENTS: [&str; 3] = ["one-arbiter", "fused", "per-actor"];

fn lost(status: &Value) -> u64 {
    status["log"]["lost"].as_u64().expect("a status line counts the lines lost")
}

/// Runs through three connections, and sees that everything was decided although no line of the log was written.
fn runs_without_its_log(placement: &str, start: impl FnOnce(Call) -> Program) {
    let desk = Desk::new();
    let input = fixture("frames/lifecycle.jsonl");
    let mock = Mock::start(&input, &["--at-once", "--close-at-end", "1012"]);
    let config = desk.config(&mock.addr, TIMELESS, &format!("[engine]\nplacement = \"{placement}\""));
    let thrice = (3 * frames("lifecycle").len()).to_string();
    let run = stoop(&["run", "-c", &config, "--max-frames", &thrice, "--status", "1h"]).key("k");
    let run = start(run).finish().expect(0);
    let last = run.stdout.last().expect("a status line is the last");
    assert!(lost(&json(last)) > 0, "{placement}: {last}");
    // The first status line is written at once, yet decisions may be quicker.
    let is_decision = |line: &&String| json(line)["kind"] != "status";
    let decided: Vec<String> = run.stdout.iter().filter(is_decision).cloned().collect();
    assert_same(&timeless(&decided), &replayed(&input, &config));
}

#[test]
fn a_log_on_a_full_disk_does_not_end_a_run() {
    for placement in PLACEMENTS {
        let full = File::options().write(true).open("/dev/full").expect("a disk that is always full");
        runs_without_its_log(placement, |run| run.stderr_to(full).start());
    }
}

#[test]
fn a_log_whose_reader_is_gone_does_not_end_a_run() {
    for placement in PLACEMENTS {
        runs_without_its_log(placement, |run| {
            let mut run = run.with_stderr_unread().start();
            run.close_stderr();
            run
        });
    }
}

/// A run whose log is long, because ports at which nobody listens are dialled all the time, and stuck, because nobody
/// reads it; it has lost lines.
fn stuck(desk: &Desk, mock: &Mock, placement: &str) -> Program {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let nobody = free.local_addr().expect("it has an address");
    drop(free);
    let endpoint = |addr: &str| format!("[[feed.endpoint]]\nurl = \"ws://{addr}/ws\"\n");
    let endpoints = [endpoint(&mock.addr), endpoint(&nobody.to_string()).repeat(7)].concat();
    let config = desk.file(
        "stuck.toml",
        format!(
            "{TIMELESS}\n[engine]\nplacement = \"{placement}\"\n[queue]\ndrain_timeout = \"10m\"\n\
             [feed]\napi = \"http://{nobody}\"\nbackoff_base = \"1ms\"\nbackoff_cap = \"1ms\"\n{endpoints}"
        ),
    );
    let run = stoop(&["run", "-c", &config, "--json", "--status", "20ms"]).key("k");
    let run = run.with_stderr_unread().start();
    run.stdout.wait_for_status("lines are lost", |status| status["log"]["lost"].as_u64() > Some(0));
    run
}

fn busy_mock() -> Mock {
    Mock::start(&fixture("frames/lifecycle.jsonl"), &["--rate", "200", "--loop", "--rebase"])
}

/// Waits until a decision is made that is not there yet.
fn wait_for_more(run: &Program) {
    let next_seq = |status: &Value| status["next_seq"].as_u64();
    let before = next_seq(&run.stdout.wait_for_status("a place", |status| next_seq(status).is_some()));
    run.stdout.wait_for_status("decisions go on", |status| next_seq(status) > before);
}

fn goes_on(placement: &str) {
    let (desk, mock) = (Desk::new(), busy_mock());
    let run = stuck(&desk, &mock, placement);
    wait_for_more(&run);
    run.signal("TERM");
    // Whatever ends it must not be the limit of a stop, which is ten minutes here.
    run.finish().expect(143);
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    goes_on("one-arbiter");
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up_with_the_stages_in_place() {
    goes_on("fused");
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up_with_a_thread_for_each_actor() {
    goes_on("per-actor");
}

#[test]
fn a_log_that_is_read_again_tells_how_many_lines_it_has_lost() {
    let (desk, mock) = (Desk::new(), busy_mock());
    let mut run = stuck(&desk, &mock, "one-arbiter");
    run.read_stderr();
    let count = Cell::new(0);
    let told = run.stderr.wait_for("the number of log lines that were lost", |line| {
        // What stands in the pipe and in the queue comes first, and then this; the log itself never ends.
        count.set(count.get() + 1);
        assert!(count.get() < 20_000, "the log does not tell");
        line.ends_with(" log lines were lost")
    });
    let count = told["stoop: ".len()..].split(' ').next().and_then(|count| count.parse::<u64>().ok());
    assert!(count > Some(0), "{told}");
    run.signal("TERM");
    let run = run.finish().expect(143);
    assert!(run.summary()["log"]["lost"].as_u64() >= count, "{}", run.summary());
}
