//! Decisions and prices for the tests of this crate.

use std::sync::Arc;

use rust_decimal::Decimal;
use stoop_model::{
    Basis, Decision, DecisionBody, DecisionId, DecisionKind, Group, Op, Platform, RuleLabel, Side, Trigger,
    TweetId, TweetKind,
};

use crate::prices::{Builder, Layout, Row, Series};

/// 2026-01-05 12:00 UTC, a whole minute.
pub(crate) const NOON_NS: i64 = 1_767_614_400_000_000_000;
pub(crate) const MINUTE_NS: i64 = 60_000_000_000;

/// The open number `number` of a rule, `ms` after noon.
pub(crate) fn decision(number: u64, ms: i64) -> Decision {
    let decided_ns = NOON_NS + ms * 1_000_000;
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let rule = RuleLabel {
        name: "test".to_owned(),
        hash: [7; 8],
        side: Side::Buy,
        destination: "default".to_owned(),
        params: "{}".to_owned(),
    };
    let body = DecisionBody {
        seq: number,
        id: DecisionId(id),
        signal_id: DecisionId(id),
        revision: 0,
        kind: DecisionKind::Open,
        basis: Basis::Content,
        reason: None,
        trigger: Trigger::Op(Op::Content),
        rule: Arc::new(rule),
        generation: 0,
        platform: Platform::parse("twitter"),
        tweet_id: TweetId::parse("2064689031777615872"),
        tweet_kind: TweetKind::Post,
        author: Some("fixture_author_of_posts".to_owned()),
        author_id: None,
        link: None,
        text: "a post, with a \"quote\"".to_owned(),
        matched: Vec::new(),
        asset: None,
        markets: Vec::new(),
        previous_asset: None,
        evidence: None,
        group: Group { index: 1, count: 1 },
        ref_price: None,
        late: false,
        created_ms: Some(decided_ns / 1_000_000 - 200),
        received_ms: None,
        sent_ms: None,
        recv_ns: decided_ns,
        decided_ns,
        expires_ms: decided_ns / 1_000_000 + 30_000,
    };
    Decision { body: Arc::new(body), latency: None, queued_ns: None }
}

/// The same with something changed.
pub(crate) fn with(decision: &Decision, change: impl FnOnce(&mut DecisionBody)) -> Decision {
    let mut body = (*decision.body).clone();
    change(&mut body);
    Decision { body: Arc::new(body), ..decision.clone() }
}

/// A number.
pub(crate) fn number(text: &str) -> Decimal {
    text.parse().expect("a number")
}

/// Minute bars from `minute` after noon on: open, high, low, close; `-` is one without trades, nothing is none.
pub(crate) fn bars(minute: i64, rows: &[&str]) -> Series {
    let mut builder = Builder::new(Layout::Klines, MINUTE_NS);
    for (minute, row) in (minute..).zip(rows).filter(|(_, row)| !row.is_empty()) {
        let numbers: Vec<Decimal> = row.split_whitespace().filter_map(|text| text.parse().ok()).collect();
        let [open, high, low, close] = numbers[..] else {
            builder.push(&kline(minute, [Decimal::ONE; 4], false)).expect("in order");
            continue;
        };
        builder.push(&kline(minute, [open, high, low, close], true)).expect("in order");
    }
    builder.finish()
}

fn kline(minute: i64, [open, high, low, close]: [Decimal; 4], has_traded: bool) -> Row {
    Row { at_ns: NOON_NS + minute * MINUTE_NS, open, high, low, close, has_traded, span_ns: MINUTE_NS }
}
