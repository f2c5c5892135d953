//! Plays a script to one client while listening to it.
//!
//! Everything that is sent goes through one buffer of bytes, in which frames stand whole and in order; pongs and closes
//! come after what is in it. So a fault can be any bytes, and the socket code knows nothing of faults.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::board::Counters;
use crate::frame;
use crate::receipts::{Ping, Receipts};
use crate::runtime;
use crate::script::{Act, Ear, End, Place, Script};

/// How long a client has to read the last bytes and to answer a close.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// RFC 6455: the endpoint is going away.
const GOING_AWAY: u16 = 1001;
/// Bytes that may wait to be written before the script is asked for more. Few, so that a client that reads fast does
/// not keep the others waiting.
const FULL: usize = 32 << 10;
/// Pongs that may wait to be written. Further pings are not answered: their sender does not read.
const PONGS: usize = 1_024;
/// How many times a second a slow connection is written to.
const SLOW_TURNS: u64 = 50;

/// One client and how far it has come.
pub(crate) struct Client<'a> {
    number: u64,
    stream: TcpStream,
    script: Script,
    connected: Instant,
    counters: &'a Counters,
    /// Where the next connection may begin. Set once this one is over.
    place: &'a Mutex<Option<Place>>,
    /// What the client has sent, up to the next whole frame.
    read: Vec<u8>,
    out: Vec<u8>,
    /// Bytes of `out` that are written.
    written: usize,
    pongs: usize,
    ear: Ear,
    receipts: Receipts,
    /// Bytes a second, and when the next may be written.
    slow: Option<(u64, Instant)>,
}

/// Why a connection is over.
#[derive(Clone, Copy)]
enum Over {
    /// The client has hung up.
    Gone,
    /// The client has closed, and is answered.
    Answered,
    /// The server ends it.
    End(End),
}

impl<'a> Client<'a> {
    /// A client that has just connected and has sent these bytes after its request.
    pub(crate) fn new(
        number: u64,
        stream: TcpStream,
        read: Vec<u8>,
        script: Script,
        receipts: Receipts,
        counters: &'a Counters,
        place: &'a Mutex<Option<Place>>,
    ) -> Self {
        Self {
            number,
            stream,
            script,
            connected: runtime::now(),
            counters,
            place,
            read,
            out: Vec::new(),
            written: 0,
            pongs: 0,
            ear: Ear::All,
            receipts,
            slow: None,
        }
    }

