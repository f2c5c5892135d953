//! A host that lives in tokio: `tokio_host CONFIG [FRAMES]` takes decisions into a bounded channel of tokio's, and
//! stops cleanly at Ctrl-C.
//!
//! The engine has a thread and a runtime of its own; a thread of tokio's pool waits at its queue, so that no task of
//! the host ever blocks. A slow host fills the channel, then the decision queue, and then `[queue] when_full` decides.
//!
//! The key is in the file that `[feed] key_file` names.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use stoop::model::Decision;
use stoop::{Config, Engine, Summary};
use tokio::sync::mpsc;

/// Decisions on their way from the pool's thread to the host. Few: the decision queue is the one that holds many.
const CHANNEL: usize = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let config = Config::load(args.next().ok_or("usage: tokio_host CONFIG [FRAMES]")?.as_ref())?;
    let frames = args.next().map_or(Ok(u64::MAX), |frames| frames.parse())?;
    let key = config.key()?.ok_or("[feed] key_file is not set")?;

    let engine = Engine::builder().config(config).key(key).max_frames(frames).start()?;
    let remote = engine.remote();
    let (sender, mut decisions) = mpsc::channel(CHANNEL);
    let taking = tokio::task::spawn_blocking(move || take(engine, &sender));

    // One for the whole loop: a signal that came between two of them would be lost.
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let mut is_stopping = false;
    let mut count = 0_u64;
    loop {
        tokio::select! {
            biased;
            // What has been decided still comes, then the channel ends.
            interrupted = &mut interrupt, if !is_stopping => {
                interrupted?;
                is_stopping = true;
                remote.stop();
            }
            decision = decisions.recv() => {
                let Some(decision) = decision else { break };
                count += 1;
                handle(&decision).await;
            }
        }
    }
    let summary = taking.await?;
    println!("{count} decisions of {} frames", summary.counters.intake.frames);
    let end = summary.end;
    if end.is_failure() { Err(end.to_string().into()) } else { Ok(()) }
}

/// Takes decisions until the engine has ended. Joins it here too: to wait for its end blocks, and so does to drop it.
fn take(engine: Engine, sender: &mpsc::Sender<Decision>) -> Summary {
    for decision in engine.decisions() {
        engine.taken(&decision);
        if sender.blocking_send(decision).is_err() {
            // The host has dropped its end. The queue is emptied all the same: a stop waits for room in it.
            engine.stop();
        }
    }
    engine.join()
}

/// Where a host would await a client of its own.
async fn handle(decision: &Decision) {
    println!("{} {} {:?}", decision.kind.as_str(), decision.rule.name, decision.text);
    tokio::task::yield_now().await;
}
