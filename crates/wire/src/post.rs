//! Payloads about a tweet: content, update, delete, pin, unpin.

use simd_json::Node;
use stoop_model::{
    AUTHOR_FIELDS, AuthorField, Bad, Bag, Event, Filling, Media, Mention, POST_FIELDS, Post, PostField, Span,
    TweetId, Url,
};

use crate::author::author;
use crate::members::{Member, members};
use crate::reader::{List, Reader};

type Body<'a> = Filling<'a, PostField, POST_FIELDS>;

/// Where a content object stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The payload of its frame.
    Payload,
    /// The `tweet` of a pin or unpin, whose id may be left out.
    Pinned,
}

/// Reads a content object, also that of an update, and sets its tweet, if it names one.
pub(crate) fn content(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    post: &mut Post,
    place: Place,
    id: &mut Option<TweetId>,
) -> Result<(), Bad> {
    let Post { body, author, ref_author, media, mentions, urls, ref_media } = post;
    let body = &mut body.fill();
    members!(reader, object, members, {
        // A pin is about the tweet of its frame; the copy inside may lack an id without making it unreadable.
        b"tweetId" => match place {
            Place::Payload => *id = Some(reader.tweet_id(members.pop())?),
            Place::Pinned => *id = reader.optional_tweet_id(members.pop()),
        },
        b"kind" => text(body, PostField::Kind, reader.deciding_choice(members, is_kind)?),
        b"text" => text(body, PostField::Text, reader.deciding_text(members)?),
        b"createdAt" => int(body, PostField::CreatedAt, reader.int(members)),
        b"receivedAt" => {
            // Only the payload's own: that of a pinned tweet is part of what the frame says.
            if place == Place::Payload {
                reader.cut_out(members);
            }
            int(body, PostField::ReceivedAt, reader.int(members));
        },
        b"author" => whole_author(reader, members.pop(), author)?,
        b"link" => text(body, PostField::Link, reader.text(members)),
        b"media" => {
            if let Some(list) = reader.list(members.pop())? {
                body.mark(PostField::Media);
                all_media(reader, list, media)?;
            }
        },
        b"mentions" => {
            if let Some(list) = reader.list(members.pop())? {
                body.mark(PostField::Mentions);
                all_mentions(reader, list, mentions)?;
            }
        },
        b"urls" => {
            if let Some(list) = reader.list(members.pop())? {
                body.mark(PostField::Urls);
                all_urls(reader, list, urls)?;
            }
        },
        b"ref" => {
            if let Some(object) = reader.deciding_object(members.pop())? {
                reference(reader, object, body, ref_author, ref_media)?;
            }
        },
    });
    Ok(())
}

/// Reads the payload of a delete, pin or unpin frame and sets its tweet.
pub(crate) fn notice(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    event: &mut Event,
    id: &mut Option<TweetId>,
) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"tweetId" => *id = Some(reader.tweet_id(members.pop())?),
        b"eventId" => event.event_id = reader.id(members),
        b"receivedAt" => {
            reader.cut_out(members);
            event.received_ms = reader.int(members);
        },
        b"author" => whole_author(reader, members.pop(), &mut event.post.author)?,
        b"text" => text(&mut event.post.body.fill(), PostField::Text, reader.deciding_text(members)?),
        b"deletedAt" => event.deleted_ms = reader.int(members),
        b"observedAt" => event.observed_ms = reader.int(members),
        b"action" => event.action = reader.text(members),
        b"tweet" => {
            if let Some(object) = reader.deciding_object(members.pop())? {
                content(reader, object, &mut event.pinned, Place::Pinned, &mut event.pinned_id)?;
            }
        },
    });
    Ok(())
}

#[inline]
fn whole_author(
    reader: &mut Reader<'_>,
    member: Member<'_, '_>,
    bag: &mut Bag<AuthorField, AUTHOR_FIELDS>,
) -> Result<(), Bad> {
    match reader.deciding_object(member)? {
        Some(object) => author(reader, object, bag),
        None => Ok(()),
    }
}

#[inline]
fn reference(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    body: &mut Body<'_>,
    author: &mut Bag<AuthorField, AUTHOR_FIELDS>,
    media: &mut Vec<Media>,
) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"type" => text(body, PostField::RefType, reader.deciding_choice(members, is_ref_type)?),
        b"tweetId" => text(body, PostField::RefTweetId, reader.id(members)),
        b"text" => text(body, PostField::RefText, reader.deciding_text(members)?),
        b"author" => whole_author(reader, members.pop(), author)?,
        b"media" => {
            if let Some(list) = reader.list(members.pop())? {
                body.mark(PostField::RefMedia);
                all_media(reader, list, media)?;
            }
        },
    });
    Ok(())
}

fn all_media(reader: &mut Reader<'_>, list: List<'_, '_>, media: &mut Vec<Media>) -> Result<(), Bad> {
    reader.objects(list, |reader, object| {
        let item = slot(media);
        members!(reader, object, members, {
            b"type" => item.kind = reader.choice(members, is_media_type),
            b"url" => item.url = reader.text(members),
            b"thumbnail" => item.thumbnail = reader.text(members),
        });
        Ok(())
    })
}

fn all_mentions(reader: &mut Reader<'_>, list: List<'_, '_>, mentions: &mut Vec<Mention>) -> Result<(), Bad> {
    reader.objects(list, |reader, object| {
        let item = slot(mentions);
        members!(reader, object, members, {
            b"handle" => item.handle = reader.text(members),
            b"id" => item.id = reader.id(members),
            b"name" => item.name = reader.text(members),
        });
        Ok(())
    })
}

fn all_urls(reader: &mut Reader<'_>, list: List<'_, '_>, urls: &mut Vec<Url>) -> Result<(), Bad> {
    reader.objects(list, |reader, object| {
        let item = slot(urls);
        members!(reader, object, members, {
            b"url" => item.url = reader.text(members),
            b"name" => item.name = reader.text(members),
            b"tco" => item.tco = reader.text(members),
        });
        Ok(())
    })
}

/// A new last item, to be filled in place. Copying a finished one there would stall until all its parts are stored.
#[inline]
fn slot<T: Default>(list: &mut Vec<T>) -> &mut T {
    let at = list.len();
    list.push(T::default());
    &mut list[at]
}

#[inline]
fn text(body: &mut Body<'_>, field: PostField, span: Option<Span>) {
    if let Some(span) = span {
        body.set_span(field, span);
    }
}

#[inline]
fn int(body: &mut Body<'_>, field: PostField, value: Option<i64>) {
    if let Some(value) = value {
        body.set_int(field, value);
    }
}

fn is_kind(text: &[u8]) -> bool {
    text == b"post" || text == b"reply" || text == b"quote" || text == b"retweet"
}

fn is_ref_type(text: &[u8]) -> bool {
    text == b"reply" || text == b"quote" || text == b"retweet"
}

fn is_media_type(text: &[u8]) -> bool {
    text == b"image" || text == b"video" || text == b"gif"
}
