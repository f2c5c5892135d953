//! `stoop record`: writes what the feed brings to tapes.

use stoop::{Engine, TapeOutput};

use crate::args::RecordArgs;
use crate::consume::{Aside, Sink, consume};
use crate::failure::{Failure, Outcome};
use crate::run::{GRACE, ended, last_in_json, load, start_failure};
use crate::{key, report, signals};

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
    let grace = config.drain_timeout.saturating_add(GRACE);
    let mut builder = Engine::builder().config(config).key(key).without_rules();
    if let Some(frames) = args.max_frames {
        builder = builder.max_frames(frames);
    }
    let signals = signals::hold()?;
    let engine = builder.start().map_err(start_failure)?;
    let remote = engine.remote();
    let caught = signals.watch(grace, move || remote.stop())?;
    let mut aside = Aside { lasting: args.lasting, ..Aside::default() };
    let consumed = consume(&engine, &mut Nowhere, &mut aside);
    let summary = engine.join();
    let outcome = consumed.and_then(|()| match caught.code() {
        Some(code) => Ok(code.into()),
        None => ended(&summary),
    });
    if args.json {
        return Ok(last_in_json(&summary, outcome));
    }
    if summary.counters.feed.opens > 0 {
        report::live(&summary, false);
    }
    outcome
}
