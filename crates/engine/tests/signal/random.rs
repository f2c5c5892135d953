//! Random frames: ticks change nothing, no decision twice, nothing after a cancel.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use stoop_engine::{Bounds, Input, Keeping, Origin, Receipt, Window};
use stoop_model::DecisionKind;

use super::{Run, ZERO_MS, config, json, nanos};

pub(super) const RULES: &str = r#"
    [[rule]]
    name = "any"
    any = ["a"]
    settle = "4ms"
    [[rule]]
    name = "tokens"
    assets = { tokens = true, addresses = true }
    settle = "7ms"
    ttl = "20ms"
    [[rule]]
    name = "branches"
    none = ["b"]
    any_of = [{ any = ["a"] }, { assets = { tokens = true, cex = true } }]
    max_age = "1s"
    [[rule]]
    name = "content"
    fire = "content"
    [[rule]]
    name = "enriched"
    fire = "enriched"
    wait = "5ms"
    [[rule]]
    name = "waits"
    fire = "enriched"
    wait = "6ms"
    on_timeout = "open"
    assets = { tokens = true }
    [[rule]]
    name = "keeps"
    assets = { tokens = true, cex = true, written = ["ticker", "capitals"], except = ["GH"] }
    on_unnamed = "keep"
    cooldown = "12ms"
    settle = "4ms"
    ttl = "3ms"
    [[rule]]
    name = "crowds"
    assets = { tokens = true, max = 1 }
    cooldown = "9ms"
    cooldown_by = "author"
    [[rule]]
    name = "rests"
    none = ["b"]
    cooldown = "5ms"
    cooldown_by = "rule"
    [[rule]]
    name = "emits"
    all = ["a"]
    emit = ["binance:ABUSDT"]
    [[alias]]
    terms = ["a"]
    market = "binance:ABUSDT"
"#;

const PAYLOADS: [&str; 16] = [
    r#"content "text":"a $AB and EF, GH""#,
    r#"update "text":"c EF""#,
    r#"content "text":"a $AB","createdAt":1700000000000"#,
    r#"content "text":"b $CD""#,
    r#"content "text":"7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr""#,
    r#"content "text":"a","author":{"handle":"@t","platform":"truth_social"}"#,
    r#"update "text":"a b""#,
    r#"update "text":"c $CD $AB""#,
    r#"update "link":"l","author":{"handle":"@ab"}"#,
    "meta",
    r#"meta "ocr":{"text":"a"},"detected":{"tokens":[{"symbol":"AB"}]}"#,
    r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"C","chain":"x"}]}"#,
    r#"meta "detected":{"tokens":[{"symbol":"AB","contract":"D"}],"cex":[{"exchange":"bybit","symbol":"CDUSDT"}]}"#,
    r#"meta "detected":{"tokens":[{"contract":"7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr"}]}"#,
    "delete",
    r#"pin "observedAt":5"#,
];

pub(super) fn bounds() -> Bounds {
    Bounds {
        window: Window { span_ns: 10_000_000, tweets: 3 },
        keeping: Keeping { open_ns: 30_000_000, tweets: 2 },
        ..Bounds::default()
    }
}

fn run(inputs: &[(f64, String)]) -> Run {
    let mut run = Run::new(RULES, bounds());
    for (at, input) in inputs {
        run.put((*at, input));
    }
    run
}

