//! `accounts`: list, add, remove and sync, against the mock server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use crate::decisions::json as parsed;
use crate::desk::{Desk, Mock, fixture};
use crate::driver::{Finished, join, stoop, thread};

pub(crate) const KEY: &str = "5ecret-k3y-of-a-test";

/// A folder with a configuration that asks the REST interface at `addr`.
pub(crate) fn desk(addr: &str) -> (Desk, String) {
    let desk = Desk::new();
    let config = desk.file("stoop.toml", format!("[feed]\napi = \"http://{addr}\"\n"));
    (desk, config)
}

pub(crate) fn mock(input: &str, args: &[&str]) -> Mock {
    Mock::start(input, &[&["--api-key", KEY], args].concat())
}

/// Runs a command with the key; neither output ever shows it.
pub(crate) fn with_key(args: &[&str], key: &str) -> Finished {
    let finished = stoop(&[&["-vvv"], args].concat()).key(key).finish();
    let shown = finished.stdout.iter().chain(&finished.stderr);
    assert!(!shown.into_iter().any(|line| line.contains(key)), "the key is shown:\n{}", finished.errors());
    finished
}

fn accounts(command: &[&str], config: &str) -> Finished {
    with_key(&[&["accounts"], command, &["-c", config]].concat(), KEY)
}

fn rows(finished: &Finished) -> Vec<Value> {
    finished.stdout.iter().map(|line| parsed(line)).collect()
}

#[test]
fn accounts_are_listed_added_and_removed() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (_desk, config) = desk(&mock.addr);
    let list = || accounts(&["list"], &config).expect(0).stdout;
    assert_eq!(list(), ["marketdesk"]);
    let added = accounts(&["add", "@Desk_One_Of_Tests", "MARKETDESK"], &config).expect(0);
    assert_eq!(added.stdout, ["added              desk_one_of_tests", "already_following  marketdesk"]);
    assert_eq!(list(), ["desk_one_of_tests", "marketdesk"]);
    let removed = accounts(&["remove", "desk_one_of_tests", "never_there", "--json"], &config).expect(0);
    let states: Vec<_> = rows(&removed).iter().map(|row| (row["state"].clone(), row["ok"].clone())).collect();
    assert_eq!(states, [(json!("removed"), json!(true)), (json!("not_following"), json!(true))]);
    let listed = accounts(&["list", "--json"], &config).expect(0);
    let listed = parsed(&listed.stdout[0]);
    assert_eq!((listed["handles"].clone(), listed["plan"].clone()), (json!(["marketdesk"]), json!("ELITE")));
    assert_eq!(listed["accounts"], json!({"count": 1, "limit": 250}));
}

#[test]
fn what_could_not_be_done_is_told_row_by_row() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (_desk, config) = desk(&mock.addr);
    let partial = accounts(&["add", "good_desk_of_tests", "missing_desk", "a b"], &config).expect(1);
    assert_eq!(partial.stdout.len(), 3);
    assert!(partial.stdout[0].starts_with("added "), "{}", partial.stdout[0]);
    assert_eq!(partial.stdout[1], "not_found          missing_desk  no such account");
    assert!(partial.stdout[2].starts_with("invalid_input "), "{}", partial.stdout[2]);
    assert!(partial.errors().contains("1 succeeded, 2 failed"), "{}", partial.errors());
    let none = accounts(&["add", "missing_desk"], &config).expect(1);
    assert!(none.errors().contains("the server says: no account was changed"), "{}", none.errors());
}

