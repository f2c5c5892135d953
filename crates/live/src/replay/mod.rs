//! Inputs from disk through the same stages.

use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use stoop_engine::{Bounds, Input, Intake, Origin, Pipeline, Receipt, RuleSet, Scope, State};
use stoop_model::{BadReason, Decision};
use stoop_tape::{Digest, Frames, InputError, Line};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::notice::Notices;
use crate::settings::{Placement, WhenFull};
use crate::stages::exit::Exit;
use crate::stages::gauge::Gauge;
use crate::stages::outbox::Outbox;
use crate::stages::path::Path;
use crate::summary::{Counters, End, Summary};

/// Decisions that wait for their consumer in a replay through actors.
const QUEUE: usize = 65_536;

/// How to replay.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Threads. The decisions are the same in each; `fused` is the fastest.
    pub placement: Placement,
    /// Bounds of the engine.
    pub bounds: Bounds,
    /// Multiple of real time; none: as fast as can be.
    pub speed: Option<f64>,
    /// Stop after this many frames.
    pub max_frames: Option<u64>,
    /// Stop after this much input time, ns.
    pub for_ns: Option<i64>,
    /// Begin with what an engine before this one remembered.
    pub state: Option<Arc<State>>,
    /// Leave what this one remembers in the summary. Deadlines that are not due at the end of the input are part of it
    /// and do not fire.
    pub keeps_state: bool,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self {
            placement: Placement::Fused,
            bounds: Bounds::default(),
            speed: None,
            max_frames: None,
            for_ns: None,
            state: None,
            keeps_state: false,
        }
    }
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An input could not be read to its end.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A stage panicked.
    #[error("internal error: {0}")]
    Panicked(String),
}

