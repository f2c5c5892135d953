//! `gen`, `init`, `rules`, `mock`, and what every command has in common.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::decisions::json;
use crate::desk::{Desk, Mock, fixture, lines_of};
use crate::driver::stoop;

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let desk = Desk::new();
    let generate = |name: &str, seed: &str| {
        let output = desk.name(name);
        stoop(&["gen", "-o", &output, "--frames", "500", "--seed", seed]).finish().expect(0);
        std::fs::read(output).expect("it was written")
    };
    let first = generate("a.jsonl", "7");
    assert_eq!(first, generate("b.jsonl", "7"));
    assert_ne!(first, generate("c.jsonl", "8"));
    assert_eq!(generate("a.jsonl.gz", "7"), generate("b.jsonl.gz", "7"));
    assert_eq!(lines_of(&desk.path("a.jsonl")).len(), 500);
    let stdout = stoop(&["gen", "-o", "-", "--frames", "500", "--seed", "7"]).finish().expect(0).stdout;
    assert_eq!(stdout.join("\n").as_bytes(), first.trim_ascii_end());
    stoop(&["gen", "-o", &desk.name("a.jsonl")]).finish().expect(73);
}

#[test]
fn half_an_output_goes_away_when_its_command_is_stopped() {
    let desk = Desk::new();
    for (name, signal, code) in [("a.jsonl", "INT", 130), ("b.jsonl.zst", "TERM", 143)] {
        let out = desk.name(name);
        let program = stoop(&["gen", "--frames", "1000000000000", "-o", &out]).start();
        desk.wait_for(name);
        program.signal(signal);
        let run = program.finish().expect(code);
        let told = format!("stopped before it was done; removed again: {out}");
        assert!(run.errors().contains(&told), "{}", run.errors());
        assert!(!desk.path(name).exists());
    }
}

#[test]
fn init_writes_a_set_up_that_is_right_and_overwrites_nothing() {
    let desk = Desk::new();
    let dir = desk.name("new");
    let run = stoop(&["init", &dir]).finish().expect(0);
    let config = desk.name("new/stoop.toml");
    let next =
        format!("next: stoop rules check {config}, export TWEETSTREAM_API_KEY=…, stoop doctor -c {config}");
    assert_eq!(run.stderr.last(), Some(&next), "{}", run.errors());
    let starter = desk.name("new/rules/starter.toml");
    let universe = desk.name("new/universe.csv");
    stoop(&["rules", "check", &config, &starter]).finish().expect(0);
    let counted = stoop(&["universe", "check", &universe]).finish().expect(0).stdout;
    assert!(counted[0].contains(" 16 symbols, 5 venues "), "{counted:?}");
    desk.file("new/stoop.toml", "# mine\n");
    stoop(&["init", &dir]).finish().expect(73);
    assert_eq!(std::fs::read_to_string(&config).expect("it is there"), "# mine\n");
    for (gone, kept) in [(&starter, &universe), (&universe, &config), (&config, &starter)] {
        for path in [&config, &starter, &universe] {
            drop(std::fs::remove_file(path));
        }
        std::fs::write(kept, "# mine\n").expect("it can be written");
        stoop(&["init", &dir]).finish().expect(73);
        assert!(!std::path::Path::new(gone).exists(), "all or none");
    }
    std::fs::remove_file(&starter).expect("it can be removed");
    stoop(&["init", &dir]).finish().expect(0);
    desk.file("new/universe.csv", "symbol,venue,market\nEDGE,gateio\n");
    let run = stoop(&["rules", "check", &config]).finish().expect(78);
    assert!(run.errors().contains("universe.csv:2:1: 2 cells"), "{}", run.errors());
}

#[test]
fn rules_check_tells_the_place_of_every_mistake() {
    let mut bad: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(fixture("rules/bad")).expect("the fixtures are there").flatten() {
        bad.push(entry.path().to_str().expect("a path of text").to_owned());
    }
    assert!(bad.len() >= 40);
    for path in &bad {
        let text = std::fs::read_to_string(path).expect("it can be read");
        let expect =
            text.lines().next().and_then(|line| line.strip_prefix("# expect: ")).expect("it says so");
        let check = stoop(&["rules", "check", path]).finish().expect(78);
        // What the error says is checked where rules are read; a configuration knows a table more than a rule file.
        let (line, _) = expect.split_once(':').expect("a line and a column");
        let told = check.stderr.iter().any(|told| told.starts_with(&format!("{path}:{line}:")));
        assert!(told, "{expect}\n{}", check.errors());
        assert!(check.stdout.is_empty());
    }
    let good = fixture("rules/starter.toml");
    stoop(&["rules", "check", &good]).finish().expect(0);
    stoop(&["rules", "check", &good, &bad[0]]).finish().expect(78);
    stoop(&["rules", "check", "absent.toml"]).finish().expect(78);
    let folder = fixture("rules");
    let run = stoop(&["rules", "check", &folder]).finish().expect(78);
    assert_eq!(run.stderr, [format!("{folder} is a folder: name its files, such as {folder}/*.toml")]);
}