#[test]
fn a_file_is_followed_by_adding_and_only_if_asked_by_removing() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (desk, config) = desk(&mock.addr);
    let file = desk.file(
        "accounts.txt",
        "# ours\n@New_Desk_Of_Tests  # a comment\n\nother_desk_of_tests\nOTHER_desk_of_tests\n",
    );
    let sync = |flags: &[&str]| accounts(&[&["sync", file.as_str()], flags].concat(), &config);
    let dry = sync(&["--dry-run", "--json"]).expect(0);
    assert_eq!(rows(&dry)[0]["add"], json!(["New_Desk_Of_Tests", "OTHER_desk_of_tests"]));
    assert_eq!(rows(&dry)[0]["remove"], json!([]));
    assert_eq!(accounts(&["list"], &config).stdout, ["marketdesk"], "a dry run changes nothing");
    let first = sync(&[]).expect(0);
    assert!(
        first.stderr.contains(&"plan: 2 to add, 0 to remove, 3 followed then".to_owned()),
        "{}",
        first.errors()
    );
    assert_eq!(first.stdout.len(), 2);
    assert_eq!(
        accounts(&["list"], &config).stdout,
        ["marketdesk", "new_desk_of_tests", "other_desk_of_tests"]
    );
    let exact = sync(&["--remove"]).expect(0);
    assert!(exact.stderr.contains(&"- marketdesk".to_owned()), "{}", exact.errors());
    assert_eq!(exact.stdout, ["removed            marketdesk"]);
    let again = sync(&["--remove"]).expect(0);
    assert!(again.stdout.is_empty(), "nothing is left to do");
    desk.file("accounts.txt", "missing_desk\nnew_desk_of_tests\n");
    let partial = sync(&["--remove"]).expect(1);
    assert_eq!(
        partial.stdout.len(),
        2,
        "the removal is carried out, the addition told: {:?}",
        partial.stdout
    );
    desk.file("accounts.txt", "two handles\n");
    let wrong = sync(&[]).expect(78);
    assert!(wrong.errors().contains("accounts.txt:1: write one handle per line"), "{}", wrong.errors());
    accounts(&["sync", "absent.txt"], &config).expect(78);
    desk.file("accounts.txt", "# nobody yet\n");
    sync(&["--remove"]).expect(78);
    assert_eq!(accounts(&["list"], &config).stdout, ["new_desk_of_tests"], "an empty file empties nothing");
}

#[test]
fn a_long_file_is_sent_in_parts() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (desk, config) = desk(&mock.addr);
    let handles: Vec<String> = (0..249).map(|number| format!("desk_{number}_of_tests")).collect();
    let file = desk.file("accounts.txt", handles.join("\n"));
    let synced = accounts(&["sync", &file], &config).expect(0);
    assert_eq!(synced.stdout.len(), 249);
    assert_eq!(accounts(&["list"], &config).stdout.len(), 250);
    desk.file("accounts.txt", format!("{}\none_too_many_of_tests\n", handles.join("\n")));
    let over = accounts(&["sync", &file], &config).expect(1);
    assert!(over.errors().contains("warning: the plan allows 250 accounts"), "{}", over.errors());
    assert!(over.stdout[0].starts_with("failed "), "{:?}", over.stdout);
}

#[test]
fn refusals_and_missing_keys_have_their_exit_codes() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (desk, config) = desk(&mock.addr);
    let refused = with_key(&["accounts", "list", "-c", &config], "an0ther-k3y").expect(77);
    assert!(refused.errors().contains("refuses the API key (401: invalid API key)"), "{}", refused.errors());
    let keyless = stoop(&["accounts", "list", "-c", &config]).finish().expect(78);
    assert!(keyless.errors().contains("TWEETSTREAM_API_KEY"), "{}", keyless.errors());
    let plain = desk.file("plain.toml", "[feed]\napi = \"http://example.com\"\n");
    let plain = accounts(&["list"], &plain).expect(78);
    assert!(
        plain.errors().contains("plain.toml:2:7: http:// to example.com would show the API key"),
        "{}",
        plain.errors()
    );
    accounts(&["list"], &desk.name("absent.toml")).expect(78);
}

#[test]
fn nobody_at_the_address_is_told_plainly() {
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let (_desk, config) = desk(&addr.to_string());
    let gone = accounts(&["add", "a"], &config).expect(1);
    assert!(gone.errors().contains(&format!("cannot reach http://{addr}: ")), "{}", gone.errors());
    assert!(gone.stdout.is_empty());
}

