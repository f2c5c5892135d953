//! A dial that hangs says which of its steps does, and is tried again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use stoop::feed::{Cause, DialStep};
use stoop::{Config, Endpoint, Engine, Key, News};

use super::{ALL, wait_for};

const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

/// Why dials end of which `serve` serves the first two.
fn cause(serve: impl Fn(TcpStream) + Sync) -> Cause {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("ws://{}/ws", listener.local_addr().expect("it has an address"));
    let mut config = Config::parse("test", ALL).expect("the rules are right");
    config.endpoints = vec![Endpoint::new("mute", &url).expect("the URL is one")];
    config.feed.connect_timeout = CONNECT_TIMEOUT;
    config.feed.backoff_base = Duration::from_millis(1);
    let key = Key::new("not-a-secret").expect("a key");
    std::thread::scope(|scope| {
        let guests = scope.spawn(|| {
            for _ in 0..2 {
                serve(listener.accept().expect("a guest comes, and comes again").0);
            }
        });
        let engine = Engine::builder().config(config).key(key).start().expect("the engine starts");
        // A busy machine may not get as far as the handshake in time; then it dials again.
        let mut tries = 0;
        let cause = wait_for(&engine.notices(), |news| {
            let News::Down { cause, .. } = news else { return None };
            tries += 1;
            let is_early = matches!(cause, Cause::ConnectTimeout(DialStep::Dns | DialStep::Tcp, _));
            (!is_early || tries == 100).then_some(cause)
        });
        guests.join().expect("both were served");
        engine.stop();
        engine.join();
        cause
    })
}

#[test]
fn a_server_that_is_silent_is_left_and_tried_again() {
    let hear_out = |mut stream: TcpStream| drop(stream.read_to_end(&mut Vec::new()));
    let expect = Cause::ConnectTimeout(DialStep::Handshake, CONNECT_TIMEOUT);
    assert_eq!(cause(hear_out), expect);
    assert_eq!(expect.to_string(), "no WebSocket handshake within 200ms, feed.connect_timeout");
}

#[test]
fn a_handshake_that_drips_for_ever_is_left() {
    let drip = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(5))).expect("it can be set");
        let mut head = b"HTTP/1.1 101 Switching Protocols\r\nX-Drip: ".iter().chain(std::iter::repeat(&b'x'));
        let mut said = [0; 4096];
        // Each byte waits for the guest to be quiet for a moment.
        while !matches!(stream.read(&mut said), Ok(0)) {
            if head.next().is_none_or(|byte| stream.write_all(&[*byte]).is_err()) {
                break;
            }
        }
    };
    assert_eq!(cause(drip), Cause::ConnectTimeout(DialStep::Handshake, CONNECT_TIMEOUT));
}
