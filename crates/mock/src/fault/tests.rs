//! What arrives on the wire when a fault strikes, byte by byte.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Config, Handle, Input, Pace, Server};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const MASK: [u8; 4] = [0; 4];
/// A server that is silent for this long stays silent. Only tests of silence wait for all of it.
const SILENCE: Duration = Duration::from_millis(30);
/// Longer than anything takes on the slowest machine: only a failing test waits for it.
const LIMIT: Duration = Duration::from_mins(10);

fn frames(count: usize) -> Vec<Vec<u8>> {
    let frame = |n: usize| format!(r#"{{"ts":{},"d":{{"n":{n}}}}}"#, 1_781_095_200_000_i64 + n as i64);
    (0..count).map(|n| frame(n).into_bytes()).collect()
}

fn start(specs: &[&str], count: usize) -> Handle {
    let faults = specs.iter().map(|spec| spec.parse().unwrap()).collect();
    let config =
        Config { input: Input::Frames(frames(count)), pace: Pace::AtOnce, faults, ..Config::default() };
    Server::start(config).unwrap()
}

/// A client that knows no more than it must.
struct Raw(TcpStream);

/// What comes next.
#[derive(Debug, PartialEq)]
enum Next {
    /// A frame: its first byte, whether it is masked, and its payload.
    Frame(u8, bool, Vec<u8>),
    Fin,
    Rst,
}

impl Raw {
    /// Asks for the upgrade; returns the answer's head.
    async fn ask(handle: &Handle) -> (Self, String) {
        let mut stream = TcpStream::connect(handle.addr()).await.unwrap();
        let request = "GET /ws HTTP/1.1\r\nHost: mock\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: tweetstream.v1\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < 20_000 {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        (Self(stream), String::from_utf8(head).unwrap())
    }

    async fn upgraded(handle: &Handle) -> Self {
        let (raw, head) = Self::ask(handle).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        let head = [&[first, 0x80 | payload.len() as u8][..], &MASK].concat();
        self.0.write_all(&[&head[..], payload].concat()).await.unwrap();
    }

    async fn next(&mut self) -> Next {
        tokio::time::timeout(LIMIT, self.read()).await.expect("something comes")
    }

    async fn read(&mut self) -> Next {
        match self.try_read().await {
            Ok(frame) => frame,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Next::Fin,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Next::Rst,
            Err(error) => panic!("{error}"),
        }
    }

    async fn try_read(&mut self) -> std::io::Result<Next> {
        let first = self.0.read_u8().await?;
        let second = self.0.read_u8().await?;
        let length = match second & 0x7f {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            length => u64::from(length),
        };
        let is_masked = second & 0x80 != 0;
        let mut mask = MASK;
        if is_masked {
            self.0.read_exact(&mut mask).await?;
        }
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await?;
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        Ok(Next::Frame(first, is_masked, payload))
    }

    /// The next that is not a ping, and the pings before it.
    async fn next_and_pings(&mut self) -> (Next, Vec<Vec<u8>>) {
        let mut pings = Vec::new();
        loop {
            match self.next().await {
                Next::Frame(PING, false, payload) => pings.push(payload),
                next @ (Next::Frame(..) | Next::Fin | Next::Rst) => return (next, pings),
            }
        }
    }

    /// Asserts that this many whole frames of the input come among pings, from this one on; returns the pings.
    async fn expect_among_pings(&mut self, from: usize, count: usize) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for frame in frames(from + count).into_iter().skip(from) {
            let (next, pings) = self.next_and_pings().await;
            assert_eq!(next, Next::Frame(TEXT, false, frame));
            all.extend(pings);
        }
        all
    }

    /// Asserts that this many whole frames of the input come, from this one on.
    async fn expect(&mut self, from: usize, count: usize) {
        for frame in frames(from + count).into_iter().skip(from) {
            assert_eq!(self.next().await, Next::Frame(TEXT, false, frame));
        }
    }

    /// Hangs up, and waits until the server knows.
    async fn gone(self, handle: &Handle) {
        drop(self);
        let gone = async {
            while handle.stats().open > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, gone).await.expect("the server finds that its client has gone");
    }

    async fn expect_silence(&mut self) {
        let next = tokio::time::timeout(SILENCE, self.0.read_u8()).await;
        assert!(next.is_err(), "{next:?}");
    }

    async fn expect_pong(&mut self) {
        self.send(PING, b"hey").await;
        assert_eq!(self.next().await, Next::Frame(PONG, false, b"hey".to_vec()));
    }
}

