//! `kinds`: which sorts of post.

use stoop_model::TweetKind;

use super::{Check, Facts, Stage, listed};
use crate::syntax::{SyntaxError, Table};

/// The post is of one of the rule's kinds.
pub(crate) struct Kinds;

impl Check for Kinds {
    const KEYS: &'static [&'static str] = &["kinds"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.rule.kinds.contains(facts.reading.kind(facts.view))
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let wanted = listed(facts.rule.kinds.iter().map(|kind| kind.as_str().to_owned()));
        format!("kind {} is not in {wanted}", facts.reading.kind(facts.view).as_str())
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Vec<TweetKind>, SyntaxError> {
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
