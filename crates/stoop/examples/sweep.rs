//! A parameter sweep: `sweep INPUT PRICES` backtests one rule with several cooldowns and prints what came of each.
//!
//! `cargo run --release -p stoop --example sweep --features backtest -- fixtures/study/tape.mcap fixtures/study/prices`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;

use stoop::Config;
use stoop::backtest::{Prices, Settings, replay};
use stoop::tape::Inputs;

const COOLDOWNS: [&str; 4] = ["1s", "1h", "6h", "24h"];
const HORIZON_MS: i64 = 300_000;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, prices] = &paths[..] else { return Err("usage: sweep INPUT PRICES".into()) };
    let prices = Prices::open(prices)?;
    println!("cooldown  opens  measured  won  median after costs");
    for cooldown in COOLDOWNS {
        let config = Config::parse(
            "sweep",
            &format!(
                r#"
                    [[rule]]
                    name = "token"
                    kinds = ["post", "quote", "reply"]
                    assets = {{ tokens = true }}
                    side = "buy"
                    cooldown = "{cooldown}"
                    cooldown_by = "asset"
                "#
            ),
        )?;
        let inputs = Inputs::open(std::slice::from_ref(input), Some(&config))?;
        let replayed = replay(inputs, |_| ControlFlow::Continue(()))?;
        let settings = Settings { horizons_ms: vec![HORIZON_MS], ..Settings::default() };
        let findings = replayed.measure(settings, &prices, |_| {})?;

        // Of later steps of a decision's life none counts: they are the same trade.
        let counts = |event: usize| findings.events[event].counts;
        let opens = findings.events.iter().filter(|event| event.counts).count();
        let outcomes = findings.outcomes.iter().filter(|outcome| counts(outcome.event));
        let mut returns: Vec<_> = outcomes.filter_map(|outcome| outcome.net).collect();
        returns.sort_unstable();
        let won = returns.iter().filter(|net| net.is_sign_positive()).count();
        let median = returns.get(returns.len() / 2).map_or("-".to_owned(), |net| format!("{net:.4}"));
        println!("{cooldown:>8}  {opens:>5}  {:>8}  {won:>3}  {median}", returns.len());
    }
    Ok(())
}
