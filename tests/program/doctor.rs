//! `stoop doctor`: what is in order, what is not, and what to do about it.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;
use stoop::feed::probe_feed;
use stoop::{Auth, Endpoint, Key};

use crate::decisions::{TIMELESS, json};
use crate::desk::{Desk, Mock, fixture, frames};
use crate::driver::{Finished, LIMIT, join, stoop, thread};
use crate::feed::{Feed, Visit};

const KEY: &str = "s3cret-of-mine";
/// Nobody listens here.
const CLOSED: &str = "127.0.0.1:9";

/// The line of a check, with this status.
#[track_caller]
fn expect_line<'r>(run: &'r Finished, status: &str, check: &str) -> &'r str {
    let begin = format!("{status:<4}  {check:<13}  ");
    let line = run.stdout.iter().find_map(|line| line.strip_prefix(&begin));
    line.unwrap_or_else(|| panic!("no `{status}` for {check}:\n{}", run.stdout.join("\n")))
}

#[track_caller]
fn expect_no_line(run: &Finished, status: &str) {
    let line = run.stdout.iter().find(|line| line.starts_with(status));
    assert!(line.is_none(), "{}", run.stdout.join("\n"));
}

#[test]
fn a_good_set_up_has_nothing_to_fix() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--api-key", KEY]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
    assert!(run.stderr.is_empty(), "{}", run.errors());
    expect_no_line(&run, "fix");
    expect_line(&run, "ok", "configuration");
    assert!(expect_line(&run, "ok", "rules").ends_with("4 rules, 1 alias"));
    assert!(expect_line(&run, "ok", "key").contains("TWEETSTREAM_API_KEY"));
    assert!(expect_line(&run, "ok", "server").contains(&format!("{} answers", mock.addr)));
    expect_line(&run, "ok", "wall clock");
    for line in run.stdout.iter().filter(|line| line.starts_with("warn")) {
        assert!(line.contains(" → "), "what to do? {line}");
    }
}

#[test]
fn what_init_writes_lacks_a_key_only() {
    let desk = Desk::new();
    stoop(&["init", &desk.name("new")]).finish().expect(0);
    let config = desk.path("new/stoop.toml");
    let text = std::fs::read_to_string(&config).expect("it was written");
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let text = text.replace("wss://ws.tweetstream.io/ws", &format!("ws://{}/ws", mock.addr));
    let text = text.replace("https://api.tweetstream.io", &format!("http://{}", mock.addr));
    let config = desk.file("new/stoop.toml", text);
    let run = stoop(&["doctor", "-c", &config]).finish().expect(78);
    assert!(expect_line(&run, "fix", "key").contains("TWEETSTREAM_API_KEY"));
    assert_eq!(run.stdout.iter().filter(|line| line.starts_with("fix")).count(), 1);
    stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
}

#[test]
fn programs_get_the_same_as_json() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let config = desk.config(&mock.addr, "", "");
    let text = stoop(&["doctor", "-c", &config]).finish().expect(78);
    let run = stoop(&["doctor", "-c", &config, "--json"]).finish().expect(78);
    assert_eq!(run.stdout.len(), 1);
    let all = json(&run.stdout[0]);
    let all = all.as_array().expect("an array");
    assert_eq!(all.len(), text.stdout.len());
    for (finding, line) in all.iter().zip(&text.stdout) {
        let status = finding["status"].as_str().expect("a status");
        assert!(line.starts_with(status), "{finding}\n{line}");
        assert!(line.contains(finding["check"].as_str().expect("a name")), "{finding}\n{line}");
        assert_eq!(finding["advice"] == Value::Null, status == "ok", "{finding}");
    }
}

#[test]
fn a_bad_configuration_is_told_with_its_place() {
    let desk = Desk::new();
    let config = desk.file("stoop.toml", "[feed]\nurl = \"http://x\"\n");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(78);
    assert!(expect_line(&run, "fix", "configuration").contains("stoop.toml:2:7: "));
    // What does not hang on it is checked all the same.
    expect_line(&run, "ok", "wall clock");
    let torn = desk.file("stoop.toml", "[feed\n");
    stoop(&["doctor", "-c", &torn]).finish().expect(78);
    let absent = stoop(&["doctor", "-c", "absent.toml"]).finish().expect(78);
    assert!(expect_line(&absent, "fix", "configuration").contains("absent.toml"));
    let binary = desk.file("stoop.toml", b"\xff\xfe\0");
    stoop(&["doctor", "-c", &binary]).finish().expect(78);
}

#[test]
fn a_setting_without_effect_is_a_warning() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let config = desk.config(&mock.addr, TIMELESS, "[series]\n\"rule:gone\" = \"y\"");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
    assert!(expect_line(&run, "warn", "configuration").contains("`[series]`"));
}

