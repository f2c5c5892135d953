//! The same faults by servers of other makes: Python's `websockets` and Node's `ws` beside our mock.
//!
//! Each case runs against all three. What is decided, how the run ends and what it counts must be the same, and what
//! the libraries say of the client's side of the connection must be what the standard asks for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::decisions::{TIMELESS, assert_same, digest, json as parsed, replayed, timeless};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Call, call, stoop};
use crate::faults::BRISK;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Make {
    Ours,
    Python,
    Node,
}

impl Make {
    const FOREIGN: [Self; 2] = [Self::Python, Self::Node];

    fn start(self, args: &[&str]) -> Mock {
        let input = fixture("frames/lifecycle.jsonl");
        match self {
            Self::Ours => Mock::start(&input, &[&["--at-once"], args].concat()),
            Self::Python | Self::Node => Mock::of(self.call(&[&["--frames", &input], args].concat()).start()),
        }
    }

    /// A call of the server. What it needs is in CONTRIBUTING.md.
    fn call(self, args: &[&str]) -> Call {
        static PYTHON: OnceLock<&str> = OnceLock::new();
        let script = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign").join(name);
            path.to_str().expect("the workspace lies at a path of text").to_owned()
        };
        match self {
            Self::Ours => stoop(args),
            Self::Python => {
                let script = script("server.py");
                let python = PYTHON.get_or_init(|| python(&script));
                call(python, &[&[&*script], args].concat())
            }
            Self::Node => call("node", &[&[&*script("server.js")], args].concat()),
        }
    }
}

/// The system's Python, which has the library from a package, or else the first on the path.
fn python(script: &str) -> &'static str {
    const SYSTEM: &str = "/usr/bin/python3";
    let has_library =
        Path::new(SYSTEM).exists() && call(SYSTEM, &[script, "--version"]).finish().code == Some(0);
    if has_library { SYSTEM } else { "python3" }
}

/// What must be the same whoever serves.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: Option<i32>,
    decisions: Vec<String>,
    counts: Value,
}

impl Outcome {
    fn feed(&self, count: &str) -> u64 {
        self.counts["feed"][count].as_u64().unwrap_or_else(|| panic!("no {count}"))
    }
}

/// A fault or several, and how a run against them goes.
struct Case<'a> {
    specs: &'a [&'a str],
    /// The encoding and more.
    args: &'a [&'a str],
    /// Ends the run; none if the server does.
    messages: Option<usize>,
    /// More of the table `feed`.
    settings: &'a str,
    /// The closes that the client sends, by connection.
    closes: &'a [(u64, u16)],
}

impl<'a> Case<'a> {
    /// Ends after so many messages, with a good close.
    fn of(specs: &'a [&'a str], messages: usize) -> Self {
        Self { specs, args: &[], messages: Some(messages), settings: "", closes: &[] }
    }

    fn args(self, args: &'a [&'a str]) -> Self {
        Self { args, ..self }
    }

    fn settings(self, settings: &'a str) -> Self {
        Self { settings, ..self }
    }

    fn closes(self, closes: &'a [(u64, u16)]) -> Self {
        Self { closes, ..self }
    }

    /// Runs against ours and the others, and asserts that all come to the same.
    fn same_everywhere(&self) -> Outcome {
        let ours = self.run(Make::Ours);
        for make in Make::FOREIGN {
            let found = self.run(make);
            let what = format!("{make:?}, {:?}", self.specs);
            assert_eq!(found.counts, ours.counts, "{what}");
            assert_same(&found.decisions, &ours.decisions);
            assert_eq!(found.code, ours.code, "{what}");
        }
        ours
    }

    /// The same, and every decision of a replay of the whole input has been made once.
    fn decided_once(&self) -> Outcome {
        let outcome = self.same_everywhere();
        assert_same(&outcome.decisions, &expected(frames("lifecycle").len()));
        outcome
    }

    fn run(&self, make: Make) -> Outcome {
        let desk = Desk::new();
        let faults = self.specs.iter().flat_map(|spec| ["--fault", spec]);
        let args: Vec<&str> = faults.chain(self.args.iter().copied()).collect();
        let server = make.start(&args);
        let config = desk.config(&server.addr, TIMELESS, &format!("{BRISK}\n{}", self.settings));
        let messages = self.messages.map(|count| count.to_string());
        let end = messages.iter().flat_map(|count| ["--max-frames", count]);
        let args: Vec<&str> = ["run", "-c", &config, "--json"].into_iter().chain(end).collect();
        let run = stoop(&args).key("k").finish();
        let told = run.stderr.iter().find(|line| line.starts_with('{'));
        let summary = parsed(told.unwrap_or_else(|| panic!("{make:?}, {:?}:\n{}", self.specs, run.errors())));
        assert_eq!(summary["digest"], digest(&run.stdout));
        let feed = &summary["feed"];
        if make != Make::Ours {
            self.check_guest(&server, feed["dials"].as_u64().expect("a count"));
        }
        let links = ["dials", "opens", "rejected", "gaps"].map(|name| (name.to_owned(), feed[name].clone()));
        let links: serde_json::Map<_, _> = links.into_iter().collect();
        let counts = json!({
            "feed": links,
            "frames": summary["frames"],
            "bad_frames": summary["bad_frames"],
            "events": summary["events"],
            "merge": summary["merge"],
            "signal": summary["signal"],
        });
        Outcome { code: run.code, decisions: timeless(&run.stdout), counts }
    }

    /// Asserts what a library says of the client: it offers no extension, breaks nothing, and sends the closes it
    /// should.
    fn check_guest(&self, server: &Mock, dials: u64) {
        let told = &server.program.stdout;
        let mut closes = self.closes.to_vec();
        if self.messages.is_some() {
            closes.push((dials, 1000));
        }
        for (conn, code) in closes {
            let end = told.wait_for(&format!("connection {conn} to be closed"), |line| {
                parsed(line)["conn"] == conn && line.contains("closed")
            });
            assert_eq!(parsed(&end)["closed"], code, "{:?}: {end}", self.specs);
        }
        let told: Vec<Value> = told.seen().iter().map(|line| parsed(line)).collect();
        let upgrades: Vec<&Value> = told.iter().filter_map(|line| line.get("extensions")).collect();
        assert_eq!(upgrades, vec![&Value::Null; dials as usize], "{:?}", self.specs);
        let failed = told.iter().filter_map(|line| line.get("failed")).find(|failed| !failed.is_null());
        assert_eq!(failed, None, "{:?}", self.specs);
    }
}

