//! Views to decisions, and decisions to the queue.

use std::sync::Arc;

use actix::{Actor, Context, Handler};
use stoop_engine::{Input, Signal};
use stoop_model::Decision;

use super::{Drain, Finish, Joined, Pools, Saving, Snapshot};
use crate::stages::exit::Exit;
use crate::stages::gauge::Gauge;
use crate::stages::guard::guarded;

/// Owns the rules and the sending end of the queue.
pub(crate) struct SignalActor {
    signal: Signal,
    exit: Exit,
    gauge: Arc<Gauge>,
    pools: Pools,
    decisions: Vec<Decision>,
}

impl SignalActor {
    pub(super) fn new(signal: Signal, exit: Exit, gauge: Arc<Gauge>, pools: Pools) -> Self {
        Self { signal, exit, gauge, pools, decisions: Vec::new() }
    }

    fn handle_input(&mut self, joined: &Joined) {
        let Joined { stamp, input, merged, marks, .. } = joined;
        let decisions = &mut self.decisions;
        match input {
            Input::Frame { .. } | Input::Rejected { .. } | Input::Tick { .. } => {
                self.signal.handle(merged, *stamp, decisions);
            }
            Input::Command { command, .. } => self.signal.command(command, merged, *stamp, decisions),
            Input::Gap { .. } => self.signal.gap(merged, *stamp, decisions),
            Input::Restored(state) => self.signal.restore(state),
        }
        if matches!(input, Input::Frame { .. }) {
            self.exit.deliver(*marks, decisions);
            // After the delivery: the histograms can wait, decisions cannot.
            self.exit.observe(merged);
        } else {
            self.exit.deliver_timed(marks.recv_ns, decisions);
        }
        self.decisions.clear();
    }

    fn report(&mut self) {
        self.exit.report(&mut self.signal, &self.gauge);
    }
}

impl Actor for SignalActor {
    type Context = Context<Self>;
}

impl Handler<Joined> for SignalActor {
    type Result = ();

    fn handle(&mut self, mut joined: Joined, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "signal", || self.handle_input(&joined));
        joined.merged.clear();
        self.pools.merged.put(joined.merged);
        self.report();
        if joined.is_last {
            self.gauge.leave();
        }
    }
}

impl Handler<Drain> for SignalActor {
    type Result = ();

    fn handle(&mut self, drain: Drain, _: &mut Context<Self>) {
        self.exit.outbox.drain(drain.now_ns);
        self.report();
    }
}

impl Handler<Snapshot> for SignalActor {
    type Result = ();

    fn handle(&mut self, snapshot: Snapshot, _: &mut Context<Self>) {
        self.exit.answer(snapshot, &self.signal);
    }
}

impl Handler<Saving> for SignalActor {
    type Result = ();

    fn handle(&mut self, mut saving: Saving, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "signal", || self.signal.save(saving.scope, &mut saving.save.state));
        // Callers never have more states on their way than their channel has room for.
        drop(saving.to.try_send(saving.save));
    }
}

impl Handler<Finish> for SignalActor {
    type Result = ();

    fn handle(&mut self, mut finish: Finish, _: &mut Context<Self>) {
        finish.summary.finish_signal(&self.signal, &mut self.exit);
        drop(finish.done.send(finish.summary));
    }
}
