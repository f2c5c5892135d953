//! Why a request came to nothing, and what to do about it.

use std::fmt;
use std::time::Duration;

use stoop_feed::Key;
use stoop_wire::ErrorReply;

use super::Timeouts;

/// Characters shown of what a server says.
const SHOWN: usize = 300;

/// Why a request came to nothing. No variant holds the key.
#[derive(Debug, thiserror::Error)]
pub enum RestError {
    /// 401.
    #[error(
        "the server refuses the API key (401{explanation}): check TWEETSTREAM_API_KEY or `[feed] key_file`"
    )]
    Unauthorised {
        /// The explanation of the server.
        explanation: ErrorText,
    },
    /// 403.
    #[error("the plan of this key does not include it (403{explanation})")]
    Forbidden {
        /// The explanation of the server.
        explanation: ErrorText,
    },
    /// 429.
    #[error("too many requests (429{explanation}): try again {}", when(*retry_after))]
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// The explanation of the server.
        explanation: ErrorText,
    },
    /// 500 to 599.
    #[error("the server failed ({status}{explanation}): try again later")]
    Server {
        /// The status.
        status: u16,
        /// The explanation of the server.
        explanation: ErrorText,
    },
    /// Any other status that is not a success.
    #[error("the server refuses the request ({status}{explanation})")]
    Refused {
        /// The status.
        status: u16,
        /// The explanation of the server.
        explanation: ErrorText,
    },
    /// 300 to 399.
    #[error(
        "the server redirects ({status}), which is not followed, since the key would go along: correct `[feed] api`"
    )]
    Redirected {
        /// The status.
        status: u16,
    },
    /// The server was not reached, or the connection broke.
    #[error("cannot reach {api}{}: {source}", through(proxy.as_deref()))]
    Transport {
        /// The base URL.
        api: String,
        /// Host and port of the proxy, if the environment names one.
        proxy: Option<String>,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// It took too long.
    #[error(
        "no whole answer from {api} in time ({} s to connect, {} s in all)",
        timeouts.connect.as_secs_f32(), timeouts.total.as_secs_f32()
    )]
    TimedOut {
        /// The base URL.
        api: String,
        /// The limits that were exceeded.
        timeouts: Timeouts,
    },
    /// The answer is too long.
    #[error("the answer is longer than {bytes} bytes")]
    TooLong {
        /// The limit.
        bytes: u64,
    },
    /// The answer is not what the interface answers.
    #[error("the answer ({status}) cannot be read: {reason}; is `[feed] api` right?")]
    Unreadable {
        /// The status.
        status: u16,
        /// Why, and where.
        reason: String,
    },
}

/// How a server explains an error: one line, cut, without control characters, without the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorText(Option<String>);

impl ErrorText {
    pub(super) fn read(body: &[u8], key: &Key) -> Self {
        let reply = ErrorReply::read(body);
        let message = match (reply.message, reply.details) {
            (Some(message), Some(details)) => Some(format!("{message} ({details})")),
            (message, details) => message.or(details),
        };
        Self(message.map(|message| cleaned(&message, key)))
    }

    /// The line, if the answer had a readable message.
    pub fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

/// A text of the server's as it may be shown: it may quote the key, and it may steer a terminal.
pub(super) fn cleaned(text: &str, key: &Key) -> String {
    let text = text.replace(key.reveal(), "…");
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = plain.take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn when(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(|| "later".to_owned(), |wait| format!("in {} s", wait.as_secs()))
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_one_line_without_the_key() {
        let key = Key::new("s3cret").unwrap();
        let message =
            ErrorText::read(b"{\"error\":\"bad key s3cret\\n\\u001b[31m\",\"details\":{\"a\": 1}}", &key);
        assert_eq!(message.text(), Some("bad key …  [31m ({\"a\": 1})"));
        let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(SHOWN + 1));
        assert_eq!(
            ErrorText::read(long.as_bytes(), &key).text().map(|text| text.chars().count()),
            Some(SHOWN + 1)
        );
        assert_eq!(ErrorText::read(b"<html>", &key).to_string(), "");
        let error = RestError::Unauthorised { explanation: ErrorText(Some("no".to_owned())) };
        assert!(error.to_string().starts_with("the server refuses the API key (401: no): check "), "{error}");
    }
}
