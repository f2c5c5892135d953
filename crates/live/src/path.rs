//! The way of a frame through the stages: called in place, or sent to actors.

use std::sync::Arc;

use stoop_engine::{Bounds, Pipeline, Receipt, RuleSet};
use stoop_model::{BadReason, Decision};
use tokio::sync::oneshot;

use crate::actors::{Drain, Entrance, Finish, RawFrame, Rejected, Tick};
use crate::exit::{Exit, Marks};
use crate::gauge::{Gauge, IN_FLIGHT};
use crate::guard::guarded;
use crate::settings::Placement;
use crate::summary::Summary;

/// Where the connection puts what it reads.
pub(crate) enum Path {
    /// Into the stages themselves.
    Fused(Box<Fused>),
    /// Into the mailbox of the decoder.
    Actors(Entrance),
}

/// The stages inside the connection actor.
pub(crate) struct Fused {
    pipeline: Pipeline,
    exit: Exit,
    gauge: Arc<Gauge>,
    decisions: Vec<Decision>,
}

impl Path {
    pub(crate) fn start(
        placement: Placement,
        rules: RuleSet,
        bounds: Bounds,
        start_ns: i64,
        exit: Exit,
        gauge: &Arc<Gauge>,
    ) -> Self {
        match placement {
            Placement::Fused => {
                let pipeline = Pipeline::new(rules, bounds, start_ns);
                Self::Fused(Box::new(Fused {
                    pipeline,
                    exit,
                    gauge: Arc::clone(gauge),
                    decisions: Vec::new(),
                }))
            }
            Placement::OneArbiter => Self::Actors(Entrance::start(rules, bounds, start_ns, exit, gauge)),
        }
    }

    /// Takes a frame.
    pub(crate) fn frame(&mut self, bytes: &[u8], receipt: Receipt) {
        match self {
            Self::Fused(fused) => fused.frame(bytes, receipt),
            Self::Actors(entrance) => {
                let mut buffer = entrance.pools.bytes.take();
                buffer.extend_from_slice(bytes);
                entrance.gauge.enter();
                entrance.decoder.do_send(RawFrame { bytes: buffer, receipt });
            }
        }
    }

    /// Counts a frame that was refused before it could be decoded.
    pub(crate) fn reject(&mut self, reason: BadReason, bytes: u64) {
        match self {
            Self::Fused(fused) => fused.pipeline.intake.rejected(reason, bytes),
            Self::Actors(entrance) => entrance.decoder.do_send(Rejected { reason, bytes }),
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, at_ns: i64) {
        match self {
            Self::Fused(fused) => fused.tick(at_ns),
            Self::Actors(entrance) => {
                entrance.gauge.enter();
                entrance.decoder.do_send(Tick { at_ns });
            }
        }
    }

    /// Looks whether there is room in the queue again; drops opens whose time to enter is over at `now_ns`.
    pub(crate) fn drain(&mut self, now_ns: i64) {
        match self {
            Self::Fused(fused) => {
                fused.exit.outbox.drain(now_ns);
                fused.report();
            }
            Self::Actors(entrance) => entrance.signal.do_send(Drain { now_ns }),
        }
    }

    /// The input has ended: lets every deadline fire.
    pub(crate) fn expire(&mut self) {
        self.tick(i64::MAX);
    }

    /// Another frame may enter.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Fused(_) => true,
            Self::Actors(entrance) => entrance.gauge.in_flight() < IN_FLIGHT,
        }
    }

    /// All that entered has been through.
    pub(crate) fn is_idle(&self) -> bool {
        match self {
            Self::Fused(_) => true,
            Self::Actors(entrance) => entrance.gauge.in_flight() == 0,
        }
    }

    /// Closes the queue and collects counters; they come on `done`.
    pub(crate) fn finish(&mut self, mut summary: Box<Summary>, done: oneshot::Sender<Box<Summary>>) {
        match self {
            Self::Fused(fused) => {
                summary.intake = *fused.pipeline.intake.counters();
                summary.merge = fused.pipeline.merge.counters();
                summary.window_tweets = fused.pipeline.merge.len();
                summary.finish_signal(&fused.pipeline.signal, &mut fused.exit);
                drop(done.send(summary));
            }
            Self::Actors(entrance) => entrance.decoder.do_send(Finish { summary, done }),
        }
    }
}

impl Fused {
    fn frame(&mut self, bytes: &[u8], receipt: Receipt) {
        let Self { pipeline, exit, gauge, decisions } = self;
        exit.marks = Marks::begin(receipt);
        guarded(gauge, "pipeline", || pipeline.frame(bytes, receipt, exit, decisions));
        self.decisions.clear();
        self.report();
    }

    fn tick(&mut self, at_ns: i64) {
        let Self { pipeline, exit, gauge, decisions } = self;
        guarded(gauge, "pipeline", || {
            pipeline.tick(at_ns, decisions);
            exit.deliver_late(at_ns, decisions);
        });
        self.decisions.clear();
        self.report();
    }

    fn report(&self) {
        let outbox = &self.exit.outbox;
        self.gauge.report(self.pipeline.deadline(), outbox);
    }
}
