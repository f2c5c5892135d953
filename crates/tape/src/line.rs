//! Reading a decision line back.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stoop_model::{
    Asset, AssetClass, Basis, CancelReason, Decision, DecisionBody, DecisionId, DecisionKind, Evidence,
    Group, LatencyNs, Matched, Op, Platform, RefPrice, RuleLabel, Side, TextField, TradedOn, Trigger,
    TweetId, TweetKind,
};

/// Why a text is not a decision line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is not JSON, or a member is missing or of the wrong type.
    #[error("not a decision line")]
    Json(#[from] serde_json::Error),
    /// A member has a value it cannot have.
    #[error("a decision with {member} {value:?}")]
    Value {
        /// The member.
        member: &'static str,
        /// Its value.
        value: String,
    },
}

#[derive(Deserialize)]
struct LineJson {
    seq: u64,
    id: String,
    signal_id: String,
    revision: u32,
    kind: String,
    basis: String,
    reason: Option<String>,
    trigger: String,
    rule: String,
    rule_hash: String,
    generation: u64,
    side: String,
    destination: String,
    params: Box<RawValue>,
    platform: String,
    tweet_id: String,
    tweet_kind: String,
    author: Option<String>,
    author_id: Option<String>,
    link: Option<String>,
    text: String,
    matched: Vec<MatchedJson>,
    asset: Option<AssetJson>,
    /// Lines of older tapes have none.
    #[serde(default)]
    markets: Vec<MarketJson>,
    previous_asset: Option<AssetJson>,
    evidence: Option<String>,
    group: GroupJson,
    ref_price: Option<PriceJson>,
    late: bool,
    created_ms: Option<i64>,
    received_ms: Option<i64>,
    sent_ms: Option<i64>,
    recv_ns: i64,
    decided_ns: i64,
    expires_ms: i64,
    latency_ns: Option<LatencyJson>,
}

#[derive(Deserialize)]
struct LatencyJson {
    decode: u64,
    merge: u64,
    signal: u64,
    total: u64,
}

#[derive(Deserialize)]
struct MatchedJson {
    term: String,
    #[serde(rename = "in")]
    field: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AssetJson {
    class: String,
    symbol: Option<String>,
    contract: Option<String>,
    chain: Option<String>,
    venue: Option<String>,
    market: Option<String>,
    sources: Vec<String>,
}

#[derive(Deserialize)]
struct MarketJson {
    venue: String,
    market: String,
}

#[derive(Deserialize)]
struct GroupJson {
    index: u32,
    count: u32,
}

#[derive(Deserialize)]
struct PriceJson {
    value: String,
    seen_ns: i64,
}

/// Reads a decision line, with or without latency: everything except the latency.
pub fn read_body(line: &[u8]) -> Result<DecisionBody, LineError> {
    body(serde_json::from_slice(line)?)
}

/// Reads a decision line with its latency, if it has one. A line does not say when it was put into the queue.
pub fn read_decision(line: &[u8]) -> Result<Decision, LineError> {
    let mut line: LineJson = serde_json::from_slice(line)?;
    let latency = line.latency_ns.take().map(|LatencyJson { decode, merge, signal, total }| LatencyNs {
        decode,
        merge,
        signal,
        total,
    });
    Ok(Decision { body: Arc::new(body(line)?), latency, queued_ns: None })
}

fn body(line: LineJson) -> Result<DecisionBody, LineError> {
    let rule = RuleLabel {
        name: line.rule,
        hash: number(&line.rule_hash, "rule_hash")?,
        side: named(&[Side::Alert, Side::Buy, Side::Sell], Side::as_str, &line.side, "side")?,
        destination: line.destination,
        params: line.params.get().to_owned(),
    };
    Ok(DecisionBody {
        seq: line.seq,
        id: id(&line.id, "id")?,
        signal_id: id(&line.signal_id, "signal_id")?,
        revision: line.revision,
        kind: named(&KINDS, DecisionKind::as_str, &line.kind, "kind")?,
        basis: named(
            &[Basis::Content, Basis::Enriched, Basis::Timeout],
            Basis::as_str,
            &line.basis,
            "basis",
        )?,
        reason: optional(&REASONS, CancelReason::as_str, line.reason.as_deref(), "reason")?,
        trigger: trigger(&line.trigger)?,
        rule: Arc::new(rule),
        generation: line.generation,
        platform: Platform::parse(&line.platform),
        tweet_id: TweetId::parse(&line.tweet_id),
        tweet_kind: tweet_kind(&line.tweet_kind),
        author: line.author,
        author_id: line.author_id,
        link: line.link,
        text: line.text,
        matched: line.matched.into_iter().map(MatchedJson::restore).collect::<Result<_, _>>()?,
        asset: line.asset.map(AssetJson::restore).transpose()?,
        markets: line.markets.into_iter().map(MarketJson::restore).collect(),
        previous_asset: line.previous_asset.map(AssetJson::restore).transpose()?,
        evidence: optional(&EVIDENCES, Evidence::as_str, line.evidence.as_deref(), "evidence")?,
        group: Group { index: line.group.index, count: line.group.count },
        ref_price: line.ref_price.map(PriceJson::restore).transpose()?,
        late: line.late,
        created_ms: line.created_ms,
        received_ms: line.received_ms,
        sent_ms: line.sent_ms,
        recv_ns: line.recv_ns,
        decided_ns: line.decided_ns,
        expires_ms: line.expires_ms,
    })
}

const KINDS: [DecisionKind; 5] = [
    DecisionKind::Open,
    DecisionKind::Confirm,
    DecisionKind::Revise,
    DecisionKind::Lapse,
    DecisionKind::Cancel,
];
const REASONS: [CancelReason; 4] =
    [CancelReason::Deleted, CancelReason::NoMatch, CancelReason::Ambiguous, CancelReason::Unnamed];
const CLASSES: [AssetClass; 5] =
    [AssetClass::Token, AssetClass::Address, AssetClass::Cex, AssetClass::Prediction, AssetClass::Ticker];
const EVIDENCES: [Evidence; 10] = [
    Evidence::Contract,
    Evidence::Market,
    Evidence::Ticker,
    Evidence::Pair,
    Evidence::Parentheses,
    Evidence::Listed,
    Evidence::Capitals,
    Evidence::Address,
    Evidence::OcrOnly,
    Evidence::Rule,
];

impl MatchedJson {
    fn restore(self) -> Result<Matched, LineError> {
        let field = named(&TextField::ALL, TextField::as_str, &self.field, "matched.in")?;
        Ok(Matched { term: self.term.into(), field })
    }
}

impl MarketJson {
    fn restore(self) -> TradedOn {
        TradedOn { venue: self.venue, market: self.market }
    }
}

impl AssetJson {
    pub(crate) fn of(asset: &Asset) -> Self {
        let Asset { class, symbol, contract, chain, venue, market, sources } = asset.clone();
        Self { class: class.as_str().to_owned(), symbol, contract, chain, venue, market, sources }
    }

