//! Turns an answer of `/api/history` into the frames that would have come live.

use std::cmp::Reverse;

use simd_json::prelude::*;
use simd_json::tape::Value;
use stoop_model::{Bad, BadReason};
use twox_hash::XxHash3_64;

use super::raw::{self, Walk};
use super::{parse_ms, read_value};
use crate::decoder::{Decoder, Limits, MARK};
use crate::diagnose::{self, MAX_DEPTH};

/// Most errors of one page that are kept; all are counted.
pub const HISTORY_ERRORS: usize = 64;
/// Members that hold a time: ms in live payloads, ISO texts in history rows.
const TIMES: [&[u8]; 5] = [b"createdAt", b"receivedAt", b"observedAt", b"deletedAt", b"joinedAt"];

/// One answer of `GET /api/history`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The rows that could be read, oldest first.
    pub rows: Vec<HistoryRow>,
    /// Rows in the answer, good or bad.
    pub total: usize,
    /// `metadata.count`.
    pub count: Option<u64>,
    /// The time from which on the page holds everything: no row created or received before it is missing. Unix ms; the
    /// later of the oldest creation and the oldest receipt, since it is not documented by which the server selects.
    pub oldest_ms: Option<i64>,
    /// The errors, in the answer's order; of many the first [`HISTORY_ERRORS`].
    pub errors: Vec<RowError>,
    /// How many errors there were.
    pub error_count: u64,
}

/// A row as the frames that would have come live. Both can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Which of the answer's rows, from 0.
    pub index: usize,
    /// What it is about.
    pub message_type: MessageType,
    /// Its time of receipt, else of creation, Unix ms: the `ts` of its frames.
    pub time_ms: i64,
    /// The frame of its `content`. Its payload has the bytes of the answer, except that times are in ms and line breaks
    /// are left out; what only the row around it says is added.
    pub content: Vec<u8>,
    /// The frame of its `meta`.
    pub meta: Option<Vec<u8>>,
    /// XXH3 over both frames: a row that two pages share has the same in both.
    pub fingerprint: u64,
}

/// `messageType` of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageType {
    /// A post.
    #[default]
    Tweet,
    /// A change of a profile.
    Profile,
    /// A follow or unfollow.
    Follow,
}

impl MessageType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tweet => "TWEET",
            Self::Profile => "PROFILE",
            Self::Follow => "FOLLOW",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::Tweet, Self::Profile, Self::Follow];
        all.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name))
    }
}

/// A part of a row that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, {}: {fault}", part.as_str())]
pub struct RowError {
    /// Which of the answer's rows, from 0.
    pub row: usize,
    /// The part; of a row without content nothing is kept.
    pub part: RowPart,
    /// Why.
    pub fault: RowFault,
}

/// A part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPart {
    /// The row around them.
    Row,
    /// `content`.
    Content,
    /// `meta`.
    Meta,
}

impl RowPart {
    /// The name in errors.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Content => "content",
            Self::Meta => "meta",
        }
    }
}

/// Why a part of a row was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// It is not JSON; or the frame made of it is bad, and then the offset is into that frame.
    #[error("{0}")]
    Bad(Bad),
    /// `messageType` is unknown, or the content does not say whether it is a follow or an unfollow.
    #[error("unknown type of message")]
    UnknownType,
    /// Neither the row nor its content has a time.
    #[error("no time that can be read")]
    NoTime,
    /// There is no content object, and no post in the row around it.
    #[error("no content")]
    NoContent,
}

/// Why no rows can be found in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error("{0}")]
    Bad(Bad),
    /// It is JSON without a list of rows.
    #[error("there is no list of rows in it")]
    NoRows,
}

