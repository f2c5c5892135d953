//! The decision line: one JSON object, members in a fixed order, and the digest of a run.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use stoop_model::{
    Asset, CancelReason, Decision, DecisionBody, Evidence, Group, LatencyNs, Matched, RefPrice,
};

/// Appends the decision as compact JSON without a newline.
///
/// Text is UTF-8, escaped only where JSON demands it; absent values are null; prices are strings.
pub fn write_decision(decision: &Decision, out: &mut Vec<u8>) {
    write_body(&decision.body, out);
    // The latency is the last member, so that what is left without it does not depend on any clock.
    out.pop();
    out.extend_from_slice(br#","latency_ns":"#);
    write_json(&decision.latency.map(Latency), out);
    out.push(b'}');
}

/// Appends everything but the latency: what the digest covers.
pub(crate) fn write_body(body: &DecisionBody, out: &mut Vec<u8>) {
    write_json(&Line(body), out);
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a Vec takes every byte and the line has text keys only");
}

/// SHA-256 over the lines of a run in order of `seq`, each without its latency and with a newline.
#[derive(Clone, Default)]
pub struct Digest {
    hash: Sha256,
    line: Vec<u8>,
    count: u64,
}

impl Digest {
    /// Takes the next decision.
    pub fn add(&mut self, decision: &DecisionBody) {
        self.line.clear();
        write_body(decision, &mut self.line);
        self.line.push(b'\n');
        self.hash.update(&self.line);
        self.count += 1;
    }

    /// Number of decisions so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.hash.clone().finalize().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

struct Line<'a>(&'a DecisionBody);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = self.0;
        let params: &RawValue = serde_json::from_str(&body.rule.params).map_err(serde::ser::Error::custom)?;
        let mut line = serializer.serialize_struct("Decision", 36)?;
        line.serialize_field("schema", &1)?;
        line.serialize_field("seq", &body.seq)?;
        line.serialize_field("id", &Text(body.id))?;
        line.serialize_field("signal_id", &Text(body.signal_id))?;
        line.serialize_field("revision", &body.revision)?;
        line.serialize_field("kind", body.kind.as_str())?;
        line.serialize_field("basis", body.basis.as_str())?;
        line.serialize_field("reason", &body.reason.map(CancelReason::as_str))?;
        line.serialize_field("trigger", body.trigger.as_str())?;
        line.serialize_field("rule", &body.rule.name)?;
        line.serialize_field("rule_hash", &format!("{:016x}", u64::from_be_bytes(body.rule.hash)))?;
        line.serialize_field("generation", &body.generation)?;
        line.serialize_field("side", body.rule.side.as_str())?;
        line.serialize_field("destination", &body.rule.destination)?;
        line.serialize_field("params", params)?;
        line.serialize_field("platform", body.platform.as_str())?;
        line.serialize_field("tweet_id", &Text(&body.tweet_id))?;
        line.serialize_field("tweet_kind", body.tweet_kind.as_str())?;
        line.serialize_field("author", &body.author)?;
        line.serialize_field("author_id", &body.author_id)?;
        line.serialize_field("link", &body.link)?;
        line.serialize_field("text", &body.text)?;
        line.serialize_field("matched", &Matches(&body.matched))?;
        line.serialize_field("asset", &body.asset.as_ref().map(AssetJson))?;
        line.serialize_field("previous_asset", &body.previous_asset.as_ref().map(AssetJson))?;
        line.serialize_field("evidence", &body.evidence.map(Evidence::as_str))?;
        line.serialize_field("group", &GroupJson(body.group))?;
        line.serialize_field("ref_price", &body.ref_price.map(PriceJson))?;
        line.serialize_field("late", &body.late)?;
        line.serialize_field("created_ms", &body.created_ms)?;
        line.serialize_field("received_ms", &body.received_ms)?;
        line.serialize_field("sent_ms", &body.sent_ms)?;
        line.serialize_field("recv_ns", &body.recv_ns)?;
        line.serialize_field("decided_ns", &body.decided_ns)?;
        line.serialize_field("expires_ms", &body.expires_ms)?;
        line.end()
    }
}

/// Anything that is shown as text.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

struct Matches<'a>(&'a [Matched]);

impl Serialize for Matches<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(MatchedJson))
    }
}

struct MatchedJson<'a>(&'a Matched);

impl Serialize for MatchedJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("term", &*self.0.term)?;
        map.serialize_entry("in", self.0.field.as_str())?;
        map.end()
    }
}

struct AssetJson<'a>(&'a Asset);

impl Serialize for AssetJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("class", self.0.class.as_str())?;
        map.serialize_entry("symbol", &self.0.symbol)?;
        map.serialize_entry("contract", &self.0.contract)?;
        map.serialize_entry("chain", &self.0.chain)?;
        map.serialize_entry("venue", &self.0.venue)?;
        map.serialize_entry("market", &self.0.market)?;
        map.serialize_entry("sources", &self.0.sources)?;
        map.end()
    }
}

struct GroupJson(Group);

impl Serialize for GroupJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("index", &self.0.index)?;
        map.serialize_entry("count", &self.0.count)?;
        map.end()
    }
}

struct PriceJson(RefPrice);

impl Serialize for PriceJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("value", &Text(self.0.value))?;
        map.serialize_entry("seen_ns", &self.0.seen_ns)?;
        map.end()
    }
}

struct Latency(LatencyNs);

impl Serialize for Latency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("decode", &self.0.decode)?;
        map.serialize_entry("merge", &self.0.merge)?;
        map.serialize_entry("signal", &self.0.signal)?;
        map.serialize_entry("total", &self.0.total)?;
        map.end()
    }
}
