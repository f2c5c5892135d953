//! What rules decide, as tables: rules, frames, the lines expected.

mod assets;
mod fire;
mod hash;
mod kept;
mod late;
mod layers;
mod life;
mod matching;
mod random;
mod restored;
mod rules;
mod strategy;
mod written;

use proptest::test_runner::{Config, RngSeed};
use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet};
use stoop_model::{Asset, AssetClass, Decision};

/// Time zero of the tables, Unix ms.
const ZERO_MS: i64 = 1_700_000_000_000;

/// A frame of a table: when it comes in ms after zero, and `op "member":value, …` of its payload, `op@id` for another
/// tweet than 7, or `tick`. A content has an author unless it names one.
type Row<'a> = (f64, &'a str);

/// The pipeline with what it has decided.
struct Run {
    pipeline: Pipeline,
    decisions: Vec<Decision>,
}

impl Run {
    fn new(rules: &str, bounds: Bounds) -> Self {
        let set = RuleSet::parse("r.toml", rules).unwrap_or_else(|errors| panic!("{errors}\n{rules}"));
        Self::of(set, bounds)
    }

    fn of(set: RuleSet, bounds: Bounds) -> Self {
        Self { pipeline: Pipeline::new(set, bounds, 0), decisions: Vec::new() }
    }

    fn put(&mut self, (at, input): Row<'_>) {
        let at_ns = ZERO_MS * 1_000_000 + nanos(at);
        if input == "tick" {
            return self.pipeline.handle(&Input::tick(at_ns), &mut self.decisions);
        }
        let frame = json(at, input);
        let bad = self.pipeline.intake.counters().bad_frames();
        self.pipeline.handle(&Input::frame(&frame, Receipt::At(at_ns)), &mut self.decisions);
        assert_eq!(self.pipeline.intake.counters().bad_frames(), bad, "{frame}");
    }

    /// The lines since the last call, as tables have them.
    fn lines(&mut self) -> Vec<String> {
        self.decisions.drain(..).map(|decision| short(&decision)).collect()
    }
}

fn nanos(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}

fn json(at: f64, input: &str) -> String {
    let (op, members) = input.split_once(' ').unwrap_or((input, ""));
    let (op, id) = op.split_once('@').unwrap_or((op, "7"));
    let author =
        if op == "content" && !members.contains("\"author\"") { r#","author":{"handle":"@ab"}"# } else { "" };
    let comma = if members.is_empty() { "" } else { "," };
    let ts = ZERO_MS + at as i64;
    format!(r#"{{"v":1,"t":"tweet","op":"{op}","ts":{ts},"d":{{"tweetId":"{id}"{author}{comma}{members}}}}}"#)
}

/// `ms kind asset trigger`, then the reason of a cancel, what a revise was about before, and the rule unless it is `r`.
fn short(decision: &Decision) -> String {
    let ns = decision.decided_ns - ZERO_MS * 1_000_000;
    let (ms, rest) = (ns / 1_000_000, ns % 1_000_000);
    let at = if rest == 0 { ms.to_string() } else { format!("{ms}.{rest:06}") };
    let reason = decision.reason.map_or(String::new(), |reason| format!(" {}", reason.as_str()));
    let was = match &decision.previous_asset {
        None if decision.kind.as_str() == "revise" => " was -".to_owned(),
        previous => previous.as_ref().map_or(String::new(), |asset| format!(" was {}", key(Some(asset)))),
    };
    let rule = Some(&decision.rule.name)
        .filter(|name| *name != "r")
        .map_or(String::new(), |name| format!(" of {name}"));
    let (kind, trigger) = (decision.kind.as_str(), decision.trigger.as_str());
    format!("{at} {kind} {} {trigger}{reason}{was}{rule}", key(decision.asset.as_ref()))
}

fn key(asset: Option<&Asset>) -> String {
    let Some(asset) = asset else { return "-".to_owned() };
    let text = |field: &Option<String>| field.clone().unwrap_or("-".to_owned());
    match asset.class {
        AssetClass::Cex | AssetClass::Prediction => {
            format!("{}:{}:{}", asset.class.as_str(), text(&asset.venue), text(&asset.market))
        }
        AssetClass::Token if asset.contract.is_some() => {
            format!("token:{}:{}", text(&asset.chain), text(&asset.contract))
        }
        AssetClass::Token | AssetClass::Ticker => format!("{}:{}", asset.class.as_str(), text(&asset.symbol)),
        AssetClass::Address => format!("address:{}", text(&asset.contract)),
    }
}

/// One rule named `r` unless the text has rules of its own.
fn rules_of(text: &str) -> String {
    if text.contains("[[rule]]") { text.to_owned() } else { format!("[[rule]]\nname = \"r\"\n{text}") }
}

/// Runs the frames, then time until nothing is due any more, and compares.
#[track_caller]
fn check(rules: &str, inputs: &[Row<'_>], expect: &[&str]) {
    let mut run = Run::new(&rules_of(rules), Bounds::default());
    for input in inputs {
        run.put(*input);
    }
    run.pipeline.handle(&Input::end(), &mut run.decisions);
    let consistent = run.decisions.iter().zip(0..).all(|(decision, seq)| decision.seq == seq);
    assert!(consistent, "seq has no gaps");
    let lines = run.lines();
    assert_eq!(lines, expect, "\n{rules}\n{inputs:#?}");
}

/// The rule opens on these frames or not.
#[track_caller]
fn opens(rules: &str, inputs: &[Row<'_>], expect: bool) {
    let mut run = Run::new(&rules_of(rules), Bounds::default());
    for input in inputs {
        run.put(*input);
    }
    let opened = run.decisions.iter().any(|decision| decision.kind.as_str() == "open");
    assert_eq!(opened, expect, "\n{rules}\n{inputs:#?}");
}

/// The rule opens on this one content or not.
#[track_caller]
fn on_content(rules: &str, members: &str, expect: bool) {
    opens(rules, &[(0.0, &format!("content {members}"))], expect);
}

/// The same cases every time, or those of `PROPTEST_RNG_SEED`.
#[expect(clippy::print_stdout, reason = "a random test prints its seed")]
fn config(cases: u32) -> Config {
    let given = Config { cases, failure_persistence: None, ..Config::default() };
    let rng_seed = if given.rng_seed == RngSeed::Random { RngSeed::Fixed(11) } else { given.rng_seed };
    println!("seed {rng_seed:?}");
    Config { rng_seed, ..given }
}
