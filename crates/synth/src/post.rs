//! A post and the frames about it.

use super::assets::Token;
use super::cast::Account;
use super::json::Json;
use super::story::Story;
use crate::dice::Dice;

const SNOWFLAKE_EPOCH_MS: u64 = 1_288_834_974_657;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Post,
    Reply,
    Quote,
    Retweet,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Reply => "reply",
            Self::Quote => "quote",
            Self::Retweet => "retweet",
        }
    }
}

/// The post that another one refers to.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) tweet_id: u64,
    /// By index; `None` is an account outside the cast.
    pub(super) author: Option<usize>,
    pub(super) story: Story,
    /// Whether the author is given in full.
    pub(super) full: bool,
    /// Whether only an update gives more than the id.
    pub(super) late: bool,
}

impl Reference {
    /// The handle of an author outside the cast.
    pub(super) fn stranger(&self) -> String {
        format!("SynGuest{}", self.tweet_id % 10_000)
    }
}

/// One post.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) tweet_id: u64,
    pub(super) author: usize,
    pub(super) kind: Kind,
    pub(super) story: Story,
    pub(super) reference: Option<Reference>,
    pub(super) created_ms: u64,
    pub(super) received_ms: u64,
    /// When its content is sent.
    pub(super) sent_ms: u64,
    /// Whether media and links come only with an update.
    pub(super) late_media: bool,
}

/// The id of a post made at this moment: on X a snowflake, on Truth Social the ms and a sequence number.
pub(super) fn tweet_id(dice: &mut Dice, created_ms: u64, truth_social: bool) -> u64 {
    if truth_social {
        created_ms << 16 | dice.below(1 << 16)
    } else {
        created_ms.saturating_sub(SNOWFLAKE_EPOCH_MS) << 22 | dice.below(1 << 22)
    }
}

/// Starts a frame: everything up to its payload, which stays open.
pub(super) fn envelope(family: &str, op: &str, id: Option<&str>, ts: u64) -> Json {
    let mut json = Json::with_capacity(2048);
    json.object("");
    json.number("v", 1);
    json.string("t", family);
    json.string("op", op);
    json.optional("id", id);
    json.number("ts", ts);
    json.object("d");
    json
}

/// Ends a frame.
pub(super) fn seal(mut json: Json) -> String {
    json.end_object();
    json.end_object();
    json.finish()
}

impl Post {
    pub(super) fn content(&self, dice: &mut Dice, accounts: &[Account]) -> String {
        let mut json = envelope("tweet", "content", Some(&self.tweet_id.to_string()), self.sent_ms);
        self.write(&mut json, dice, accounts);
        seal(json)
    }

    /// Writes the members of a content object.
    pub(super) fn write(&self, json: &mut Json, dice: &mut Dice, accounts: &[Account]) {
        let account = &accounts[self.author];
        json.id("tweetId", self.tweet_id);
        // Old frames show their kind only by their reference.
        if dice.chance(990) {
            json.string("kind", self.kind.name());
        }
        json.string("text", &self.story.text);
        json.number("createdAt", self.created_ms);
        if dice.chance(980) {
            json.number("receivedAt", self.received_ms);
        }
        account.write(json, "author", false);
        if dice.chance(950) {
            json.string("link", &account.link(self.tweet_id));
        }
        if !self.late_media {
            self.write_media(json);
        }
        if !self.story.mentions.is_empty() {
            json.array("mentions");
            for mentioned in self.story.mentions.iter().map(|&index| &accounts[index]) {
                json.object("");
                json.string("handle", &format!("@{}", mentioned.handle));
                json.id("id", mentioned.id);
                json.string("name", &mentioned.name);
                json.end_object();
            }
            json.end_array();
        }
        if !self.late_media {
            self.write_urls(json);
        }
        if let Some(reference) = &self.reference {
            self.write_ref(json, reference, accounts, reference.late);
        }
    }

    /// The update frame. There is always something in it.
    pub(super) fn update(&self, ts: u64, accounts: &[Account]) -> String {
        let mut json = envelope("tweet", "update", Some(&self.tweet_id.to_string()), ts);
        json.id("tweetId", self.tweet_id);
        json.string("kind", self.kind.name());
        if self.late_media {
            self.write_media(&mut json);
        }
        json.number("receivedAt", ts - 2);
        if self.late_media {
            self.write_urls(&mut json);
        }
        if let Some(reference) = &self.reference {
            self.write_ref(&mut json, reference, accounts, false);
        }
        seal(json)
    }