impl HistoryPage {
    /// Reads an answer: an object whose `data`, or else whose first list, holds the rows; or the list itself.
    ///
    /// A row that cannot be read becomes an error in the page, and the page is still good. `limits` are the decoder's.
    pub fn read(bytes: &[u8], limits: Limits) -> Result<Self, Unreadable> {
        let text = bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii();
        // Rows are parsed one by one, so that one bad row does not cost the page. Only the outline must be right.
        let is_outlined = matches!(text.first(), Some(b'{' | b'['));
        if !is_outlined || raw::value_end(text, 0) != Some(text.len()) {
            return Err(Unreadable::Bad(diagnose::refused(bytes, 0, MAX_DEPTH)));
        }
        let is_list = |value: &&[u8]| value.starts_with(b"[");
        let list = if text.starts_with(b"[") {
            Some(text)
        } else {
            let first = || Walk::over(text).map(|(_, value)| value).find(is_list);
            raw::member(text, "data").filter(is_list).or_else(first)
        };
        let mut page = Self::default();
        let mut oldest = Oldest::default();
        let mut decoder = Decoder::new(limits);
        let mut items = Walk::over(list.ok_or(Unreadable::NoRows)?);
        for (_, item) in items.by_ref() {
            let row = page.total;
            page.total += 1;
            let read = read_value(item, |value| Row::read(item, &value)).map_err(RowFault::Bad);
            let read = read.and_then(|row| row.ok_or(RowFault::NoContent));
            match read {
                Ok(fields) => {
                    oldest.see(&fields);
                    page.add(row, &fields, &mut decoder);
                }
                Err(fault) => page.fail(row, RowPart::Row, fault),
            }
        }
        // The rows before the break are kept: they would not come again in another page.
        if !items.is_whole() {
            let fault = RowFault::Bad(Bad { reason: BadReason::Syntax, offset: None });
            page.fail(page.total, RowPart::Row, fault);
        }
        let metadata = raw::member(text, "metadata").unwrap_or_default();
        let count = read_value(metadata, |metadata| metadata.get("count").and_then(|count| count.as_u64()));
        page.count = count.ok().flatten();
        page.oldest_ms = oldest.ms();
        // The answer has the newest first, also among rows of the same time.
        page.rows.sort_by_key(|row| (row.time_ms, Reverse(row.index)));
        Ok(page)
    }

    fn fail(&mut self, row: usize, part: RowPart, fault: RowFault) {
        self.error_count += 1;
        if self.errors.len() < HISTORY_ERRORS {
            self.errors.push(RowError { row, part, fault });
        }
    }

    fn add(&mut self, index: usize, row: &Row<'_>, decoder: &mut Decoder) {
        // Both are earlier than the live `ts`, so that merge prefers a live frame to its copy from history.
        let Some(time_ms) = row.received_ms.or(row.created_ms) else {
            return self.fail(index, RowPart::Row, RowFault::NoTime);
        };
        let message_type = match row.message_type() {
            Ok(message_type) => message_type,
            Err(fault) => return self.fail(index, RowPart::Row, fault),
        };
        let content = match row.content(message_type, time_ms).and_then(|frame| checked(frame, decoder)) {
            Ok(frame) => frame,
            Err(fault) => return self.fail(index, RowPart::Content, fault),
        };
        let meta = row.meta(time_ms).map(|frame| checked(frame, decoder)).transpose();
        // A bad meta costs the enrichment, not the post.
        let meta = meta.unwrap_or_else(|fault| {
            self.fail(index, RowPart::Meta, fault);
            None
        });
        // Over the frames and not the row: a row that only differs around them brings nothing new.
        let mut hashed = content.clone();
        hashed.extend_from_slice(meta.as_deref().unwrap_or_default());
        let fingerprint = XxHash3_64::oneshot(&hashed);
        self.rows.push(HistoryRow { index, message_type, time_ms, content, meta, fingerprint });
    }
}

/// The frame, if it can be decoded.
fn checked(frame: Vec<u8>, decoder: &mut Decoder) -> Result<Vec<u8>, RowFault> {
    let mut bad = None;
    decoder.decode(&frame, |event| bad = event.err());
    bad.map_or(Ok(frame), |bad| Err(RowFault::Bad(bad)))
}

