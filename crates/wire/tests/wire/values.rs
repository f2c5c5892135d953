//! The reference's reading of the tree: protocol §4, one field after another.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "JSON of a kind that is not asked for is wrong, whichever it is"
)]

use stoop_model::{Bad, BadReason};
use stoop_wire::Limits;
use twox_hash::XxHash3_64;

use crate::leaves::{deciding_list, deciding_object, natural, tweet_id, wrong};
use crate::reference::{Kind, Member, Value};
use crate::show::Fields;

/// Read, or the end of the frame.
pub(crate) type Read = Result<(), Bad>;

/// What is read of one element.
pub(crate) struct Reader {
    pub(crate) fields: Fields,
    pub(crate) limits: Limits,
    pub(crate) errors: u32,
    pub(crate) unknown_fields: u32,
    pub(crate) unknown_values: u32,
    assets: usize,
}

const KINDS: &[&str] = &["post", "reply", "quote", "retweet"];
const PLATFORMS: &[&str] = &["twitter", "truth_social"];
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

impl Reader {
    /// Reads one element of a frame.
    pub(crate) fn element(value: &Value<'_>, limits: Limits) -> Result<Fields, Bad> {
        let Kind::Object(members) = &value.kind else {
            return Err(Bad { reason: BadReason::NotAnObject, offset: Some(value.at as u32) });
        };
        let (errors, unknown_fields, unknown_values, assets) = (0, 0, 0, 0);
        let mut reader =
            Self { fields: Fields::new(), limits, errors, unknown_fields, unknown_values, assets };
        reader.envelope(value, members)?;
        for (name, count) in [
            ("field_errors", reader.errors),
            ("unknowns.fields", reader.unknown_fields),
            ("unknowns.values", reader.unknown_values),
        ] {
            if count > 0 {
                reader.fields.insert(name.to_owned(), count.to_string());
            }
        }
        Ok(reader.fields)
    }

