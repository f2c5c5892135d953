//! A WebSocket server of another make than the mock: blocking sockets, RFC 6455 by hand.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::driver::{LIMIT, join, thread};

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FINAL: u8 = 0x80;

/// How the upgrade is answered.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Selects `tweetstream.v1`.
    Version,
    /// Selects the sub-protocol that carries the key.
    Token,
    /// Selects none.
    Nothing,
    /// Refuses with a status and waits until the client has hung up.
    Refuse(u16),
}

/// How frames travel.
#[derive(Clone, Copy)]
pub(crate) enum Travel {
    Text,
    Binary,
    /// Text in three pieces with a ping between them.
    Fragments,
    /// Arrays of ten.
    Batches,
}

/// What one connection is shown. The client may come again for the next.
pub(crate) struct Visit {
    pub(crate) answer: Answer,
    pub(crate) travel: Travel,
    pub(crate) frames: Vec<Vec<u8>>,
    /// Sent as they are behind the frames.
    pub(crate) raw: Vec<u8>,
    /// Close with this code after the frames; else wait until the client closes.
    pub(crate) close: Option<u16>,
    /// Pings that have come are answered before the next frame.
    pub(crate) answers_pings: bool,
}

impl Visit {
    pub(crate) fn plain(frames: Vec<Vec<u8>>) -> Self {
        Self {
            answer: Answer::Version,
            travel: Travel::Text,
            frames,
            raw: Vec::new(),
            close: None,
            answers_pings: true,
        }
    }

    pub(crate) fn closed(self, code: u16) -> Self {
        Self { close: Some(code), ..self }
    }

    pub(crate) fn without_pongs(self) -> Self {
        Self { answers_pings: false, ..self }
    }
}

/// What a client has shown of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guest {
    /// Head of its request.
    pub(crate) head: String,
    /// Frames it was sent so far.
    pub(crate) frames: usize,
    pub(crate) pings: usize,
    pub(crate) pongs: usize,
    /// Code of its close.
    pub(crate) close: Option<u16>,
    /// It has hung up.
    pub(crate) is_gone: bool,
}

/// A running server.
pub(crate) struct Feed {
    pub(crate) addr: String,
    guests: Arc<Guests>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Guests {
    list: Mutex<Vec<Guest>>,
    changed: Condvar,
}

impl Guests {
    fn change(&self, number: usize, change: impl FnOnce(&mut Guest)) {
        change(&mut self.list.lock().unwrap_or_else(PoisonError::into_inner)[number]);
        self.changed.notify_all();
    }
}

impl Feed {
    /// Serves these visits, one after the other.
    pub(crate) fn start(visits: Vec<Visit>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("it has an address").to_string();
        let guests = Arc::<Guests>::default();
        let shared = Arc::clone(&guests);
        let thread = thread("feed", move || {
            for (number, visit) in visits.into_iter().enumerate() {
                let (stream, _) = listener.accept().expect("a client comes");
                shared.list.lock().unwrap_or_else(PoisonError::into_inner).push(Guest::default());
                Host { stream, number, guests: Arc::clone(&shared) }.serve(&visit);
            }
        });
        Self { addr, guests, thread }
    }

    /// Waits until this holds for a guest; `what` it is stands in the failure if it never does.
    pub(crate) fn wait_for(&self, number: usize, what: &str, is_so: impl Fn(&Guest) -> bool) -> Guest {
        let list = self.guests.list.lock().unwrap_or_else(PoisonError::into_inner);
        let is_not = |list: &mut Vec<Guest>| !list.get(number).is_some_and(&is_so);
        let waited = self.guests.changed.wait_timeout_while(list, LIMIT, is_not);
        let (list, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "waited for guest {number} {what}: {list:?}");
        list[number].clone()
    }

