//! The decision line: one JSON object, members in a fixed order, and the digest of a run.

use std::{fmt, io};

use serde_core::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use stoop_model::{
    Asset, CancelReason, Decision, DecisionBody, Evidence, Group, LatencyNs, Matched, RefPrice, TradedOn,
};

/// Appends the decision as compact JSON without a newline.
///
/// Text is UTF-8, escaped where JSON demands it and where a reader might see the end of a line. Absent values are null,
/// prices are strings.
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
    let mut serializer = serde_json::Serializer::with_formatter(out, OneLine);
    value.serialize(&mut serializer).expect("a Vec accepts every byte and the line has text keys only");
}

/// Compact JSON in which no reader sees the end of a line.
///
/// JSON allows these three in texts as they are, but many readers of text split lines at them, Python's `splitlines`
/// and JavaScript before 2019 among them.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        escape_line_ends(text, out)
    }

    /// A raw value is JSON already, and these characters stand in its texts only.
    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, json: &str) -> io::Result<()> {
        escape_line_ends(json, out)
    }
}

/// Writes a part of a JSON text, with escapes for the line ends of Unicode that JSON allows unescaped.
pub(crate) fn escape_line_ends<W: ?Sized + io::Write>(text: &str, out: &mut W) -> io::Result<()> {
    // Almost every fragment is ASCII, and the check for that is the cheapest there is.
    if text.is_ascii() {
        return out.write_all(text.as_bytes());
    }
    // Each escaped character goes out by itself; the text between is written in one piece.
    let mut written = 0;
    for (start, found) in text.match_indices(['\u{85}', '\u{2028}', '\u{2029}']) {
        out.write_all(&text.as_bytes()[written..start])?;
        out.write_all(match found {
            "\u{85}" => br"\u0085",
            "\u{2028}" => br"\u2028",
            _ => br"\u2029",
        })?;
        written = start + found.len();
    }
    out.write_all(&text.as_bytes()[written..])
}

/// SHA-256 over the lines of a run in order of `seq`, each without its latency and with a newline.
#[derive(Clone, Default)]
pub struct Digest {
    hash: Sha256,
    line: Vec<u8>,
    count: u64,
}

impl Digest {
    /// Adds the next decision.
    pub fn add(&mut self, decision: &DecisionBody) {
        self.line.clear();
        write_body(decision, &mut self.line);
        self.line.push(b'\n');
        self.hash.update(&self.line);
        self.count += 1;
    }

    /// Adds the next decision as a line that has been written, without its latency and without a newline.
    pub fn add_line(&mut self, line: &[u8]) {
        self.hash.update(line);
        self.hash.update(b"\n");
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
        let params: &RawValue =
            serde_json::from_str(&body.rule.params).map_err(serde_core::ser::Error::custom)?;
        let mut line = serializer.serialize_struct("Decision", 37)?;
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
        line.serialize_field("markets", &Markets(&body.markets))?;
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

struct Markets<'a>(&'a [TradedOn]);

impl Serialize for Markets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(MarketJson))
    }
}

struct MarketJson<'a>(&'a TradedOn);

impl Serialize for MarketJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("venue", &self.0.venue)?;
        map.serialize_entry("market", &self.0.market)?;
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

#[cfg(feature = "json")]
#[cfg(test)]
mod tests {
    use stoop_model::RuleLabel;

    use super::*;
    use crate::line::{read_body, read_decision};

    /// A decision with this in every text it has.
    fn decision_of(text: &str) -> Decision {
        let line = serde_json::json!({
            "seq": 0, "id": "00000000000000000000000000000001", "signal_id": "00000000000000000000000000000002",
            "revision": 0, "kind": "open", "basis": "content", "reason": null, "trigger": "content", "rule": text,
            "rule_hash": "0000000000000003", "generation": 0, "side": "buy", "destination": text,
            "params": {text: [text]}, "platform": text, "tweet_id": text, "tweet_kind": text, "author": text,
            "author_id": text, "link": text, "text": text, "matched": [{"term": text, "in": "text"}],
            "asset": {"class": "token", "symbol": text, "contract": text, "chain": text, "venue": text,
                "market": text, "sources": [text]},
            "previous_asset": {"class": "token", "symbol": text, "contract": text, "chain": text, "venue": text,
                "market": text, "sources": [text]},
            "evidence": null, "group": {"index": 1, "count": 1}, "ref_price": null, "late": false, "created_ms": null,
            "received_ms": null, "sent_ms": null, "recv_ns": 1, "decided_ns": 1, "expires_ms": 1,
        });
        read_decision(line.to_string().as_bytes()).expect("a decision")
    }

    #[test]
    fn no_character_of_a_text_ends_the_line_for_anybody() {
        let ends =
            ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
        let text = ends.map(|end| format!("上币{end}")).concat();
        let decision = decision_of(&text);
        let mut line = Vec::new();
        write_decision(&decision, &mut line);
        let written = String::from_utf8(line.clone()).expect("UTF-8");
        assert!(!written.contains(ends), "{written}");
        assert!(written.contains("上币\\u0085上币\\u2028上币\\u2029"), "{written}");
        // The keys and values of `params` included, which are raw JSON.
        assert_eq!(written.matches("\\u2028").count(), 24, "{written}");
        let read = read_body(&line).expect("it reads back");
        let params: serde_json::Value = serde_json::from_str(&read.rule.params).expect("JSON");
        assert_eq!(params, serde_json::json!({text.clone(): [text]}));
        let of = |body: &DecisionBody| {
            let rule = RuleLabel { params: String::new(), ..(*body.rule).clone() };
            DecisionBody { rule: rule.into(), ..body.clone() }
        };
        assert_eq!(of(&read), of(&decision.body));
    }

    #[test]
    fn other_characters_stay_as_they_are() {
        let text = "\u{84}\u{86}\u{2027}\u{202a}\u{200b}é😀";
        let mut line = Vec::new();
        write_decision(&decision_of(text), &mut line);
        assert!(String::from_utf8(line).expect("UTF-8").contains(&format!(r#""text":"{text}""#)));
    }

    #[test]
    fn the_digest_is_over_the_lines_as_they_are_written() {
        let decision = decision_of("one\u{2028}two");
        let (mut of_bodies, mut of_lines) = (Digest::default(), Digest::default());
        of_bodies.add(&decision.body);
        let mut line = Vec::new();
        write_body(&decision.body, &mut line);
        assert!(line.is_ascii());
        of_lines.add_line(&line);
        assert_eq!((of_bodies.to_string(), of_bodies.count()), (of_lines.to_string(), of_lines.count()));
    }
}
