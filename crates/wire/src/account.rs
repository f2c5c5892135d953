//! Payloads about accounts: profile changes, follows, results of account commands.

use simd_json::Node;
use stoop_model::{AUTHOR_FIELDS, AuthorField, Bad, Bag, Event, HandleRow, Op};

use crate::author::{author, changes};
use crate::members::{Member, members};
use crate::reader::Reader;

/// Reads a part of an account event.
type Part = fn(&mut Reader<'_>, &[Node<'_>], &mut Bag<AuthorField, AUTHOR_FIELDS>) -> Result<(), Bad>;

/// Reads the payload of a profile update.
pub(crate) fn profile_update(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    event: &mut Event,
) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"kind" => event.action = reader.deciding_choice(members, |text| text == b"PROFILE")?,
        b"eventId" => event.event_id = reader.id(members),
        b"observedAt" => event.observed_ms = reader.int(members),
        b"receivedAt" => {
            reader.cut_out(members);
            event.received_ms = reader.int(members);
        },
        b"actor" => part(reader, members.pop(), &mut event.actor, author)?,
        b"changes" => part(reader, members.pop(), &mut event.changes, changes)?,
        b"previous" => part(reader, members.pop(), &mut event.previous, changes)?,
    });
    Ok(())
}

/// Reads the payload of a follow or unfollow.
pub(crate) fn follow(reader: &mut Reader<'_>, object: &[Node<'_>], event: &mut Event) -> Result<(), Bad> {
    let kind: fn(&[u8]) -> bool =
        if event.op == Op::Follow { |text| text == b"FOLLOW" } else { |text| text == b"UNFOLLOW" };
    members!(reader, object, members, {
        b"kind" => event.action = reader.deciding_choice(members, kind)?,
        b"eventId" => event.event_id = reader.id(members),
        b"observedAt" => event.observed_ms = reader.int(members),
        b"receivedAt" => {
            reader.cut_out(members);
            event.received_ms = reader.int(members);
        },
        b"actor" => part(reader, members.pop(), &mut event.actor, author)?,
        b"target" => part(reader, members.pop(), &mut event.target, author)?,
    });
    Ok(())
}

/// Reads the payload of the result of a follow or unfollow command.
pub(crate) fn handles_result(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    event: &mut Event,
) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"action" => event.handles.action = reader.text(members),
        b"requestId" => event.handles.request_id = reader.id(members),
        b"error" => event.handles.error = reader.text(members),
        b"receivedAt" => {
            reader.cut_out(members);
            event.received_ms = reader.int(members);
        },
        b"results" => {
            if let Some(list) = reader.list(members.pop())? {
                let rows = &mut event.handles.results;
                reader.objects(list, |reader, object| {
                    rows.push(row(reader, object)?);
                    Ok(())
                })?;
            }
        },
    });
    Ok(())
}

fn row(reader: &mut Reader<'_>, object: &[Node<'_>]) -> Result<HandleRow, Bad> {
    let mut row = HandleRow::default();
    members!(reader, object, members, {
        b"input" => row.input = reader.text(members),
        b"state" => row.state = reader.choice(members, is_state),
        b"handle" => row.handle = reader.text(members),
        b"name" => row.name = reader.text(members),
        b"normalizedHandle" => row.normalized_handle = reader.text(members),
        b"profileImage" => row.profile_image = reader.text(members),
        b"twitterId" => row.twitter_id = reader.id(members),
        b"message" => row.message = reader.text(members),
    });
    Ok(row)
}

fn part(
    reader: &mut Reader<'_>,
    member: Member<'_, '_>,
    bag: &mut Bag<AuthorField, AUTHOR_FIELDS>,
    read: Part,
) -> Result<(), Bad> {
    match reader.deciding_object(member)? {
        Some(object) => read(reader, object, bag),
        None => Ok(()),
    }
}

fn is_state(text: &[u8]) -> bool {
    text == b"added"
        || text == b"already_following"
        || text == b"invalid_input"
        || text == b"duplicate"
        || text == b"not_found"
        || text == b"failed"
        || text == b"removed"
        || text == b"not_following"
}
