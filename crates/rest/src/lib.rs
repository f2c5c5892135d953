//! The vendor's REST interface (protocol §5) over HTTP: the account of the key, followed accounts, history.
//!
//! A [`Client`] sends one request at a time and blocks until the answer is there; what the answers mean is
//! `stoop-wire`'s. [`Client::history_between`] reads a span of history page by page.
//!
//! # What does this crate not do?
//!
//! It has no thread, and it feeds no engine: a live engine that fills its gaps asks on a thread of its own.
//!
//! # Invariants
//!
//! - The API key is in no log, error or `Debug` output, also if a server quotes it.
//! - A request ends: each has a timeout, a longest answer, and follows no redirect.
//!
//! ```no_run
//! use stoop_feed::{Api, Key};
//! use stoop_rest::{Client, Timeouts};
//!
//! let client = Client::new(Api::new("https://api.tweetstream.io")?, Key::new("…")?, Timeouts::default());
//! println!("{:?}", client.me()?.sockets.limit);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod history;

use std::fmt;
use std::time::Duration;

use stoop_feed::{Api, Key};
use stoop_wire::{AccountsReply, HistoryPage, Limits, Me, accounts_request, parse_http_date};
use ureq::http::header::{AUTHORIZATION, DATE, RETRY_AFTER};
use ureq::http::{HeaderValue, Response};
use ureq::{Agent, Body, Proxy};

pub use error::{ErrorText, RestError};
pub use history::{History, HistoryEnd, HistoryQuery, HistorySpan};

/// Longest answer: a history page of 1,000 rows with room for 32 KiB each.
const BODY_BYTES: u64 = 32 << 20;
const HEAD_BYTES: usize = 64 << 10;

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect and shake hands, also with a proxy.
    pub connect: Duration,
    /// All of a request, from the look-up to the last byte of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_mins(1) }
    }
}

/// Asks the REST interface. Every call blocks until the answer is there, at most for [`Timeouts::total`].
///
/// A proxy is read from the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, in either case, except for the hosts
/// of `NO_PROXY`): it is asked for a tunnel and sees neither key nor answer. A plain `http` URL, which leads to this
/// machine unless plain text was allowed, is reached without one. Redirects are not followed, since the key would
/// go along.
pub struct Client {
    agent: Agent,
    api: Api,
    key: Key,
    bearer: HeaderValue,
    proxy: Option<String>,
    timeouts: Timeouts,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api", &self.api)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// An answer that has come as a whole.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    /// By the server's clock, Unix ms.
    date_ms: Option<i64>,
    body: Vec<u8>,
}

