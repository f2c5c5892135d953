//! The REST client against the mock server, and against servers that answer oddly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::thread::JoinHandle;
use std::time::Duration;

use stoop::Key;
use stoop::feed::Api;
use stoop::rest::{Client, History, HistoryEnd, HistoryQuery, HistorySpan, RestError, Timeouts};
use stoop::wire::{AccountState, Limits, MessageType};
use stoop_mock::{Config, Handle, Input, Plan, Server};
use stoop_synth::{Generator, Options};

const KEY: &str = "5ecret-k3y-of-this-test";
/// Longer than anything takes on the slowest machine: no test that passes waits for them.
const PATIENT: Timeouts = Timeouts { connect: Duration::from_mins(10), total: Duration::from_mins(10) };

fn client_of(addr: impl std::fmt::Display, timeouts: Timeouts) -> Client {
    let api = Api::new(&format!("http://{addr}")).expect("a loopback address");
    Client::new(api, Key::new(KEY).expect("a key"), timeouts)
}

fn mock(frames: Vec<Vec<u8>>, plan: Plan, key: &str) -> (Handle, Client) {
    let api_key = Some(stoop_mock::Key::new(key));
    let server = Server::start(Config { input: Input::Frames(frames), plan, api_key, ..Config::default() });
    let server = server.expect("a mock server");
    let client = client_of(server.addr(), PATIENT);
    (server, client)
}

fn post(id: u64, created_ms: i64) -> Vec<u8> {
    format!(
        r#"{{"v":1,"t":"tweet","op":"content","ts":{},"d":{{"tweetId":"{id}","text":"t","createdAt":{created_ms},"author":{{"handle":"@desk_of_rest_tests"}}}}}}"#,
        created_ms + 200
    )
    .into_bytes()
}

fn names(handles: &[&str]) -> Vec<String> {
    handles.iter().map(|handle| (*handle).to_owned()).collect()
}

/// A span without pauses.
fn span(from_ms: i64, to_ms: i64) -> HistorySpan {
    HistorySpan { pause: Duration::ZERO, ..HistorySpan::between(from_ms, to_ms) }
}

fn read(client: &Client, span: &HistorySpan) -> History {
    client.history_between(span, |_| ControlFlow::Continue(())).expect("history")
}

#[test]
fn accounts_are_listed_added_and_removed() {
    let (_server, client) = mock(vec![post(1, 1_781_095_199_900)], Plan::Elite, KEY);
    let reply =
        client.add_accounts(&names(&["@Another_Desk", "missing_desk", "desk_of_rest_tests"])).expect("207");
    let states: Vec<_> = reply.rows.iter().map(|row| row.state.clone()).collect();
    assert_eq!(states, [AccountState::Added, AccountState::NotFound, AccountState::AlreadyFollowing]);
    let me = client.me().expect("me");
    assert_eq!(me.handles, ["another_desk", "desk_of_rest_tests"]);
    assert_eq!(
        (me.plan.as_deref(), me.accounts.count, me.accounts.limit),
        (Some("ELITE"), Some(2), Some(250))
    );
    let reply = client.remove_accounts(&names(&["another_desk"])).expect("200");
    assert_eq!(reply.rows[0].state, AccountState::Removed);
    let reply = client.add_accounts(&names(&["missing_desk"])).expect("400 with rows");
    assert_eq!((reply.rows.len(), reply.rows[0].state.is_good()), (1, false));
    assert!(reply.error.is_some());
    assert!(matches!(client.add_accounts(&[]), Err(RestError::Refused { status: 400, .. })));
}

