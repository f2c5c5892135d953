//! Dials the feed: TCP, a tunnel through the proxy of the environment if there is one, TLS, and a WebSocket handshake
//! of our own.
//!
//! The handshake is ours because the library's refuses a server that selects none of the offered sub-protocols,
//! and whether this server selects one is not documented (protocol §1).

use std::cell::Cell;
use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use stoop_feed::{DialStep, TransportError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::connection::meter::Meter;
use crate::connection::proxy::Tunnel;
use crate::connection::stream::Stream;
use crate::settings::{Auth, Endpoint, Key};

/// Longest answer to the handshake, bytes.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;
/// Longest message; a longer one ends the connection with 1009.
const MESSAGE_BYTES: usize = 16 << 20;
/// What one read asks the socket for: a few frames, and little to clear.
const READ_BYTES: usize = 16 << 10;

const PROTOCOL: &str = "tweetstream.v1";
const TOKEN_PREFIX: &str = "tweetstream.auth.token.";

/// An open connection.
pub(crate) type Socket = WebSocketStream<Meter<Stream>>;

/// The step a dial is at, for the caller that bounds its time.
pub(crate) type Progress = Rc<Cell<DialStep>>;

/// Why a dial came to nothing.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The server answered with a status.
    Refused(u16),
    /// It did not get that far, or the answer was not a handshake.
    Failed(TransportError, String),
}

pub(crate) fn failed(at: TransportError) -> impl Fn(io::Error) -> DialError {
    move |error| DialError::Failed(at, error.to_string())
}

/// Opens a connection. The caller bounds the time of each step.
pub(crate) async fn dial(
    endpoint: Endpoint,
    auth: Auth,
    key: Key,
    progress: Progress,
) -> Result<Socket, DialError> {
    let mut stream = reach(&endpoint, &progress).await?;
    progress.set(DialStep::Handshake);
    let rest = shake_hands(&mut stream, &endpoint, auth, &key).await?;
    let config = WebSocketConfig::default()
        // No write buffer: a ping must not wait for others to fill it.
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES));
    // The first frames may come in the packet that answers the handshake.
    Ok(WebSocketStream::from_partially_read(Meter::new(stream), rest, Role::Client, Some(config)).await)
}

/// Gets as far as a dial does before it shows the key: TCP, and TLS with the certificate checked.
pub(crate) async fn reach(endpoint: &Endpoint, progress: &Progress) -> Result<Stream, DialError> {
    let bare_host = endpoint.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let tunnel = Tunnel::of(endpoint)?;
    let (first_host, first_port) = match &tunnel {
        Some(tunnel) => (tunnel.host(), tunnel.port()),
        None => (bare_host.as_str(), endpoint.port()),
    };
    progress.set(DialStep::Dns);
    // Looked up apart from connecting, which would do both: each step has its own deadline and its own cause.
    let addresses: Vec<_> = tokio::net::lookup_host((first_host, first_port))
        .await
        .map_err(failed(TransportError::Dns))?
        .collect();
    progress.set(DialStep::Tcp);
    let mut tcp = TcpStream::connect(addresses.as_slice()).await.map_err(failed(TransportError::Tcp))?;
    // Pings are small: with Nagle's algorithm one would wait for the answer to the packet before it.
    tcp.set_nodelay(true).map_err(failed(TransportError::Tcp))?;
    if let Some(tunnel) = &tunnel {
        progress.set(DialStep::Proxy);
        tunnel.open(&mut tcp, endpoint).await?;
    }
    if !endpoint.is_tls() {
        return Ok(Stream::Plain(tcp));
    }
    let name = ServerName::try_from(bare_host)
        .map_err(|error| DialError::Failed(TransportError::Tls, error.to_string()))?;
    progress.set(DialStep::Tls);
    let tls = TlsConnector::from(tls_config()).connect(name, tcp).await;
    tls.map(|tls| Stream::Tls(Box::new(tls)))
        .map_err(|error| DialError::Failed(TransportError::Tls, in_words(&error)))
}

/// Describes a TLS error. For a server that does not speak TLS the library has a name, but no description.
fn in_words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => {
            format!("the server's answer is not TLS ({error})")
        }
        Some(_) | None => error.to_string(),
    }
}

fn tls_config() -> Arc<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // Named, not the process-wide default: a host may have installed another one, or two may be compiled in.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring offers the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Asks for the upgrade; returns what the server sent right after its answer.
async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    endpoint: &Endpoint,
    auth: Auth,
    key: &Key,
) -> Result<Vec<u8>, DialError> {
    let nonce = generate_key();
    let request = request(endpoint, auth, key, &nonce);
    stream.write_all(request.as_bytes()).await.map_err(failed(TransportError::Handshake))?;
    // TLS buffers: without a flush the request may stay on this side.
    stream.flush().await.map_err(failed(TransportError::Handshake))?;
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await.map_err(failed(TransportError::Handshake))? == 0 {
            return Err(wrong("the server closed the connection instead of answering"));
        }
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            check_answer(&head[..end + 4], &nonce, auth, key)?;
            return Ok(head.split_off(end + 4));
        }
        // Checked while the head grows: a server of another protocol may never send an empty line.
        if !b"HTTP/1.".starts_with(head.get(..7).unwrap_or(b"HTTP/1.")) {
            return Err(wrong("the server does not speak HTTP"));
        }
        if head.len() > HEAD_BYTES {
            return Err(wrong("the head of the server's answer does not end"));
        }
    }
}

