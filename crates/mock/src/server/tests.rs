//! The server as a client sees it, over loopback.

use std::num::NonZeroUsize;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::{Config, Encoding, Fault, Handle, Input, Key, Pace, Select, Server};

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const PROTOCOL: &str = "sec-websocket-protocol";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn frames(count: usize) -> Vec<Vec<u8>> {
    let frame =
        |n| format!(r#"{{"ts":{},"d":{{"n":{n},"text":"снег 雪"}}}}"#, 1_781_095_200_000_i64 + n as i64);
    (0..count).map(|n| frame(n).into_bytes()).collect()
}

fn faults(specs: &[&str]) -> Vec<Fault> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}

/// Closes at the end of the input.
fn config(count: usize) -> Config {
    Config { faults: faults(&["end:close(1000)"]), ..open_config(count) }
}

/// Stays open.
fn open_config(count: usize) -> Config {
    Config { input: Input::Frames(frames(count)), pace: Pace::AtOnce, ..Config::default() }
}

async fn connect(url: &str, headers: &[(&str, &str)]) -> Result<(Socket, Response), u16> {
    let mut request = url.into_client_request().unwrap();
    for &(name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
    }
    connect_async(request).await.map_err(|error| {
        let WsError::Http(response) = error else { panic!("no HTTP answer: {error:?}") };
        response.status().as_u16()
    })
}

/// Reads to the end: the messages and the close code.
async fn drain(socket: &mut Socket) -> (Vec<Message>, Option<u16>) {
    let mut messages = Vec::new();
    let mut code = None;
    while let Some(message) = socket.next().await {
        match message {
            Ok(Message::Close(close)) => code = close.map(|close| close.code.into()),
            Ok(message) => messages.push(message),
            Err(error) => panic!("after {} messages: {error:?}", messages.len()),
        }
    }
    (messages, code)
}

async fn drain_data(handle: &Handle) -> Vec<Vec<u8>> {
    let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
    let (messages, code) = drain(&mut socket).await;
    assert_eq!(code, Some(1000));
    messages.into_iter().map(|message| message.into_data().to_vec()).collect()
}

