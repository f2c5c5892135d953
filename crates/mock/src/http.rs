//! Just enough HTTP/1.1: one request head in, one response out, and the connection closes.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest request head, in bytes.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;

/// Longest body of a request, in bytes.
const BODY_BYTES: usize = 256 << 10;

/// The head of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    query: String,
    headers: Vec<(String, String)>,
}

/// Why there is no request to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// The client went away first.
    Gone,
    /// The head is longer than [`HEAD_BYTES`] or has more than [`HEADERS`] headers.
    TooLarge,
    /// The bytes are not HTTP.
    Malformed,
}

/// Reads one request head, and returns with it the bytes that came after it.
pub(crate) async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Request, Vec<u8>), HeadError> {
    let mut head = Vec::with_capacity(1024);
    loop {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Err(HeadError::Gone),
            Ok(length) => head.extend_from_slice(&chunk[..length]),
        }
        if let Some((request, length)) = parse(&head)? {
            return Ok((request, head.split_off(length)));
        }
        // After parsing: a head that is whole may be as long as the last read made it.
        if head.len() > HEAD_BYTES {
            return Err(HeadError::TooLarge);
        }
    }
}

/// Reads the body of a request, of which `begun` has come with its head. `None` if it is cut off, too large, or sent
/// without its length.
pub(crate) async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    request: &Request,
    mut begun: Vec<u8>,
) -> Option<Vec<u8>> {
    let length = match request.header("content-length") {
        Some(length) => length.parse::<usize>().ok().filter(|length| *length <= BODY_BYTES)?,
        // Chunks are not read: clients of this interface send a length.
        None if request.header("transfer-encoding").is_some() => return None,
        None => 0,
    };
    while begun.len() < length {
        if stream.read_buf(&mut begun).await.ok()? == 0 {
            return None;
        }
    }
    begun.truncate(length);
    Some(begun)
}

fn parse(head: &[u8]) -> Result<Option<(Request, usize)>, HeadError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Partial) => Ok(None),
        Ok(httparse::Status::Complete(length)) => {
            let target = parsed.path.unwrap_or_default();
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let request = Request {
                method: parsed.method.unwrap_or_default().to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers: parsed
                    .headers
                    .iter()
                    .map(|header| {
                        let value = String::from_utf8_lossy(header.value);
                        (header.name.to_owned(), value.trim().to_owned())
                    })
                    .collect(),
            };
            Ok(Some((request, length)))
        }
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooLarge),
        Err(_) => Err(HeadError::Malformed),
    }
}

impl Request {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The members of a comma-separated header, over all headers of this name.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|member| !member.is_empty())
    }

    /// Whether a comma-separated header has a member, in any case.
    pub(crate) fn lists(&self, name: &str, member: &str) -> bool {
        self.list(name).any(|found| found.eq_ignore_ascii_case(member))
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| percent_decoded(value))
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_str())
    }
}

fn percent_decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(b'%');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A whole response with a JSON body.
pub(crate) fn json_response(status: u16, body: &str) -> Vec<u8> {
    let upgrade = if status == 426 { "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {reason}\r\n{upgrade}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}",
        reason = reason(status),
        length = body.len(),
    )
    .into_bytes()
}

/// The same response with the time it is sent, Unix ms.
pub(crate) fn dated(response: &[u8], now_ms: i64) -> Vec<u8> {
    let Some(end) = response.windows(2).position(|window| window == b"\r\n") else {
        return response.to_vec();
    };
    let (status, rest) = response.split_at(end);
    let date = stoop_wire::format_http_date(now_ms).unwrap_or_default();
    [status, b"\r\nDate: ", date.as_bytes(), rest].concat()
}

/// A response that names an error as the feed's REST interface does.
pub(crate) fn error_response(status: u16, message: &str) -> Vec<u8> {
    json_response(status, &serde_json::json!({ "error": message }).to_string())
}

/// A page, as an ordinary web server answers, or a proxy whose backend is down.
pub(crate) fn html_response() -> Vec<u8> {
    let body = "<!DOCTYPE html><title>Welcome</title><p>This is a web server.</p>\n";
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The head that turns the connection into a WebSocket.
pub(crate) fn upgrade_response(request_key: &str, protocol: Option<&str>) -> Vec<u8> {
    let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(request_key.as_bytes());
    let protocol = protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    )
    .into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        207 => "Multi-Status",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Refused",
    }
}

/// A request of these bytes.
#[cfg(test)]
pub(crate) fn request(head: &str) -> Request {
    parse(head.as_bytes()).expect("an HTTP head").expect("a whole one").0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Request, Vec<u8>), HeadError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut bytes = bytes;
        runtime.block_on(read_request(&mut bytes))
    }

    #[test]
    fn a_head_is_parsed_and_what_follows_is_kept() {
        let (request, rest) =
            read(b"GET /ws?a=1&apiKey=x%2Fy%zz HTTP/1.1\r\nA: one, Two\r\na:three\r\n\r\nrest").unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/ws"));
        assert_eq!(request.list("A").collect::<Vec<_>>(), ["one", "Two", "three"]);
        assert!(request.lists("a", "TWO") && !request.lists("a", "four"));
        assert_eq!(request.header("a"), Some("one, Two"));
        assert_eq!(request.parameter("apiKey").as_deref(), Some("x/y%zz"));
        assert_eq!(request.parameter("b"), None);
        assert_eq!(rest, b"rest");
    }

    #[test]
    fn heads_that_are_cut_off_too_large_or_rubbish_are_told_apart() {
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(HEAD_BYTES * 2));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS + 1));
        for (bytes, expect) in [
            (&b""[..], HeadError::Gone),
            (b"GET / HTTP/1.1\r\n", HeadError::Gone),
            (b"\x16\x03\x01\x02\0\x01", HeadError::Malformed),
            (b"{\"v\":1}\r\n\r\n", HeadError::Malformed),
            (long.as_bytes(), HeadError::TooLarge),
            (many.as_bytes(), HeadError::TooLarge),
        ] {
            assert_eq!(read(bytes).unwrap_err(), expect, "{:?}", bytes.get(..20));
        }
    }

    #[test]
    fn an_error_is_json_with_its_length() {
        let response = String::from_utf8(error_response(401, "a \"b\"")).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"error":"a \"b\""}"#);
        assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