fn wrong(message: &str) -> DialError {
    DialError::Failed(TransportError::Handshake, message.to_owned())
}

fn request(endpoint: &Endpoint, auth: Auth, key: &Key, nonce: &str) -> String {
    let url = &endpoint.url;
    let mut target = url.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    if auth == Auth::Query {
        target.push(if url.query().is_some() { '&' } else { '?' });
        target.push_str("apiKey=");
        percent_encode(key.reveal(), &mut target);
    }
    let authority = url.authority().map_or("", |authority| authority.as_str());
    // RFC 9112 §3.2: `Host` is the authority without its userinfo.
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (protocols, bearer) = match auth {
        Auth::Subprotocol => (format!("{PROTOCOL}, {TOKEN_PREFIX}{}", key.reveal()), String::new()),
        Auth::Bearer => (PROTOCOL.to_owned(), format!("Authorization: Bearer {}\r\n", key.reveal())),
        Auth::Query => (PROTOCOL.to_owned(), String::new()),
    };
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {protocols}\r\n\
         {bearer}User-Agent: stoop/{}\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes every byte");
        }
    }
}

fn check_answer(head: &[u8], nonce: &str, auth: Auth, key: &Key) -> Result<(), DialError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    if !answer.parse(head).is_ok_and(|parsed| parsed.is_complete()) {
        return Err(wrong("the server's answer is not an HTTP head"));
    }
    let status = answer.code.unwrap_or_default();
    if status != 101 {
        return Err(DialError::Refused(status));
    }
    let header = |name: &str| {
        let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
    };
    let names = |value: Option<String>, token: &str| {
        value.is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    if !names(header("upgrade"), "websocket") || !names(header("connection"), "upgrade") {
        return Err(wrong("the server switched to a protocol other than WebSocket"));
    }
    // RFC 6455 §4.1: it proves that the answer is to this request, and not one that something in between has kept.
    if header("sec-websocket-accept").as_deref() != Some(&derive_accept_key(nonce.as_bytes())) {
        return Err(wrong("the server's Sec-WebSocket-Accept does not match our key"));
    }
    // RFC 6455 §4.1: an extension that was not offered fails the handshake.
    if header("sec-websocket-extensions").is_some_and(|extensions| !extensions.is_empty()) {
        return Err(wrong("the server uses an extension we did not offer"));
    }
    // The selected name is never shown: it may be the key.
    let token = format!("{TOKEN_PREFIX}{}", key.reveal());
    match header("sec-websocket-protocol") {
        None => {
            tracing::warn!(target: "stoop_live::socket", "the server selected no sub-protocol; continuing without one");
        }
        Some(selected) if selected == PROTOCOL || auth == Auth::Subprotocol && selected == token => {}
        Some(_) => return Err(wrong("the server selected a sub-protocol we did not offer")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(protocol: Option<&str>, auth: Auth, extra: &str) -> Result<(), DialError> {
        let protocol = protocol.map_or(String::new(), |name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        let accept = derive_accept_key(b"nonce");
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{protocol}{extra}\r\n"
        );
        check_answer(head.as_bytes(), "nonce", auth, &Key::new("k3y").expect("a key"))
    }

    #[test]
    fn either_offered_sub_protocol_or_none_is_accepted() {
        let token = Some("tweetstream.auth.token.k3y");
        assert!(answer(Some("tweetstream.v1"), Auth::Bearer, "").is_ok());
        assert!(answer(token, Auth::Subprotocol, "").is_ok());
        assert!(answer(None, Auth::Query, "").is_ok());
        assert!(answer(token, Auth::Bearer, "").is_err());
        assert!(answer(Some("chat"), Auth::Subprotocol, "").is_err());
        assert!(answer(None, Auth::Bearer, "Sec-WebSocket-Extensions: permessage-deflate\r\n").is_err());
    }

    #[test]
    fn errors_and_debug_never_show_the_key() {
        let key = Key::new("s3cret").expect("a key");
        assert_eq!(format!("{key:?}"), "Key(..)");
        let error =
            answer(Some("tweetstream.auth.token.k3yx"), Auth::Subprotocol, "").expect_err("not offered");
        assert!(!format!("{error:?}").contains("k3y"));
    }

    #[test]
    fn the_key_goes_where_it_was_asked_to() {
        let key = Key::new("a+b/c").expect("a key");
        let endpoint = Endpoint::new("x", "ws://127.0.0.1:9/ws?x=1").expect("a URL");
        let plain = request(&endpoint, Auth::Query, &key, "n");
        assert!(plain.starts_with("GET /ws?x=1&apiKey=a%2Bb%2Fc HTTP/1.1\r\nHost: 127.0.0.1:9\r\n"));
        assert!(request(&endpoint, Auth::Bearer, &key, "n").contains("Authorization: Bearer a+b/c\r\n"));
        let offered = request(&endpoint, Auth::Subprotocol, &key, "n");
        assert!(offered.contains("Sec-WebSocket-Protocol: tweetstream.v1, tweetstream.auth.token.a+b/c\r\n"));
        assert!(!offered.contains("Authorization") && !offered.contains("Extensions"));
    }

    #[test]
    fn a_refusal_is_known_by_its_status() {
        let head = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        let error =
            check_answer(head, "n", Auth::Bearer, &Key::new("k").expect("a key")).expect_err("refused");
        assert!(matches!(error, DialError::Refused(401)));
    }
}