/// The oldest times of the rows seen.
#[derive(Default)]
struct Oldest {
    created_ms: Option<i64>,
    received_ms: Option<i64>,
}

impl Oldest {
    fn see(&mut self, row: &Row<'_>) {
        for (oldest, seen) in
            [(&mut self.created_ms, row.created_ms), (&mut self.received_ms, row.received_ms)]
        {
            if let Some(seen) = seen {
                *oldest = Some(oldest.map_or(seen, |oldest| oldest.min(seen)));
            }
        }
    }

    fn ms(&self) -> Option<i64> {
        // The later one is safe whichever of the two the server selects by.
        self.created_ms.max(self.received_ms)
    }
}

/// The parts of a row that are needed.
struct Row<'a> {
    /// The row as it was written.
    bytes: &'a [u8],
    message_type: Option<String>,
    /// `kind` of the content.
    kind: Option<String>,
    created_ms: Option<i64>,
    received_ms: Option<i64>,
}

impl<'a> Row<'a> {
    /// `None` if it is not an object.
    fn read(bytes: &'a [u8], row: &Value<'_, '_>) -> Option<Self> {
        row.as_object()?;
        let content = row.get("content");
        let inner = |name: &str| content.as_ref().and_then(|content| time(content, name));
        Some(Self {
            bytes,
            message_type: super::reply::text(row, "messageType"),
            kind: content.as_ref().and_then(|content| super::reply::text(content, "kind")),
            created_ms: time(row, "time").or_else(|| inner("createdAt")).or_else(|| inner("observedAt")),
            received_ms: time(row, "receivedTime").or_else(|| inner("receivedAt")),
        })
    }

    fn message_type(&self) -> Result<MessageType, RowFault> {
        match (self.message_type.as_deref(), self.kind.as_deref()) {
            (Some(name), _) => MessageType::parse(name).ok_or(RowFault::UnknownType),
            (None, Some("PROFILE")) => Ok(MessageType::Profile),
            (None, Some("FOLLOW" | "UNFOLLOW")) => Ok(MessageType::Follow),
            (None, _) => Ok(MessageType::Tweet),
        }
    }

    /// The frame of its content.
    fn content(&self, message_type: MessageType, time_ms: i64) -> Result<Vec<u8>, RowFault> {
        let (family, op) = match (message_type, self.kind.as_deref()) {
            (MessageType::Tweet, _) => ("tweet", "content"),
            (MessageType::Profile, _) => ("account", "profile_update"),
            (MessageType::Follow, Some("FOLLOW")) => ("account", "follow"),
            (MessageType::Follow, Some("UNFOLLOW")) => ("account", "unfollow"),
            // Confusing the two would be worse than leaving it out.
            (MessageType::Follow, _) => return Err(RowFault::UnknownType),
        };
        let payload = match raw::member(self.bytes, "content") {
            Some(payload) if payload.starts_with(b"{") => payload,
            // An old row may hold its post beside the content.
            None if message_type == MessageType::Tweet && raw::member(self.bytes, "body").is_some() => b"{}",
            Some(_) | None => return Err(RowFault::NoContent),
        };
        let mut frame = head(family, op, time_ms);
        put_payload(payload, &self.around(message_type), &mut frame);
        frame.push(b'}');
        Ok(frame)
    }

    /// The frame of its meta, if it has one.
    fn meta(&self, time_ms: i64) -> Option<Vec<u8>> {
        let payload = raw::member(self.bytes, "meta")?;
        let mut frame = head("tweet", "meta", time_ms);
        if payload.starts_with(b"{") {
            let id = self.tweet_id().map(|id| ("tweetId", id.to_vec()));
            put_payload(payload, id.as_slice(), &mut frame);
        } else {
            // The decoder will say what is wrong with it.
            frame.extend_from_slice(payload);
        }
        frame.push(b'}');
        Some(frame)
    }