/// Sends bytes and reads all that comes back.
async fn talk(handle: &Handle, request: &str) -> String {
    let mut stream = TcpStream::connect(handle.addr()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: mock\r\n{headers}\r\n")
}

#[tokio::test]
async fn a_key_is_taken_from_the_protocol_the_header_or_the_query() {
    let handle = Server::start(Config { api_key: Some(Key::new(KEY)), ..config(1) }).unwrap();
    let (url, token) = (handle.url(), format!("tweetstream.auth.token.{KEY}"));
    let (first, last) = (format!("{token}, tweetstream.v1"), format!("tweetstream.v1, {token}"));
    let bearer = format!("Bearer {KEY}");
    for (url, headers) in [
        (url.clone(), vec![(PROTOCOL, first.as_str())]),
        (url.clone(), vec![(PROTOCOL, last.as_str())]),
        (url.clone(), vec![("authorization", bearer.as_str()), (PROTOCOL, "tweetstream.v1")]),
        (format!("{url}?apiKey={KEY}"), vec![(PROTOCOL, "tweetstream.v1")]),
    ] {
        let (mut socket, response) = connect(&url, &headers).await.unwrap();
        assert_eq!(response.headers()[PROTOCOL], "tweetstream.v1", "{url} {headers:?}");
        assert_eq!(drain(&mut socket).await.0.len(), 1);
    }
    for headers in
        [vec![], vec![("authorization", "Bearer wrong")], vec![(PROTOCOL, "tweetstream.auth.token.x")]]
    {
        assert_eq!(connect(&url, &headers).await.err(), Some(401), "{headers:?}");
    }
    let stats = handle.stop();
    assert_eq!((stats.accepted, stats.refused, stats.frames), (4, 3, 4));
}

#[tokio::test]
async fn the_protocol_is_selected_as_told_and_never_one_that_was_not_offered() {
    let token = format!("tweetstream.auth.token.{KEY}");
    let both = format!("{token}, tweetstream.v1");
    for (select, offered, expect) in [
        (Select::V1, both.as_str(), Some("tweetstream.v1")),
        (Select::Token, &both, Some(token.as_str())),
        (Select::First, &both, Some(&token)),
        (Select::None, &both, None),
        (Select::V1, &token, None),
        (Select::Token, "tweetstream.v1", None),
    ] {
        let handle = Server::start(Config { select, ..config(0) }).unwrap();
        // tungstenite's client refuses an answer without a protocol, so the head is read by hand.
        let mut stream = TcpStream::connect(handle.addr()).await.unwrap();
        let upgrade = format!(
            "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {offered}\r\n"
        );
        stream.write_all(get("/ws", &upgrade).as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        let selected = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        assert_eq!(selected, expect, "{select:?} of {offered}");
    }
}

#[tokio::test]
async fn upgrades_are_refused_for_ever_for_a_while_or_so_many_times() {
    for (spec, expect) in [
        ("refuse(401)", [Some(401); 4]),
        ("first=2:refuse(429)", [Some(429), Some(429), None, None]),
        ("conn=2-3:refuse(503)", [None, Some(503), Some(503), None]),
        ("until=0s:refuse(403)", [None; 4]),
        ("until=1h:refuse(403)", [Some(403); 4]),
    ] {
        let handle = Server::start(Config { faults: faults(&[spec]), ..config(1) }).unwrap();
        for expect in expect {
            assert_eq!(connect(&handle.url(), &[]).await.err(), expect, "{spec}");
        }
        let refused = expect.iter().flatten().count() as u64;
        let stats = handle.stats();
        assert_eq!((stats.refused, stats.faults), (refused, refused));
    }
}

#[tokio::test]
async fn one_connection_over_the_limit_is_refused_until_a_slot_is_free() {
    let handle = Server::start(Config { max_connections: 1, ..open_config(1) }).unwrap();
    let (mut first, _) = connect(&handle.url(), &[]).await.unwrap();
    assert_eq!(connect(&handle.url(), &[]).await.err(), Some(429));
    first.close(None).await.unwrap();
    drain(&mut first).await;
    drop(first);
    handle.wait();
    connect(&handle.url(), &[]).await.unwrap();
}

#[tokio::test]
async fn a_connection_is_closed_with_the_code_asked_for() {
    for code in [1000, 1012, 4001, 4003, 4029] {
        let faults = faults(&[&format!("after=2:close({code})")]);
        let handle = Server::start(Config { faults, ..config(5) }).unwrap();
        let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
        let (messages, found) = drain(&mut socket).await;
        assert_eq!((messages.len(), found), (2, Some(code)));
    }
}

#[tokio::test]
async fn every_client_gets_the_whole_input_in_order_at_any_pace() {
    for pace in [Pace::AtOnce, Pace::Own, Pace::Speed(50.0), Pace::Rate(5_000.0)] {
        let handle = Server::start(Config { pace, ..config(40) }).unwrap();
        let clients = tokio::join!(drain_data(&handle), drain_data(&handle), drain_data(&handle));
        for frames_got in [clients.0, clients.1, clients.2] {
            assert_eq!(frames_got, frames(40), "{pace:?}");
        }
        let stats = handle.stop();
        assert_eq!(stats.frames, 120);
        assert!(stats.clients.iter().all(|client| client.frames == 40 && client.whole && client.gone));
    }
}

#[tokio::test]
async fn frames_arrive_the_same_in_every_encoding() {
    let three = NonZeroUsize::new(3).unwrap();
    for (encoding, pieces) in [(Encoding::Text, "1"), (Encoding::Binary, "1"), (Encoding::Text, "3")] {
        let faults = faults(&[&format!("fragment({pieces})"), "end:close(1000)"]);
        let handle = Server::start(Config { faults, encoding, ..config(10) }).unwrap();
        let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
        let (messages, _) = drain(&mut socket).await;
        assert!(messages.iter().all(|message| message.is_binary() == (encoding == Encoding::Binary)));
        let got: Vec<Vec<u8>> = messages.into_iter().map(|message| message.into_data().to_vec()).collect();
        assert_eq!(got, frames(10), "{encoding:?} in {pieces}");
    }
    let handle = Server::start(Config { encoding: Encoding::Batch(three), ..config(10) }).unwrap();
    let batches = drain_data(&handle).await;
    let sizes: Vec<usize> = batches
        .iter()
        .map(|batch| serde_json::from_slice::<serde_json::Value>(batch).unwrap().as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
}

#[tokio::test]
async fn a_large_input_is_delivered_to_a_client_that_pings_as_it_reads() {
    // More than the kernel's buffers take, so that the server is still sending when the ping comes.
    let input = Input::Frames(vec![vec![b'x'; 4096]; 10_000]);
    let handle = Server::start(Config { input, ..config(0) }).unwrap();
    let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
    socket.send(Message::Ping("a".into())).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    let (messages, _) = drain(&mut socket).await;
    let pongs = messages.iter().filter(|message| message.is_pong()).count();
    assert_eq!((pongs, messages.len()), (1, 10_001));
    let stats = handle.stop();
    assert_eq!((stats.pings, stats.clients[0].pings, stats.clients[0].messages), (1, 1, 1));
}

#[tokio::test]
async fn a_quiet_connection_answers_pings() {
    let handle = Server::start(open_config(1)).unwrap();
    let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().is_text());
    for payload in ["a", "b"] {
        socket.send(Message::Ping(payload.into())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(payload.into()));
    }
    // On its own thread: it waits for the client's answer, which this one gives.
    let stopping = tokio::task::spawn_blocking(move || handle.stop());
    assert_eq!(drain(&mut socket).await.1, Some(1001), "a stop says goodbye");
    assert!(stopping.await.unwrap().clients[0].gone);
}

#[tokio::test]
async fn bytes_that_are_not_utf8_are_sent_as_text_all_the_same() {
    let input = Input::Frames(vec![b"\xff\xfe".to_vec()]);
    let handle = Server::start(Config { input, ..config(0) }).unwrap();
    let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
    assert!(matches!(socket.next().await, Some(Err(WsError::Utf8(_)))));
}

#[tokio::test]
async fn the_account_is_told_to_who_has_the_key() {
    let frame = br#"{"d":{"author":{"handle":"@SynDesk"}}}"#.to_vec();
    let input = Input::Frames(vec![frame]);
    let handle = Server::start(Config { input, api_key: Some(Key::new(KEY)), ..config(0) }).unwrap();
    let response = talk(&handle, &get("/api/me", &format!("Authorization: Bearer {KEY}\r\n"))).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert_eq!(
        body,
        r#"{"plan":"ELITE","trackedAccounts":{"count":1,"limit":250,"handles":["syndesk"]},"websocket":{"count":0,"limit":64}}"#
    );
    for headers in ["", "Authorization: Bearer wrong\r\n"] {
        let response = talk(&handle, &get("/api/me", headers)).await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        assert!(response.ends_with(r#"{"error":"invalid API key"}"#), "{response}");
    }
}

#[tokio::test]
async fn rubbish_gets_its_status_and_hurts_no_other_client() {
    let handle = Server::start(config(2)).unwrap();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (request, status) in [
        (get("/other", ""), "404"),
        (get("/ws", ""), "426"),
        (get("/ws", &format!("{upgrade}Sec-WebSocket-Version: 8\r\n")), "426"),
        (get("/ws", &format!("{upgrade}Sec-WebSocket-Version: 13\r\n")), "400"),
        (get("/ws", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"), "400"),
        ("POST /ws HTTP/1.1\r\n\r\n".to_owned(), "405"),
        ("\0\0\0\r\n\r\n".to_owned(), "400"),
    ] {
        let response = talk(&handle, &request).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{request:?}: {response}");
    }
    // Half a request, and a client that vanishes right after the upgrade.
    let mut half = TcpStream::connect(handle.addr()).await.unwrap();
    half.write_all(b"GET /ws HT").await.unwrap();
    drop(connect(&handle.url(), &[]).await.unwrap());
    assert_eq!(drain_data(&handle).await, frames(2));
    handle.stop();
}

#[tokio::test]
async fn rebased_frames_start_now_and_keep_their_distances() {
    let handle = Server::start(Config { rebase: true, ..config(3) }).unwrap();
    let before = crate::runtime::wall_ms();
    let times: Vec<i64> = drain_data(&handle)
        .await
        .iter()
        .map(|frame| serde_json::from_slice::<serde_json::Value>(frame).unwrap()["ts"].as_i64().unwrap())
        .collect();
    let after = crate::runtime::wall_ms();
    assert!((before..=after).contains(&times[0]), "{before} {times:?} {after}");
    assert_eq!((times[1] - times[0], times[2] - times[0]), (1, 2));
}

#[tokio::test]
async fn a_repeated_input_goes_on_until_the_client_leaves() {
    let handle = Server::start(Config { repeat: true, ..config(3) }).unwrap();
    let (mut socket, _) = connect(&handle.url(), &[]).await.unwrap();
    for n in 0..10 {
        let frame = socket.next().await.unwrap().unwrap().into_data();
        assert_eq!(frame, frames(3)[n % 3]);
    }
    drop(socket);
    assert!(handle.wait().clients[0].whole);
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let first = Server::start(config(0)).unwrap();
    let error = Server::start(Config { listen: first.addr(), ..config(0) }).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", first.addr()));
}
