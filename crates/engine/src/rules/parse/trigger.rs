//! What sets a rule off, whose posts it looks at, and which.

use stoop_model::{Op, Platform, TweetKind};

use crate::rules::plain;
use crate::rules::rule::Authors;
use crate::syntax::{SyntaxError, Table};

pub(super) fn operations(table: &Table<'_>) -> Result<Vec<Op>, SyntaxError> {
    let known = [
        ("content", Op::Content),
        ("update", Op::Update),
        ("meta", Op::Meta),
        ("pin", Op::Pin),
        ("unpin", Op::Unpin),
    ];
    let on = table.choices("on", &known)?;
    Ok(on.unwrap_or_else(|| vec![Op::Content, Op::Update, Op::Meta]))
}

pub(super) fn authors(table: &Table<'_>) -> Result<Option<Authors>, SyntaxError> {
    let Some(list) = table.strings("authors")? else { return Ok(None) };
    if list.is_empty() {
        return Err(table.empty("authors"));
    }
    let mut authors = Authors::default();
    for at in &list {
        let name = at.value.trim();
        let handle = name.strip_prefix('@').unwrap_or(name);
        match name.strip_prefix("id:") {
            Some(id) if !id.is_empty() => authors.ids.push(id.to_owned()),
            None if !handle.is_empty() && !handle.contains(char::is_whitespace) => {
                let mut lower = String::new();
                plain::lower(handle, &mut lower);
                authors.handles.push(lower);
            }
            Some(_) | None => {
                return Err(
                    at.error("an author is a handle such as \"@binance\" or an id such as \"id:44196397\"")
                );
            }
        }
    }
    Ok(Some(authors))
}

pub(super) fn platforms(table: &Table<'_>) -> Result<Option<Vec<Platform>>, SyntaxError> {
    let known = [("twitter", 0), ("truth_social", 1)];
    let list = table.choices("platforms", &known)?;
    let platform = |index| if index == 0 { Platform::Twitter } else { Platform::TruthSocial };
    Ok(list.map(|list| list.into_iter().map(platform).collect()))
}

pub(super) fn kinds(table: &Table<'_>) -> Result<Vec<TweetKind>, SyntaxError> {
    let known = ["post", "quote", "self_reply", "reply", "retweet"].map(|name| (name, name));
    let list = table.choices("kinds", &known)?.unwrap_or_else(|| vec!["post", "quote", "self_reply"]);
    let kind = |name| match name {
        "post" => TweetKind::Post,
        "quote" => TweetKind::Quote,
        "self_reply" => TweetKind::SelfReply,
        "reply" => TweetKind::Reply,
        _ => TweetKind::Retweet,
    };
    Ok(list.into_iter().map(kind).collect())
}

pub(super) fn verified(table: &Table<'_>) -> Result<Option<Vec<String>>, SyntaxError> {
    let known = ["blue", "business", "government", "none"].map(|name| (name, name));
    let list = table.choices("verified", &known)?;
    Ok(list.map(|list| list.into_iter().map(str::to_owned).collect()))
}