    /// The meta frame: what the vendor has detected, without text and author.
    pub(super) fn meta(&self, dice: &mut Dice, ts: u64, tokens: &[Token]) -> String {
        let mut json = envelope("tweet", "meta", Some(&self.tweet_id.to_string()), ts);
        json.id("tweetId", self.tweet_id);
        if let Some((text, _)) = &self.story.ocr {
            json.object("ocr");
            json.string("text", text);
            json.end_object();
        }
        let in_picture = self.story.ocr.as_ref().and_then(|(_, token)| *token);
        json.object("detected");
        let mut found = self.story.tokens.clone();
        // The vendor lists a token once, with both sources.
        found.extend(in_picture.filter(|token| !found.contains(token)));
        if !found.is_empty() {
            json.array("tokens");
            for index in found {
                let in_text = self.story.tokens.contains(&index);
                write_token(&mut json, dice, &tokens[index], in_text, in_picture == Some(index));
            }
            json.end_array();
        }
        if !self.story.markets.is_empty() {
            json.array("cex");
            for &(exchange, market) in &self.story.markets {
                let (symbol, quote) = market.symbol(exchange);
                json.object("");
                json.string("exchange", exchange);
                json.string("symbol", &symbol);
                json.string("baseAsset", market.base);
                json.string("quoteAsset", quote);
                json.literal("priceUsd", &market.price(dice));
                json.string("url", &market.url(exchange));
                json.literal("sources", r#"["text"]"#);
                json.end_object();
            }
            json.end_array();
        }
        if !self.story.questions.is_empty() {
            json.array("prediction");
            for question in &self.story.questions {
                json.object("");
                json.string("exchange", question.venue);
                json.string("marketId", question.market_id);
                json.string("title", question.title);
                json.literal("priceUsd", &format!("0.{:02}", dice.between(1, 99)));
                json.string("url", &format!("https://{}.com/event/{}", question.venue, question.market_id));
                json.literal("sources", r#"["text"]"#);
                json.end_object();
            }
            json.end_array();
        }
        json.end_object();
        seal(json)
    }

    fn write_media(&self, json: &mut Json) {
        write_media(json, self.tweet_id, self.story.media);
    }

    fn write_urls(&self, json: &mut Json) {
        if self.story.urls.is_empty() {
            return;
        }
        json.array("urls");
        for url in &self.story.urls {
            json.object("");
            json.string("url", &url.expanded);
            json.string("name", &url.name);
            json.string("tco", &url.tco);
            json.end_object();
        }
        json.end_array();
    }

    fn write_ref(&self, json: &mut Json, reference: &Reference, accounts: &[Account], bare: bool) {
        json.object("ref");
        json.string("type", self.kind.name());
        json.id("tweetId", reference.tweet_id);
        if !bare {
            json.string("text", &reference.story.text);
            match reference.author.map(|index| &accounts[index]) {
                Some(author) if reference.full => author.write(json, "author", false),
                Some(author) => author.write_short(json, "author"),
                None => {
                    json.object("author");
                    json.string("handle", &format!("@{}", reference.stranger()));
                    json.end_object();
                }
            }
            write_media(json, reference.tweet_id, reference.story.media);
        }
        json.end_object();
    }
}

fn write_media(json: &mut Json, tweet_id: u64, count: usize) {
    if count == 0 {
        return;
    }
    json.array("media");
    for index in 0..count as u64 {
        // Made of the id and not drawn: a reference to a post shows the same pictures.
        let name = (tweet_id ^ index).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        json.object("");
        // The first says what a post has; pictures are the most common.
        match name % 10 {
            0 => {
                json.string("url", &format!("https://video.twimg.com/synthetic/{name:x}.mp4"));
                json.string("type", "video");
                json.string("thumbnail", &format!("https://pbs.twimg.com/synthetic_thumb/{name:x}.jpg"));
            }
            1 => {
                json.string("url", &format!("https://video.twimg.com/synthetic_gif/{name:x}.mp4"));
                json.string("type", "gif");
            }
            2 => json.string("url", &format!("https://pbs.twimg.com/media/synthetic-{name:x}.jpg")),
            _ => {
                json.string("url", &format!("https://pbs.twimg.com/media/synthetic-{name:x}.jpg"));
                json.string("type", "image");
            }
        }
        json.end_object();
    }
    json.end_array();
}

fn write_token(json: &mut Json, dice: &mut Dice, token: &Token, in_text: bool, in_picture: bool) {
    json.object("");
    json.string("symbol", &token.symbol);
    if dice.chance(800) {
        json.string("name", &token.name);
    }
    if dice.chance(930) {
        json.string("contract", &token.contract);
        json.string("chain", token.chain);
        if let Some(network_id) = token.network_id {
            json.number("networkId", network_id);
        }
    }
    if dice.chance(900) {
        json.literal("priceUsd", &token.price(dice));
    }
    json.literal(
        "sources",
        match (in_text, in_picture) {
            (true, true) => r#"["text","ocr"]"#,
            (true, false) => r#"["text"]"#,
            (false, _) => r#"["ocr"]"#,
        },
    );
    json.end_object();
}
