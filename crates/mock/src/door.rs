//! Who is let in: turns a request into an answer, without IO.

use std::time::Duration;

use crate::config::{Config, Select, Until};
use crate::http::{Request, error_response, upgrade_response};

const V1: &str = "tweetstream.v1";
const TOKEN: &str = "tweetstream.auth.token.";

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This response, and the WebSocket begins.
    Upgrade(Vec<u8>),
    /// This response to an upgrade, and the connection ends.
    Refuse(Vec<u8>),
    /// This response to anything else, and the connection ends.
    Respond(Vec<u8>),
}

/// What the answer depends on besides the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Since the server has started.
    pub(crate) elapsed: Duration,
    /// `WebSocket`s open now.
    pub(crate) open: usize,
    /// Upgrades asked for before this one.
    pub(crate) asked: u64,
}

/// Whether a request wants to become a WebSocket.
pub(crate) fn is_upgrade(request: &Request) -> bool {
    request.method == "GET" && request.lists("upgrade", "websocket")
}

/// Answers one request.
pub(crate) fn answer(request: &Request, config: &Config, moment: Moment) -> Answer {
    if is_upgrade(request) {
        return match upgrade(request, config, moment) {
            Ok(response) => Answer::Upgrade(response),
            Err((status, message)) => Answer::Refuse(error_response(status, message)),
        };
    }
    Answer::Respond(match (request.path.as_str(), request.method.as_str()) {
        ("/ws", method) if method != "GET" => error_response(405, "method not allowed"),
        ("/ws", _) => error_response(426, "this is a WebSocket endpoint"),
        _ => error_response(404, "not found"),
    })
}

fn upgrade(request: &Request, config: &Config, moment: Moment) -> Result<Vec<u8>, (u16, &'static str)> {
    if !request.lists("connection", "upgrade") {
        return Err((400, "the Connection header does not name the upgrade"));
    }
    if request.header("sec-websocket-version") != Some("13") {
        return Err((426, "only WebSocket version 13 is spoken here"));
    }
    // 16 bytes in base64.
    let Some(key) = request.header("sec-websocket-key").filter(|key| key.len() == 24 && key.ends_with("=="))
    else {
        return Err((400, "the Sec-WebSocket-Key header is missing or malformed"));
    };
    if let Some(refusal) = config.refuse
        && match refusal.until {
            Until::Stopped => true,
            Until::Count(count) => moment.asked < u64::from(count),
            Until::Elapsed(limit) => moment.elapsed < limit,
        }
    {
        return Err((refusal.status, refusal_message(refusal.status)));
    }
    if !authorised(config, offered_key(request)) {
        return Err((401, refusal_message(401)));
    }
    if moment.open >= config.max_connections {
        return Err((429, refusal_message(429)));
    }
    Ok(upgrade_response(key, selected(request, config.select)))
}

fn refusal_message(status: u16) -> &'static str {
    match status {
        401 => "invalid API key",
        403 => "plan or subscription problem",
        429 => "connection limit reached",
        _ => "refused",
    }
}

pub(crate) fn authorised(config: &Config, offered: Option<String>) -> bool {
    match (&config.api_key, offered) {
        (None, _) => true,
        (Some(key), Some(offered)) => key.matches(&offered),
        (Some(_), None) => false,
    }
}

/// The key by the first way that is used: sub-protocol, header, query.
fn offered_key(request: &Request) -> Option<String> {
    let token = request.list("sec-websocket-protocol").find_map(|name| name.strip_prefix(TOKEN));
    token.map(str::to_owned).or_else(|| bearer(request)).or_else(|| request.parameter("apiKey"))
}

pub(crate) fn bearer(request: &Request) -> Option<String> {
    let (scheme, key) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

fn selected(request: &Request, select: Select) -> Option<&str> {
    let mut offered = request.list("sec-websocket-protocol");
    match select {
        Select::V1 => offered.find(|name| *name == V1),
        Select::Token => offered.find(|name| name.starts_with(TOKEN)),
        Select::First => offered.next(),
        Select::None => None,
    }
}
