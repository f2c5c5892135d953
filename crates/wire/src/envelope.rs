//! One element: its envelope, its operation, and the way to its payload.

use simd_json::{Node, StaticNode};
use stoop_model::{Bad, BadReason, Event, Op, Span};

use crate::fingerprint;
use crate::members::{Member, members};
use crate::post::Place;
use crate::reader::{Reader, is_null};
use crate::source::Source;
use crate::{account, author, enrichment, post};

/// Where one element is in its frame and on the tape.
#[derive(Clone, Copy)]
pub(crate) struct Element<'t, 'f> {
    /// The nodes of the object.
    pub(crate) object: &'t [Node<'f>],
    /// Its first byte in the source and the one after its last.
    pub(crate) extent: (usize, usize),
}

/// Reads `element` into `event`, which is empty.
pub(crate) fn element(
    source: &Source<'_>,
    element: Element<'_, '_>,
    event: &mut Event,
    max_items: usize,
    scratch: &mut Vec<u8>,
) -> Result<(), Bad> {
    let mut reader = Reader::new(event, source, element.extent, max_items);
    let result = read(&mut reader, source, element, event, scratch);
    reader.finish(event);
    result
}

fn read(
    reader: &mut Reader<'_>,
    source: &Source<'_>,
    element: Element<'_, '_>,
    event: &mut Event,
    scratch: &mut Vec<u8>,
) -> Result<(), Bad> {
    let (mut version, mut family, mut op, mut id, mut ts, mut payload) = (None, None, None, None, None, None);
    members!(reader, element.object, member, {
        b"v" => version = Some(member),
        b"t" => family = Some(member),
        b"op" => op = Some(member),
        b"id" => id = Some(member),
        b"ts" => ts = Some(member),
        b"d" => payload = Some(member),
    });
    let missing =
        || Bad { reason: BadReason::Missing, offset: Some((element.extent.0 + source.shift) as u32) };
    let family = deciding_name(reader, family)?.ok_or_else(missing)?;
    let op = deciding_name(reader, op)?.ok_or_else(missing)?;
    event.op = route(family.as_bytes(), op.as_bytes());
    reader.unknowns.version = version.is_some_and(|version| !is_one(version.value()));
    event.ts_ms = ts.and_then(|ts| reader.int(ts));
    event.envelope_id = id.and_then(|id| reader.id(id));

    let payload = match payload {
        Some(payload) if matches!(payload.value(), Node::Object { .. }) => payload,
        Some(payload) if is_read(event.op) && !is_null(payload.value()) => {
            return Err(reader.bad(BadReason::WrongType, payload.name()));
        }
        Some(_) | None if is_read(event.op) => return Err(missing()),
        Some(_) | None => {
            event.raw = Some(raw(element));
            event.fingerprint = fingerprint::of(source.text.as_bytes(), element.extent, None, scratch);
            return Ok(());
        }
    };
    fill(reader, element, payload, event)?;
    let next = payload.following().map(|name| reader.quote(name));
    let extent =
        fingerprint::extent(source.text.as_bytes(), reader.quote(payload.name()), next, element.extent.1);
    event.fingerprint =
        fingerprint::of(source.text.as_bytes(), extent.unwrap_or(element.extent), reader.cut, scratch);
    Ok(())
}

fn fill(
    reader: &mut Reader<'_>,
    element: Element<'_, '_>,
    payload: Member<'_, '_>,
    event: &mut Event,
) -> Result<(), Bad> {
    let object = payload.body();
    let mut id = None;
    match event.op {
        Op::Content | Op::Update => post::content(reader, object, &mut event.post, Place::Payload, &mut id)?,
        Op::Meta => enrichment::meta(reader, object, event, &mut id)?,
        Op::Delete | Op::Pin | Op::Unpin => post::notice(reader, object, event, &mut id)?,
        Op::ProfileUpdate => account::profile_update(reader, object, event)?,
        Op::Follow | Op::Unfollow => account::follow(reader, object, event)?,
        Op::HandlesResult => account::handles_result(reader, object, event)?,
        Op::Callout | Op::AuthPing | Op::AuthPong | Op::UnknownOp | Op::UnknownFamily => {
            event.raw = Some(raw(element));
        }
    }
    if event.op.is_tweet() {
        event.tweet_id = id.ok_or_else(|| reader.bad(BadReason::Missing, payload.name()))?;
        event.platform = author::platform(&event.post.author, &reader.strings);
    } else {
        event.platform = author::platform(&event.actor, &reader.strings);
    }
    Ok(())
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

/// The operation needs a payload. Pings have an undocumented one or none, and what is not known may have any.
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

/// The text of the element, with which the string buffer begins.
fn raw(element: Element<'_, '_>) -> Span {
    Span { start: 0, len: (element.extent.1 - element.extent.0) as u32 }
}
