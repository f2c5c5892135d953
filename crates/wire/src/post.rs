//! Payloads about a tweet: content, update, delete, pin, unpin.

use simd_json::Node;
use stoop_model::{
    AUTHOR_FIELDS, AuthorField, Bad, Bag, Event, Filling, Media, Mention, POST_FIELDS, Post, PostField, Span,
    TweetId, Url,
};

use crate::author::author;
use crate::members::{Member, members};
use crate::reader::Reader;

type Body<'a> = Filling<'a, PostField, POST_FIELDS>;

/// What a content object is.
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
    members!(reader, object, member, {
        b"tweetId" => match place {
            Place::Payload => *id = Some(reader.tweet_id(member)?),
            Place::Pinned => *id = reader.optional_tweet_id(member),
        },
        b"kind" => text(body, PostField::Kind, reader.deciding_choice(member, is_kind)?),
        b"text" => text(body, PostField::Text, reader.deciding_text(member)?),
        b"createdAt" => int(body, PostField::CreatedAt, reader.int(member)),
        b"receivedAt" => {
            if place == Place::Payload {
                reader.cut_out(member);
            }
            int(body, PostField::ReceivedAt, reader.int(member));
        },
        b"author" => whole_author(reader, member, author)?,
        b"link" => text(body, PostField::Link, reader.text(member)),
        b"media" => {
            if let Some(items) = reader.list(member)? {
                body.mark(PostField::Media);
                all_media(reader, member, items, media)?;
            }
        },
        b"mentions" => {
            if let Some(items) = reader.list(member)? {
                body.mark(PostField::Mentions);
                all_mentions(reader, member, items, mentions)?;
            }
        },
        b"urls" => {
            if let Some(items) = reader.list(member)? {
                body.mark(PostField::Urls);
                all_urls(reader, member, items, urls)?;
            }
        },
        b"ref" => {
            if let Some(object) = reader.deciding_object(member)? {
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
    members!(reader, object, member, {
        b"tweetId" => *id = Some(reader.tweet_id(member)?),
        b"eventId" => event.event_id = reader.id(member),
        b"receivedAt" => {
            reader.cut_out(member);
            event.received_ms = reader.int(member);
        },
        b"author" => whole_author(reader, member, &mut event.post.author)?,
        b"text" => text(&mut event.post.body.fill(), PostField::Text, reader.deciding_text(member)?),
        b"deletedAt" => event.deleted_ms = reader.int(member),
        b"observedAt" => event.observed_ms = reader.int(member),
        b"action" => event.action = reader.text(member),
        b"tweet" => {
            if let Some(object) = reader.deciding_object(member)? {
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
    members!(reader, object, member, {
        b"type" => text(body, PostField::RefType, reader.deciding_choice(member, is_ref_type)?),
        b"tweetId" => text(body, PostField::RefTweetId, reader.id(member)),
        b"text" => text(body, PostField::RefText, reader.deciding_text(member)?),
        b"author" => whole_author(reader, member, author)?,
        b"media" => {
            if let Some(items) = reader.list(member)? {
                body.mark(PostField::RefMedia);
                all_media(reader, member, items, media)?;
            }
        },
    });
    Ok(())
}

fn all_media(
    reader: &mut Reader<'_>,
    list: Member<'_, '_>,
    items: &[Node<'_>],
    media: &mut Vec<Media>,
) -> Result<(), Bad> {
    reader.objects(list, items, |reader, object| {
        let item = slot(media);
        members!(reader, object, member, {
            b"type" => item.kind = reader.choice(member, is_media_type),
            b"url" => item.url = reader.text(member),
            b"thumbnail" => item.thumbnail = reader.text(member),
        });
        Ok(())
    })
}

fn all_mentions(
    reader: &mut Reader<'_>,
    list: Member<'_, '_>,
    items: &[Node<'_>],
    mentions: &mut Vec<Mention>,
) -> Result<(), Bad> {
    reader.objects(list, items, |reader, object| {
        let item = slot(mentions);
        members!(reader, object, member, {
            b"handle" => item.handle = reader.text(member),
            b"id" => item.id = reader.id(member),
            b"name" => item.name = reader.text(member),
        });
        Ok(())
    })
}

fn all_urls(
    reader: &mut Reader<'_>,
    list: Member<'_, '_>,
    items: &[Node<'_>],
    urls: &mut Vec<Url>,
) -> Result<(), Bad> {
    reader.objects(list, items, |reader, object| {
        let item = slot(urls);
        members!(reader, object, member, {
            b"url" => item.url = reader.text(member),
            b"name" => item.name = reader.text(member),
            b"tco" => item.tco = reader.text(member),
        });
        Ok(())
    })
}

/// A new last item, to be filled where it lies: copied there, it would wait for the parts it was made of.
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