    /// Runs until the client has gone, the script has ended it, or `stop` turns true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let over = tokio::select! {
            over = self.play() => over,
            // Dropping a write that waits loses nothing.
            _ = stop.wait_for(|stop| *stop) => Over::End(End::Close(Some(GOING_AWAY))),
        };
        // Before the client can notice the end and come back.
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.place_after(over));
        match over {
            Over::Gone => {}
            Over::End(End::Rst) => {
                // Without lingering, the system answers with a reset when the socket is dropped.
                if let Err(error) = self.stream.set_zero_linger() {
                    tracing::warn!(client = self.number, %error, "cannot reset");
                }
            }
            // Something unfinished is on the wire: the client would read a close as a part of that frame.
            Over::End(End::Close(_)) if self.ear == Ear::Nothing => {}
            Over::Answered | Over::End(End::Fin | End::Close(_)) => {
                let ended = runtime::within(CLOSE_WAIT, self.end(over)).await;
                tracing::debug!(client = self.number, answered = ended.is_some(), "closed");
            }
        }
        tracing::debug!(client = self.number, "gone");
    }

    /// Where the next connection may begin after this end.
    fn place_after(&self, over: Over) -> Place {
        match over {
            // A client that sees an orderly end has read everything before it.
            Over::End(End::Fin) => self.receipts.all(),
            Over::End(End::Close(_)) if self.ear != Ear::Nothing => self.receipts.all(),
            // The rest may have been lost with the connection, or with the client.
            Over::End(End::Close(_) | End::Rst) | Over::Answered | Over::Gone => self.receipts.read(),
        }
    }

    /// Plays the script until the connection is over. If the server ends it, everything before the end has been sent.
    async fn play(&mut self) -> Over {
        // Some of the client's first frames may have come with its request.
        let mut ending = self.hear();
        loop {
            let mut wake = None;
            if !matches!(ending, Some(Over::Gone | Over::Answered)) {
                match self.fill(ending) {
                    Ok(at) => wake = at,
                    Err(end) => ending = Some(Over::End(end)),
                }
            }
            if let Some(over) = ending
                && (self.pending() == 0 || matches!(over, Over::Gone | Over::Answered))
            {
                return over;
            }
            match self.turn(wake).await {
                Some(over @ (Over::Gone | Over::Answered)) => return over,
                Some(over @ Over::End(_)) => ending = ending.or(Some(over)),
                None => {}
            }
        }
    }

    fn pending(&self) -> usize {
        self.out.len() - self.written
    }

    /// Does what the script wants done now; returns when to ask it again.
    fn fill(&mut self, ending: Option<Over>) -> Result<Option<Instant>, End> {
        while ending.is_none() && self.pending() < FULL {
            let elapsed = runtime::now().saturating_duration_since(self.connected);
            match self.script.next(elapsed) {
                Act::Send { bytes, frames, whole } => {
                    self.out.extend_from_slice(&bytes);
                    self.counters.sent(self.number, frames, whole);
                    // Asked at once: the answer then stands for these frames and all before them.
                    if frames > 0 {
                        let ping = self.receipts.sent(frames, self.script.place());
                        self.ping(ping);
                    }
                }
                Act::Hear(ear) => self.ear = ear,
                Act::Slow(rate) => self.slow = Some((rate, runtime::now())),
                Act::Struck(fault) => {
                    tracing::info!(client = self.number, %fault, "fault");
                    self.counters.struck();
                }
                Act::End(end) => return Err(end),
                Act::Wait(at) => return Ok(self.connected.checked_add(at)),
                Act::Rest => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Reads, writes or waits, whichever can go on first. Reading comes first: it answers pings.
    async fn turn(&mut self, wake: Option<Instant>) -> Option<Over> {
        let (most, free_at) = match self.slow {
            Some((rate, free_at)) => ((rate / SLOW_TURNS).max(1), Some(free_at)),
            None => (u64::MAX, None),
        };
        // A slow connection writes in small pieces: one large write would come as a burst.
        let end = self.written + self.pending().min(usize::try_from(most).unwrap_or(usize::MAX));
        let is_free = free_at.is_none_or(|free_at| free_at <= runtime::now());
        let can_write = is_free && self.pending() > 0;
        let throttle = free_at.filter(|_| !is_free && self.pending() > 0);
        let wake = wake.into_iter().chain(throttle).min();
        let (mut reader, mut writer) = self.stream.split();
        tokio::select! {
            // In this order, or a client that reads fast would never have its pings answered.
            biased;
            read = reader.read_buf(&mut self.read) => match read {
                Ok(0) | Err(_) => Some(Over::Gone),
                Ok(_) => self.hear(),
            },
            written = writer.write(&self.out[self.written..end]), if can_write => match written {
                Ok(0) | Err(_) => Some(Over::Gone),
                Ok(bytes) => {
                    self.wrote(bytes);
                    None
                }
            },
            () = runtime::until(wake) => None,
        }
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        if let Some((rate, free_at)) = &mut self.slow {
            *free_at = runtime::now() + Duration::from_secs_f64(bytes as f64 / *rate as f64);
        }
        if self.written == self.out.len() {
            // A long message leaves no large buffer behind.
            self.out.clear();
            self.out.shrink_to(2 * FULL);
            self.written = 0;
            self.pongs = 0;
        }
    }

    /// Answers what has been read.
    fn hear(&mut self) -> Option<Over> {
        // Read and dropped, so that the client's writes do not block: a half-open connection looks alive to TCP.
        if self.ear == Ear::Nothing {
            self.read.clear();
            return None;
        }
        loop {
            let frame = match frame::receive(&mut self.read) {
                Ok(frame) => frame?,
                Err(code) => return Some(Over::End(End::Close(Some(code)))),
            };
            match frame.opcode {
                OpCode::Control(Control::Ping) => {
                    self.counters.pinged(self.number);
                    if self.ear == Ear::All && self.pongs < PONGS {
                        self.pongs += 1;
                        frame::control(&mut self.out, Control::Pong, &frame.payload);
                    }
                }
                OpCode::Control(Control::Close) => {
                    let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    // RFC 6455: the answer to a close repeats its code.
                    frame::close(&mut self.out, code);
                    return Some(Over::Answered);
                }
                OpCode::Data(Data::Text | Data::Binary | Data::Continue | Data::Reserved(_)) => {
                    if frame.is_final {
                        self.counters.received(self.number);
                    }
                }
                OpCode::Control(Control::Pong) => {
                    let ping = self.receipts.heard(&frame.payload);
                    self.ping(ping);
                }
                OpCode::Control(Control::Reserved(_)) => {}
            }
        }
    }

    fn ping(&mut self, ping: Option<Ping>) {
        if let Some(payload) = ping {
            frame::control(&mut self.out, Control::Ping, &payload);
        }
    }

    /// Writes what is left, and waits for the client to answer a close or, after an end without one, to hang up.
    async fn end(&mut self, over: Over) {
        if let Over::End(End::Close(code)) = over {
            frame::close(&mut self.out, code);
        }
        if self.stream.write_all(&self.out[self.written..]).await.is_err() {
            return;
        }
        match over {
            Over::End(End::Close(_)) => while self.read_on().await && !self.has_close() {},
            // Dropped with unread bytes, the system would send a reset after the end.
            Over::End(End::Fin) if self.stream.shutdown().await.is_ok() => {
                while self.read_on().await {
                    self.read.clear();
                }
            }
            Over::End(End::Fin | End::Rst) | Over::Answered | Over::Gone => {}
        }
    }

    /// Reads some more; false at the end.
    async fn read_on(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }

    /// Whether what has been read holds a close, or something that is not a WebSocket frame.
    fn has_close(&mut self) -> bool {
        loop {
            match frame::receive(&mut self.read) {
                Ok(None) => return false,
                Ok(Some(frame)) if frame.opcode != OpCode::Control(Control::Close) => {}
                // There is no sense in waiting for a close among bytes that are not frames.
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }
}
