//! Why a connection ended: in words for the user, and as a verdict for the policy.

use std::time::Duration;

use crate::{DialStep, Side, TransportError};

/// Why a dial or a connection ended; prints as a sentence that says what to do about it.
///
/// What HTTP 400 to 429 and the 4000 codes mean is known from the vendor's SDKs and from users' reports; the vendor
/// documents none of them. A cause never holds a URL, a key or text from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// HTTP 400.
    #[error("the server refused the request as malformed (HTTP 400); check feed.url and feed.auth")]
    HttpBadRequest,
    /// HTTP 401.
    #[error("the server refused the key (HTTP 401); check TWEETSTREAM_API_KEY or feed.key_file")]
    HttpUnauthorized,
    /// HTTP 403.
    #[error(
        "the server refused access (HTTP 403); check that the plan of this key is active and includes the stream"
    )]
    HttpForbidden,
    /// HTTP 404.
    #[error("the server has no stream at this address (HTTP 404); check feed.url")]
    HttpNotFound,
    /// HTTP 429.
    #[error(
        "connection limit of the plan reached (HTTP 429); a slot is freed 1 to 3 minutes after its socket died, \
         close other programs that use this key"
    )]
    HttpTooMany,
    /// HTTP 300 to 399. Redirects are not followed, because the key would go with them.
    #[error("the server sends us elsewhere (HTTP {0}), which is not followed; check feed.url")]
    HttpRedirect(u16),
    /// HTTP 500 to 599.
    #[error("the server or a proxy is in trouble (HTTP {0})")]
    HttpServerError(u16),
    /// Any other HTTP status.
    #[error("the server answered the upgrade with HTTP {0}")]
    HttpOther(u16),
    /// Close 1000 from the server.
    #[error("the server closed the connection normally (close 1000)")]
    CloseNormal,
    /// Close 1012.
    #[error("the server restarts (close 1012)")]
    CloseRestart,
    /// Close 4001.
    #[error("the server says the key is invalid (close 4001); check TWEETSTREAM_API_KEY or feed.key_file")]
    CloseInvalidKey,
    /// Close 4003.
    #[error("the server says the plan or subscription does not allow this (close 4003); check the account")]
    ClosePlan,
    /// Close 4029.
    #[error(
        "connection limit of the plan reached (close 4029); a slot is freed 1 to 3 minutes after its socket died, \
         close other programs that use this key"
    )]
    CloseTooMany,
    /// Any other close code of the server.
    #[error("the server closed the connection (close {0})")]
    CloseOther(u16),
    /// Closed without a code.
    #[error("the connection was closed without a code")]
    CloseNoCode,
    /// Closed by us, over a message we cannot accept.
    #[error("closed from this side{}", close_code(*.0))]
    CloseLocal(Option<u16>),
    /// A step of the dial took longer than `connect_timeout`, which is the duration given.
    #[error("no {0} within {1:?}, feed.connect_timeout")]
    ConnectTimeout(DialStep, Duration),
    /// No pong within `pong_timeout`.
    #[error("dead link: no pong within feed.pong_timeout")]
    PongTimeout,
    /// Something below the WebSocket messages broke.
    #[error("{0}")]
    Transport(TransportError),
}

/// What a cause says about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never again.
    Fatal,
    /// Never again, unless the same key and plan have worked before. Then the refusal may be a mistake of a proxy or
    /// of the moment, and a few slow tries decide.
    Refused,
    /// Again, but not before the server has freed a slot.
    Limit,
    /// Again at once.
    Restart,
    /// Again with backoff.
    Again,
}

impl Cause {
    /// The cause of an upgrade refused with this HTTP status.
    pub const fn from_status(status: u16) -> Self {
        match status {
            400 => Self::HttpBadRequest,
            401 => Self::HttpUnauthorized,
            403 => Self::HttpForbidden,
            404 => Self::HttpNotFound,
            429 => Self::HttpTooMany,
            300..=399 => Self::HttpRedirect(status),
            500..=599 => Self::HttpServerError(status),
            _ => Self::HttpOther(status),
        }
    }

    /// The cause of a connection closed with this code.
    pub const fn from_close(code: Option<u16>, by: Side) -> Self {
        match (by, code) {
            (Side::Local, code) => Self::CloseLocal(code),
            // 1005 and 1006 never travel (RFC 6455): they are how clients report that there was no code.
            (Side::Remote, None | Some(1005 | 1006)) => Self::CloseNoCode,
            (Side::Remote, Some(1000)) => Self::CloseNormal,
            (Side::Remote, Some(1012)) => Self::CloseRestart,
            (Side::Remote, Some(4001)) => Self::CloseInvalidKey,
            (Side::Remote, Some(4003)) => Self::ClosePlan,
            (Side::Remote, Some(4029)) => Self::CloseTooMany,
            (Side::Remote, Some(code)) => Self::CloseOther(code),
        }
    }