#[test]
fn every_mistake_in_the_rules_is_a_line() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let rules = "[[rule]]\nname = \"a\"\nauthor = []\n[[rule]]\nname = \"b\"\nsettle = \"soon\"\n";
    let config = desk.config(&mock.addr, rules, "");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(78);
    let mistakes: Vec<&String> = run.stdout.iter().filter(|line| line.starts_with("fix")).collect();
    assert_eq!(mistakes.len(), 2, "{}", run.stdout.join("\n"));
    assert!(mistakes[0].contains("stoop.toml:3:1: ") && mistakes[1].contains("stoop.toml:6:"));
}

#[test]
fn no_rule_is_to_be_fixed() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let config = desk.config(&mock.addr, "", "");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(78);
    assert!(expect_line(&run, "fix", "rules").contains("no rule"));
}

#[test]
fn a_key_is_found_where_it_is_and_never_shown() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let plain = desk.config(&mock.addr, TIMELESS, "");
    let key_file = desk.file("key", format!("{KEY}\n"));
    let with_file = |name: &str| {
        let text = std::fs::read_to_string(&plain).expect("it was written");
        desk.file(&format!("{name}.toml"), format!("{text}key_file = \"{name}\"\n"))
    };
    let (by_file, by_absent) = (with_file("key"), with_file("absent"));
    let unfit = format!("{KEY} {KEY}");
    for (config, key, status, told, code) in [
        (&plain, Some(KEY), "ok", "TWEETSTREAM_API_KEY", 0),
        (&plain, None, "fix", "TWEETSTREAM_API_KEY", 78),
        (&plain, Some(unfit.as_str()), "fix", "TWEETSTREAM_API_KEY", 78),
        (&plain, Some(""), "fix", "TWEETSTREAM_API_KEY", 78),
        (&by_file, None, "", key_file.as_str(), 0),
        (&by_file, Some("of-another"), "", key_file.as_str(), 0),
        (&by_absent, Some(KEY), "fix", "absent", 78),
    ] {
        for form in ["-vvv", "--json"] {
            let call = stoop(&["doctor", "-c", config, form]);
            let call = if let Some(key) = key { call.key(key) } else { call };
            let run = call.finish().expect(code);
            let all = format!("{}\n{}", run.stdout.join("\n"), run.errors());
            assert!(!all.contains(KEY) && !all.contains("of-another"), "{all}");
            if form == "-vvv" {
                let line =
                    run.stdout.iter().find(|line| line.contains("  key  ")).expect("a line for the key");
                assert!(line.starts_with(status) && line.contains(told), "{line}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let config = desk.config(&mock.addr, TIMELESS, "key_file = \"key\"");
    let key_file = desk.file("key", KEY);
    for (mode, status) in [(0o644, "warn"), (0o640, "warn"), (0o604, "warn"), (0o600, "ok"), (0o400, "ok")] {
        let file = std::fs::File::open(&key_file).expect("it is there");
        file.set_permissions(std::fs::Permissions::from_mode(mode)).expect("they can be set");
        let run = stoop(&["doctor", "-c", &config]).finish().expect(0);
        assert_eq!(expect_line(&run, status, "key").contains("chmod 600"), status == "warn", "{mode:o}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_ends_with_1() {
    let desk = Desk::new();
    let config = desk.config(CLOSED, TIMELESS, "");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(1);
    let line = expect_line(&run, "fix", "server");
    assert!(line.contains(CLOSED) && line.contains("firewall"), "{line}");
    // A label longer than names may have: refused without asking anybody.
    let host = "a".repeat(70);
    let text = format!("{TIMELESS}\n[feed]\nurl = \"wss://{host}/ws\"\napi = \"http://{CLOSED}\"\n");
    let run = stoop(&["doctor", "-c", &desk.file("stoop.toml", text)]).key(KEY).finish().expect(1);
    assert!(expect_line(&run, "fix", "server").contains("cannot look up"));
    // What `run` would refuse first decides the code.
    let config = desk.config(CLOSED, TIMELESS, "");
    stoop(&["doctor", "-c", &config]).finish().expect(78);
}

#[test]
fn the_feed_is_not_told_anything() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = listener.local_addr().expect("it has an address").to_string();
    let guest = thread("server", move || {
        let (mut stream, _) = listener.accept().expect("a guest");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).expect("the guest hangs up");
        said
    });
    let config = desk.config(&addr, TIMELESS, &format!("auth = \"query\"\napi = \"http://{CLOSED}\""));
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
    assert!(expect_line(&run, "warn", "account").contains("a run works without it"));
    assert!(join("the guest to hang up", guest).is_empty());
}

#[test]
fn a_reader_that_has_seen_enough_learns_the_rest_from_the_code() {
    let desk = Desk::new();
    for form in [&["doctor"][..], &["doctor", "--json"]] {
        let config = desk.config(CLOSED, TIMELESS, "");
        let mut run = stoop(&[form, &["-c", &config]].concat()).key(KEY).start_unread();
        run.close_stdout();
        assert!(run.finish().expect(1).stderr.is_empty());
    }
}

#[test]
fn the_plan_and_what_is_left_of_it_are_told() {
    let desk = Desk::new();
    for (name, limit) in [("basic", "50"), ("elite", "250")] {
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--plan", name, "--max-connections", "2"]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
        let line = expect_line(&run, "ok", "account");
        assert!(
            line.contains(&name.to_uppercase()) && line.contains(&format!("of {limit} accounts")),
            "{line}"
        );
        assert!(line.contains("0 of 2 connections"), "{line}");
        let endpoint = format!("[[feed.endpoint]]\nurl = \"ws://{}/ws\"\n", mock.addr);
        let api = format!("[feed]\napi = \"http://{}\"\n", mock.addr);
        let three = desk.file("three.toml", format!("{TIMELESS}\n{api}{}", endpoint.repeat(3)));
        let run = stoop(&["doctor", "-c", &three]).key(KEY).finish().expect(0);
        assert!(expect_line(&run, "warn", "account").contains("a run needs 3"));
    }
    let mock = Mock::start(&desk.file("none.jsonl", ""), &[]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(0);
    assert!(expect_line(&run, "warn", "account").contains("no account is followed"));
}

#[test]
fn a_key_that_the_server_refuses_is_to_be_fixed() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--api-key", "another"]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    for args in [&["doctor", "-c", &config][..], &["doctor", "-c", &config, "--connect", "-vvv"]] {
        let run = stoop(args).key(KEY).finish().expect(78);
        assert!(expect_line(&run, "fix", "key").contains("401"));
        if args.contains(&"--connect") {
            assert!(expect_line(&run, "fix", "feed").contains("HTTP 401"));
        }
        assert!(!run.stdout.join("\n").contains(KEY) && !run.errors().contains(KEY));
    }
}

#[test]
fn a_connection_is_opened_and_closed_in_order_if_that_is_asked_for() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--api-key", KEY]);
    let config = desk.config(&mock.addr, TIMELESS, "");
    let run = stoop(&["doctor", "-c", &config, "--connect", "-vvv"]).key(KEY).finish().expect(0);
    assert!(expect_line(&run, "ok", "feed").contains("the key is accepted"));
    assert!(!run.stdout.join("\n").contains(KEY) && !run.errors().contains(KEY));
    // A server of another make tells how it was left.
    let feed = Feed::start(vec![Visit::plain(frames("vendor"))]);
    let key = Key::new(KEY).expect("a key");
    let endpoint = Endpoint::new("x", &format!("ws://{}/ws", feed.addr)).expect("a URL");
    probe_feed(&endpoint, Auth::Bearer, &key, LIMIT).expect("it is let in");
    let guest = feed.finish(1).remove(0);
    assert_eq!(guest.close, Some(1000));
    assert!(guest.head.contains(&format!("Authorization: Bearer {KEY}")));
}

