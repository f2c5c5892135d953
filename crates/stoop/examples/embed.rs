//! The shortest host: `embed CONFIG [FRAMES]` prints what is decided, until it is ended or so many frames have come.
//!
//! The key is in the file that `[feed] key_file` names.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use stoop::{Config, Engine};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let config = Config::load(args.next().ok_or("usage: embed CONFIG [FRAMES]")?.as_ref())?;
    let frames = args.next().map_or(Ok(u64::MAX), |frames| frames.parse())?;
    let key = config.key()?.ok_or("[feed] key_file is not set")?;

    let engine = Engine::builder().config(config).key(key).max_frames(frames).start()?;
    for decision in engine.decisions() {
        engine.taken(&decision);
        println!("{} {} {:?}", decision.kind.as_str(), decision.rule.name, decision.text);
    }
    let end = engine.join().end;
    if end.is_failure() { Err(end.to_string().into()) } else { Ok(()) }
}