    /// Whether the server refused us: our request, our key or our plan.
    ///
    /// Every fatal cause is one; the program then exits with its code for a refusal, 77.
    pub const fn is_refusal(self) -> bool {
        matches!(self.verdict(), Verdict::Fatal | Verdict::Refused)
    }

    /// What to do about it.
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            // The application itself says so, after TLS and the upgrade: no proxy in between can.
            Self::CloseInvalidKey => Verdict::Fatal,
            Self::HttpBadRequest | Self::HttpUnauthorized | Self::HttpForbidden | Self::ClosePlan => {
                Verdict::Refused
            }
            // Not a refusal: the slot of a connection that died is still taken, and will be free in a while.
            Self::HttpTooMany | Self::CloseTooMany => Verdict::Limit,
            Self::CloseRestart => Verdict::Restart,
            // A 404 may be a deploy under way, so even the first one is tried again.
            Self::HttpNotFound
            | Self::HttpRedirect(_)
            | Self::HttpServerError(_)
            | Self::HttpOther(_)
            | Self::CloseNormal
            | Self::CloseOther(_)
            | Self::CloseNoCode
            | Self::CloseLocal(_)
            | Self::ConnectTimeout(..)
            | Self::PongTimeout
            | Self::Transport(_) => Verdict::Again,
        }
    }
}

/// The code in parentheses, or nothing.
fn close_code(code: Option<u16>) -> String {
    code.map(|code| format!(" (close {code})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_have_their_verdicts() {
        let cases = [
            (400, Cause::HttpBadRequest, Verdict::Refused),
            (401, Cause::HttpUnauthorized, Verdict::Refused),
            (403, Cause::HttpForbidden, Verdict::Refused),
            (404, Cause::HttpNotFound, Verdict::Again),
            (429, Cause::HttpTooMany, Verdict::Limit),
            (200, Cause::HttpOther(200), Verdict::Again),
            (302, Cause::HttpRedirect(302), Verdict::Again),
            (402, Cause::HttpOther(402), Verdict::Again),
            (502, Cause::HttpServerError(502), Verdict::Again),
            (0, Cause::HttpOther(0), Verdict::Again),
            (u16::MAX, Cause::HttpOther(u16::MAX), Verdict::Again),
        ];
        for (status, cause, verdict) in cases {
            assert_eq!(Cause::from_status(status), cause, "{status}");
            assert_eq!(cause.verdict(), verdict, "{status}");
        }
    }

    #[test]
    fn close_codes_have_their_verdicts() {
        let cases = [
            (None, Cause::CloseNoCode, Verdict::Again),
            (Some(1000), Cause::CloseNormal, Verdict::Again),
            (Some(1006), Cause::CloseNoCode, Verdict::Again),
            (Some(1011), Cause::CloseOther(1011), Verdict::Again),
            (Some(1012), Cause::CloseRestart, Verdict::Restart),
            (Some(4001), Cause::CloseInvalidKey, Verdict::Fatal),
            (Some(4003), Cause::ClosePlan, Verdict::Refused),
            (Some(4029), Cause::CloseTooMany, Verdict::Limit),
            (Some(4999), Cause::CloseOther(4999), Verdict::Again),
        ];
        for (code, cause, verdict) in cases {
            assert_eq!(Cause::from_close(code, Side::Remote), cause, "{code:?}");
            assert_eq!(cause.verdict(), verdict, "{code:?}");
        }
    }

    #[test]
    fn a_code_of_ours_says_nothing_about_the_server() {
        for code in [None, Some(1000), Some(1012), Some(4001)] {
            assert_eq!(Cause::from_close(code, Side::Local).verdict(), Verdict::Again, "{code:?}");
        }
    }

    #[test]
    fn causes_say_what_to_do() {
        let cases = [
            (Cause::HttpUnauthorized, "TWEETSTREAM_API_KEY or feed.key_file"),
            (Cause::CloseInvalidKey, "TWEETSTREAM_API_KEY or feed.key_file"),
            (Cause::HttpNotFound, "check feed.url"),
            (Cause::HttpTooMany, "1 to 3 minutes"),
            (Cause::CloseTooMany, "1 to 3 minutes"),
            (Cause::HttpRedirect(301), "HTTP 301"),
            (Cause::CloseLocal(Some(1009)), "this side (close 1009)"),
            (Cause::ConnectTimeout(DialStep::Dns, Duration::from_secs(10)), "no DNS answer within 10s"),
            (
                Cause::ConnectTimeout(DialStep::Tls, Duration::from_millis(300)),
                "no TLS handshake within 300ms",
            ),
            (Cause::Transport(TransportError::Dns), "the host name does not resolve"),
        ];
        for (cause, part) in cases {
            assert!(cause.to_string().contains(part), "{cause}");
        }
        assert_eq!(Cause::CloseLocal(None).to_string(), "closed from this side");
    }
}