#[test]
fn odd_answers_end_in_one_line() {
    for (answer, code, told) in [
        (
            "200 OK\r\nContent-Type: text/html\r\n\r\n<html>Hello</html>",
            1,
            "cannot be read: syntax at byte 0; is `[feed] api` right?",
        ),
        (
            "500 Oops\r\n\r\n{\"error\":\"5ecret-k3y-of-a-test\\u001b[2J broke\"}",
            1,
            "the server failed (500: … [2J broke): try again later",
        ),
        ("429 Slow\r\nRetry-After: 30\r\n\r\n", 1, "too many requests (429): try again in 30 s"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 1, "the server redirects (302)"),
        ("403 Forbidden\r\n\r\n{\"message\":\"no subscription\"}", 77, "(403: no subscription)"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (_desk, config) = desk(&listener.local_addr().expect("an address").to_string());
        let server = thread("odd-server", move || answer_once(&listener, answer));
        let finished = accounts(&["list"], &config).expect(code);
        join("the server to have answered", server);
        let last = finished.stderr.last().map_or("", String::as_str);
        assert!(last.contains(told) && last.starts_with("stoop: "), "{answer:?}: {}", finished.errors());
    }
}

/// Gives the first client this answer; returns what it asked.
fn answer_once(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().expect("a client");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    // It may have hung up.
    drop(write!(stream, "HTTP/1.1 {answer}"));
    String::from_utf8(head).expect("a head is text")
}

#[test]
fn a_proxy_of_the_environment_is_asked_for_a_tunnel_and_sees_no_key() {
    let desk = Desk::new();
    let config = desk.file("stoop.toml", "[feed]\napi = \"https://api.example.test\"\n");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = proxy.local_addr().expect("an address").to_string();
        let asked =
            thread("proxy", move || answer_once(&proxy, "407 Pay First\r\nContent-Length: 0\r\n\r\n"));
        let call =
            stoop(&["accounts", "list", "-c", &config]).key(KEY).env(variable, &format!("http://{addr}"));
        let finished = call.finish().expect(1);
        let head = join("the proxy to be asked", asked);
        assert!(head.starts_with("CONNECT api.example.test:443 HTTP/1.1\r\n"), "{variable}: {head}");
        assert!(!head.contains(KEY) && !finished.errors().contains(KEY));
        assert!(finished.errors().contains(&format!("through the proxy {addr}")), "{}", finished.errors());
    }
}

#[test]
fn the_feed_asks_the_proxy_of_the_environment_too() {
    let desk = Desk::new();
    let config =
        desk.file("stoop.toml", "[[rule]]\nname = \"r\"\n[feed]\nurl = \"wss://feed.example.test/ws\"\n");
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = proxy.local_addr().expect("an address").to_string();
    let asked = thread("proxy", move || answer_once(&proxy, "407 Pay First\r\nContent-Length: 0\r\n\r\n"));
    let run = stoop(&["run", "-c", &config]).key(KEY).env("HTTPS_PROXY", &format!("http://{addr}")).start();
    let head = join("the proxy to be asked", asked);
    assert!(head.starts_with("CONNECT feed.example.test:443 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains(KEY));
    run.signal("TERM");
    assert!(!run.finish().expect(143).errors().contains(KEY));
}

#[test]
fn what_no_proxy_names_and_this_machine_are_reached_without_one() {
    let mock = mock(&fixture("frames/vendor.jsonl"), &[]);
    let (desk, config) = desk(&mock.addr);
    // Nobody listens at port 1: through it nothing would come.
    let call = stoop(&["accounts", "list", "-c", &config]).key(KEY).env("HTTPS_PROXY", "http://127.0.0.1:1");
    assert_eq!(call.finish().expect(0).stdout, ["marketdesk"]);
    let direct = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = direct.local_addr().expect("an address").port();
    let config = desk.file("direct.toml", format!("[feed]\napi = \"https://localhost:{port}\"\n"));
    let came = thread("direct", move || {
        let (mut stream, _) = direct.accept().expect("a client");
        let mut first = [0; 1];
        stream.read_exact(&mut first).expect("it begins");
        first
    });
    let call = stoop(&["accounts", "list", "-c", &config]).key(KEY);
    call.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "localhost").finish().expect(1);
    assert_eq!(join("a client to come", came), [22], "a TLS handshake");
}

#[test]
fn without_a_configuration_the_defaults_ask_the_vendor() {
    let config = stoop::Config::default();
    assert_eq!(config.api.as_str(), "https://api.tweetstream.io");
    assert!(!Path::new("stoop.toml").exists(), "these tests run where there is none");
    stoop(&["accounts", "list"]).finish().expect(78);
}
