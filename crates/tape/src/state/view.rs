//! A tweet in the window as JSON.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use stoop_engine::{Arrival, Pin, Rank, SavedAsset, SavedItem, SavedView, View, ViewState};
use stoop_model::{DetectedClass, Op, Platform, Price, TweetId};

use super::fields::{FieldJson, fields_from, fields_to};
use super::{StateError, to_json, unknown};

#[derive(Serialize, Deserialize)]
struct StateJson {
    // The place among all tweets, by which a reader restores the order of age.
    serial: u64,
    seen: Vec<SeenJson>,
    #[serde(flatten)]
    view: ViewJson,
}

/// Operation, fingerprint.
#[derive(Serialize, Deserialize)]
// As text: a fingerprint has 64 bits, more than JSON numbers keep in many readers.
struct SeenJson(String, String);

/// Times are Unix ns or ms as their names say.
#[derive(Serialize, Deserialize)]
pub(super) struct ViewJson {
    tweet_id: String,
    platform: Option<String>,
    began_seq: u64,
    began_ns: i64,
    content: Option<ArrivalJson>,
    enriched_ns: Option<i64>,
    deleted: bool,
    pinned: Option<Pin>,
    shared_deleted: bool,
    shared_pinned: Option<Pin>,
    frames: Vec<RankJson>,
    body: Vec<FieldJson>,
    author: Vec<FieldJson>,
    ref_author: Vec<FieldJson>,
    media: Vec<SavedItem>,
    mentions: Vec<SavedItem>,
    urls: Vec<SavedItem>,
    ref_media: Vec<SavedItem>,
    assets: Vec<AssetJson>,
}

/// Time of receipt, Unix ns; send time, Unix ms; whether history has brought it.
#[derive(Serialize, Deserialize)]
pub(super) struct ArrivalJson(i64, Option<i64>, bool);

/// Rank of the operation, send time, fingerprint, whether it is for every platform.
#[derive(Serialize, Deserialize)]
struct RankJson(u8, i64, String, bool);

#[derive(Serialize, Deserialize)]
struct AssetJson {
    class: String,
    fields: Vec<FieldJson>,
    /// Null: a number that no decimal holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<(Option<String>, i64)>,
    price_rank: u8,
    first: (u8, u16),
}

/// A tweet in the window as JSON.
pub fn write_view(state: &ViewState) -> Vec<u8> {
    let seen = |(op, fingerprint): &(Op, u64)| SeenJson(op.as_str().to_owned(), hex(*fingerprint));
    to_json(&StateJson {
        serial: state.serial,
        seen: state.seen.iter().map(seen).collect(),
        view: ViewJson::of(&state.view),
    })
}

/// A tweet in the window from JSON.
pub fn read_view(text: &[u8]) -> Result<ViewState, StateError> {
    let StateJson { serial, seen, view } = serde_json::from_slice(text)?;
    let seen = seen.into_iter().map(|SeenJson(op, fingerprint)| {
        let op =
            *Op::ALL.iter().find(|known| known.as_str() == op).ok_or_else(|| unknown("operation", &op))?;
        Ok((op, unhex(&fingerprint)?))
    });
    let seen = seen.collect::<Result<_, StateError>>()?;
    Ok(ViewState { serial, view: view.restore()?, seen })
}

impl From<Arrival> for ArrivalJson {
    fn from(arrival: Arrival) -> Self {
        Self(arrival.recv_ns, arrival.sent_ms, arrival.is_late)
    }
}

impl From<ArrivalJson> for Arrival {
    fn from(ArrivalJson(recv_ns, sent_ms, is_late): ArrivalJson) -> Self {
        Self { recv_ns, sent_ms, is_late }
    }
}