impl Client {
    /// A client; nothing is sent yet.
    pub fn new(api: Api, key: Key, timeouts: Timeouts) -> Self {
        let proxy = if api.is_tls() { Proxy::try_from_env() } else { None };
        let config = Agent::config_builder()
            .proxy(proxy.clone())
            .https_only(api.is_tls())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_response_header_size(HEAD_BYTES)
            .user_agent(concat!("stoop/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .timeout_connect(Some(timeouts.connect))
            .timeout_global(Some(timeouts.total));
        let proxy = proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        Self { agent: config.build().new_agent(), api, bearer: bearer(&key), key, proxy, timeouts }
    }

    /// Plan, accounts and sockets of the key.
    pub fn me(&self) -> Result<Me, RestError> {
        self.me_dated().map(|(me, _)| me)
    }

    /// The same, and the time it is by the server's clock, Unix ms, to the second: the head `Date` of its answer.
    pub fn me_dated(&self) -> Result<(Me, Option<i64>), RestError> {
        let request = self.agent.get(self.url("me")).header(AUTHORIZATION, &self.bearer);
        let answer = self.judge(self.take(request.call())?)?;
        match Me::read(&answer.body) {
            Ok(Some(me)) => Ok((me, answer.date_ms)),
            Ok(None) => Err(unreadable(&answer, "no object")),
            Err(bad) => Err(unreadable(&answer, &bad.to_string())),
        }
    }

    /// Follows accounts: handles with or without `@`, in any case. The reply may say of each row that it failed.
    ///
    /// How many one request may name is not documented; send a hundred at most. Changes take a while to reach the feed.
    pub fn add_accounts(&self, handles: &[String]) -> Result<AccountsReply, RestError> {
        let request = self.agent.post(self.url("add-account")).header(AUTHORIZATION, &self.bearer);
        let request = request.content_type("application/json");
        self.accounts(self.take(request.send(&accounts_request(handles)[..]))?)
    }

    /// Stops to follow accounts; otherwise as [`Self::add_accounts`].
    pub fn remove_accounts(&self, handles: &[String]) -> Result<AccountsReply, RestError> {
        let request = self.agent.delete(self.url("remove-account")).header(AUTHORIZATION, &self.bearer);
        let request = request.force_send_body().content_type("application/json");
        self.accounts(self.take(request.send(&accounts_request(handles)[..]))?)
    }

    /// One page of history. `limits` are those of the decoder the rows are for.
    pub fn history(&self, query: &HistoryQuery, limits: Limits) -> Result<HistoryPage, RestError> {
        let request = self.agent.get(self.url("history")).header(AUTHORIZATION, &self.bearer);
        let request = request.query_pairs(query.pairs());
        let answer = self.judge(self.take(request.call())?)?;
        HistoryPage::read(&answer.body, limits).map_err(|why| unreadable(&answer, &why.to_string()))
    }

    fn url(&self, endpoint: &str) -> String {
        format!("{}/api/{endpoint}", self.api.as_str())
    }

    /// Reads an answer to its end.
    fn take(&self, response: Result<Response<Body>, ureq::Error>) -> Result<Answer, RestError> {
        let mut response = response.map_err(|error| self.transport(error))?;
        let head = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let date_ms = head(DATE).and_then(parse_http_date);
        let retry_after = head(RETRY_AFTER).and_then(|text| wait(text, date_ms));
        let body = response.body_mut().with_config().limit(BODY_BYTES).read_to_vec();
        let body = body.map_err(|error| self.transport(error))?;
        Ok(Answer { status: response.status().as_u16(), retry_after, date_ms, body })
    }

    fn transport(&self, error: ureq::Error) -> RestError {
        let api = self.api.as_str().to_owned();
        let is_timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::TimedOut;
        if matches!(&error, ureq::Error::Timeout(_))
            || matches!(&error, ureq::Error::Io(error) if is_timed_out(error))
        {
            return RestError::TimedOut { api, timeouts: self.timeouts };
        }
        if let ureq::Error::BodyExceedsLimit(bytes) = error {
            return RestError::TooLong { bytes };
        }
        RestError::Transport { api, proxy: self.proxy.clone(), source: Box::new(error) }
    }

    /// Turns a status that is not a success into its error.
    fn judge(&self, answer: Answer) -> Result<Answer, RestError> {
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let explanation = ErrorText::read(&answer.body, &self.key);
        match answer.status {
            300..=399 => Err(RestError::Redirected { status: answer.status }),
            401 => Err(RestError::Unauthorised { explanation }),
            403 => Err(RestError::Forbidden { explanation }),
            429 => Err(RestError::RateLimited { retry_after: answer.retry_after, explanation }),
            500..=599 => Err(RestError::Server { status: answer.status, explanation }),
            status => Err(RestError::Refused { status, explanation }),
        }
    }

    /// Rows count whatever the status says: 207 is a partial success, 400 a failure of each.
    fn accounts(&self, answer: Answer) -> Result<AccountsReply, RestError> {
        let read = AccountsReply::read(&answer.body);
        if let Ok(Some(reply)) = &read
            && answer.status != 401
            && !reply.rows.is_empty()
        {
            return Ok(self.without_key(reply.clone()));
        }
        let answer = self.judge(answer)?;
        match read {
            Ok(Some(reply)) => Ok(self.without_key(reply)),
            Ok(None) => Err(unreadable(&answer, "no results")),
            Err(bad) => Err(unreadable(&answer, &bad.to_string())),
        }
    }

    /// What a server says of a request may quote the request.
    fn without_key(&self, mut reply: AccountsReply) -> AccountsReply {
        let clean = |text: &mut Option<String>| {
            *text = text.take().map(|text| error::cleaned(&text, &self.key));
        };
        clean(&mut reply.error);
        reply.rows.iter_mut().for_each(|row| clean(&mut row.message));
        reply
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date, which is held against the server's own clock.
fn wait(text: &str, date_ms: Option<i64>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait_ms = parse_http_date(text)?.saturating_sub(date_ms?);
    Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
}

fn bearer(key: &Key) -> HeaderValue {
    let bearer = HeaderValue::from_str(&format!("Bearer {}", key.reveal()));
    let mut bearer = bearer.expect("a key is visible ASCII, which can stand in a header");
    // Not in any `Debug` of a request.
    bearer.set_sensitive(true);
    bearer
}

fn unreadable(answer: &Answer, reason: &str) -> RestError {
    RestError::Unreadable { status: answer.status, reason: reason.to_owned() }
}