#[tokio::test]
async fn a_connection_ends_with_fin_rst_or_a_close() {
    for (spec, expect) in [
        ("after=3:fin", Next::Fin),
        ("after=3:rst", Next::Rst),
        ("after=3:close(1012)", Next::Frame(CLOSE, false, 1012_u16.to_be_bytes().to_vec())),
        ("after=3:close", Next::Frame(CLOSE, false, Vec::new())),
        ("end:rst", Next::Rst),
    ] {
        let handle = start(&[spec], 3);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 3).await;
        assert_eq!(raw.next().await, expect, "{spec}");
        if spec.contains("close") {
            raw.send(0x88, b"").await;
            assert_eq!(raw.next().await, Next::Fin);
        }
        drop(raw);
        assert_eq!(handle.stop().faults, 1);
    }
}

#[tokio::test]
async fn a_server_may_flap() {
    let handle = start(&["fin"], 3);
    for _ in 0..20 {
        assert_eq!(Raw::upgraded(&handle).await.next().await, Next::Fin);
    }
    assert_eq!((handle.stats().accepted, handle.stats().frames), (20, 0));
}

#[tokio::test]
async fn a_stalled_connection_answers_pings_and_a_frozen_one_nothing() {
    for (spec, answers) in [("after=2:stall", true), ("after=2:freeze", false)] {
        let handle = start(&[spec], 5);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 2).await;
        if answers {
            raw.expect_pong().await;
        } else {
            raw.send(0x89, b"hey").await;
            raw.send(0x88, b"").await;
        }
        raw.expect_silence().await;
        drop(raw);
        // The server is done with it, though it hears nothing.
        drop(handle);
    }
    let handle = start(&["after=2:stall(20ms)", "after=3:freeze(20ms)"], 5);
    let mut raw = Raw::upgraded(&handle).await;
    raw.expect(0, 5).await;
    raw.expect_pong().await;
}

#[tokio::test]
async fn pings_go_unanswered_while_data_goes_on() {
    let handle = start(&["no-pong", "after=1:stall(10ms)"], 3);
    let mut raw = Raw::upgraded(&handle).await;
    raw.send(0x89, b"hey").await;
    raw.expect(0, 3).await;
    raw.expect_silence().await;
    raw.send(0x88, b"").await;
    assert_eq!(raw.next().await, Next::Frame(CLOSE, false, Vec::new()), "a close is answered");
    assert_eq!(handle.stats().pings, 1);
}

#[tokio::test]
async fn half_a_frame_or_an_announcement_is_all_that_comes() {
    let whole = frames(2)[1].len() + 2;
    for (spec, bytes) in [("after=1:half", whole / 2), ("after=1:claim(4G)", 10)] {
        let handle = start(&[spec], 3);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 1).await;
        let mut part = vec![0; bytes];
        raw.0.read_exact(&mut part).await.unwrap();
        if spec.contains("claim") {
            assert_eq!(part, [TEXT, 127, 0, 0, 0, 1, 0, 0, 0, 0]);
        }
        raw.send(0x89, b"hey").await;
        raw.expect_silence().await;
    }
}

