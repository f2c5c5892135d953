//! The frames that are not about a new post: deletions, pins, changes of accounts, control.

use super::assets::{Token, solana_address};
use super::cast::Account;
use super::json::Json;
use super::post::{Post, envelope, seal};
use crate::dice::Dice;

/// From the observation of an event to its sending, in ms.
const SEEN_MS: u64 = 40;

fn event_id(dice: &mut Dice) -> String {
    format!("evt_{:016x}", dice.bits())
}

/// Starts a payload with the members that all account events share.
fn observed(json: &mut Json, dice: &mut Dice, event: &str, ts: u64) {
    json.string("eventId", event);
    json.number("observedAt", ts - SEEN_MS);
    if dice.chance(900) {
        json.number("receivedAt", ts - 5);
    }
}

pub(super) fn delete(dice: &mut Dice, post: &Post, ts: u64, accounts: &[Account]) -> String {
    let mut json = envelope("tweet", "delete", Some(&post.tweet_id.to_string()), ts);
    json.id("tweetId", post.tweet_id);
    json.string("eventId", &event_id(dice));
    if dice.chance(900) {
        json.number("deletedAt", ts - SEEN_MS);
        json.number("receivedAt", ts - 5);
    }
    if dice.chance(700) {
        accounts[post.author].write_short(&mut json, "author");
        json.string("text", &post.story.text);
    }
    seal(json)
}

pub(super) fn pin(dice: &mut Dice, post: &Post, pinned: bool, ts: u64, accounts: &[Account]) -> String {
    let op = if pinned { "pin" } else { "unpin" };
    let event = event_id(dice);
    let mut json = envelope("tweet", op, Some(&event), ts);
    json.id("tweetId", post.tweet_id);
    observed(&mut json, dice, &event, ts);
    json.string("action", op);
    accounts[post.author].write(&mut json, "author", false);
    if dice.chance(700) {
        json.string("text", &post.story.text);
    }
    if dice.chance(600) {
        json.object("tweet");
        post.write(&mut json, dice, accounts);
        json.end_object();
    }
    seal(json)
}

pub(super) fn profile_update(dice: &mut Dice, account: &Account, ts: u64) -> String {
    let event = event_id(dice);
    let mut json = envelope("account", "profile_update", Some(&event), ts);
    json.string("kind", "PROFILE");
    observed(&mut json, dice, &event, ts);
    account.write(&mut json, "actor", true);
    let avatar = |dice: &mut Dice| {
        format!("https://pbs.twimg.com/profile_images/synthetic-{}.jpg", dice.below(1 << 40))
    };
    let (old_avatar, new_avatar) = (avatar(dice), avatar(dice));
    let new_bio = format!("{} Now with {} followers.", account.bio, dice.below(1_000_000));
    let label = r#"{"badge":null,"description":"Synthetic affiliate","url":null}"#;
    // Name, new value, old value, whether they are JSON already. Null means cleared; absent means unchanged.
    let changes: &[(&str, Option<&str>, Option<&str>, bool)] = match dice.below(6) {
        0 => &[("avatar", Some(&new_avatar), Some(&old_avatar), false)],
        1 => &[("bio", Some(&new_bio), Some(&account.bio), false)],
        2 => {
            &[("location", None, Some("Nowhere"), false), ("websiteUrl", None, account.url.as_deref(), false)]
        }
        3 => &[
            ("name", Some(&account.name), Some("Synthetic (old name)"), false),
            ("handle", Some(&account.handle), Some("SynOldHandle"), false),
        ],
        4 => &[("banner", Some(&new_avatar), None, false)],
        _ => &[("verifiedLabel", Some(label), None, true)],
    };
    for (member, previous) in [("changes", false), ("previous", true)] {
        if previous && dice.chance(200) {
            continue;
        }
        json.object(member);
        for &(name, new, old, is_json) in changes {
            match if previous { old } else { new } {
                Some(value) if is_json => json.literal(name, value),
                value => json.nullable(name, value),
            }
        }
        json.end_object();
    }
    seal(json)
}

pub(super) fn follow(dice: &mut Dice, actor: &Account, target: &Account, ts: u64) -> String {
    let (op, kind) = if dice.chance(750) { ("follow", "FOLLOW") } else { ("unfollow", "UNFOLLOW") };
    let event = event_id(dice);
    let mut json = envelope("account", op, dice.chance(800).then_some(event.as_str()), ts);
    json.string("kind", kind);
    observed(&mut json, dice, &event, ts);
    actor.write(&mut json, "actor", true);
    target.write(&mut json, "target", true);
    seal(json)
}

/// Its payload is not documented; this one is a guess that a reader must not rely on.
pub(super) fn callout(dice: &mut Dice, actor: &Account, token: &Token, ts: u64) -> String {
    let event = event_id(dice);
    let mut json = envelope("account", "callout", Some(&event), ts);
    observed(&mut json, dice, &event, ts);
    actor.write_short(&mut json, "actor");
    json.object("token");
    json.string("symbol", &token.symbol);
    json.string("mint", &solana_address(dice));
    json.end_object();
    seal(json)
}

pub(super) fn control(dice: &mut Dice, accounts: &[Account], ts: u64) -> String {
    const STATES: &[&str] = &[
        "added",
        "already_following",
        "invalid_input",
        "duplicate",
        "not_found",
        "failed",
        "removed",
        "not_following",
    ];
    if dice.chance(600) {
        let op = if dice.chance(500) { "auth_ping" } else { "auth_pong" };
        return seal(envelope("control", op, None, ts));
    }
    let mut json = envelope("control", "twitter_handles_result", None, ts);
    json.string("action", if dice.chance(500) { "follow" } else { "unfollow" });
    let request = dice.chance(600).then(|| format!("req-{}", dice.below(1_000_000)));
    json.nullable("requestId", request.as_deref());
    json.nullable("error", dice.chance(100).then_some("synthetic failure"));
    json.array("results");
    for _ in 0..dice.between(1, 4) {
        let account = dice.pick(accounts);
        let state = dice.pick(STATES);
        json.object("");
        json.string("input", &format!("@{}", account.handle));
        json.string("state", state);
        if matches!(*state, "added" | "already_following" | "removed") {
            json.string("handle", &account.handle);
            json.string("name", &account.name);
            json.string("normalizedHandle", &account.handle.to_lowercase());
            json.id("twitterId", account.id);
        } else {
            json.string("message", "nothing was changed");
        }
        json.end_object();
    }
    json.end_array();
    seal(json)
}
