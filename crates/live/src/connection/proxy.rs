//! The way to the feed through an HTTP proxy, where the environment names one.

use data_encoding::BASE64;
use stoop_feed::TransportError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::environment::Proxy;
use crate::connection::socket::{DialError, failed};
use crate::settings::Endpoint;

/// Longest answer of a proxy, bytes.
const HEAD_BYTES: usize = 16 << 10;

/// A proxy that is asked for a tunnel. It sees host and port, neither key nor frames.
pub(crate) struct Tunnel {
    proxy: Proxy,
}

impl Tunnel {
    /// The proxy of the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, in either case) for this endpoint; none
    /// for the hosts of `NO_PROXY`, and for plain `ws`, which leads to this machine.
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Option<Self>, DialError> {
        let proxy = if endpoint.is_tls() { Proxy::from_environment() } else { None };
        let Some(proxy) = proxy.filter(|proxy| !proxy.is_bypassed_for(endpoint.host())) else {
            return Ok(None);
        };
        if !proxy.is_http {
            let what =
                "the proxy in the environment is not an http:// proxy, the only kind the feed supports";
            return Err(DialError::Failed(TransportError::Tcp, what.to_owned()));
        }
        Ok(Some(Self { proxy }))
    }

    pub(crate) fn host(&self) -> &str {
        &self.proxy.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.proxy.port
    }

    /// Asks for the way to the endpoint over a connection to the proxy.
    pub(crate) async fn open<S>(&self, stream: &mut S, endpoint: &Endpoint) -> Result<(), DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let target = format!("{}:{}", endpoint.host(), endpoint.port());
        let secret = self.proxy.login.as_ref().map_or(String::new(), |login| {
            format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(login.as_bytes()))
        });
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{secret}\r\n");
        stream.write_all(request.as_bytes()).await.map_err(failed(TransportError::Tcp))?;
        let mut head = Vec::with_capacity(256);
        // Byte by byte: what follows the head is the server's, and TLS begins with it.
        while !head.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.map_err(|_ended| self.refused("it hung up"))?;
            head.push(byte);
            if head.len() > HEAD_BYTES {
                return Err(self.refused("its answer does not end"));
            }
        }
        let status = head.get(9..12).filter(|_| head.starts_with(b"HTTP/1."));
        match status {
            // Any 2xx opens the tunnel (RFC 9110 §9.3.6).
            Some([b'2', _, _]) => Ok(()),
            Some(status) => Err(self.refused(&format!("HTTP {}", String::from_utf8_lossy(status)))),
            None => Err(self.refused("its answer is not HTTP")),
        }
    }

    fn refused(&self, why: &str) -> DialError {
        let what = format!("the proxy {}:{} opens no tunnel: {why}", self.host(), self.port());
        DialError::Failed(TransportError::Tcp, what)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// The request to the proxy, and the outcome: what the server sent through the tunnel, or the error.
    fn open(url: &str, answer: &str) -> (String, Result<String, String>) {
        let tunnel = Tunnel { proxy: Proxy::parse(url, "").unwrap() };
        let endpoint = Endpoint::new("e", "wss://feed.example:8443/ws").unwrap();
        actix::System::new().block_on(async {
            let (mut near, mut far) = duplex(1 << 20);
            far.write_all(answer.as_bytes()).await.unwrap();
            far.shutdown().await.unwrap();
            let opened = tunnel.open(&mut near, &endpoint).await;
            let mut rest = String::new();
            near.read_to_string(&mut rest).await.unwrap();
            drop(near);
            let mut asked = String::new();
            far.read_to_string(&mut asked).await.unwrap();
            let opened = opened.map(|()| rest).map_err(|error| match error {
                DialError::Failed(_, message) => message,
                DialError::Refused(status) => status.to_string(),
            });
            (asked, opened)
        })
    }

    #[test]
    fn a_tunnel_is_asked_for_and_what_follows_the_answer_is_left_alone() {
        let (asked, opened) = open("http://p.example:3128", "HTTP/1.1 200 Made\r\nVia: p\r\n\r\n\x16hello");
        assert_eq!(asked, "CONNECT feed.example:8443 HTTP/1.1\r\nHost: feed.example:8443\r\n\r\n");
        assert_eq!(opened.as_deref(), Ok("\x16hello"));
    }

    #[test]
    fn name_and_password_of_the_proxy_go_to_it_alone() {
        let (asked, opened) = open("http://u:p@p.example:3128", "HTTP/1.0 407 No\r\n\r\n");
        assert!(asked.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{asked}");
        let error = opened.unwrap_err();
        assert_eq!(error, "the proxy p.example:3128 opens no tunnel: HTTP 407");
    }

    #[test]
    fn an_answer_that_is_not_one_is_reported() {
        let endless = format!("HTTP/1.1 200 {}", "x".repeat(HEAD_BYTES));
        for (answer, expect) in [
            ("", "it hung up"),
            ("HTTP/1.1 200 Ma", "it hung up"),
            ("SSH-2.0-x\r\n\r\n", "its answer is not HTTP"),
            ("HTTP/1.1\r\n\r\n", "HTTP"),
            (&endless, "its answer does not end"),
        ] {
            let (_, opened) = open("http://p.example", answer);
            assert!(opened.unwrap_err().contains(expect), "{answer:.40}");
        }
    }
}
