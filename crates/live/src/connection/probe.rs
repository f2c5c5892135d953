//! A look at an endpoint without an engine: as far as a dial gets, and no further.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use stoop_engine::{Bounds, Element, Intake, Origin, Receipt, plausible_ns};
use stoop_feed::{Cause, DialStep, Side, TransportError};
use tokio::io::AsyncWriteExt;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::clock::Clock;
use crate::connection::socket::{DialError, Progress, Socket, dial, reach};
use crate::settings::{Auth, Endpoint, Key};

/// How long a frame is waited for.
const LISTEN: Duration = Duration::from_secs(1);
/// How long a good-bye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Messages passed over while a close is waited for: a busy feed sends some.
const MESSAGES: usize = 1_000;
/// Close codes from here on are the vendor's: a refusal.
const VENDOR_CODES: u16 = 4000;

/// How far a look at an endpoint did not get. No variant holds the key.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The server refuses the key, the plan, or another connection.
    #[error("{0}")]
    Refused(Cause),
    /// It did not get that far.
    #[error("{at}: {message}")]
    Failed {
        /// Where it failed.
        at: TransportError,
        /// In the words of the system, of TLS or of the handshake.
        message: String,
    },
    /// It took longer than this, and had come to this step.
    #[error("no {0} within {1:?}")]
    TimedOut(DialStep, Duration),
    /// The operating system gave no means to wait.
    #[error("cannot wait for sockets")]
    Runtime(#[source] std::io::Error),
}

impl From<DialError> for ProbeError {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Refused(status) => Self::Refused(Cause::from_status(status)),
            DialError::Failed(at, message) => Self::Failed { at, message },
        }
    }
}

/// Connects by TCP and, for `wss`, by TLS with the certificate checked, then hangs up. Blocks, at most for `limit` and
/// a good-bye. The server learns nothing.
pub fn probe_transport(endpoint: &Endpoint, limit: Duration) -> Result<(), ProbeError> {
    runtime()?.block_on(async {
        let progress = Progress::default();
        let reached = timeout(limit, reach(endpoint, &progress)).await;
        let mut stream = reached.map_err(|_elapsed| ProbeError::TimedOut(progress.get(), limit))??;
        // The result is known already, however the other side ends the connection.
        drop(timeout(CLOSE_TIMEOUT, stream.shutdown()).await);
        Ok(())
    })
}

/// Opens a connection as a run does, key and all, and closes it with 1000. Blocks, at most for `limit`, a second in
/// which a frame may come, and a good-bye. Uses one of the plan's connections for that time.
///
/// Returns how long before its receipt the first frame was sent by the server's clock, ns, if one has come that says
/// so.
pub fn probe_feed(
    endpoint: &Endpoint,
    auth: Auth,
    key: &Key,
    limit: Duration,
) -> Result<Option<i64>, ProbeError> {
    runtime()?.block_on(async {
        let progress = Progress::default();
        let dialling = dial(endpoint.clone(), auth, key.clone(), Progress::clone(&progress));
        let dialled = timeout(limit, dialling).await;
        let mut socket = dialled.map_err(|_elapsed| ProbeError::TimedOut(progress.get(), limit))??;
        let heard = timeout(LISTEN, hear(&mut socket)).await.unwrap_or(Heard::Nothing);
        let (age_ns, closed) = match heard {
            Heard::Frame(age_ns) => (Some(age_ns), None),
            Heard::Close(code) => (None, Some(code)),
            Heard::Nothing => (None, None),
        };
        // A server may accept every handshake and refuse right after it with a close code.
        let code = match closed {
            Some(code) => code,
            None => timeout(CLOSE_TIMEOUT, part(socket)).await.ok().flatten(),
        };
        match code {
            Some(code) if code >= VENDOR_CODES => {
                Err(ProbeError::Refused(Cause::from_close(Some(code), Side::Remote)))
            }
            Some(_) | None => Ok(age_ns),
        }
    })
}

fn runtime() -> Result<Runtime, ProbeError> {
    Builder::new_current_thread().enable_io().enable_time().build().map_err(ProbeError::Runtime)
}

/// The first thing that came from a server.
enum Heard {
    /// A frame, sent so long before by the server's clock, ns.
    Frame(i64),
    /// A close.
    Close(Option<u16>),
    /// Nothing that says how old it is.
    Nothing,
}

/// Waits for a frame that says when it was sent.
async fn hear(socket: &mut Socket) -> Heard {
    let clock = Clock::anchored();
    let mut intake = Intake::new(Bounds::default(), 0);
    for _ in 0..MESSAGES {
        let bytes = match socket.next().await {
            Some(Ok(Message::Text(text))) => Bytes::from(text),
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(frame))) => return Heard::Close(frame.map(|frame| u16::from(frame.code))),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Err(_)) | None => return Heard::Nothing,
        };
        let now_ns = clock.now_ns();
        let mut sent_ns = None;
        intake.frame(Origin::Endpoint(0), &bytes, Receipt::At(now_ns), |_, element| {
            if let Element::Event(event) = element {
                sent_ns = sent_ns.or_else(|| plausible_ns(event.ts_ms));
            }
        });
        if let Some(sent_ns) = sent_ns {
            return Heard::Frame(now_ns - sent_ns);
        }
    }
    Heard::Nothing
}

/// Closes a connection; returns the code the server closes it with.
async fn part(mut socket: Socket) -> Option<u16> {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // Fails if the server has closed already; its own close is read all the same.
    drop(socket.send(Message::Close(Some(frame))).await);
    for _ in 0..MESSAGES {
        match socket.next().await? {
            Ok(Message::Close(frame)) => return frame.map(|frame| u16::from(frame.code)),
            Ok(_) => {}
            Err(_broken) => return None,
        }
    }
    None
}