    fn envelope(&mut self, element: &Value<'_>, members: &[Member<'_>]) -> Read {
        self.members(members, &["v", "t", "op", "id", "ts", "d"], &mut |_, _| Ok(()))?;
        let find = |name: &str| {
            members.iter().find(|member| member.name == name && !matches!(member.value.kind, Kind::Null))
        };
        let missing = Bad { reason: BadReason::Missing, offset: Some(element.at as u32) };
        let mut route = Vec::new();
        for name in ["t", "op"] {
            let member = find(name).ok_or(missing)?;
            let Kind::String(text) = &member.value.kind else { return Err(wrong(member)) };
            route.push(text.as_str());
        }
        let op = match (route[0], route[1]) {
            ("tweet", "content") => "Content",
            ("tweet", "update") => "Update",
            ("tweet", "meta") => "Meta",
            ("tweet", "delete") => "Delete",
            ("tweet", "pin") => "Pin",
            ("tweet", "unpin") => "Unpin",
            ("account", "profile_update") => "ProfileUpdate",
            ("account", "follow") => "Follow",
            ("account", "unfollow") => "Unfollow",
            ("account", "callout") => "Callout",
            ("control", "twitter_handles_result") => "HandlesResult",
            ("control", "auth_ping") => "AuthPing",
            ("control", "auth_pong") => "AuthPong",
            ("tweet" | "account" | "control", _) => "UnknownOp",
            _ => "UnknownFamily",
        };
        self.put("op", op);
        if find("v")
            .is_some_and(|v| !matches!(v.value.kind, Kind::Number) || v.value.text.parse::<f64>() != Ok(1.0))
        {
            self.put("unknowns.version", "true");
        }
        for member in members {
            match member.name.as_str() {
                "ts" => self.int("ts", member),
                "id" => self.id("id", member),
                _ => {}
            }
        }
        let lenient = ["AuthPing", "AuthPong", "UnknownOp", "UnknownFamily"].contains(&op);
        if lenient || op == "Callout" {
            self.put("raw", element.text);
        }
        let payload = match find("d") {
            None if lenient => None,
            None => return Err(missing),
            Some(payload) => match &payload.value.kind {
                Kind::Object(members) => Some((payload, members)),
                _ if lenient => None,
                _ => return Err(wrong(payload)),
            },
        };
        let Some((payload, members)) = payload else {
            self.put("fingerprint", &format!("{:016x}", XxHash3_64::oneshot(element.text.as_bytes())));
            return Ok(());
        };
        self.payload(op, payload, members)?;
        let reads = !lenient && op != "Callout";
        let bytes = without_received_at(&payload.value, members, reads);
        self.put("fingerprint", &format!("{:016x}", XxHash3_64::oneshot(&bytes)));
        Ok(())
    }

    fn payload(&mut self, op: &str, payload: &Member<'_>, members: &[Member<'_>]) -> Read {
        match op {
            "Content" | "Update" => self.content("post", members)?,
            "Meta" => self.meta(members)?,
            "Delete" | "Pin" | "Unpin" => self.notice(members)?,
            "ProfileUpdate" => self.account(members, &["PROFILE"], &["actor", "changes", "previous"])?,
            "Follow" => self.account(members, &["FOLLOW"], &["actor", "target"])?,
            "Unfollow" => self.account(members, &["UNFOLLOW"], &["actor", "target"])?,
            "HandlesResult" => self.result(members)?,
            _ => {}
        }
        if ["Content", "Update", "Meta", "Delete", "Pin", "Unpin"].contains(&op)
            && !self.fields.contains_key("tweet_id")
        {
            return Err(Bad { reason: BadReason::Missing, offset: Some(payload.at as u32) });
        }
        let author = if self.fields["op"].contains("ollow") || op == "ProfileUpdate" {
            "actor"
        } else {
            "post.author"
        };
        let said = self.fields.get(&format!("{author}.Platform")).cloned();
        let named = ["Handle", "Id"].iter().any(|name| self.fields.contains_key(&format!("{author}.{name}")));
        if let Some(platform) = said.or_else(|| named.then(|| "twitter".to_owned())) {
            self.put("platform", &platform);
        }
        Ok(())
    }

    fn content(&mut self, to: &str, members: &[Member<'_>]) -> Read {
        let known = &[
            "tweetId",
            "kind",
            "text",
            "createdAt",
            "receivedAt",
            "author",
            "link",
            "media",
            "mentions",
            "urls",
            "ref",
        ];
        self.members(members, known, &mut |reader, member| {
            match member.name.as_str() {
                "tweetId" if to == "pinned" => match tweet_id(member) {
                    Ok(id) => reader.put("pinned_id", &id),
                    Err(Bad { reason: BadReason::Missing, .. }) => {}
                    Err(_) => reader.error("WrongType", member),
                },
                "tweetId" => {
                    let id = tweet_id(member)?;
                    reader.put("tweet_id", &id);
                }
                "kind" => reader.deciding_choice(&format!("{to}.Kind"), member, KINDS)?,
                "text" => reader.deciding_text(&format!("{to}.Text"), member)?,
                "createdAt" => reader.int(&format!("{to}.CreatedAt"), member),
                "receivedAt" => reader.int(&format!("{to}.ReceivedAt"), member),
                "author" => reader.author(&format!("{to}.author"), member)?,
                "link" => reader.text(&format!("{to}.Link"), member),
                "media" => reader.media(to, "Media", "media", member)?,
                "mentions" => {
                    reader.list(
                        member,
                        &format!("{to}.Mentions"),
                        &format!("{to}.mentions"),
                        &mut |reader, to, item| {
                            reader.members(item, &["handle", "id", "name"], &mut |reader, member| {
                                let name = format!("{to}.{}", member.name);
                                if member.name == "id" {
                                    reader.id(&name, member);
                                } else {
                                    reader.text(&name, member);
                                }
                                Ok(())
                            })
                        },
                    )?;
                }
                "urls" => {
                    reader.list(
                        member,
                        &format!("{to}.Urls"),
                        &format!("{to}.urls"),
                        &mut |reader, to, item| {
                            reader.members(item, &["url", "name", "tco"], &mut |reader, member| {
                                reader.text(&format!("{to}.{}", member.name), member);
                                Ok(())
                            })
                        },
                    )?;
                }
                _ => {
                    let Some(members) = deciding_object(member)? else { return Ok(()) };
                    reader.members(
                        members,
                        &["type", "tweetId", "text", "author", "media"],
                        &mut |reader, member| {
                            match member.name.as_str() {
                                "type" => {
                                    reader.deciding_choice(&format!("{to}.RefType"), member, &KINDS[1..])?;
                                }
                                "tweetId" => reader.id(&format!("{to}.RefTweetId"), member),
                                "text" => reader.deciding_text(&format!("{to}.RefText"), member)?,
                                "author" => reader.author(&format!("{to}.ref_author"), member)?,
                                _ => reader.media(to, "RefMedia", "ref_media", member)?,
                            }
                            Ok(())
                        },
                    )?;
                }
            }
            Ok(())
        })
    }

    fn media(&mut self, to: &str, marker: &str, list: &str, member: &Member<'_>) -> Read {
        self.list(member, &format!("{to}.{marker}"), &format!("{to}.{list}"), &mut |reader, to, item| {
            reader.members(item, &["url", "type", "thumbnail"], &mut |reader, member| {
                let name = format!("{to}.{}", member.name);
                if member.name == "type" {
                    reader.choice(&name, member, &["image", "video", "gif"]);
                } else {
                    reader.text(&name, member);
                }
                Ok(())
            })
        })
    }

    fn meta(&mut self, members: &[Member<'_>]) -> Read {
        self.members(members, &["tweetId", "receivedAt", "ocr", "detected"], &mut |reader, member| {
            match member.name.as_str() {
                "tweetId" => {
                    let id = tweet_id(member)?;
                    reader.put("tweet_id", &id);
                }
                "receivedAt" => reader.int("received", member),
                "ocr" => {
                    let Some(members) = deciding_object(member)? else { return Ok(()) };
                    reader.members(members, &["text"], &mut |reader, member| {
                        reader.deciding_text("post.OcrText", member)
                    })?;
                }
                _ => {
                    let Some(members) = deciding_object(member)? else { return Ok(()) };
                    let lists = ["tokens", "cex", "prediction"];
                    reader.members(members, &lists, &mut |_, member| deciding_list(member).map(|_| ()))?;
                    for (name, class) in lists.into_iter().zip(["Token", "Cex", "Prediction"]) {
                        if let Some(member) = members.iter().find(|member| member.name == name) {
                            reader.assets(member, class)?;
                        }
                    }
                }
            }
            Ok(())
        })
    }

    fn assets(&mut self, member: &Member<'_>, class: &str) -> Read {
        let known = [
            ("symbol", "Symbol"),
            ("name", "Name"),
            ("contract", "Contract"),
            ("chain", "Chain"),
            ("networkId", "NetworkId"),
            ("exchange", "Exchange"),
            ("baseAsset", "Base"),
            ("quoteAsset", "Quote"),
            ("marketId", "MarketId"),
            ("title", "Title"),
            ("url", "Url"),
            ("priceUsd", ""),
            ("sources", "Sources"),
        ];
        let names = known.map(|(name, _)| name);
        let exchanges: &[&str] = if class == "Prediction" {
            &["polymarket", "kalshi"]
        } else {
            &["bybit", "binance", "hyperliquid"]
        };
        self.items(member, &mut |reader, item| {
            let to = format!("detected[{}]", reader.assets);
            reader.assets += 1;
            reader.put(&to, class);
            reader.members(item, &names, &mut |reader, member| {
                let field =
                    known.iter().find(|(name, _)| *name == member.name).map_or("", |(_, field)| field);
                let name = format!("{to}.{field}");
                match member.name.as_str() {
                    "priceUsd" => reader.price(&format!("{to}.price"), member),
                    "sources" => reader.sources(&name, member),
                    "exchange" => reader.choice(&name, member, exchanges),
                    "networkId" | "marketId" => reader.id(&name, member),
                    _ => reader.text(&name, member),
                }
                Ok(())
            })
        })
    }

    fn notice(&mut self, members: &[Member<'_>]) -> Read {
        let known = &[
            "tweetId",
            "eventId",
            "receivedAt",
            "author",
            "text",
            "deletedAt",
            "observedAt",
            "action",
            "tweet",
        ];
        self.members(members, known, &mut |reader, member| {
            match member.name.as_str() {
                "tweetId" => {
                    let id = tweet_id(member)?;
                    reader.put("tweet_id", &id);
                }
                "eventId" => reader.id("event_id", member),
                "receivedAt" => reader.int("received", member),
                "author" => reader.author("post.author", member)?,
                "text" => reader.deciding_text("post.Text", member)?,
                "deletedAt" => reader.int("deleted", member),
                "observedAt" => reader.int("observed", member),
                "action" => reader.text("action", member),
                _ => {
                    if let Some(members) = deciding_object(member)? {
                        reader.content("pinned", members)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn account(&mut self, members: &[Member<'_>], kind: &[&str], parts: &[&str]) -> Read {
        let mut known = vec!["kind", "eventId", "observedAt", "receivedAt"];
        known.extend(parts);
        self.members(members, &known, &mut |reader, member| {
            match member.name.as_str() {
                "kind" => reader.deciding_choice("action", member, kind)?,
                "eventId" => reader.id("event_id", member),
                "observedAt" => reader.int("observed", member),
                "receivedAt" => reader.int("received", member),
                "actor" | "target" => reader.author(&member.name, member)?,
                _ => {
                    if let Some(members) = deciding_object(member)? {
                        reader.changes(&member.name, members)?;
                    }
                }
            }
            Ok(())
        })
    }

    fn changes(&mut self, to: &str, members: &[Member<'_>]) -> Read {
        let known = &["avatar", "banner", "bio", "handle", "location", "name", "verifiedLabel", "websiteUrl"];
        self.members(members, known, &mut |reader, member| {
            let name = format!("{to}.{}", upper(&member.name));
            match (member.name.as_str(), &member.value.kind) {
                ("verifiedLabel", _) => reader.label(to, member)?,
                (_, Kind::Null) => reader.put(&name, "(null)"),
                (_, _) => reader.text(&name, member),
            }
            Ok(())
        })
    }

    fn author(&mut self, to: &str, member: &Member<'_>) -> Read {
        let Some(members) = deciding_object(member)? else { return Ok(()) };
        let known = &[
            "id",
            "handle",
            "name",
            "platform",
            "profileImage",
            "banner",
            "bio",
            "location",
            "url",
            "websiteUrl",
            "followersCount",
            "followingCount",
            "joinedAt",
            "metrics",
            "verifiedType",
            "verifiedLabel",
        ];
        self.members(members, known, &mut |reader, member| {
            let name = format!("{to}.{}", upper(&member.name));
            match member.name.as_str() {
                "id" => {
                    if !matches!(member.value.kind, Kind::Null | Kind::String(_))
                        && natural(&member.value).is_none()
                    {
                        return Err(wrong(member));
                    }
                    reader.id(&name, member);
                }
                "handle" => reader.deciding_text(&name, member)?,
                "platform" => reader.deciding_choice(&name, member, PLATFORMS)?,
                "followersCount" => reader.int(&format!("{to}.Followers"), member),
                "followingCount" => reader.int(&format!("{to}.Following"), member),
                "joinedAt" => reader.int(&name, member),
                "verifiedType" => reader.choice(&name, member, &["blue", "business", "government", "none"]),
                "verifiedLabel" => reader.label(to, member)?,
                "metrics" => match &member.value.kind {
                    Kind::Object(members) => {
                        reader.members(members, &["likes", "tweets"], &mut |reader, member| {
                            reader.int(&format!("{to}.{}", upper(&member.name)), member);
                            Ok(())
                        })?;
                    }
                    Kind::Null => {}
                    _ => reader.error("WrongType", member),
                },
                _ => reader.text(&name, member),
            }
            Ok(())
        })
    }

    fn label(&mut self, to: &str, member: &Member<'_>) -> Read {
        match &member.value.kind {
            Kind::Null => self.put(&format!("{to}.VerifiedLabel"), "(null)"),
            Kind::Object(members) => {
                self.put(&format!("{to}.VerifiedLabel"), "0");
                self.members(members, &["badge", "description", "url"], &mut |reader, member| {
                    let name = format!("{to}.Label{}", upper(&member.name));
                    match (&member.value.kind, member.name.as_str()) {
                        (Kind::Null, "badge" | "url") => reader.put(&name, "(null)"),
                        (_, _) => reader.text(&name, member),
                    }
                    Ok(())
                })?;
            }
            _ => self.error("WrongType", member),
        }
        Ok(())
    }

    fn result(&mut self, members: &[Member<'_>]) -> Read {
        let known = &["action", "requestId", "error", "results", "receivedAt"];
        self.members(members, known, &mut |reader, member| {
            match member.name.as_str() {
                "action" => reader.text("handles.action", member),
                "requestId" => reader.id("handles.request_id", member),
                "error" => reader.text("handles.error", member),
                "receivedAt" => reader.int("received", member),
                _ => {
                    let known = &[
                        "input",
                        "state",
                        "handle",
                        "name",
                        "normalizedHandle",
                        "profileImage",
                        "twitterId",
                        "message",
                    ];
                    let mut rows = 0..;
                    reader.items(member, &mut |reader, item| {
                        let at = rows.next().expect("no end");
                        reader.put(&format!("handles[{at}]"), "");
                        reader.members(item, known, &mut |reader, member| {
                            let name = format!("handles[{at}].{}", member.name);
                            match member.name.as_str() {
                                "state" => reader.choice(&name, member, STATES),
                                "twitterId" => reader.id(&name, member),
                                _ => reader.text(&name, member),
                            }
                            Ok(())
                        })
                    })?;
                }
            }
            Ok(())
        })
    }
}

/// The payload's bytes without its own `receivedAt`, if its members are read at all.
fn without_received_at(value: &Value<'_>, members: &[Member<'_>], reads: bool) -> Vec<u8> {
    let text = value.text;
    let Some(at) = members.iter().position(|member| member.name == "receivedAt").filter(|_| reads) else {
        return text.as_bytes().to_vec();
    };
    let start = members[at].at - value.at;
    let end = members[at].value.at - value.at + members[at].value.text.len();
    let (from, to) = match (members.get(at + 1), at.checked_sub(1)) {
        (Some(next), _) => (start, next.at - value.at),
        (None, Some(_)) => (text[..start].rfind(',').expect("a comma"), end),
        (None, None) => (start, end),
    };
    [&text.as_bytes()[..from], &text.as_bytes()[to..]].concat()
}

fn upper(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}
