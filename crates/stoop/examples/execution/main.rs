//! A consumer that plays an execution layer: `execution CONFIG [FRAMES]` says what it would do, and places no order.
//!
//! It has a thread of its own. Each decision goes to the desk that its `destination` names; a rule with another is
//! refused before anything starts. `book.rs` holds what is worth copying: each `id` and `revision` is acted on once, no
//! open after `expires_ms`, a revise replaces, a cancel undoes.
//!
//! The key is in the file that `[feed] key_file` names.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod book;

use std::error::Error;

use stoop::latency::Clock;
use stoop::model::{Asset, Decision};
use stoop::{Config, Engine};

use crate::book::{Action, Book};

/// The desks there are. A real one would hold a client of an exchange, its limits and its positions.
const DESKS: [&str; 4] = ["default", "listings", "perpetuals", "risk"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let config = Config::load(args.next().ok_or("usage: execution CONFIG [FRAMES]")?.as_ref())?;
    let frames = args.next().map_or(Ok(u64::MAX), |frames| frames.parse())?;
    for rule in config.rules()?.rules() {
        let (name, destination) = (&rule.label.name, &rule.label.destination);
        if !DESKS.contains(&destination.as_str()) {
            return Err(format!("rule {name:?}: there is no desk {destination:?}").into());
        }
    }
    let key = config.key()?.ok_or("[feed] key_file is not set")?;

    let engine = Engine::builder().config(config).key(key).max_frames(frames).start()?;
    std::thread::scope(|scope| {
        let body = || consume(&engine);
        std::thread::Builder::new().name("execution".to_owned()).spawn_scoped(scope, body).map(|_| ())
    })?;
    let summary = engine.join();
    let lost = summary.counters.queue.expired
        + summary.counters.queue.dropped_opens
        + summary.counters.queue.dropped_followers;
    println!("{} decisions queued, {lost} lost", summary.counters.queue.queued);
    let end = summary.end;
    if end.is_failure() { Err(end.to_string().into()) } else { Ok(()) }
}

/// Acts on decisions until the engine has ended.
fn consume(engine: &Engine) {
    let clock = Clock::anchored();
    let mut book = Book::default();
    let mut next_seq = 0;
    for decision in engine.decisions() {
        engine.taken(&decision);
        if decision.seq > next_seq {
            println!("lost: {next_seq} to {}", decision.seq - 1);
        }
        next_seq = decision.seq + 1;
        let action = book.act(&decision, clock.now_ns() / 1_000_000);
        println!("[{}] {}", decision.rule.destination, order(&decision, action));
    }
}

/// The order as a person would say it.
fn order(decision: &Decision, action: Action) -> String {
    let (side, about) = (decision.rule.side.as_str(), name(decision.asset.as_ref()));
    let tag = format!("({} revision {})", decision.id, decision.revision);
    match action {
        Action::Enter => format!("enter: {side} {about} {tag}"),
        Action::Replace => {
            format!("replace: {side} {about} instead of {} {tag}", name(decision.previous_asset.as_ref()))
        }
        Action::Undo => format!("undo: {side} of {tag}"),
        Action::Tell => format!("tell: {} {:?} {tag}", decision.kind.as_str(), decision.text),
        Action::Keep => format!("keep: {} {tag}", decision.kind.as_str()),
        Action::Pass(why) => format!("pass: {why:?} {tag}"),
    }
}

/// Names in an asset are other people's texts: what a terminal would obey is escaped.
fn name(asset: Option<&Asset>) -> String {
    let Some(asset) = asset else { return "nothing".to_owned() };
    let named = [&asset.venue, &asset.market, &asset.symbol, &asset.chain, &asset.contract];
    let parts: Vec<String> =
        named.into_iter().flatten().map(|part| part.escape_debug().to_string()).collect();
    parts.join(" ")
}
