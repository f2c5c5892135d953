//! What the owner of the socket reports.

/// One thing that happened to the connection or to its owner.
///
/// Only the current dial or socket is reported: once [`Action::Abandon`](crate::Action::Abandon)
/// has been carried out, nothing of the abandoned one may arrive. After `Refused`, `Closed` and
/// `Failed` the owner has no socket any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Begin: dial for the first time.
    Start,
    /// The dial has come to this step, which has `connect_timeout` from now; it begins with the first.
    Reached(DialStep),
    /// The WebSocket handshake is complete.
    Opened,
    /// The server answered the upgrade with another status than 101.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended with a close frame, or in the order a close frame asks for.
    Closed {
        /// The close code; `None` when there was none (some clients report that as 1005 or 1006).
        code: Option<u16>,
        /// Who closed first.
        by: Side,
    },
    /// The dial or the connection broke.
    Failed {
        /// What broke.
        error: TransportError,
    },
    /// A pong came in, whichever ping it answers.
    Pong,
    /// A frame with data came in.
    Received,
    /// The owner stops (`true`) or resumes (`false`) reading the socket because its consumer is
    /// stuck. A pong cannot be seen meanwhile, so its deadline is suspended; pings go on. When reading
    /// resumes, an awaited pong has the whole `pong_timeout` once, and after that what was left of it.
    /// Belongs to the owner, not to one connection: it lasts over a reconnect.
    ReadingHeld(bool),
    /// Close the connection and end.
    Stop,
}

/// What a dial does, in this order; prints as what it waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DialStep {
    /// Asks for the addresses of the host, or of the proxy.
    #[default]
    #[error("DNS answer")]
    Dns,
    /// Connects to one of them.
    #[error("TCP connection")]
    Tcp,
    /// Asks the proxy for the way to the host, if there is one.
    #[error("answer of the proxy")]
    Proxy,
    /// Agrees on keys and checks the certificate, for `wss`.
    #[error("TLS handshake")]
    Tls,
    /// Asks for the upgrade and reads the answer.
    #[error("WebSocket handshake")]
    Handshake,
}

/// One end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Us: for example a message over the socket limit (1009) or text that is not UTF-8 (1007).
    Local,
    /// The server.
    Remote,
}

/// What broke below the WebSocket messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TransportError {
    /// The host name did not resolve.
    #[error("the host name does not resolve")]
    Dns,
    /// No TCP connection: refused or unreachable.
    #[error("no TCP connection")]
    Tcp,
    /// The TLS handshake or a TLS record: certificate, version, alert.
    #[error("TLS error")]
    Tls,
    /// The upgrade got an answer that is not a WebSocket handshake.
    #[error("the answer is not a WebSocket handshake")]
    Handshake,
    /// A violation of the WebSocket protocol.
    #[error("WebSocket protocol violation")]
    Protocol,
    /// The operating system gave up waiting.
    #[error("timed out in the operating system")]
    Timeout,
    /// The peer reset the connection.
    #[error("connection reset by the peer")]
    Reset,
    /// The stream ended without a close frame.
    #[error("the stream ended without a close frame")]
    Eof,
}
