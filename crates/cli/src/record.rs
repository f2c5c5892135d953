//! `stoop record`: writes what the feed brings to tapes.

use stoop::{Engine, TapeOutput};

use crate::args::RecordArgs;
use crate::config::load;
use crate::consume::{Aside, Sink};
use crate::failure::{Failure, Outcome};
use crate::key;
use crate::live::Live;

/// Decisions are on the tape; nobody reads them here.
struct Nowhere;

impl Sink for Nowhere {
    fn take(&mut self, _: &stoop::model::Decision) -> Result<std::ops::ControlFlow<()>, Failure> {
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn tell(&mut self, _: &str) -> Result<std::ops::ControlFlow<()>, Failure> {
        Ok(std::ops::ControlFlow::Continue(()))
    }

    fn rest(&mut self) -> Result<std::ops::ControlFlow<()>, Failure> {
        Ok(std::ops::ControlFlow::Continue(()))
    }
}

pub(crate) fn record(args: &RecordArgs) -> Outcome {
    let mut config = load(&args.config)?;
    let dir = args.output.clone();
    config.tape = Some(match config.tape.take() {
        Some(tape) => TapeOutput { dir, ..tape },
        None => TapeOutput::to(dir),
    });
    // What is kept over a restart belongs to `stoop run`, whose decisions go somewhere.
    config.store = None;
    let key = key::key(&config)?;
    let engine = Live {
        drain_timeout: config.drain_timeout,
        builder: Engine::builder().config(config).key(key).without_rules(),
        max_frames: args.max_frames,
        json: args.json,
        sink: &mut Nowhere,
        aside: Aside { lasting: args.lasting, ..Aside::default() },
    };
    engine.run(|consumed, _, _, _| consumed)
}