#[test]
fn a_wrong_key_and_a_small_plan_are_told_apart() {
    let (_server, client) = mock(Vec::new(), Plan::Elite, "another");
    for error in [client.me().unwrap_err(), client.add_accounts(&names(&["a"])).unwrap_err()] {
        assert!(matches!(error, RestError::Unauthorised { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains(KEY));
    }
    let (_server, client) = mock(Vec::new(), Plan::Basic, KEY);
    let error = client.history(&HistoryQuery::default(), Limits::default()).unwrap_err();
    assert!(
        matches!(&error, RestError::Forbidden { explanation } if explanation.text().is_some()),
        "{error}"
    );
    assert!(!format!("{client:?}").contains(KEY));
}

#[test]
fn history_is_read_page_by_page_without_a_row_twice_or_missing() {
    let frames: Vec<Vec<u8>> = Generator::new(Options { frames: 9_000, seed: 7, ..Options::default() })
        .map(String::into_bytes)
        .collect();
    let contents =
        frames.iter().filter(|frame| String::from_utf8_lossy(frame).contains(r#""op":"content""#)).count();
    assert!(contents > 2_500, "{contents}");
    let (_server, client) = mock(frames, Plan::Elite, KEY);
    let mut told = Vec::new();
    let all = client.history_between(&span(0, 4_000_000_000_000), |history| {
        told.push(history.rows.len());
        ControlFlow::Continue(())
    });
    let all = all.expect("history");
    assert!(matches!(all.end, HistoryEnd::Whole), "{:?}", all.end);
    assert_eq!((all.rows.len(), all.error_count), (contents, 0));
    assert!(all.pages > 3 && told.len() == all.pages && told.is_sorted(), "{told:?}");
    assert!(all.rows.is_sorted_by_key(|row| row.time_ms));
    // The newest only, and no more pages than allowed.
    let newest = read(&client, &HistorySpan { most_rows: 10, ..span(0, 4_000_000_000_000) });
    assert!(matches!(newest.end, HistoryEnd::Rows));
    assert_eq!(newest.rows.len(), 10);
    assert_eq!(newest.rows.last().map(|row| row.time_ms), all.rows.last().map(|row| row.time_ms));
    let two = read(&client, &HistorySpan { most_pages: 2, ..span(0, 4_000_000_000_000) });
    assert!(matches!(two.end, HistoryEnd::Pages) && two.pages == 2, "{:?}", two.end);
    let none = read(&client, &span(0, 1_000));
    assert!(matches!(none.end, HistoryEnd::Whole) && none.rows.is_empty() && none.pages == 1);
    let follows = HistorySpan { message_type: MessageType::Follow, ..span(0, 4_000_000_000_000) };
    assert!(read(&client, &follows).rows.iter().all(|row| row.message_type == MessageType::Follow));
}

#[test]
fn a_moment_with_more_rows_than_a_page_is_told_instead_of_asked_for_ever() {
    let frames = (1..=1_200).map(|id| post(id, 1_781_095_199_900)).chain([post(5_000, 1_781_095_000_000)]);
    let (_server, client) = mock(frames.collect(), Plan::Elite, KEY);
    let history = read(&client, &span(0, 4_000_000_000_000));
    assert!(matches!(history.end, HistoryEnd::Stuck), "{:?}", history.end);
    assert_eq!(history.rows.len(), 1_000);
}

#[expect(clippy::disallowed_methods, reason = "one server of a test, joined by it")]
fn serve(answers: Vec<Vec<u8>>) -> (std::net::SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = listener.local_addr().expect("an address");
    let body = move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().expect("a client");
                let head = head_of(&mut stream);
                // Who has read enough, or waited enough, may be gone.
                drop(stream.write_all(&answer));
                if !answer.ends_with("…".as_bytes()) {
                    return head;
                }
                // More is promised and never comes: until the client has had enough.
                drop(stream.read(&mut [0]));
                head
            })
            .collect()
    };
    (addr, std::thread::Builder::new().name("odd-server".to_owned()).spawn(body).expect("a thread"))
}

fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is text")
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\n{headers}Connection: close\r\n\r\n{body}")
        .into_bytes()
}

/// The error of `me` when the server answers so, and the request.
fn fails(raw: Vec<u8>, timeouts: Timeouts) -> (RestError, String) {
    let (addr, server) = serve(vec![raw]);
    let error = client_of(addr, timeouts).me().expect_err("it is no success");
    let mut heads = server.join().expect("the server ends");
    assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
    (error, heads.remove(0))
}

#[test]
fn every_request_names_us_and_carries_the_key_in_one_header() {
    let (_, head) = fails(answer("500 Oops", "", ""), PATIENT);
    let lower = head.to_lowercase();
    assert!(head.starts_with("GET /api/me HTTP/1.1\r\n"), "{head}");
    assert!(lower.contains(concat!("user-agent: stoop/", env!("CARGO_PKG_VERSION"))), "{head}");
    assert_eq!(head.matches(KEY).count(), 1);
    assert!(lower.contains(&format!("authorization: bearer {KEY}\r\n")), "{head}");
}