#[tokio::test]
async fn an_endless_message_answers_pings_between_its_fragments() {
    let handle = start(&["after=1:endless"], 3);
    let mut raw = Raw::upgraded(&handle).await;
    raw.expect(0, 1).await;
    raw.send(0x89, b"hey").await;
    let (mut bytes, mut pongs) = (0, 0);
    // The pong waits after what the sockets hold already, which is less than this.
    while bytes < 8 << 20 || pongs == 0 {
        assert!(bytes < 256 << 20, "no pong in {bytes} bytes");
        match raw.next().await {
            Next::Frame(PONG, _, _) => pongs += 1,
            Next::Frame(first, false, payload) => {
                assert_eq!(first, u8::from(bytes == 0));
                bytes += payload.len();
            }
            other @ (Next::Frame(..) | Next::Fin | Next::Rst) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn messages_of_the_servers_own_come_between_frames() {
    for (spec, first) in [
        ("after=1:rubbish(json)", TEXT),
        ("after=1:rubbish(utf8)", TEXT),
        ("after=1:rubbish(binary)", BINARY),
        ("after=1:long(70000)", TEXT),
    ] {
        let handle = start(&[spec], 2);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 1).await;
        let Next::Frame(found, false, payload) = raw.next().await else { panic!("{spec}") };
        assert_eq!(found, first, "{spec}");
        let is_json = serde_json::from_slice::<serde_json::Value>(&payload).is_ok();
        let is_utf8 = std::str::from_utf8(&payload).is_ok();
        match spec {
            "after=1:long(70000)" => assert!(is_json && payload.len() == 70_000),
            "after=1:rubbish(json)" => assert!(is_utf8 && !is_json),
            _ => assert!(!is_utf8, "{spec}"),
        }
        raw.expect(1, 1).await;
    }
}

#[tokio::test]
async fn frames_come_in_shapes_no_server_may_give_them() {
    let payload = frames(1).swap_remove(0);
    let length = payload.len() as u8;
    let stored = [&[0, length, 0, !length, 0xff][..], &payload, &[0]].concat();
    for (spec, expect) in [
        ("after=0:rsv", Next::Frame(0xb1, false, payload.clone())),
        ("after=0:masked", Next::Frame(TEXT, true, payload.clone())),
        ("after=0:compressed", Next::Frame(0xc1, false, stored)),
        ("after=0:fragment(1)", Next::Frame(TEXT, false, payload.clone())),
    ] {
        let handle = start(&[spec], 2);
        let mut raw = Raw::upgraded(&handle).await;
        assert_eq!(raw.next().await, expect, "{spec}");
    }
    let handle = start(&["every=2:fragment(3)"], 3);
    let mut raw = Raw::upgraded(&handle).await;
    raw.expect(0, 1).await;
    let mut whole = Vec::new();
    for first in [0x01, 0x00, 0x80] {
        let Next::Frame(found, false, piece) = raw.next().await else { panic!("a fragment is missing") };
        assert_eq!(found, first);
        whole.extend(piece);
    }
    assert_eq!(whole, frames(2)[1]);
    raw.expect(2, 1).await;
}

#[tokio::test]
async fn slow_bytes_take_their_time() {
    let bytes: usize = frames(6).iter().map(|frame| frame.len() + 2).sum();
    let handle = start(&["slow(2000)"], 6);
    let mut raw = Raw::upgraded(&handle).await;
    let before = crate::runtime::now();
    raw.expect(0, 6).await;
    let took = before.elapsed().as_secs_f64();
    // The first of them come at once.
    let least = (bytes as f64 - 40.0) / 2_000.0;
    assert!(took >= least * 0.9, "{bytes} bytes in {took} s");
}

#[tokio::test]
async fn the_upgrade_is_answered_with_what_is_none() {
    let handle = start(&["html"], 1);
    let (mut raw, head) = Raw::ask(&handle).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), "{head}");
    let mut page = String::new();
    raw.0.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");

    let handle = start(&["subprotocol(chat)"], 1);
    let (_, head) = Raw::ask(&handle).await;
    assert!(head.contains("Sec-WebSocket-Protocol: chat\r\n"), "{head}");

    let handle = start(&["first=1:endless-head", "conn=2:silent-head"], 1);
    let (raw, head) = Raw::ask(&handle).await;
    assert!(head.len() >= 20_000 && head.contains("\r\nX-Patience: "), "{} bytes", head.len());
    drop(raw);
    let begun = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
    let mut stream = TcpStream::connect(handle.addr()).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut part = vec![0; begun.len()];
    stream.read_exact(&mut part).await.unwrap();
    assert_eq!(part, begun.as_bytes());
    Raw(stream).expect_silence().await;
    Raw::upgraded(&handle).await.expect(0, 1).await;
    let stats = handle.stats();
    assert_eq!((stats.upgrades, stats.refused, stats.accepted), (3, 2, 1));
}

#[tokio::test]
async fn a_slot_is_freed_late() {
    let faults = vec!["first=1:late-slot(1h)".parse().unwrap(), "first=1:fin".parse().unwrap()];
    let handle = Server::start(Config { max_connections: 1, faults, ..Config::default() }).unwrap();
    let mut raw = Raw::upgraded(&handle).await;
    assert_eq!(raw.next().await, Next::Fin);
    drop(raw);
    for _ in 0..2 {
        let (_, head) = Raw::ask(&handle).await;
        assert!(head.starts_with("HTTP/1.1 429 "), "{head}");
    }
    let short = vec!["late-slot(1ms)".parse().unwrap(), "fin".parse().unwrap()];
    let handle = Server::start(Config { max_connections: 1, faults: short, ..Config::default() }).unwrap();
    assert_eq!(Raw::upgraded(&handle).await.next().await, Next::Fin);
    let let_in = async { while !Raw::ask(&handle).await.1.starts_with("HTTP/1.1 101 ") {} };
    tokio::time::timeout(LIMIT, let_in).await.expect("the slot is free in the end");
}