/// Replays frames through the stages; `each` takes every decision in order and may end the replay.
///
/// At the end of the input every deadline fires, however far off; not if `each` or a limit ends it.
pub fn replay(
    rules: RuleSet,
    frames: Frames,
    options: ReplayOptions,
    each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Summary, ReplayError> {
    let start_ns = match &options.state {
        Some(state) => state.head.now_ns.max(frames.start_ns()),
        None => frames.start_ns(),
    };
    let pacer = Pacer {
        speed: options.speed,
        clock: Clock::anchored(),
        start_ns,
        scout: Intake::new(Bounds { has_copies: false, ..options.bounds }, start_ns),
    };
    let placement = options.placement;
    let reader = Reader { frames, line: Vec::new(), count: 0, options, pacer };
    match placement {
        Placement::Fused => replay_fused(rules, reader, each),
        Placement::OneArbiter | Placement::PerActor => replay_actors(rules, reader, each),
    }
}

/// Frames with the limits and the pace asked for.
struct Reader {
    frames: Frames,
    line: Vec<u8>,
    count: u64,
    options: ReplayOptions,
    pacer: Pacer,
}

/// The reader's next item.
enum Next {
    /// The line is a frame.
    Frame,
    /// A line that was too long to keep, with its length in bytes.
    TooLong(u64),
    /// The input is over.
    End,
    /// A limit is reached.
    Limit,
}

impl Reader {
    fn next(&mut self) -> Result<Next, InputError> {
        if self.options.max_frames.is_some_and(|limit| self.count >= limit) {
            return Ok(Next::Limit);
        }
        let next = match self.frames.next(&mut self.line)? {
            Some(Line::Whole { .. }) => Next::Frame,
            Some(Line::TooLong { bytes, .. }) => Next::TooLong(bytes),
            None => return Ok(Next::End),
        };
        self.count += 1;
        if self.options.speed.is_some() || self.options.for_ns.is_some() {
            let passed_ns = self.pacer.look(&self.line);
            if self.options.for_ns.is_some_and(|limit_ns| passed_ns > limit_ns) {
                return Ok(Next::Limit);
            }
        }
        Ok(next)
    }
}

/// Finds the input time of a frame before it is played, and waits for it.
struct Pacer {
    speed: Option<f64>,
    clock: Clock,
    start_ns: i64,
    scout: Intake,
}

impl Pacer {
    /// Input time since the beginning of the input, ns.
    fn look(&mut self, frame: &[u8]) -> i64 {
        self.scout.frame(Origin::Endpoint(0), frame, Receipt::Sent, |_, _| {});
        self.scout.now_ns() - self.start_ns
    }

    /// Waits until the frame looked at last is due.
    fn wait(&self) {
        if let Some(speed) = self.speed {
            let passed_ns = (self.scout.now_ns() - self.start_ns) as f64;
            self.clock.wait_until(self.clock.anchor_ns().saturating_add((passed_ns / speed) as i64));
        }
    }
}

fn replay_fused(
    rules: RuleSet,
    mut reader: Reader,
    mut each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Summary, ReplayError> {
    let mut pipeline = Pipeline::new(rules, reader.options.bounds, reader.pacer.start_ns);
    let mut digest = Digest::default();
    let mut decisions = Vec::new();
    if let Some(state) = reader.options.state.take() {
        pipeline.handle(&Input::restored(state), &mut decisions);
    }
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() {
        let next = reader.next()?;
        match next {
            Next::Frame => {
                reader.pacer.wait();
                pipeline.handle(&Input::frame(&reader.line, Receipt::Sent), &mut decisions);
            }
            Next::TooLong(bytes) => pipeline.handle(&too_long(bytes), &mut decisions),
            Next::End if !reader.options.keeps_state => pipeline.handle(&Input::end(), &mut decisions),
            Next::End | Next::Limit => {}
        }
        for decision in decisions.drain(..) {
            digest.add(&decision.body);
            if flow.is_continue() {
                flow = each(&decision);
            }
        }
        if matches!(next, Next::End | Next::Limit) {
            break;
        }
    }
    let mut counters = Counters {
        intake: *pipeline.intake.counters(),
        signal: pipeline.signal.counters(),
        decisions: digest.count(),
        ..Counters::default()
    };
    counters.of_merge(&pipeline.merge);
    let state = reader.options.keeps_state.then(|| Box::new(pipeline.save(Scope::All)));
    Ok(Summary { counters, digest, state, ..Summary::default() })
}

fn too_long(bytes: u64) -> Input<&'static [u8]> {
    Input::Rejected { reason: BadReason::TooLong, bytes }
}

fn replay_actors(
    rules: RuleSet,
    reader: Reader,
    each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Summary, ReplayError> {
    let gauge = Arc::new(Gauge::new());
    let (queue, taken) = bounded(QUEUE);
    let exit = Exit::new(Outbox::new(queue, WhenFull::Hold), Clock::anchored(), false, Notices::new().0);
    let ReplayOptions { placement, bounds, .. } = reader.options;
    let (start_ns, state) = (reader.pacer.start_ns, reader.options.state.clone());
    let summary = actix::System::new().block_on(async move {
        let path = Path::start(placement, rules, bounds, start_ns, state, exit, &gauge);
        feed_actors(path, &gauge, reader, &taken, each).await
    })?;
    match summary.end {
        End::Panicked(message) => Err(ReplayError::Panicked(message)),
        End::Stopped | End::MaxFrames | End::ConsumerGone | End::Refused(_) => Ok(*summary),
    }
}

async fn feed_actors(
    mut path: Path,
    gauge: &Gauge,
    mut reader: Reader,
    taken: &Receiver<Decision>,
    mut each: impl FnMut(&Decision) -> ControlFlow<()>,
) -> Result<Box<Summary>, InputError> {
    let mut flow = ControlFlow::Continue(());
    while flow.is_continue() && !gauge.is_tripped() {
        let next = reader.next();
        match next {
            Ok(Next::Frame) => {
                if reader.options.speed.is_some() {
                    flow = settle(&mut path, gauge, taken, &mut each).await;
                    reader.pacer.wait();
                }
                path.enter(Input::frame(&reader.line, Receipt::Sent));
            }
            Ok(Next::TooLong(bytes)) => path.enter(too_long(bytes)),
            Ok(Next::End) if !reader.options.keeps_state => path.enter(Input::end()),
            Ok(Next::End | Next::Limit) | Err(_) => {}
        }
        let is_over = matches!(next, Ok(Next::End | Next::Limit) | Err(_));
        if !path.has_room() || is_over || reader.options.speed.is_some() {
            flow = if flow.is_continue() { settle(&mut path, gauge, taken, &mut each).await } else { flow };
        }
        // Only now: what was read before the damage is decided on, as when the stages are called in place.
        next?;
        if is_over {
            break;
        }
    }
    let (to, state) = bounded(1);
    if reader.options.keeps_state {
        path.save(Scope::All, None, to);
    }
    let (done, finished) = oneshot::channel();
    path.finish(Box::default(), done);
    let mut summary = finished.await.unwrap_or_default();
    summary.state = state.try_recv().ok().map(|save| Box::new(save.state));
    for decision in taken.try_iter() {
        if flow.is_continue() {
            flow = each(&decision);
        }
    }
    if let Some(message) = gauge.tripped() {
        summary.end = End::Panicked(message);
    }
    Ok(summary)
}

/// Lets the actors finish what is in flight, and hands over what they decided.
async fn settle(
    path: &mut Path,
    gauge: &Gauge,
    taken: &Receiver<Decision>,
    each: &mut impl FnMut(&Decision) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while (!path.is_idle() || gauge.is_holding() || !taken.is_empty()) && !gauge.is_tripped() {
        tokio::task::yield_now().await;
        for decision in taken.try_iter() {
            each(&decision)?;
        }
        if gauge.is_holding() {
            // Nothing is too old in a replay.
            path.drain(i64::MIN);
        }
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests;
