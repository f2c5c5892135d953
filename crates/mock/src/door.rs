//! Decides which clients are let in: turns a request into an answer, without IO.

use crate::config::{Config, Select};
use crate::fault::ConnectionAction;
use crate::http::{Request, error_response, html_response, upgrade_response};

const V1: &str = "tweetstream.v1";
const TOKEN: &str = "tweetstream.auth.token.";

/// What a client is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This response, and the WebSocket begins.
    Upgrade(Vec<u8>),
    /// This response to an upgrade, and the connection ends.
    Refuse(Vec<u8>),
    /// This response to anything else, and the connection ends.
    Respond(Vec<u8>),
    /// A response that never ends: this head, then this again and again, or nothing more.
    Unending { head: Vec<u8>, again: &'static [u8] },
}

/// The beginning of an answer to an upgrade.
const BEGUN: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
/// A header of an answer that does not end.
const HEADER: &[u8] =
    b"X-Patience: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";

/// What the answer depends on, apart from the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    /// Slots in use now.
    pub(crate) used_slots: usize,
    /// What goes wrong with this connection as a whole.
    pub(crate) faults: &'a [ConnectionAction],
}

/// Whether a request wants to become a WebSocket.
pub(crate) fn is_upgrade(request: &Request) -> bool {
    request.method == "GET" && request.lists("upgrade", "websocket")
}

/// Answers one request.
pub(crate) fn answer(request: &Request, config: &Config, moment: Moment<'_>) -> Answer {
    if is_upgrade(request) {
        return upgrade(request, config, moment)
            .unwrap_or_else(|(status, message)| Answer::Refuse(error_response(status, message)));
    }
    Answer::Respond(match (request.path.as_str(), request.method.as_str()) {
        ("/ws", method) if method != "GET" => error_response(405, "method not allowed"),
        ("/ws", _) => error_response(426, "this is a WebSocket endpoint"),
        _ => error_response(404, "not found"),
    })
}

fn upgrade(request: &Request, config: &Config, moment: Moment<'_>) -> Result<Answer, (u16, &'static str)> {
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
    // Before the key is looked at: a server that is broken does not check keys.
    let mut protocol = selected(request, config.select);
    for fault in moment.faults {
        match fault {
            ConnectionAction::Refuse(status) => return Err((*status, refusal_message(*status))),
            ConnectionAction::Html => return Ok(Answer::Refuse(html_response())),
            ConnectionAction::EndlessHead => {
                return Ok(Answer::Unending { head: BEGUN.to_vec(), again: HEADER });
            }
            ConnectionAction::SilentHead => return Ok(Answer::Unending { head: BEGUN.to_vec(), again: &[] }),
            ConnectionAction::Subprotocol(name) => protocol = Some(name),
            // These matter only once the client is in.
            ConnectionAction::LateSlot(_) | ConnectionAction::Replay(_) => {}
        }
    }
    if !authorised(config, offered_key(request)) {
        return Err((401, refusal_message(401)));
    }
    if moment.used_slots >= config.max_connections {
        return Err((429, refusal_message(429)));
    }
    Ok(Answer::Upgrade(upgrade_response(key, protocol)))
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
