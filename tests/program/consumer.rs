//! The consumer in Python, over what the program writes.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use crate::decisions::json;
use crate::desk::{Desk, fixture};
use crate::driver::{Call, Program, call, stoop};

/// A call of the consumer.
fn consumer(args: &[&str]) -> Call {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python/consumer.py");
    let script = script.to_str().expect("the workspace lies at a path of text");
    // Bytecode beside the script would dirty the tree; a locale of bytes is the hardest for texts.
    call("python3", &[&["-B", script], args].concat()).env("LC_ALL", "C")
}

fn run(args: &[&str]) -> Run {
    run_over(b"", args)
}

fn run_over(input: &[u8], args: &[&str]) -> Run {
    let run = consumer(args).stdin(input.to_vec()).finish();
    Run { code: run.code, notes: run.errors(), actions: run.stdout }
}

/// What a consumer that has ended leaves behind.
struct Run {
    code: Option<i32>,
    actions: Vec<String>,
    notes: String,
}

impl Run {
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.notes);
        self
    }

    #[track_caller]
    fn notes(&self, what: &str) {
        assert!(self.notes.contains(what), "no {what:?} in\n{}", self.notes);
    }
}

/// A consumer that follows a file.
struct Follower {
    program: Program,
    /// Actions that a test has looked at.
    taken: usize,
}

impl Follower {
    fn start(args: &[&str]) -> Self {
        Self { program: consumer(args).start(), taken: 0 }
    }

    fn next(&mut self) -> String {
        self.take(1).remove(0)
    }

    fn take(&mut self, count: usize) -> Vec<String> {
        let from = self.taken;
        self.taken += count;
        self.program.stdout.wait_for_lines(self.taken);
        self.program.stdout.seen()[from..self.taken].to_vec()
    }

    /// Ends it with a signal; the actions that nobody has looked at, and its code.
    fn end(self, signal: &str) -> (Vec<String>, Option<i32>) {
        self.program.signal(signal);
        let ended = self.program.finish();
        (ended.stdout[self.taken..].to_vec(), ended.code)
    }
}

/// Lines of a replay of the fixture, each with its newline.
fn replayed() -> Vec<String> {
    let (input, rules) = (fixture("frames/lifecycle.jsonl"), fixture("rules/lifecycle.toml"));
    let run = stoop(&["replay", &input, "-c", &rules]).finish().expect(0);
    run.stdout.iter().map(|line| format!("{line}\n")).collect()
}

fn append(path: &str, text: &str) {
    let file = std::fs::OpenOptions::new().append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the file can be appended to");
}

