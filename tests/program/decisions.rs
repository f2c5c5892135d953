//! Decision lines, taken apart without the program's own code.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::driver::stoop;

/// Rules whose decisions do not depend on when frames come, but for `lapse`: no age, and waits longer than a test.
pub(crate) const TIMELESS: &str = r#"
[[alias]]
terms = ["doge", "dogecoin", "bitcoin"]
market = "binance:DOGEUSDT"

[[rule]]
name = "flash"
fire = "content"
assets = { tokens = true, cex = true, addresses = true }

[[rule]]
name = "words"
fire = "content"
any = ["token", "listing", "lists", "halted", "doge", "watch"]

[[rule]]
name = "patient"
fire = "enriched"
wait = "5m"
assets = { tokens = true, cex = true }

[[rule]]
name = "follow"
settle = "5m"
any = ["token", "moon", "rocket", "list*"]
assets = { tokens = true, cex = ["binance"], addresses = true }
"#;

/// Lines as JSON; every one must be an object with `seq` counting from 0.
pub(crate) fn parse(lines: &[String]) -> Vec<Value> {
    let parsed: Vec<Value> = lines.iter().map(|line| json(line)).collect();
    for (place, decision) in parsed.iter().enumerate() {
        assert_eq!(decision["seq"], place, "{decision}");
    }
    parsed
}

pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The digest of a run by its lines.
pub(crate) fn digest(lines: &[String]) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        let (body, _) = line.rsplit_once(r#","latency_ns":"#).expect("a line ends with its latency");
        hash.update(format!("{body}}}\n"));
    }
    let mut text = "sha256:".to_owned();
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("a String takes every text");
    }
    text
}

/// What was decided, without when: decisions but for their times and numbers, and without `lapse`, which only time
/// brings about.
pub(crate) fn timeless(lines: &[String]) -> Vec<String> {
    let kept = lines.iter().map(|line| json(line)).filter(|decision| decision["kind"] != "lapse");
    kept.map(|decision| without_times(decision).to_string()).collect()
}

/// A decision but for its times and number.
pub(crate) fn without_times(mut decision: Value) -> Value {
    let members = decision.as_object_mut().expect("a decision is an object");
    for member in ["seq", "recv_ns", "decided_ns", "expires_ms", "latency_ns"] {
        assert!(members.shift_remove(member).is_some(), "a decision has no {member}");
    }
    if let Some(price) = members.get_mut("ref_price").and_then(Value::as_object_mut) {
        assert!(price.shift_remove("seen_ns").is_some(), "a price was seen at some time");
    }
    decision
}

/// What the replay of a file decides on, without times.
pub(crate) fn replayed(input: &str, config: &str) -> Vec<String> {
    let found = timeless(&stoop(&["replay", input, "-c", config]).finish().expect(0).stdout);
    assert!(!found.is_empty(), "{input} decides nothing");
    found
}

/// Asserts that both are the same, and shows the first difference.
pub(crate) fn assert_same(found: &[String], expect: &[String]) {
    let pairs = found.iter().zip(expect);
    if let Some((place, (found, expect))) = pairs.enumerate().find(|(_, (found, expect))| found != expect) {
        panic!("decision {place} differs\n  found:  {found}\n  expect: {expect}");
    }
    assert_eq!(found.len(), expect.len(), "as many decisions");
}
