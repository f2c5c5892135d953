//! A host with a strategy of its own: `momentum CONFIG [FRAMES]` decides on a token when three authors have named it
//! within ten minutes.
//!
//! `crowd.rs` holds the strategy and its tests. The rules of the configuration decide beside it.
//!
//! The key is in the file that `[feed] key_file` names.

#![expect(clippy::print_stdout, reason = "an example prints")]

mod crowd;

use std::error::Error;
use std::time::Duration;

use stoop::{Config, Engine};

use crate::crowd::Crowd;

const AUTHORS: usize = 3;
const SPAN: Duration = Duration::from_mins(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let config = Config::load(args.next().ok_or("usage: momentum CONFIG [FRAMES]")?.as_ref())?;
    let frames = args.next().map_or(Ok(u64::MAX), |frames| frames.parse())?;
    let key = config.key()?.ok_or("[feed] key_file is not set")?;

    let crowd = Crowd::new(AUTHORS, SPAN);
    let engine = Engine::builder().config(config).key(key).max_frames(frames).strategy(crowd).start()?;
    for decision in engine.decisions() {
        engine.taken(&decision);
        println!("{} {} {:?}", decision.kind.as_str(), decision.rule.name, decision.text);
    }
    let end = engine.join().end;
    if end.is_failure() { Err(end.to_string().into()) } else { Ok(()) }
}