impl ViewJson {
    pub(super) fn of(view: &View) -> Self {
        let saved = view.save();
        let rank = |rank: Rank| RankJson(rank.op, rank.ts_ms, hex(rank.fingerprint), rank.is_shared);
        Self {
            tweet_id: saved.tweet_id.to_string(),
            platform: saved.platform.map(|platform| platform.as_str().to_owned()),
            began_seq: saved.began_seq,
            began_ns: saved.began_ns,
            content: saved.content.map(ArrivalJson::from),
            enriched_ns: saved.enriched_ns,
            deleted: saved.deleted,
            pinned: saved.pinned,
            shared_deleted: saved.shared_deleted,
            shared_pinned: saved.shared_pinned,
            frames: saved.frames.into_iter().map(rank).collect(),
            body: fields_to(saved.body),
            author: fields_to(saved.author),
            ref_author: fields_to(saved.ref_author),
            media: saved.media,
            mentions: saved.mentions,
            urls: saved.urls,
            ref_media: saved.ref_media,
            assets: saved.assets.into_iter().map(AssetJson::of).collect(),
        }
    }

    pub(super) fn restore(self) -> Result<Arc<View>, StateError> {
        let rank = |RankJson(op, ts_ms, fingerprint, is_shared): RankJson| {
            Ok(Rank { op, ts_ms, fingerprint: unhex(&fingerprint)?, is_shared })
        };
        let saved = SavedView {
            tweet_id: TweetId::parse(&self.tweet_id),
            platform: self.platform.as_deref().map(Platform::parse),
            began_seq: self.began_seq,
            began_ns: self.began_ns,
            content: self.content.map(Arrival::from),
            enriched_ns: self.enriched_ns,
            deleted: self.deleted,
            pinned: self.pinned,
            shared_deleted: self.shared_deleted,
            shared_pinned: self.shared_pinned,
            frames: self.frames.into_iter().map(rank).collect::<Result<_, StateError>>()?,
            body: fields_from(self.body)?,
            author: fields_from(self.author)?,
            ref_author: fields_from(self.ref_author)?,
            media: self.media,
            mentions: self.mentions,
            urls: self.urls,
            ref_media: self.ref_media,
            assets: self.assets.into_iter().map(AssetJson::restore).collect::<Result<_, StateError>>()?,
        };
        Ok(Arc::new(View::restore(&saved)?))
    }
}

impl AssetJson {
    fn of(saved: SavedAsset) -> Self {
        let price = |(price, seen_ns)| match price {
            Price::Usd(usd) => (Some(Decimal::to_string(&usd)), seen_ns),
            Price::OutOfRange => (None, seen_ns),
        };
        let class = match saved.class {
            DetectedClass::Token => "token",
            DetectedClass::Cex => "cex",
            DetectedClass::Prediction => "prediction",
        };
        Self {
            class: class.to_owned(),
            fields: fields_to(saved.fields),
            price: saved.price.map(price),
            price_rank: saved.price_rank,
            first: saved.first,
        }
    }

    fn restore(self) -> Result<SavedAsset, StateError> {
        let price = |(price, seen_ns): (Option<String>, i64)| -> Result<_, StateError> {
            let Some(usd) = price else { return Ok((Price::OutOfRange, seen_ns)) };
            let price = Decimal::from_str_exact(&usd).map_err(|_no_decimal| unknown("price", &usd))?;
            Ok((Price::Usd(price), seen_ns))
        };
        let class = match self.class.as_str() {
            "token" => DetectedClass::Token,
            "cex" => DetectedClass::Cex,
            "prediction" => DetectedClass::Prediction,
            other => return Err(unknown("class", other)),
        };
        Ok(SavedAsset {
            class,
            fields: fields_from(self.fields)?,
            price: self.price.map(price).transpose()?,
            price_rank: self.price_rank,
            first: self.first,
        })
    }
}

fn hex(fingerprint: u64) -> String {
    format!("{fingerprint:016x}")
}

fn unhex(text: &str) -> Result<u64, StateError> {
    u64::from_str_radix(text, 16).map_err(|_no_number| unknown("fingerprint", text))
}
