//! The feed's frames as serde structs: what somebody would write who wants every field and has serde.
//!
//! One struct for the payload of every operation, all fields optional, texts borrowed from the frame where they have no
//! escape. Lists are `Vec`s. That is the quickest of the shapes that are still comfortable to use.

use std::borrow::Cow;

use serde::Deserialize;
use stoop_model::{AuthorField, Event};

/// A text of the frame, borrowed if it stands there as it is.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// An object of the feed: optional texts, numbers, and parts that hold texts themselves.
macro_rules! object {
    (
        $(#[$doc:meta])* $name:ident {
            texts: [$($text:ident),*], numbers: [$($number:ident: $kind:ty),*], parts: [$($part:ident: $of:ty),*]
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name<'a> {
            $(#[doc = stringify!($text)] #[serde(borrow)] pub $text: Option<Text<'a>>,)*
            $(#[doc = stringify!($number)] pub $number: Option<$kind>,)*
            $(#[doc = stringify!($part)] #[serde(borrow)] pub $part: Option<$of>,)*
        }
    };
}

object!(
    /// A frame with its envelope.
    Frame { texts: [t, op, id], numbers: [v: u32, ts: i64], parts: [d: Payload<'a>] }
);

object!(
    /// `d` of any operation.
    Payload {
        texts: [tweet_id, kind, text, link, event_id, action, request_id, error],
        numbers: [created_at: i64, received_at: i64, deleted_at: i64, observed_at: i64],
        parts: [
            author: Author<'a>, media: Vec<Media<'a>>, mentions: Vec<Mention<'a>>, urls: Vec<Url<'a>>,
            r#ref: Reference<'a>, ocr: Ocr<'a>, detected: Detected<'a>, tweet: Box<Payload<'a>>,
            actor: Author<'a>, target: Author<'a>, changes: Changes<'a>, previous: Changes<'a>,
            results: Vec<Row<'a>>
        ]
    }
);

object!(
    /// An author, actor or target.
    Author {
        texts: [
            id, handle, name, platform, profile_image, banner, bio, location, url, website_url, verified_type
        ],
        numbers: [followers_count: i64, following_count: i64, joined_at: i64, metrics: Metrics],
        parts: [verified_label: Label<'a>]
    }
);

/// `metrics` of an author.
#[derive(Debug, Deserialize)]
pub struct Metrics {
    /// `likes`.
    pub likes: Option<i64>,
    /// `tweets`.
    pub tweets: Option<i64>,
}

object!(
    /// `verifiedLabel`.
    Label { texts: [badge, description, url], numbers: [], parts: [] }
);

object!(
    /// `changes` and `previous` of a profile update.
    Changes {
        texts: [avatar, banner, bio, handle, location, name, website_url],
        numbers: [],
        parts: [verified_label: Label<'a>]
    }
);

object!(
    /// `ref`.
    Reference {
        texts: [r#type, tweet_id, text],
        numbers: [],
        parts: [author: Author<'a>, media: Vec<Media<'a>>]
    }
);

object!(
    /// An entry of `media`.
    Media { texts: [r#type, url, thumbnail], numbers: [], parts: [] }
);

object!(
    /// An entry of `mentions`.
    Mention { texts: [handle, id, name], numbers: [], parts: [] }
);

object!(
    /// An entry of `urls`.
    Url { texts: [url, name, tco], numbers: [], parts: [] }
);

object!(
    /// `ocr`.
    Ocr { texts: [text], numbers: [], parts: [] }
);

object!(
    /// `detected`.
    Detected {
        texts: [],
        numbers: [],
        parts: [tokens: Vec<Asset<'a>>, cex: Vec<Asset<'a>>, prediction: Vec<Asset<'a>>]
    }
);

object!(
    /// A detected token or market.
    Asset {
        texts: [symbol, name, contract, chain, exchange, base_asset, quote_asset, market_id, title, url],
        numbers: [network_id: u64, price_usd: f64],
        parts: [sources: Vec<Text<'a>>]
    }
);

object!(
    /// A row of the result of an account command.
    Row {
        texts: [input, state, handle, name, normalized_handle, profile_image, twitter_id, message],
        numbers: [],
        parts: []
    }
);

/// Some of what a frame says, to compare decoders by.
#[derive(Debug, PartialEq, Eq)]
pub struct Gist<'a> {
    ts_ms: Option<i64>,
    text: Option<&'a str>,
    handle: Option<&'a str>,
    ocr: Option<&'a str>,
    urls: usize,
    assets: usize,
}

impl<'a> Gist<'a> {
    /// Of our event.
    pub fn of_event(event: &'a Event) -> Self {
        let post = event.post.with(&event.strings);
        Self {
            ts_ms: event.ts_ms,
            text: post.text(),
            handle: post.author().field(AuthorField::Handle),
            ocr: post.field(stoop_model::PostField::OcrText),
            urls: event.post.urls.len(),
            assets: event.detected.len(),
        }
    }

    /// Of the serde structs.
    pub fn of_frame(frame: &'a Frame<'a>) -> Self {
        fn shown<'a>(text: Option<&'a Text<'a>>) -> Option<&'a str> {
            text.map(|text| &*text.0)
        }
        let d = frame.d.as_ref();
        let detected = d.and_then(|d| d.detected.as_ref());
        let lists = detected.map(|lists| [&lists.tokens, &lists.cex, &lists.prediction]);
        Self {
            ts_ms: frame.ts,
            text: shown(d.and_then(|d| d.text.as_ref())),
            handle: shown(d.and_then(|d| d.author.as_ref()?.handle.as_ref())),
            ocr: shown(d.and_then(|d| d.ocr.as_ref()?.text.as_ref())),
            urls: d.and_then(|d| d.urls.as_ref()).map_or(0, Vec::len),
            assets: lists.into_iter().flatten().flatten().map(Vec::len).sum(),
        }
    }
}
