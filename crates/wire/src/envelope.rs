//! One element: its envelope, its operation, and which reader its payload goes to.

use simd_json::{Node, StaticNode};
use stoop_model::{Bad, BadReason, Event, Op, Platform};

use crate::fingerprint;
use crate::members::{Member, Members, members};
use crate::post::Place;
use crate::reader::{Reader, is_null};
use crate::source::Source;
use crate::{account, author, enrichment, post};

/// Reads the element whose nodes are `object` into `event`, which is empty. Its string buffer stays empty: the caller
/// fills it with the parsed copy and then `extra`.
pub(crate) fn element(
    source: &Source<'_>,
    object: &[Node<'_>],
    event: &mut Event,
    max_items: usize,
    (extra, scratch): (&mut String, &mut Vec<u8>),
) -> Result<(), Bad> {
    let mut reader = Reader::new(source, extra, max_items);
    let result = read(&mut reader, source, object, event, scratch);
    reader.finish(event);
    result
}

fn read(
    reader: &mut Reader<'_>,
    source: &Source<'_>,
    object: &[Node<'_>],
    event: &mut Event,
    scratch: &mut Vec<u8>,
) -> Result<(), Bad> {
    let (mut family, mut op, mut payload) = (None, None, None);
    members!(reader, object, members, {
        b"v" => reader.unknowns.version = !is_one(members.pop().value()),
        b"t" => family = Some(members.pop()),
        b"op" => op = Some(members.pop()),
        b"id" => event.envelope_id = reader.id(members),
        b"ts" => event.ts_ms = reader.int(members),
        b"d" => payload = Some(members.pop()),
    });
    // After the walk: members come in any order, so the payload cannot be read before `t` and `op` are known.
    let extent = source.whole().unwrap_or_default();
    let missing = || Bad { reason: BadReason::Missing, offset: Some((extent.0 + source.shift) as u32) };
    let family = deciding_name(reader, family)?.ok_or_else(missing)?;
    let op = deciding_name(reader, op)?.ok_or_else(missing)?;
    // By family and name together: another family may use the same name.
    event.op = route(family.as_bytes(), op.as_bytes());
    if is_raw(event.op) {
        let text = source.bytes.get(extent.0..extent.1).unwrap_or_default();
        // Always text: the parser has refused everything else.
        event.raw = Some(reader.push(simdutf8::basic::from_utf8(text).unwrap_or_default()));
    }

    let payload = match payload {
        Some(payload) if matches!(payload.value(), Node::Object { .. }) => payload,
        Some(payload) if is_read(event.op) && !is_null(payload.value()) => {
            return Err(reader.bad(BadReason::WrongType, payload.name()));
        }
        Some(_) | None if is_read(event.op) => return Err(missing()),
        Some(_) | None => {
            event.fingerprint = fingerprint::of(source.bytes, extent, None, scratch);
            return Ok(());
        }
    };
    fill(reader, payload, event)?;
    let after = Members(payload.after());
    let next = after.is_more().then(|| reader.quote(after.peek().name()));
    let place = fingerprint::extent(source.bytes, reader.quote(payload.name()), next, extent.1);
    event.fingerprint = fingerprint::of(source.bytes, place.unwrap_or(extent), reader.cut, scratch);
    Ok(())
}

fn fill(reader: &mut Reader<'_>, payload: Member<'_, '_>, event: &mut Event) -> Result<(), Bad> {
    let object = payload.body();
    let mut id = None;
    match event.op {
        Op::Content | Op::Update => post::content(reader, object, &mut event.post, Place::Payload, &mut id)?,
        Op::Meta => enrichment::meta(reader, object, event, &mut id)?,
        Op::Delete | Op::Pin | Op::Unpin => post::notice(reader, object, event, &mut id)?,
        Op::ProfileUpdate => account::profile_update(reader, object, event)?,
        Op::Follow | Op::Unfollow => account::follow(reader, object, event)?,
        Op::HandlesResult => account::handles_result(reader, object, event)?,
        Op::Callout | Op::AuthPing | Op::AuthPong | Op::UnknownOp | Op::UnknownFamily => {}
    }
    if event.op.is_tweet() {
        event.tweet_id = id.ok_or_else(|| reader.bad(BadReason::Missing, payload.name()))?;
    }
    Ok(())
}

/// The platform that an event names.
pub(crate) fn platform(event: &Event) -> Option<Platform> {
    let author = if event.op.is_tweet() { &event.post.author } else { &event.actor };
    author::platform(author, &event.strings)
}

fn route(family: &[u8], op: &[u8]) -> Op {
    match (family, op) {
        (b"tweet", b"content") => Op::Content,
        (b"tweet", b"update") => Op::Update,
        (b"tweet", b"meta") => Op::Meta,
        (b"tweet", b"delete") => Op::Delete,
        (b"tweet", b"pin") => Op::Pin,
        (b"tweet", b"unpin") => Op::Unpin,
        (b"account", b"profile_update") => Op::ProfileUpdate,
        (b"account", b"follow") => Op::Follow,
        (b"account", b"unfollow") => Op::Unfollow,
        (b"account", b"callout") => Op::Callout,
        (b"control", b"twitter_handles_result") => Op::HandlesResult,
        (b"control", b"auth_ping") => Op::AuthPing,
        (b"control", b"auth_pong") => Op::AuthPong,
        (b"tweet" | b"account" | b"control", _) => Op::UnknownOp,
        (_, _) => Op::UnknownFamily,
    }
}

/// The operation needs a payload. Pings have an undocumented one or none, and unknown operations may have any.
fn is_read(op: Op) -> bool {
    match op {
        Op::Content
        | Op::Update
        | Op::Meta
        | Op::Delete
        | Op::Pin
        | Op::Unpin
        | Op::ProfileUpdate
        | Op::Follow
        | Op::Unfollow
        | Op::Callout
        | Op::HandlesResult => true,
        Op::AuthPing | Op::AuthPong | Op::UnknownOp | Op::UnknownFamily => false,
    }
}

/// The frame is kept as it came.
fn is_raw(op: Op) -> bool {
    op == Op::Callout || !is_read(op)
}

fn deciding_name<'f>(reader: &Reader<'_>, member: Option<Member<'_, 'f>>) -> Result<Option<&'f str>, Bad> {
    let Some(member) = member else { return Ok(None) };
    match member.value() {
        Node::String(name) => Ok(Some(name)),
        Node::Static(StaticNode::Null) => Ok(None),
        Node::Object { .. } | Node::Array { .. } | Node::Static(_) => {
            Err(reader.bad(BadReason::WrongType, member.name()))
        }
    }
}

/// `v` is the version this crate knows, or null.
fn is_one(value: &Node<'_>) -> bool {
    match value {
        Node::Static(StaticNode::U64(version)) => *version == 1,
        Node::Static(StaticNode::F64(version)) => version.to_bits() == 1_f64.to_bits(),
        Node::Static(StaticNode::Null) => true,
        Node::Static(StaticNode::I64(_) | StaticNode::Bool(_))
        | Node::String(_)
        | Node::Object { .. }
        | Node::Array { .. } => false,
    }
}