/// What a replay of the first so many frames decides.
fn expected(count: usize) -> Vec<String> {
    let desk = Desk::new();
    let input = desk.frames("shown.jsonl", &frames("lifecycle")[..count]);
    replayed(&input, &desk.file("rules.toml", TIMELESS))
}

fn all() -> usize {
    frames("lifecycle").len()
}

#[test]
fn frames_of_every_server_decide_the_same_however_they_travel() {
    for (specs, args, messages) in [
        (&[][..], &[][..], all()),
        (&[], &["--encoding", "binary"], all()),
        (&["fragment(7)"], &[], all()),
        (&["every=3:fragment(50)"], &["--encoding", "binary"], all()),
        (&["dup"], &[], 2 * all()),
        (&["every=5:dup(3)", "fragment(2)"], &[], all() + all() / 5 * 3),
    ] {
        let outcome = Case::of(specs, messages).args(args).decided_once();
        assert_eq!(outcome.feed("dials"), 1, "{specs:?}");
    }
}

#[test]
fn connections_that_every_server_ends_are_taken_up_again() {
    for (spec, close) in [
        ("close(1000)", Some(1000)),
        ("close(1001)", Some(1001)),
        ("close(1011)", Some(1011)),
        ("close(1012)", Some(1012)),
        ("close(4029)", Some(4029)),
        ("fin", None),
        ("rst", None),
    ] {
        let closes: Vec<(u64, u16)> = close.iter().flat_map(|code| [(1, *code), (2, *code)]).collect();
        // What the server's system has not sent yet is gone with a reset: a moment for it.
        let pause = (spec == "rst").then_some("stall(100ms)");
        let actions = pause.into_iter().chain([spec]);
        let strikes = |when: &'static str| actions.clone().map(move |action| format!("{when}:{action}"));
        let specs: Vec<String> =
            ["conn=1,after=20", "conn=2,after=40"].into_iter().flat_map(strikes).collect();
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        let outcome = Case::of(&specs, 60 + all()).closes(&closes).decided_once();
        assert_eq!((outcome.feed("opens"), outcome.feed("gaps")), (3, 2), "{spec}");
    }
}

#[test]
fn what_every_server_shows_again_decides_nothing_twice() {
    let specs = ["conn=2-:replay(15)", "conn=1,after=30:fin", "conn=2,after=30:close(1012)"];
    let outcome = Case::of(&specs, all() + 30).decided_once();
    assert_eq!(outcome.feed("opens"), 3);
    assert_eq!(outcome.counts["merge"]["duplicates"], 30);
    // Every connection shows ten old frames and ten new ones.
    let outcome = Case::of(&["conn=2-:replay(10)", "every=20:fin"], 100).same_everywhere();
    assert_same(&outcome.decisions, &expected(60));
}