#[test]
fn a_refusal_behind_the_handshake_is_found_out_too() {
    let desk = Desk::new();
    for (fault, status, told) in [
        ("close(4001)", "fix", "close 4001"),
        ("close(4029)", "warn", "close 4029"),
        ("refuse(429)", "warn", "HTTP 429"),
        ("html", "fix", "HTTP 200"),
    ] {
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &["--fault", fault]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let run = stoop(&["doctor", "-c", &config, "--connect"]).key(KEY).finish();
        let run = run.expect(i32::from(status == "fix"));
        assert!(expect_line(&run, status, "feed").contains(told), "{fault}");
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_in_words() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = listener.local_addr().expect("it has an address").to_string();
    let server = thread("plain", move || {
        // The first looks whether anybody is there, the second speaks TLS.
        drop(listener.accept());
        let (mut stream, _) = listener.accept().expect("a guest");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("the guest listens");
        drop(stream.read_to_end(&mut Vec::new()));
    });
    let text = format!("{TIMELESS}\n[feed]\nurl = \"wss://{addr}/ws\"\napi = \"http://{CLOSED}\"\n");
    let config = desk.file("stoop.toml", text);
    let run = stoop(&["doctor", "-c", &config, "--connect"]).key(KEY).finish().expect(1);
    assert!(expect_line(&run, "fix", "tls").contains("the server's answer is not TLS"));
    assert!(!run.stdout.iter().any(|line| line.contains("  feed  ")), "the key is shown to nobody");
    join("the server to have served", server);
}

#[test]
fn a_server_or_proxy_that_is_silent_is_told_with_what_it_was_asked() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = listener.local_addr().expect("it has an address").to_string();
    let server = thread("silent", move || {
        // Each time the first looks whether anybody is there.
        for _ in 0..4 {
            let (mut stream, _) = listener.accept().expect("a guest");
            drop(stream.read_to_end(&mut Vec::new()));
        }
    });
    let settings = format!("url = \"wss://{addr}/ws\"\nconnect_timeout = \"2s\"\napi = \"http://{CLOSED}\"");
    let config = desk.file("stoop.toml", format!("{TIMELESS}\n[feed]\n{settings}\n"));
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(1);
    assert!(expect_line(&run, "fix", "tls").contains("no TLS handshake within 2s"));
    let run = stoop(&["doctor", "-c", &config]).key(KEY).env("HTTPS_PROXY", &format!("http://{addr}"));
    assert!(expect_line(&run.finish().expect(1), "fix", "tls").contains("no answer of the proxy within 2s"));
    join("the server to have served", server);
}

