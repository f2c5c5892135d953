//! Plays a script to one WebSocket while listening to it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::board::Counters;
use crate::runtime;
use crate::script::{Act, Script, Step};

type Socket = WebSocketStream<TcpStream>;

/// How long a client has to answer a close.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// RFC 6455: the endpoint is going away.
const GOING_AWAY: u16 = 1001;

/// One client and how far it is.
pub(crate) struct Client<'a> {
    pub(crate) number: u64,
    pub(crate) socket: Socket,
    pub(crate) script: Script,
    pub(crate) connected: Instant,
    pub(crate) counters: &'a Counters,
}

/// What woke the client's loop.
enum Turn {
    Received(Message),
    /// There is room for another message.
    Room,
    /// All that was written is on its way.
    Flushed,
    Over,
}

/// What the socket is wanted for besides reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Room,
    Flush,
    Nothing,
}

impl Client<'_> {
    /// Runs until the client has gone, the script has closed it, or `stop` turns true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let code = tokio::select! {
            code = self.play() => code,
            _ = stop.wait_for(|stop| *stop) => Some(GOING_AWAY),
        };
        if let Some(code) = code {
            let closed = runtime::within(CLOSE_WAIT, self.close(code)).await;
            tracing::debug!(client = self.number, code, answered = closed.is_some(), "closed");
        }
        tracing::debug!(client = self.number, "gone");
    }

    /// Plays the script; returns the code to close with, or `None` when the client has gone.
    ///
    /// Dropping it between two steps loses nothing, so that a stop can cut in.
    async fn play(&mut self) -> Option<u16> {
        let mut step = self.script.next();
        let mut unflushed = false;
        loop {
            let due = self.connected.checked_add(step.at).filter(|_| step.act != Act::Rest);
            let overdue = due.is_some_and(|due| due <= runtime::now());
            let want = match (overdue, unflushed) {
                (true, _) => Want::Room,
                (false, true) => Want::Flush,
                (false, false) => Want::Nothing,
            };
            let turn = tokio::select! {
                biased;
                turn = turn(&mut self.socket, want) => turn,
                () = runtime::until(due), if !overdue => continue,
            };
            match turn {
                Turn::Received(Message::Ping(_)) => self.counters.pinged(self.number),
                Turn::Received(Message::Text(_) | Message::Binary(_)) => self.counters.received(self.number),
                Turn::Received(Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {}
                Turn::Flushed => unflushed = false,
                Turn::Over => return None,
                Turn::Room => {
                    if let Some(code) = self.perform(step).await? {
                        return Some(code);
                    }
                    unflushed = true;
                    step = self.script.next();
                }
            }
        }
    }

    /// Carries out a step that is due; `None` when the client has gone, `Some(Some(code))` for a close.
    async fn perform(&mut self, step: Step) -> Option<Option<u16>> {
        match step.act {
            Act::Rest => {}
            Act::Close(code) => return Some(Some(code)),
            Act::Send { messages, frames, whole } => {
                for message in messages {
                    // There is room for the first; only the later ones of a batch or fragments may wait here.
                    self.socket.feed(message).await.ok()?;
                }
                self.counters.sent(self.number, frames, whole);
            }
        }
        Some(None)
    }

    /// Sends a close and reads until it is answered.
    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        if self.socket.close(Some(frame)).await.is_ok() {
            while !matches!(turn(&mut self.socket, Want::Nothing).await, Turn::Over) {}
        }
    }
}

/// Reads, and writes what is wanted, whichever can go on first. Reading comes first: it answers pings.
async fn turn(socket: &mut Socket, want: Want) -> Turn {
    std::future::poll_fn(|context| poll_turn(Pin::new(&mut *socket), context, want)).await
}

fn poll_turn(mut socket: Pin<&mut Socket>, context: &mut Context<'_>, want: Want) -> Poll<Turn> {
    match socket.as_mut().poll_next(context) {
        Poll::Ready(Some(Ok(message))) => return Poll::Ready(Turn::Received(message)),
        Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Turn::Over),
        Poll::Pending => {}
    }
    let over = |done: Result<(), WsError>, turn: Turn| if done.is_ok() { turn } else { Turn::Over };
    match want {
        Want::Room => socket.poll_ready(context).map(|done| over(done, Turn::Room)),
        Want::Flush => socket.poll_flush(context).map(|done| over(done, Turn::Flushed)),
        Want::Nothing => Poll::Pending,
    }
}
