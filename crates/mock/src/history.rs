//! The history of the input: its frames as rows, newest first, in the form of the vendor's answers.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};
use stoop_wire::{format_ms, parse_ms};
use tokio_tungstenite::tungstenite::Bytes;

use crate::http::Request;
use crate::reel::Reel;

const TIMES: [&str; 5] = ["createdAt", "receivedAt", "observedAt", "deletedAt", "joinedAt"];
const DEFAULT_LIMIT: usize = 100;
const LIMIT: usize = 1000;

/// The rows of the input, made at the first request. For a rebased input they are made at every request: its history is
/// what clients have been sent so far, and what they would have been sent had they stayed connected.
#[derive(Debug, Default)]
pub(crate) struct History {
    rows: OnceLock<Vec<Row>>,
}

#[derive(Debug)]
struct Row {
    time_ms: i64,
    /// In lower case, without the `@`.
    handle: String,
    message_type: &'static str,
    json: String,
}

impl History {
    /// The body of an answer, or what is wrong with the request.
    pub(crate) fn answer(
        &self,
        request: &Request,
        reel: &Reel,
        rebased: Option<Vec<Bytes>>,
    ) -> Result<String, String> {
        let rebased = rebased.map(|frames| rows(frames.iter()));
        let of_input = || rows(reel.frames.iter().filter(|frame| frame.json).map(|frame| &frame.bytes));
        let rows = rebased.as_ref().unwrap_or_else(|| self.rows.get_or_init(of_input));
        let bound = |name: &str| match request.parameter(name) {
            Some(text) => parse_ms(&text).map(Some).ok_or_else(|| format!("{name} is not an ISO time")),
            None => Ok(None),
        };
        let (from, to) = (bound("startDate")?.unwrap_or(i64::MIN), bound("endDate")?.unwrap_or(i64::MAX));
        let limit = match request.parameter("limit").map(|text| text.parse::<usize>()) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=LIMIT).contains(&limit) => limit,
            Some(_) => return Err(format!("limit is from 1 to {LIMIT}")),
        };
        let message_type = request.parameter("type").unwrap_or_else(|| "TWEET".to_owned()).to_uppercase();
        if !["TWEET", "PROFILE", "FOLLOW"].contains(&message_type.as_str()) {
            return Err("type is TWEET, PROFILE or FOLLOW".to_owned());
        }
        let handles = request.parameter("handles").unwrap_or_default();
        let handles: Vec<String> =
            handles.split(',').map(normalized).filter(|handle| !handle.is_empty()).collect();
        let fits = |row: &&Row| {
            (from..=to).contains(&row.time_ms)
                && row.message_type == message_type
                && (handles.is_empty() || handles.contains(&row.handle))
        };
        let found: Vec<&str> = rows.iter().filter(fits).take(limit).map(|row| row.json.as_str()).collect();
        let metadata = json!({ "type": message_type, "count": found.len(), "handles": handles });
        Ok(format!(r#"{{"data":[{}],"metadata":{metadata}}}"#, found.join(",")))
    }
}

fn normalized(handle: &str) -> String {
    handle.trim().trim_start_matches('@').to_lowercase()
}

/// Rows of all frames that the vendor's history keeps: posts with the last enrichment of their id, profile changes and
/// follows.
fn rows<'a>(frames: impl Iterator<Item = &'a Bytes>) -> Vec<Row> {
    // Collected first: a meta may stand before its content.
    let mut metas: BTreeMap<String, Value> = BTreeMap::new();
    let mut kept = Vec::new();
    for frame in frames {
        let Ok(value) = serde_json::from_slice::<Value>(frame) else { continue };
        let frames = if let Value::Array(frames) = value { frames } else { vec![value] };
        for frame in frames {
            match (frame["t"].as_str(), frame["op"].as_str()) {
                (Some("tweet"), Some("meta")) => {
                    metas.insert(
                        frame["d"]["tweetId"].as_str().unwrap_or_default().to_owned(),
                        frame["d"].clone(),
                    );
                }
                (Some("tweet"), Some("content")) => kept.push(("TWEET", frame)),
                (Some("account"), Some("profile_update")) => kept.push(("PROFILE", frame)),
                (Some("account"), Some("follow" | "unfollow")) => kept.push(("FOLLOW", frame)),
                _ => {}
            }
        }
    }
    let mut rows: Vec<Row> = kept.into_iter().map(|(name, frame)| row(name, &frame, &metas)).collect();
    // The sort is stable: of one moment, the later frame is the newer row.
    rows.reverse();
    rows.sort_by_key(|row| std::cmp::Reverse(row.time_ms));
    rows
}

fn row(message_type: &'static str, frame: &Value, metas: &BTreeMap<String, Value>) -> Row {
    let payload = &frame["d"];
    let is_tweet = message_type == "TWEET";
    let author = if is_tweet { &payload["author"] } else { &payload["actor"] };
    let sent_ms = frame["ts"].as_i64().unwrap_or_default();
    // The vendor's rows have the time of the event, and beside it that of its receipt.
    let made = if is_tweet { &payload["createdAt"] } else { &payload["observedAt"] };
    let time_ms = made.as_i64().unwrap_or(sent_ms);
    let received_ms = payload["receivedAt"].as_i64().unwrap_or(sent_ms);
    let meta = payload["tweetId"].as_str().filter(|_| is_tweet).and_then(|id| metas.get(id));
    let json = json!({
        "tweetId": payload["tweetId"],
        "twitterId": author["id"],
        "twitterHandle": author["handle"],
        "body": payload["text"],
        "link": payload["link"],
        "time": format_ms(time_ms),
        "receivedTime": format_ms(received_ms),
        "messageType": message_type,
        "content": in_iso(payload),
        "meta": meta,
    });
    let handle = normalized(author["handle"].as_str().unwrap_or_default());
    Row { time_ms, handle, message_type, json: json.to_string() }
}

/// A payload with its times as history writes them.
fn in_iso(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let ms = value.as_i64().filter(|_| TIMES.contains(&name.as_str()));
                (name.clone(), ms.and_then(format_ms).map_or_else(|| in_iso(value), Value::String))
            };
            Value::Object(members.iter().map(member).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(in_iso).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