    pub(crate) fn restore(self) -> Result<Asset, LineError> {
        let Self { class, symbol, contract, chain, venue, market, sources } = self;
        let class = named(&CLASSES, AssetClass::as_str, &class, "asset.class")?;
        Ok(Asset { class, symbol, contract, chain, venue, market, sources })
    }
}

impl PriceJson {
    fn restore(self) -> Result<RefPrice, LineError> {
        let value = Decimal::from_str_exact(&self.value);
        let value = value.map_err(|_no_decimal| wrong("ref_price.value", &self.value))?;
        Ok(RefPrice { value, seen_ns: self.seen_ns })
    }
}

fn wrong(member: &'static str, value: &str) -> LineError {
    LineError::Value { member, value: value.to_owned() }
}

/// The one of `all` with this name.
fn named<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    value: &str,
    member: &'static str,
) -> Result<T, LineError> {
    all.iter().copied().find(|one| name(*one) == value).ok_or_else(|| wrong(member, value))
}

fn optional<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    value: Option<&str>,
    member: &'static str,
) -> Result<Option<T>, LineError> {
    value.map(|value| named(all, name, value, member)).transpose()
}

fn trigger(name: &str) -> Result<Trigger, LineError> {
    match name {
        "timeout" => Ok(Trigger::Timeout),
        "external" => Ok(Trigger::Message),
        op => named(&Op::ALL, Op::as_str, op, "trigger").map(Trigger::Op),
    }
}

fn tweet_kind(name: &str) -> TweetKind {
    match name {
        "post" => TweetKind::Post,
        "quote" => TweetKind::Quote,
        "self_reply" => TweetKind::SelfReply,
        "reply" => TweetKind::Reply,
        "retweet" => TweetKind::Retweet,
        other => TweetKind::Other(other.into()),
    }
}

fn id(text: &str, member: &'static str) -> Result<DecisionId, LineError> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
    Ok(DecisionId(number.ok_or_else(|| wrong(member, text))?.to_be_bytes()))
}

fn number(text: &str, member: &'static str) -> Result<[u8; 8], LineError> {
    let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    Ok(number.ok_or_else(|| wrong(member, text))?.to_be_bytes())
}