    fn tweet_id(&self) -> Option<&'a [u8]> {
        let inner = || raw::member(raw::member(self.bytes, "content")?, "tweetId");
        raw::member(self.bytes, "tweetId").or_else(inner)
    }

    /// Members that only the row has, under the names that the content has for them.
    fn around(&self, message_type: MessageType) -> Vec<(&'static str, Vec<u8>)> {
        let mut around = Vec::new();
        let text = |name| raw::member(self.bytes, name).filter(|value| value.starts_with(b"\""));
        let mut author = Vec::new();
        for (name, value) in [("handle", text("twitterHandle")), ("id", text("twitterId"))] {
            if let Some(value) = value {
                author.extend_from_slice(if author.is_empty() { b"{" } else { b"," });
                put_member(name, value, &mut author);
            }
        }
        if !author.is_empty() {
            author.push(b'}');
        }
        let ms = |ms: Option<i64>| ms.map(|ms| ms.to_string().into_bytes());
        let (created, author_name) = match message_type {
            MessageType::Tweet => {
                for (name, value) in
                    [("tweetId", self.tweet_id()), ("text", text("body")), ("link", text("link"))]
                {
                    around.extend(value.map(|value| (name, value.to_vec())));
                }
                ("createdAt", "author")
            }
            MessageType::Profile | MessageType::Follow => ("observedAt", "actor"),
        };
        around.extend(ms(self.created_ms).map(|ms| (created, ms)));
        around.extend(ms(self.received_ms).map(|ms| ("receivedAt", ms)));
        around.extend((!author.is_empty()).then_some((author_name, author)));
        around
    }
}

/// A time of an object: an ISO text or Unix ms.
fn time(object: &Value<'_, '_>, name: &str) -> Option<i64> {
    let value = object.get(name)?;
    value.as_str().map_or_else(|| value.as_i64(), parse_ms)
}

fn head(family: &str, op: &str, time_ms: i64) -> Vec<u8> {
    format!(r#"{{"v":1,"t":"{family}","op":"{op}","ts":{time_ms},"d":"#).into_bytes()
}

/// Writes an object with its times in ms and without line breaks, followed by the members of `more` that it lacks.
fn put_payload(object: &[u8], more: &[(&str, Vec<u8>)], out: &mut Vec<u8>) {
    let body = object.strip_suffix(b"}").unwrap_or(object);
    put_in_ms(body, out);
    let mut is_empty = body.trim_ascii() == b"{";
    for (name, value) in more {
        // The content's own member wins: it is what the feed sent.
        if Walk::over(object).any(|(found, _)| found == name.as_bytes()) {
            continue;
        }
        if !std::mem::take(&mut is_empty) {
            out.push(b',');
        }
        put_member(name, value, out);
    }
    out.push(b'}');
}

fn put_member(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
}

/// Copies JSON. Texts that are times become numbers; line breaks, which stand only between tokens, are left out.
fn put_in_ms(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    let mut is_time = false;
    while let Some(byte) = text.get(at) {
        if *byte != b'"' {
            // After the name of a time only a colon and white space keep it waiting for its text.
            is_time &= *byte == b':' || byte.is_ascii_whitespace();
            // A frame has to fit on one line of a JSONL file.
            if !matches!(byte, b'\n' | b'\r') {
                out.push(*byte);
            }
            at += 1;
            continue;
        }
        let end = raw::string_end(text, at).unwrap_or(text.len());
        let string = text.get(at..end).unwrap_or_default();
        let inner = string.get(1..string.len().saturating_sub(1)).unwrap_or_default();
        let ms = std::str::from_utf8(inner).ok().filter(|_| is_time).and_then(parse_ms);
        match ms {
            Some(ms) => out.extend_from_slice(ms.to_string().as_bytes()),
            None => out.extend_from_slice(string),
        }
        // The text of a time does not itself announce one.
        is_time = !is_time && TIMES.contains(&inner);
        at = end;
    }
}

#[cfg(test)]
mod tests;