#[tokio::test]
async fn a_reconnect_shows_the_last_frames_again() {
    let handle = start(&["conn=2-:replay(2)", "conn=1,after=5:fin", "conn=2,after=3:fin"], 10);
    for (from, count) in [(0, 5), (3, 3), (4, 6)] {
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect_among_pings(from, count).await;
        if from < 4 {
            // A client that sees the end has read everything before it.
            assert_eq!(raw.next_and_pings().await.0, Next::Fin);
        }
    }
}

#[tokio::test]
async fn frames_that_were_sent_and_never_acknowledged_are_shown_again() {
    let handle = start(&["conn=2-:replay(2)"], 100);
    // A client that receives everything and answers nothing may not have seen it.
    let mut raw = Raw::upgraded(&handle).await;
    raw.expect_among_pings(0, 100).await;
    raw.gone(&handle).await;
    // The second ping stands for the first 65 frames.
    let mut raw = Raw::upgraded(&handle).await;
    let pings = raw.expect_among_pings(0, 100).await;
    raw.send(PONG, &pings[1]).await;
    raw.gone(&handle).await;
    // What was seen stays seen, although this client acknowledges nothing.
    for _ in 0..2 {
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect_among_pings(63, 37).await;
        raw.gone(&handle).await;
    }
}

#[tokio::test]
async fn no_ping_gets_into_half_a_frame() {
    // A head is two bytes before a short frame, and four before one of 1 KiB.
    let half = 1 + frames(2)[1].len() / 2;
    for (spec, bytes) in [("after=1:half", half), ("after=1:claim(1K)", 4)] {
        let handle = start(&["conn=9:replay(2)", spec], 3);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 1).await;
        let Next::Frame(PING, false, ping) = raw.next().await else { panic!("{spec}: no ping") };
        raw.send(PONG, &ping).await;
        let mut part = vec![0; bytes];
        raw.0.read_exact(&mut part).await.unwrap();
        assert_eq!(part[0], TEXT);
        raw.expect_silence().await;
    }
}

#[tokio::test]
async fn frames_are_doubled_and_moved_in_time() {
    let handle = start(&["every=2:dup", "after=2:skew(-1s)"], 3);
    let mut raw = Raw::upgraded(&handle).await;
    raw.expect(0, 2).await;
    raw.expect(1, 1).await;
    let late = String::from_utf8(frames(3).swap_remove(2)).unwrap().replace("1781095200002", "1781095199002");
    assert_eq!(raw.next().await, Next::Frame(TEXT, false, late.into_bytes()));
}

#[tokio::test]
async fn frames_come_out_of_order() {
    let handle = start(&["after=0:late(2)"], 4);
    let mut raw = Raw::upgraded(&handle).await;
    for (from, count) in [(1, 2), (0, 1), (3, 1)] {
        raw.expect(from, count).await;
    }
    let frame = |op: &str| format!(r#"{{"op":"{op}","d":{{"tweetId":"1"}}}}"#).into_bytes();
    let input = Input::Frames(vec![frame("content"), frame("meta")]);
    let faults = vec!["meta-first(1)".parse().unwrap()];
    let handle = Server::start(Config { input, faults, ..Config::default() }).unwrap();
    let mut raw = Raw::upgraded(&handle).await;
    for op in ["meta", "content"] {
        assert_eq!(raw.next().await, Next::Frame(TEXT, false, frame(op)));
    }
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_closed() {
    for (bytes, code) in [(&b"\x81\x01a"[..], 1002_u16), (b"\x82\xff\0\0\0\0\xff\0\0\0mask", 1009)] {
        let handle = start(&[], 1);
        let mut raw = Raw::upgraded(&handle).await;
        raw.expect(0, 1).await;
        raw.0.write_all(bytes).await.unwrap();
        assert_eq!(raw.next().await, Next::Frame(CLOSE, false, code.to_be_bytes().to_vec()));
    }
}