/// What was done about one decision, in order.
fn verbs(actions: &[String], id: &str) -> Vec<String> {
    let of_id = actions.iter().filter(|action| action.contains(&format!("id={id}")));
    of_id.map(|action| action.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_replay_is_entered_replaced_undone_and_told_by_desk() {
    let lines = replayed();
    let run = run_over(lines.concat().as_bytes(), &["--replay"]).expect(0);
    let mut seen = BTreeSet::new();
    for line in &lines {
        let open = json(line);
        let id = open["id"].as_str().expect("an id");
        if open["kind"] != "open" || !seen.insert(id.to_owned()) {
            continue;
        }
        let steps = lines.iter().map(|line| json(line)).filter(|step| step["id"] == id);
        let steps: Vec<String> = steps.map(|step| step["kind"].as_str().expect("a kind").into()).collect();
        let is_traded = open["side"] != "alert" && !open["asset"].is_null();
        let desk = if open["destination"] == "risk" { "risk:" } else { "spot:" };
        let verb = |kind: &String| match (kind.as_str(), is_traded) {
            ("open", true) => Some("enter"),
            ("revise", true) => Some("replace"),
            ("cancel", true) => Some("undo"),
            ("open" | "revise" | "cancel", false) => Some("tell"),
            _ => None,
        };
        let expect: Vec<String> =
            steps.iter().filter_map(verb).map(|verb| format!("{desk} {verb}")).collect();
        assert_eq!(verbs(&run.actions, id), expect, "{line}");
    }
    assert!(seen.len() > 20 && run.notes.is_empty(), "{} decisions\n{}", seen.len(), run.notes);
}

#[test]
fn without_the_time_of_the_lines_every_open_of_an_old_run_has_expired() {
    let run = run_over(replayed().concat().as_bytes(), &[]).expect(0);
    assert!(run.actions.is_empty(), "{:?}", run.actions);
    run.notes("seq 0: open passed over: expired");
}

#[test]
fn status_lines_are_passed_over_and_a_feed_that_is_not_up_is_told() {
    let lines = replayed();
    let once = run_over(lines.concat().as_bytes(), &["--replay"]).expect(0);
    let status =
        |feed: &str| format!(r#"{{"kind":"status","feed":"{feed}","schema":1,"next_seq":7}}"#) + "\n";
    let among: String = lines
        .iter()
        .zip(["up", "up", "gap"].into_iter().cycle())
        .map(|(line, feed)| status(feed) + line)
        .collect();
    let run = run_over((among + &status("down")).as_bytes(), &["--replay"]).expect(0);
    assert_eq!(run.actions, once.actions);
    run.notes("the feed is gap");
    run.notes("the feed is down");
    assert!(!run.notes.contains("the feed is up") && !run.notes.contains("damaged"), "{}", run.notes);
}

#[test]
fn a_line_that_comes_twice_is_acted_on_once() {
    let lines = replayed();
    let once = run_over(lines.concat().as_bytes(), &["--replay"]).expect(0);
    let twice: String = lines.iter().map(|line| line.repeat(2)).collect();
    let twice = run_over(twice.as_bytes(), &["--replay"]).expect(0);
    assert_eq!(twice.actions, once.actions);
    assert!(!twice.notes.contains("a new run"), "{}", twice.notes);
    // As another process would write them: later, counted anew, the same decisions.
    let year_ms = 31_536_000_000_i64;
    let later = lines.iter().map(|line| {
        let mut decision = json(line);
        for (member, year) in [("decided_ns", year_ms * 1_000_000), ("expires_ms", year_ms)] {
            decision[member] = (decision[member].as_i64().expect("a time") + year).into();
        }
        format!("{decision}\n")
    });
    let again = lines.concat() + &later.collect::<String>();
    let again = run_over(again.as_bytes(), &["--replay"]).expect(0);
    assert_eq!(again.actions, once.actions);
    again.notes("seq starts over at 0");
}

#[test]
fn a_follower_that_is_killed_goes_on_where_it_was() {
    let (desk, lines) = (Desk::new(), replayed());
    let whole = run_over(lines.concat().as_bytes(), &["--replay"]).expect(0).actions;
    let path = desk.file("decisions.jsonl", "");
    let state = desk.name("state");
    let args = [path.as_str(), "--state", &state, "--replay", "--follow"];
    let mut found = Vec::new();
    let mut rest = lines.chunks(lines.len().div_ceil(3));
    for signal in ["KILL", "KILL", "TERM"] {
        let mut follower = Follower::start(&args);
        append(&path, &rest.next().expect("three parts").concat());
        let count = if signal == "TERM" { 8 } else { 3 };
        found.extend(follower.take(count));
        let (unread, code) = follower.end(signal);
        found.extend(unread);
        assert!(code == Some(143) || signal == "KILL", "{code:?}");
    }
    let ended = found.len();
    found.extend(run(&args[..4]).expect(0).actions);
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct, whole.iter().collect(), "every action is taken");
    let repeats = found.len() - distinct.len();
    assert!(repeats <= 2, "{repeats} actions are repeated by two crashes");
    assert!(found[ended..].iter().all(|action| !found[..ended].contains(action)), "none by a clean end");
    assert!(run(&args[..4]).expect(0).actions.is_empty(), "nothing is left to do");
}

#[test]
fn a_torn_last_line_is_acted_on_once_it_is_whole() {
    let (desk, lines) = (Desk::new(), replayed());
    let (head, tail) = lines[2].split_at(40);
    let path = desk.file("decisions.jsonl", lines[..2].concat() + head);
    let state = desk.name("state");
    let args = [path.as_str(), "--state", &state, "--replay"];
    let first = run(&args).expect(0);
    assert_eq!(first.actions.len(), 1);
    first.notes("the last line is torn after 40 bytes");
    let mut follower = Follower::start(&[&args[..], &["--follow"]].concat());
    append(&path, tail);
    assert!(follower.next().contains("seq=2"));
    let stdin = run_over(format!("{}{head}", lines[0]).as_bytes(), &["--replay"]).expect(0);
    stdin.notes("torn");
}

#[test]
fn a_torn_line_that_the_program_cuts_off_is_not_mixed_with_the_next() {
    let (desk, lines) = (Desk::new(), replayed());
    let path = desk.file("decisions.jsonl", lines[..2].concat() + &lines[4][..50]);
    let mut follower = Follower::start(&[&path, "--replay", "--follow"]);
    assert!(follower.next().contains("seq=0"));
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file is there");
    file.set_len(lines[..2].concat().len() as u64).expect("the file can be cut");
    append(&path, &lines[2]);
    assert!(follower.next().contains("seq=2"));
}

#[test]
fn a_gap_is_told() {
    let lines = replayed();
    let with_gap = lines[..3].concat() + &lines[6..].concat();
    let run = run_over(with_gap.as_bytes(), &["--replay"]).expect(0);
    run.notes("gap: seq 3 to 5 are missing: 3 lines lost");
    let beginning = run_over(lines[4..].concat().as_bytes(), &["--replay"]).expect(0);
    beginning.notes("gap: seq 0 to 3 are missing");
}

#[test]
fn a_damaged_line_is_told_and_passed_over() {
    let lines = replayed();
    let input = format!("{}{{\"schema\":1,\"seq\n[]\n\n{}", lines[0], lines[1..].concat());
    let run = run_over(input.as_bytes(), &["--replay"]).expect(1);
    run.notes("line 2 is damaged");
    run.notes("line 3 is damaged");
    let whole = run_over(lines.concat().as_bytes(), &["--replay"]).expect(0);
    assert_eq!(run.actions, whole.actions);
}

#[test]
fn what_it_cannot_go_on_with_is_told_in_a_line() {
    let (desk, lines) = (Desk::new(), replayed());
    let newer = lines[0].replace("\"schema\":1", "\"schema\":2");
    run_over(newer.as_bytes(), &[]).expect(1).notes("schema 2 is not known");
    run(&[&desk.name("absent.jsonl")]).expect(1).notes("absent.jsonl");
    let state = desk.file("state", "{}");
    run(&[&desk.file("decisions.jsonl", lines.concat()), "--state", &state]).expect(1).notes("state file");
    run(&["--follow"]).expect(2).notes("--follow needs a file");
    assert!(run(&["--help"]).expect(0).actions.join("\n").contains("--state FILE"));
}

#[test]
fn a_destination_without_a_desk_is_told() {
    let line = replayed()[0].replace("\"destination\":\"default\"", "\"destination\":\"mo\\u001bon\"");
    let run = run_over(line.as_bytes(), &["--replay"]).expect(0);
    run.notes("no desk for destination mo\\x1bon");
    assert!(run.actions[0].starts_with("nobody: enter"), "{:?}", run.actions);
}
