//! Authors, actors, targets, and the two sides of a profile change.

use simd_json::Node;
use stoop_model::{AUTHOR_FIELDS, AuthorField, Bad, Bag, Filling, Platform, Span};

use crate::members::{Member, Members, members};
use crate::reader::{Reader, is_null};

type Author = Bag<AuthorField, AUTHOR_FIELDS>;
type Filler<'a> = Filling<'a, AuthorField, AUTHOR_FIELDS>;

/// Reads an author, an actor or a target.
pub(crate) fn author(reader: &mut Reader<'_>, object: &[Node<'_>], author: &mut Author) -> Result<(), Bad> {
    let author = &mut author.fill();
    members!(reader, object, members, {
        // Deciding, like the handle: a rule may name either, and must not miss a post over a wrong type.
        b"id" => text(author, AuthorField::Id, reader.deciding_id(members)?),
        b"handle" => text(author, AuthorField::Handle, reader.deciding_text(members)?),
        b"name" => text(author, AuthorField::Name, reader.text(members)),
        b"platform" => {
            text(author, AuthorField::Platform, reader.deciding_choice(members, is_platform)?);
        },
        b"profileImage" => text(author, AuthorField::ProfileImage, reader.text(members)),
        b"banner" => text(author, AuthorField::Banner, reader.text(members)),
        b"bio" => text(author, AuthorField::Bio, reader.text(members)),
        b"location" => text(author, AuthorField::Location, reader.text(members)),
        b"url" => text(author, AuthorField::Url, reader.text(members)),
        b"websiteUrl" => text(author, AuthorField::WebsiteUrl, reader.text(members)),
        b"followersCount" => int(author, AuthorField::Followers, reader.int(members)),
        b"followingCount" => int(author, AuthorField::Following, reader.int(members)),
        b"joinedAt" => int(author, AuthorField::JoinedAt, reader.int(members)),
        b"metrics" => metrics(reader, members.pop(), author)?,
        b"verifiedType" => {
            text(author, AuthorField::VerifiedType, reader.choice(members, is_verified_type));
        },
        b"verifiedLabel" => label(reader, members.pop(), author)?,
    });
    Ok(())
}

/// Reads `changes` or `previous`, where null means cleared.
pub(crate) fn changes(reader: &mut Reader<'_>, object: &[Node<'_>], changes: &mut Author) -> Result<(), Bad> {
    let changes = &mut changes.fill();
    members!(reader, object, members, {
        b"avatar" => clearable(reader, members, changes, AuthorField::Avatar),
        b"banner" => clearable(reader, members, changes, AuthorField::Banner),
        b"bio" => clearable(reader, members, changes, AuthorField::Bio),
        b"handle" => clearable(reader, members, changes, AuthorField::Handle),
        b"location" => clearable(reader, members, changes, AuthorField::Location),
        b"name" => clearable(reader, members, changes, AuthorField::Name),
        b"websiteUrl" => clearable(reader, members, changes, AuthorField::WebsiteUrl),
        b"verifiedLabel" => label(reader, members.pop(), changes)?,
    });
    Ok(())
}

/// The platform of an author: the one it names, or X if it names none; `None` if it has neither id nor handle.
pub(crate) fn platform(author: &Author, strings: &str) -> Option<Platform> {
    match author.text(AuthorField::Platform, strings) {
        Some(name) => Some(Platform::parse(name)),
        None if author.has(AuthorField::Handle) || author.has(AuthorField::Id) => Some(Platform::Twitter),
        None => None,
    }
}

#[inline]
fn metrics(reader: &mut Reader<'_>, member: Member<'_, '_>, author: &mut Filler<'_>) -> Result<(), Bad> {
    let Some(object) = reader.object(member) else { return Ok(()) };
    members!(reader, object, members, {
        b"likes" => int(author, AuthorField::Likes, reader.int(members)),
        b"tweets" => int(author, AuthorField::Tweets, reader.int(members)),
    });
    Ok(())
}

#[inline]
fn label(reader: &mut Reader<'_>, member: Member<'_, '_>, author: &mut Filler<'_>) -> Result<(), Bad> {
    if is_null(member.value()) {
        author.set_null(AuthorField::VerifiedLabel);
        return Ok(());
    }
    let Some(object) = reader.object(member) else { return Ok(()) };
    author.mark(AuthorField::VerifiedLabel);
    members!(reader, object, members, {
        b"badge" => clearable(reader, members, author, AuthorField::LabelBadge),
        b"description" => text(author, AuthorField::LabelDescription, reader.text(members)),
        b"url" => clearable(reader, members, author, AuthorField::LabelUrl),
    });
    Ok(())
}

#[inline]
fn clearable(
    reader: &mut Reader<'_>,
    members: &mut Members<'_, '_>,
    author: &mut Filler<'_>,
    field: AuthorField,
) {
    if is_null(members.peek().value()) {
        members.pop();
        author.set_null(field);
    } else {
        text(author, field, reader.text(members));
    }
}

#[inline]
fn text(author: &mut Filler<'_>, field: AuthorField, span: Option<Span>) {
    if let Some(span) = span {
        author.set_span(field, span);
    }
}

#[inline]
fn int(author: &mut Filler<'_>, field: AuthorField, value: Option<i64>) {
    if let Some(value) = value {
        author.set_int(field, value);
    }
}

fn is_platform(text: &[u8]) -> bool {
    text == b"twitter" || text == b"truth_social"
}

fn is_verified_type(text: &[u8]) -> bool {
    text == b"blue" || text == b"business" || text == b"government" || text == b"none"
}