#[test]
fn links_of_every_server_that_answer_no_ping_are_left() {
    for specs in [
        &["conn=1,after=20:freeze"][..],
        &["conn=1,after=20:half"],
        &["conn=1,after=20:no-pong", "conn=1,after=20:stall"],
    ] {
        // As long as a busy machine may need.
        let outcome = Case::of(specs, 20 + all()).settings("pong_timeout = \"3s\"").decided_once();
        assert_eq!((outcome.feed("opens"), outcome.feed("gaps")), (2, 1), "{specs:?}");
    }
}

#[test]
fn quiet_links_of_every_server_that_answer_pings_are_kept() {
    let outcome = Case::of(&["after=20:stall(4s)"], all()).settings("pong_timeout = \"3s\"").decided_once();
    assert_eq!((outcome.feed("dials"), outcome.feed("gaps")), (1, 0));
}

#[test]
fn what_breaks_the_protocol_is_answered_as_the_standard_asks() {
    for (spec, code, rejected) in [
        ("rsv", 1002, 0),
        ("compressed", 1002, 0),
        ("masked", 1002, 0),
        ("rubbish(utf8)", 1007, 1),
        ("claim(17M)", 1009, 1),
    ] {
        let spec = format!("conn=1,after=20:{spec}");
        // Who has more to send behind it meets a reset, and does not read the close.
        let quiet = if rejected > 0 { "conn=1,after=20:stall" } else { "conn=1,after=21:stall" };
        let outcome = Case::of(&[&spec, quiet], 20 + all()).closes(&[(1, code)]).decided_once();
        assert_eq!((outcome.feed("opens"), outcome.feed("gaps")), (2, 1), "{spec}");
        assert_eq!(outcome.feed("rejected"), rejected, "{spec}");
        assert_eq!(outcome.counts["bad_frames"], rejected, "{spec}");
    }
}

#[test]
fn what_cannot_be_read_of_any_server_is_counted_and_the_connection_stands() {
    for spec in ["every=10:rubbish(json)", "every=10:rubbish(binary)", "every=10:long(40000)"] {
        let more = all() / 10;
        let outcome = Case::of(&[spec], all() + more).settings("max_frame = 30000").decided_once();
        assert_eq!(outcome.counts["bad_frames"], more, "{spec}");
        assert_eq!((outcome.feed("dials"), outcome.feed("rejected")), (1, 0), "{spec}");
    }
}

#[test]
fn refusals_of_every_server_are_waited_out_or_end_the_run() {
    for spec in ["first=2:refuse(429)", "first=2:refuse(503)"] {
        let outcome = Case::of(&[spec], all()).decided_once();
        assert_eq!((outcome.feed("dials"), outcome.feed("opens")), (3, 1), "{spec}");
    }
    for (spec, closes) in [
        ("refuse(401)", &[][..]),
        ("refuse(403)", &[]),
        ("close(4001)", &[(1, 4001)]),
        ("close(4003)", &[(1, 4003)]),
    ] {
        let outcome = Case { messages: None, ..Case::of(&[spec], 0).closes(closes) }.same_everywhere();
        assert_eq!((outcome.code, outcome.feed("dials")), (Some(77), 1), "{spec}");
    }
    // A server that refuses for good whoever has seen it all.
    let case = Case { messages: None, ..Case::of(&["end:close(4001)"], 0).closes(&[(1, 4001)]) };
    assert_eq!(case.decided_once().code, Some(77));
}

/// Its close is not looked for: a server that is still sending meets a reset before it.
#[test]
fn a_message_of_any_server_that_is_too_long_ends_the_connection_and_is_counted() {
    let outcome = Case::of(&["conn=1,after=20:long(17M)"], 20 + all()).decided_once();
    assert_eq!((outcome.feed("opens"), outcome.feed("rejected")), (2, 1));
    assert_eq!(outcome.counts["bad_frames"], 1);
}

/// Else that no client offers to read compressed messages would say nothing about the client.
#[test]
fn foreign_servers_compress_for_who_offers_to_read_it() {
    for make in Make::FOREIGN {
        let server = make.start(&[]);
        let mut stream = TcpStream::connect(&server.addr).expect("it listens");
        let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut head = Vec::new();
        let mut first = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut first).expect("it answers");
            head.push(first[0]);
        }
        let head = String::from_utf8(head).expect("an answer is ASCII");
        assert!(head.contains("permessage-deflate"), "{make:?}: {head}");
        stream.read_exact(&mut first).expect("frames come");
        assert_eq!(first[0], 0xc1, "{make:?}: a whole text, compressed");
    }
}