#[test]
fn rules_check_counts_what_is_there_and_warns_where_there_is_no_rule() {
    let desk = Desk::new();
    let alias = "[[alias]]\nterms = [\"doge\"]\nmarket = \"binance:DOGEUSDT\"\n";
    let none = desk.file("none.toml", alias);
    let one = desk.file("one.toml", "[[rule]]\nname = \"a\"\n");
    let run = stoop(&["rules", "check", &none, &one]).finish().expect(0);
    let expect = [
        format!("{none}: there is no [[rule]] in it: nothing would ever open (warning)"),
        format!("{none}: 0 rules, 1 alias, no mistake"),
        format!("{one}: 1 rule, 0 aliases, no mistake"),
    ];
    assert_eq!(run.stderr, expect);
}

#[test]
fn what_is_typed_wrong_or_missing_says_what_to_do() {
    let desk = Desk::new();
    let absent = desk.name("absent.toml");
    let run = stoop(&["run", "-c", &absent]).finish().expect(78);
    let hint = "name another with -c, or let `stoop init` write one";
    assert!(run.errors().contains(&absent) && run.errors().contains(hint), "{}", run.errors());
    let run = stoop(&["mock", "--listen", "9001", "--input", "absent.jsonl"]).finish().expect(2);
    let hint = "write an address and a port, such as 127.0.0.1:9001";
    assert!(run.errors().contains(hint), "{}", run.errors());
}

#[test]
fn every_command_explains_itself() {
    let commands: [&[&str]; 17] = [
        &[],
        &["demo"],
        &["init"],
        &["run"],
        &["replay"],
        &["rules"],
        &["rules", "check"],
        &["accounts"],
        &["accounts", "list"],
        &["accounts", "add"],
        &["accounts", "remove"],
        &["accounts", "sync"],
        &["history"],
        &["gen"],
        &["mock"],
        &["bench"],
        &["doctor"],
    ];
    for command in commands {
        let help = stoop(&[command, &["--help"]].concat()).finish().expect(0);
        assert!(help.stdout.len() > 5, "{command:?}: {}", help.stdout.join("\n"));
        assert!(help.stderr.is_empty());
        stoop(&[command, &["--no-such-flag"]].concat()).finish().expect(2);
    }
    for (command, told) in [
        ("run", "TWEETSTREAM_API_KEY"),
        ("run", "stoop mock --listen"),
        ("mock", "Example: stoop mock"),
        ("rules", "docs/rules.md"),
        ("replay", "every deadline fires"),
        ("bench", "ratios of one run"),
        ("doctor", "never printed"),
    ] {
        let help = stoop(&[command, "--help"]).finish().expect(0).stdout.join(" ");
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").contains(told), "{help}");
    }
    stoop(&[]).finish().expect(2);
    assert!(stoop(&["--version"]).finish().expect(0).stdout[0].starts_with("stoop "));
}

#[test]
fn the_mock_answers_who_am_i() {
    let mock = Mock::start(&fixture("frames/lifecycle.jsonl"), &["--api-key", "k"]);
    let me = get(&mock.addr, "/api/me", "k");
    assert!(me.0.starts_with("HTTP/1.1 200 "), "{}", me.0);
    assert!(me.1["plan"].is_string() && me.1["websocket"]["limit"].is_u64(), "{}", me.1);
    assert!(get(&mock.addr, "/api/me", "another").0.starts_with("HTTP/1.1 401 "));
}

#[test]
fn the_mock_stops_cleanly_when_told_to() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mock = Mock::start(&fixture("frames/vendor.jsonl"), &[]);
        mock.program.signal(name);
        mock.program.finish().expect(code);
    }
    stoop(&["mock", "--input", "absent.jsonl"]).finish().expect(1);
}

/// Head and body of the answer to a request.
fn get(addr: &str, path: &str, key: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(addr).expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {key}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and hangs up");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.to_owned(), json(body))
}
