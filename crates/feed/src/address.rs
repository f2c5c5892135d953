//! Where the vendor is: the WebSocket endpoints, and the REST interface.

use http::Uri;

/// Where frames come from.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Name in logs.
    pub name: String,
    /// `wss://…`, or `ws://…` to this machine; or to another, if that was asked for.
    pub url: Uri,
}

impl Endpoint {
    /// Reads a URL. Plain `ws` is accepted for loopback addresses only: it would show the key to everyone on the way.
    pub fn new(name: &str, url: &str) -> Result<Self, AddressError> {
        let endpoint = Self::with_plaintext_key(name, url)?;
        if endpoint.is_exposed() {
            return Err(AddressError::Plain(endpoint.host().to_owned()));
        }
        Ok(endpoint)
    }

    /// As [`new`](Self::new), but accepts plain `ws` to any machine: everyone on the way can read the key and change
    /// frames.
    pub fn with_plaintext_key(name: &str, url: &str) -> Result<Self, AddressError> {
        let uri: Uri =
            url.parse().map_err(|_bad: http::uri::InvalidUri| AddressError::Url(url_without_query(url)))?;
        let endpoint = Self { name: name.to_owned(), url: uri };
        match (endpoint.url.scheme_str(), endpoint.url.host()) {
            (Some("wss" | "ws"), Some(_)) => Ok(endpoint),
            (_, _) => Err(AddressError::Url(url_without_query(url))),
        }
    }

    /// It is `wss`.
    pub fn is_tls(&self) -> bool {
        self.url.scheme_str() == Some("wss")
    }

    /// It shows the key to everyone on the way.
    pub fn is_exposed(&self) -> bool {
        !self.is_tls() && !is_loopback(self.host())
    }

    /// Its host; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.url.host().unwrap_or_default()
    }

    /// Its port, or that of its scheme.
    pub fn port(&self) -> u16 {
        self.url.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// The URL without its query, which may hold a key.
    pub fn shown(&self) -> String {
        let scheme = self.url.scheme_str().unwrap_or("wss");
        format!("{scheme}://{}:{}{}", self.host(), self.port(), self.url.path())
    }
}

/// Where the REST interface is: accounts and history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    base: String,
    is_tls: bool,
    /// The host, if it shows the key to everyone on the way.
    exposed_to: Option<String>,
}

impl Api {
    /// Reads `https://host`, perhaps with a port and a path before `/api`. Plain `http` is accepted for loopback
    /// addresses only: it would show the key to everyone on the way.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let api = Self::with_plaintext_key(url)?;
        match &api.exposed_to {
            Some(host) => Err(AddressError::PlainApi(host.clone())),
            None => Ok(api),
        }
    }

    /// As [`new`](Self::new), but accepts plain `http` to any machine: everyone on the way can read the key.
    pub fn with_plaintext_key(url: &str) -> Result<Self, AddressError> {
        // What stands before an `@` may be a password.
        let wrong = || AddressError::ApiUrl(url_without_query(url.rsplit('@').next().unwrap_or_default()));
        let uri: Uri = url.parse().map_err(|_bad: http::uri::InvalidUri| wrong())?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') || uri.query().is_some() || url.contains('#') {
            return Err(wrong());
        }
        let (is_tls, host) = match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) => (true, host),
            (Some("http"), Some(host)) => (false, host),
            (_, _) => return Err(wrong()),
        };
        let exposed_to = (!is_tls && !is_loopback(host)).then(|| host.to_owned());
        Ok(Self { base: url.trim_end_matches('/').to_owned(), is_tls, exposed_to })
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// It shows the key to everyone on the way.
    pub fn is_exposed(&self) -> bool {
        self.exposed_to.is_some()
    }

    /// It is `https`.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }
}

fn url_without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<core::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why a URL is not an address that the key may be shown to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not a WebSocket URL.
    #[error("{0:?} is not a WebSocket URL: write wss://host/path")]
    Url(String),
    /// A plain URL to another machine.
    #[error("ws:// to {0} would show the API key to everyone on the way: use wss://, or a loopback address")]
    Plain(String),
    /// Not a URL of the REST interface.
    #[error(
        "{0:?} is not a URL of the REST interface: write https://host, without a user, query or fragment"
    )]
    ApiUrl(String),
    /// A plain URL of the REST interface on another machine.
    #[error(
        "http:// to {0} would show the API key to everyone on the way: use https://, or a loopback address"
    )]
    PlainApi(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_for_this_machine_unless_it_is_asked_for() {
        for url in ["ws://127.0.0.1/ws", "ws://localhost:1", "ws://[::1]:1/ws", "wss://example.com/ws"] {
            assert!(!Endpoint::new("e", url).unwrap().is_exposed(), "{url}");
        }
        let plain = Err(AddressError::Plain("example.com".to_owned()));
        assert_eq!(Endpoint::new("e", "ws://example.com/ws?apiKey=k").map(|_| ()), plain);
        assert!(Endpoint::with_plaintext_key("e", "ws://10.0.0.1/ws").unwrap().is_exposed());
        assert!(Endpoint::with_plaintext_key("e", "http://example.com").is_err());
        assert!(Api::with_plaintext_key("http://example.com").unwrap().is_exposed());
        assert!(!Api::with_plaintext_key("http://127.0.0.1").unwrap().is_exposed());
        assert!(Api::with_plaintext_key("http://u:p@example.com").is_err());
    }

    #[test]
    fn the_rest_interface_is_reached_over_tls_or_on_this_machine() {
        for url in
            ["https://api.tweetstream.io", "http://127.0.0.1:80", "http://localhost:1/x", "http://[::1]:1"]
        {
            assert_eq!(Api::new(&format!("{url}/")).unwrap().as_str(), url);
        }
        assert_eq!(Api::new("http://example.com/x"), Err(AddressError::PlainApi("example.com".to_owned())));
        for url in [
            "",
            "api.tweetstream.io",
            "ws://127.0.0.1",
            "https://",
            "https://h/?a=b",
            "https://h/#a",
            "ftp://h",
        ] {
            assert!(matches!(Api::new(url), Err(AddressError::ApiUrl(_))), "{url}");
        }
        let error = Api::new("https://user:s3cret@h/?apiKey=s3cret").unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
