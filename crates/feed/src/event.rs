//! Reports of the owner of the socket.

/// One thing that happened to the connection or to its owner.
///
/// Only the current dial or socket is reported: once [`Action::Abandon`](crate::Action::Abandon)
/// has been carried out, nothing of the abandoned one may arrive. After `Refused`, `Closed` and
/// `Failed` the owner no longer has a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Dial for the first time.
    Start,
    /// The dial has reached this step, which has `connect_timeout` from now on. A dial begins at the first step.
    Reached(DialStep),
    /// The WebSocket handshake is complete.
    Opened,
    /// The server answered the upgrade with a status other than 101.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended with a close frame, or cleanly as after one.
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
    /// A pong arrived, whichever ping it answers.
    Pong,
    /// The owner stops (`true`) or resumes (`false`) reading the socket because its consumer is
    /// stuck. While it is held no pong can be seen, so the deadline of the pong is suspended; pings go on. When
    /// reading resumes, an awaited pong has the whole `pong_timeout` once, and after that what was left of it.
    /// This belongs to the owner and not to one connection: it survives a reconnect.
    ReadingHeld(bool),
    /// Close the connection and end.
    Stop,
}

/// What a dial does, in this order; prints as what it waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DialStep {
    /// Resolves the host, or the proxy.
    #[default]
    #[error("DNS answer")]
    Dns,
    /// Connects to one of its addresses.
    #[error("TCP connection")]
    Tcp,
    /// Asks the proxy to connect to the host, if there is a proxy.
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
    /// Us, for example over a message beyond the socket limit (1009) or text that is not UTF-8 (1007).
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