/// Frames of a few tweets, some at the same time, some half a window apart.
pub(super) fn inputs() -> impl Strategy<Value = Vec<(f64, String)>> {
    let frame = (
        prop_oneof![Just(0), 0_u32..4, Just(9_u32)],
        0_u8..5,
        prop::sample::select(&PAYLOADS[..]),
        any::<bool>(),
    );
    vec(frame, 1..60).prop_map(|frames| {
        let mut at = 0;
        let frames = frames.into_iter().enumerate().map(|(nonce, (step, id, payload, is_copy))| {
            at += step;
            let (op, members) = payload.split_once(' ').unwrap_or((payload, ""));
            let nonce = if is_copy { String::new() } else { format!("\"n\":{nonce}") };
            let comma = if members.is_empty() || is_copy { "" } else { "," };
            (f64::from(at), format!("{op}@{id} {members}{comma}{nonce}").trim_end().to_owned())
        });
        frames.collect()
    })
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn ticks_between_the_inputs_change_nothing(
        inputs in inputs(),
        ticks in vec((any::<prop::sample::Index>(), 0_u32..30), 0..40),
    ) {
        let plain = run(&inputs);
        let mut split = inputs.clone();
        for (index, tenths) in ticks {
            let at = index.index(split.len());
            let next = split.get(at + 1).map_or(f64::INFINITY, |(next, _)| *next);
            let time = (split[at].0 + f64::from(tenths) / 10.0).min(next);
            split.insert(at + 1, (time, "tick".to_owned()));
        }
        // The last time of both, so that the same deadlines are due.
        let end = split.last().map_or(0.0, |(at, _)| *at);
        let mut plain = plain;
        plain.put((end, "tick"));
        let split = run(&split);
        prop_assert_eq!(split.decisions, plain.decisions);
        prop_assert_eq!(split.pipeline.signal.counters(), plain.pipeline.signal.counters());
        prop_assert_eq!(split.pipeline.signal.remembered(), plain.pipeline.signal.remembered());
    }

    #[test]
    fn a_decision_lives_once_and_in_order(inputs in inputs()) {
        let mut run = run(&inputs);
        run.pipeline.handle(&Input::end(), &mut run.decisions);
        let mut lives = BTreeMap::new();
        for (line, seq) in run.decisions.iter().zip(0..) {
            prop_assert_eq!(line.seq, seq);
            // A tweet that was forgotten may come again; then its decisions begin anew.
            let before = lives.insert(line.id, (line.revision, line.kind, line.expires_ms, line.basis));
            if line.kind == DecisionKind::Open {
                prop_assert_eq!(line.revision, 0);
                continue;
            }
            let (revision, kind, expires_ms, basis) = before.expect("an open comes first");
            prop_assert_eq!((line.revision, line.expires_ms, line.basis), (revision + 1, expires_ms, basis));
            prop_assert_ne!(kind, DecisionKind::Cancel);
        }
        let (remembered, kept) = run.pipeline.signal.remembered();
        prop_assert!(kept <= 2 && remembered <= 5);
    }
}

/// Runs the frames, those that are late as history brings them.
fn run_late(rules: &str, inputs: &[(f64, String)], late: &[bool]) -> Run {
    let mut run = Run::new(rules, bounds());
    for ((at, input), is_late) in inputs.iter().zip(late.iter().cycle()) {
        let Run { pipeline, decisions } = &mut run;
        let origin = if *is_late { Origin::History } else { Origin::Endpoint(0) };
        let receipt = Receipt::At(ZERO_MS * 1_000_000 + nanos(*at));
        pipeline.handle(&Input::Frame { origin, bytes: json(*at, input), receipt }, decisions);
    }
    run
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn late_frames_lead_as_live_ones_where_rules_take_them_and_open_nothing_where_not(
        inputs in inputs(),
        late in vec(any::<bool>(), 1..8),
    ) {
        let taking = RULES.replace("[[rule]]", "[[rule]]\n    allow_late = true");
        let live = run_late(&taking, &inputs, &[false]);
        let mixed = run_late(&taking, &inputs, &late);
        let body = |decision: &stoop_model::Decision| {
            let mut body = stoop_model::DecisionBody::clone(&decision.body);
            body.late = false;
            format!("{body:?}")
        };
        let bodies = |run: &Run| run.decisions.iter().map(body).collect::<Vec<_>>();
        prop_assert_eq!(bodies(&mixed), bodies(&live));
        prop_assert!(!live.decisions.iter().any(|decision| decision.late));
        prop_assert_eq!(mixed.pipeline.signal.counters().missed, 0);
        let strict = run_late(RULES, &inputs, &late);
        let opens = |decision: &&stoop_model::Decision| decision.kind == DecisionKind::Open;
        prop_assert!(!strict.decisions.iter().filter(opens).any(|decision| decision.late));
    }
}