    /// Waits until all have been served.
    pub(crate) fn finish(self, visits: usize) -> Vec<Guest> {
        for number in 0..visits {
            self.wait_for(number, "to hang up", |guest| guest.is_gone);
        }
        join("the server to have served all", self.thread);
        self.guests.list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One connection.
struct Host {
    stream: TcpStream,
    number: usize,
    guests: Arc<Guests>,
}

impl Host {
    fn serve(mut self, visit: &Visit) {
        let head = read_head(&mut self.stream);
        self.guests.change(self.number, |guest| guest.head.clone_from(&head));
        let answer = answer(&head, visit.answer);
        self.stream.write_all(answer.as_bytes()).expect("the client reads the answer");
        if matches!(visit.answer, Answer::Refuse(_)) {
            let mut rest = Vec::new();
            drop(self.stream.read_to_end(&mut rest));
            return self.guests.change(self.number, |guest| guest.is_gone = true);
        }
        let reader = self.listen();
        // A client that has had enough hangs up while there is more to send.
        let sent = self.send_all(visit);
        if let (Ok(()), Some(code)) = (sent, visit.close) {
            drop(self.send(FINAL | CLOSE, &code.to_be_bytes()));
        }
        reader.join().expect("the reader ends with the connection");
        self.guests.change(self.number, |guest| guest.is_gone = true);
    }

    fn send_all(&mut self, visit: &Visit) -> std::io::Result<()> {
        let together = if matches!(visit.travel, Travel::Batches) { 10 } else { 1 };
        let mut answered = 0;
        for frames in visit.frames.chunks(together) {
            while visit.answers_pings && answered < self.pings() {
                self.send(FINAL | PONG, b"")?;
                answered += 1;
            }
            match visit.travel {
                Travel::Text => self.send(FINAL | TEXT, &frames[0])?,
                Travel::Binary => self.send(FINAL | BINARY, &frames[0])?,
                Travel::Batches => {
                    self.send(FINAL | TEXT, &[b"[", &frames.join(&b","[..])[..], b"]"].concat())?;
                }
                Travel::Fragments => {
                    let third = frames[0].len() / 3;
                    self.send(TEXT, &frames[0][..third])?;
                    self.send(FINAL | PING, b"are you there")?;
                    self.send(0, &frames[0][third..2 * third])?;
                    self.send(FINAL, &frames[0][2 * third..])?;
                }
            }
            self.guests.change(self.number, |guest| guest.frames += frames.len());
        }
        self.stream.write_all(&visit.raw)
    }

    fn pings(&self) -> usize {
        self.guests.list.lock().unwrap_or_else(PoisonError::into_inner)[self.number].pings
    }

    /// Sends one WebSocket frame; a server's are not masked.
    fn send(&mut self, first: u8, payload: &[u8]) -> std::io::Result<()> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(length as u8),
            length @ 126..65_536 => {
                frame.push(126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame)
    }

    /// Reads what the client sends until it hangs up or closes.
    fn listen(&self) -> JoinHandle<()> {
        let stream = self.stream.try_clone().expect("a socket can be shared");
        let mut host = Host { stream, number: self.number, guests: Arc::clone(&self.guests) };
        thread("feed-reader", move || {
            while let Ok((kind, payload)) = read_frame(&mut host.stream) {
                match kind {
                    PING => host.guests.change(host.number, |guest| guest.pings += 1),
                    PONG => host.guests.change(host.number, |guest| guest.pongs += 1),
                    CLOSE => {
                        let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                        host.guests.change(host.number, |guest| guest.close = code);
                        // The answer to our close, or a close to be answered by hanging up.
                        drop(host.stream.shutdown(std::net::Shutdown::Both));
                        return;
                    }
                    _ => {}
                }
            }
        })
    }
}

/// Reads up to the empty line.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the client sends a request");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a request is ASCII")
}

/// Reads one frame of the client: its kind and its payload without the mask.
fn read_frame(stream: &mut TcpStream) -> std::io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    assert_eq!(head[0] & 0x70, 0, "no extension was agreed on");
    assert_eq!(head[1] & 0x80, 0x80, "a client's frames are masked");
    let length = head[1] & 0x7f;
    assert!(length < 126, "the client has nothing long to say");
    let mut mask = [0; 4];
    stream.read_exact(&mut mask)?;
    let mut payload = vec![0; usize::from(length)];
    stream.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((head[0] & 0x0f, payload))
}

fn answer(head: &str, answer: Answer) -> String {
    let offered = header(head, "sec-websocket-protocol").unwrap_or_default();
    let offered = |prefix: &str| {
        let found = offered.split(',').map(str::trim).find(|name| name.starts_with(prefix));
        let name = found.unwrap_or_else(|| panic!("{prefix} is not offered"));
        format!("Sec-WebSocket-Protocol: {name}\r\n")
    };
    let selected = match answer {
        Answer::Version => offered("tweetstream.v1"),
        Answer::Token => offered("tweetstream.auth.token."),
        Answer::Nothing => String::new(),
        Answer::Refuse(status) => {
            return format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    };
    let key = header(head, "sec-websocket-key").expect("a client sends its key");
    let accept = base64(&sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes()));
    let mut text = String::from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    write!(text, "Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{selected}\r\n")
        .expect("a String takes every text");
    text
}

/// The value of a header.
pub(crate) fn header(head: &str, name: &str) -> Option<String> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

/// SHA-1 (FIPS 180-4), which the handshake wants.
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut hash: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.as_chunks::<64>().0 {
        let mut words: Vec<u32> = block.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        for (at, word) in words.iter().enumerate() {
            let (mixed, constant) = match at {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = [mixed, e, constant, *word].into_iter().fold(a.rotate_left(5), u32::wrapping_add);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (sum, part) in hash.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut bytes = [0; 20];
    for (place, byte) in bytes.iter_mut().zip(hash.iter().flat_map(|word| word.to_be_bytes())) {
        *place = byte;
    }
    bytes
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let padded = [group[0], group.get(1).copied().unwrap_or(0), group.get(2).copied().unwrap_or(0)];
        let number = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place)) as usize % 64];
            text.push(if place > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[test]
fn the_handshake_is_that_of_the_standard() {
    let head = "GET /chat HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert!(answer(head, Answer::Nothing).contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}
