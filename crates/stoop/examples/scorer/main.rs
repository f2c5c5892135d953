//! A host with a model beside the engine: `scorer CONFIG [FRAMES]` asks it about every post, and decides on those it
//! finds good.
//!
//! The model here counts words. A real one would be a call over the network, by as many threads as it takes.
//! `scored.rs` holds the strategy and its tests.
//!
//! The key is in the file that `[feed] key_file` names.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod scored;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoop::crossbeam_channel::{Receiver, bounded};
use stoop::{Config, Engine, Remote, SendError};

use crate::scored::{Ask, Scored};

/// Questions that wait for the model; more are not asked.
const QUESTIONS: usize = 256;
/// Words of a post worth deciding on.
const LEAST: u32 = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let config = Config::load(args.next().ok_or("usage: scorer CONFIG [FRAMES]")?.as_ref())?;
    let frames = args.next().map_or(Ok(u64::MAX), |frames| frames.parse())?;
    let key = config.key()?.ok_or("[feed] key_file is not set")?;

    let (asks, asked) = bounded(QUESTIONS);
    let unasked = Arc::new(AtomicU64::new(0));
    let scored = Scored::new(LEAST, asks, Arc::clone(&unasked));
    let engine = Engine::builder().config(config).key(key).max_frames(frames).strategy(scored).start()?;
    let remote = engine.remote();
    std::thread::scope(|scope| {
        // Ends when the engine does: the strategy goes with it, and so does the sender.
        let model = || answer(&asked, &remote);
        std::thread::Builder::new().name("model".to_owned()).spawn_scoped(scope, model)?;
        for decision in engine.decisions() {
            engine.taken(&decision);
            let (kind, trigger) = (decision.kind.as_str(), decision.trigger.as_str());
            println!("{kind} {} by {trigger} {:?}", decision.rule.name, decision.text);
        }
        std::io::Result::Ok(())
    })?;
    println!("{} posts not scored", unasked.load(Ordering::Relaxed));
    let end = engine.join().end;
    if end.is_failure() { Err(end.to_string().into()) } else { Ok(()) }
}

/// Answers questions until there are no more.
fn answer(asked: &Receiver<Ask>, remote: &Remote) {
    for ask in asked {
        let score = ask.text.split_whitespace().count() as u32;
        match remote.send(ask.answer(score)) {
            // `Full`: an answer is lost. A host that must not lose one keeps it and tells it again.
            Ok(()) | Err(SendError::Full | SendError::TooLong) => {}
            Err(SendError::Ended) => return,
        }
    }
}
