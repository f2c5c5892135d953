//! The proxy that the environment names, read as the REST client's library reads it: both must go the same way.

use http::Uri;

/// In this order; the first that is a URL of a proxy counts.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
const BYPASSES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy, and the hosts that are reached without it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// It speaks plain HTTP.
    pub(super) is_http: bool,
    /// Name and password, as they are to be encoded.
    pub(super) login: Option<String>,
    /// Patterns, in small letters.
    bypasses: Vec<String>,
}

impl Proxy {
    /// That of the environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "proxies are the environment's, for programs and hosts alike"
    )]
    pub(super) fn from_environment() -> Option<Self> {
        let set = |names: &[&str]| -> Vec<String> {
            names.iter().filter_map(|name| std::env::var(name).ok()).collect()
        };
        let bypasses = set(&BYPASSES);
        let bypasses = bypasses.first().map_or("", String::as_str);
        set(&PROXIES).iter().find_map(|url| Self::parse(url, bypasses))
    }

    /// Reads `[scheme://][name[:password]@]host[:port]`, and a list of hosts that are reached without it.
    pub(super) fn parse(url: &str, bypasses: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        // The REST client's library takes `host:port` without a scheme for HTTP.
        let scheme = uri.scheme_str().unwrap_or("http").to_ascii_lowercase();
        let usual_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => 1080,
            _ => return None,
        };
        let login = match authority.as_str().rsplit_once('@') {
            Some((login, _)) => {
                let (name, password) = login.split_once(':').unwrap_or((login, ""));
                Some(format!("{}:{}", percent_decoded(name)?, percent_decoded(password)?))
            }
            None => None,
        };
        Some(Self {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(usual_port),
            is_http: scheme == "http",
            login,
            bypasses: bypasses.split(',').map(str::to_ascii_lowercase).collect(),
        })
    }

    /// This host is reached without it: it is in the list, or a `*` or `.` there stands for the rest of its name.
    pub(super) fn is_bypassed_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.bypasses.iter().any(|pattern| {
            if let Some(end) = pattern.strip_prefix('*') {
                host.ends_with(end)
            } else if pattern.starts_with('.') {
                host.ends_with(pattern)
            } else if let Some(start) = pattern.strip_suffix('*') {
                host.starts_with(start)
            } else {
                host == *pattern || pattern.ends_with('.') && host.starts_with(pattern)
            }
        })
    }
}

/// None if what comes out is not UTF-8. A `%` without two digits stands for itself.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            out.push((high * 16 + low) as u8);
            rest = after.get(2..).unwrap_or_default();
        } else {
            out.push(first);
            rest = after;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_a_port_and_perhaps_a_login() {
        for (url, host, port, is_http, login) in [
            ("http://p.example:3128", "p.example", 3128, true, None),
            ("HTTP://p.example", "p.example", 80, true, None),
            ("p.example:3128", "p.example", 3128, true, None),
            ("localhost", "localhost", 80, true, None),
            ("https://p.example/", "p.example", 443, false, None),
            ("socks5://[::1]", "[::1]", 1080, false, None),
            ("http://u:p@p.example", "p.example", 80, true, Some("u:p")),
            ("http://u@p.example", "p.example", 80, true, Some("u:")),
            ("http://u%40x:a%3Ab%2525+%zz@p.example", "p.example", 80, true, Some("u@x:a:b%25+%zz")),
        ] {
            let proxy = Proxy::parse(url, "").unwrap_or_else(|| panic!("{url}"));
            let Proxy { host: found, port: at, is_http: plain, login: name, .. } = proxy;
            assert_eq!((found.as_str(), at, plain, name.as_deref()), (host, port, is_http, login), "{url}");
        }
        for url in ["", "ftp://p.example", "http://", "/path", "http://%ff@p.example"] {
            assert!(Proxy::parse(url, "").is_none(), "{url}");
        }
    }

    #[test]
    fn hosts_that_are_named_are_reached_without_it() {
        for (bypasses, host, expect) in [
            ("a.example,feed.example", "Feed.Example", true),
            ("feed.example", "x.feed.example", false),
            (".example", "feed.example", true),
            (".feed.example", "feed.example", false),
            ("*.example", "feed.example", true),
            ("10.*", "10.0.0.1", true),
            ("10.", "10.0.0.1", true),
            ("*", "feed.example", true),
            ("", "feed.example", false),
            ("other", "feed.example", false),
        ] {
            let proxy = Proxy::parse("http://p.example", bypasses).unwrap();
            assert_eq!(proxy.is_bypassed_for(host), expect, "{bypasses} {host}");
        }
    }
}