#[test]
fn odd_answers_have_their_errors() {
    let error = |raw: Vec<u8>| fails(raw, PATIENT).0;
    let html = error(answer("200 OK", "Content-Type: text/html\r\n", "<html>Welcome</html>"));
    assert!(matches!(&html, RestError::Unreadable { status: 200, .. }), "{html}");
    assert!(matches!(error(answer("200 OK", "", "[]")), RestError::Unreadable { .. }));
    assert!(matches!(error(answer("200 OK", "", "")), RestError::Unreadable { .. }));
    assert!(matches!(error(answer("502 Bad Gateway", "", "<html>")), RestError::Server { status: 502, .. }));
    assert!(matches!(error(answer("404 Not Found", "", "{}")), RestError::Refused { status: 404, .. }));
    let limited = error(answer("429 Too Many Requests", "Retry-After: 7\r\n", r#"{"message":"slow down"}"#));
    assert_eq!(limited.to_string(), "too many requests (429: slow down): try again in 7 s");
    let dated = error(answer("429 Too Many Requests", "Retry-After: Wed, 10 Jun 2026 12:00:00 GMT\r\n", ""));
    assert!(matches!(dated, RestError::RateLimited { retry_after: None, .. }));
    let quoted = error(answer("401 Unauthorized", "", &format!(r#"{{"error":"no such key: {KEY}"}}"#)));
    assert!(quoted.to_string().contains("no such key: …"), "{quoted}");
    let cut = error(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"plan\"".to_vec());
    assert!(matches!(cut, RestError::Transport { .. }), "{cut:?}");
    let rubbish = error(b"SSH-2.0-nothing of yours\r\n\r\n".to_vec());
    assert!(matches!(rubbish, RestError::Transport { .. }), "{rubbish:?}");
}

#[test]
fn redirects_are_not_followed() {
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    let location = format!("Location: http://{}/api/me\r\n", target.local_addr().expect("an address"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let (error, _) = fails(answer(status, &location, ""), PATIENT);
        assert!(matches!(error, RestError::Redirected { .. }), "{status}: {error}");
    }
    target.set_nonblocking(true).expect("it can be");
    assert!(target.accept().is_err(), "nobody came with the key");
}

#[test]
fn a_body_without_end_is_cut_off() {
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize((32 << 20) + 4096, b' ');
    let (error, _) = fails(endless, PATIENT);
    assert!(matches!(error, RestError::TooLong { .. }), "{error}");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let slow = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{…".as_bytes().to_vec();
    let total = Duration::from_secs(2);
    let (error, _) = fails(slow, Timeouts { total, ..PATIENT });
    assert!(matches!(error, RestError::TimedOut { .. }), "{error:?}");
}

#[test]
fn nobody_at_the_address_is_an_error_that_names_it() {
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let error = client_of(addr, PATIENT).me().unwrap_err();
    assert!(matches!(error, RestError::Transport { .. }));
    assert!(error.to_string().starts_with(&format!("cannot reach http://{addr}: ")), "{error}");
}

#[test]
fn a_page_is_asked_for_again_when_the_server_wants_time() {
    let row = r#"{"data":[{"tweetId":"1","time":"2026-06-10T12:00:00Z","body":"b"}]}"#;
    let later = answer("429 Too Many Requests", "Retry-After: 0\r\n", "");
    let page = answer("200 OK", "", row);
    let failed = answer("500 Oops", "", "");
    let (addr, server) = serve(vec![later.clone(), page.clone(), later, page.clone()]);
    let history = read(&client_of(addr, PATIENT), &span(0, 4_000_000_000_000));
    assert!(matches!(history.end, HistoryEnd::Whole));
    assert_eq!((history.rows.len(), history.pages, history.repeated), (1, 2, 1));
    let heads = server.join().expect("the server ends");
    assert!(heads[3].contains("endDate=2026-06-10T12%3A00%3A00.001Z"), "{}", heads[3]);
    // What has come before a failure is kept.
    let (addr, server) = serve(vec![page, failed]);
    let history = read(&client_of(addr, PATIENT), &span(0, 4_000_000_000_000));
    assert!(matches!(&history.end, HistoryEnd::Failed(error) if matches!(**error, RestError::Server { .. })));
    assert_eq!(history.rows.len(), 1);
    server.join().expect("the server ends");
}