#[test]
fn offline_nobody_is_asked() {
    let desk = Desk::new();
    let config = desk.config(CLOSED, TIMELESS, "");
    let run = stoop(&["doctor", "-c", &config, "--offline"]).key(KEY).finish().expect(0);
    for check in ["server", "tls", "account", "feed"] {
        assert!(!run.stdout.iter().any(|line| line.contains(&format!("  {check}  "))), "{check}");
    }
    stoop(&["doctor", "-c", &config, "--offline", "--connect"]).key(KEY).finish().expect(2);
}

/// Answers one request after the other as the REST interface does, with this time in its head.
fn dated_api(date: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address").to_string();
    drop(thread("api", move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = [0; 4096];
            drop(stream.read(&mut head));
            let body = r#"{"plan":"elite","trackedAccounts":{"count":1,"limit":5},"websocket":{"count":0,"limit":9}}"#;
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{body}"
            );
            drop(stream.write_all(answer.as_bytes()));
        }
    }));
    addr
}

#[test]
fn the_clock_is_held_against_that_of_the_server() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let good = stoop(&["doctor", "-c", &desk.config(&mock.addr, TIMELESS, "")]).key(KEY).finish().expect(0);
    assert!(expect_line(&good, "ok", "clock offset").starts_with("within "));
    for (date, way) in
        [("Wed, 10 Jun 2015 12:39:59 GMT", "ahead of"), ("Wed, 10 Jun 2099 12:39:59 GMT", "behind")]
    {
        let api = format!("api = \"http://{}\"", dated_api(date));
        let run =
            stoop(&["doctor", "-c", &desk.config(&mock.addr, TIMELESS, &api)]).key(KEY).finish().expect(1);
        assert!(expect_line(&run, "fix", "clock offset").contains(way));
    }
}

#[test]
fn the_clock_is_held_against_the_first_frame() {
    const TRIES: usize = 20;
    for (fault, status) in [("skew(0s)", "ok"), ("skew(1h)", "fix"), ("skew(-1h)", "warn")] {
        let desk = Desk::new();
        let mock =
            Mock::start(&fixture("frames/vendor.jsonl"), &["--rebase", "--rate", "50", "--fault", fault]);
        let config = desk.config(&mock.addr, TIMELESS, "");
        let told = || {
            let run = stoop(&["doctor", "--connect", "-c", &config]).key(KEY).finish();
            let lines = run.stdout.into_iter().filter(|line| line.contains("clock offset"));
            let lines: Vec<String> = lines.collect();
            assert_eq!(lines.len(), 2, "{lines:?}");
            lines
        };
        // On a busy machine a frame may come late although the clocks are right.
        let mut tries: Vec<Vec<String>> = Vec::new();
        while tries.len() < TRIES && tries.last().is_none_or(|lines| !lines[1].starts_with(status)) {
            tries.push(told());
        }
        let lines = &tries[tries.len() - 1];
        assert!(lines[1].starts_with(status) && lines[1].contains("first frame"), "{fault}: {lines:?}");
    }
}

#[test]
fn a_folder_for_the_store_that_is_not_there_is_to_be_made() {
    let desk = Desk::new();
    let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"missing/kept.redb\"");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish().expect(1);
    assert!(expect_line(&run, "fix", "disk").contains("missing"));
    let config = desk.config(&mock.addr, TIMELESS, "[store]\npath = \"kept.redb\"");
    let run = stoop(&["doctor", "-c", &config]).key(KEY).finish();
    assert!(run.stdout.iter().any(|line| line.contains("disk") && line.contains("(the store)")));
}
