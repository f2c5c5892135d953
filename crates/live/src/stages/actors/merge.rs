//! Events to views.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use stoop_engine::{Input, Merge};

use super::{Decoded, Finish, Joined, Pools, Saving, SignalActor, Snapshot};
use crate::clock::Clock;
use crate::stages::gauge::Gauge;
use crate::stages::guard::guarded;

/// Owns the window.
pub(crate) struct MergeActor {
    merge: Merge,
    signal: Addr<SignalActor>,
    clock: Clock,
    gauge: Arc<Gauge>,
    pools: Pools,
}

impl MergeActor {
    pub(super) fn new(
        merge: Merge,
        signal: Addr<SignalActor>,
        clock: Clock,
        gauge: Arc<Gauge>,
        pools: Pools,
    ) -> Self {
        Self { merge, signal, clock, gauge, pools }
    }

    fn handle_input(&mut self, decoded: Decoded) {
        let Decoded { stamp, input, mut marks, is_last } = decoded;
        let mut merged = self.pools.merged.take();
        match &input {
            Input::Frame { bytes: event, .. } => {
                self.merge.handle(event, stamp, &mut merged);
                marks.merged_ns = self.clock.now_ns();
            }
            Input::Tick { .. } | Input::Gap { .. } => self.merge.wake(stamp.now_ns, &mut merged),
            Input::Command { command, .. } => self.merge.command(command, stamp.now_ns, &mut merged),
            Input::Restored(state) => self.merge.restore(state),
            // Counted by the decoder, and not sent on.
            Input::Rejected { .. } => {}
        }
        // Signal reads views only: the event goes back to its pool one hop earlier.
        let input = input.map(|event| self.pools.events.put(event));
        self.signal.do_send(Joined { stamp, input, merged, marks, is_last });
    }
}

impl Actor for MergeActor {
    type Context = Context<Self>;
}

impl Handler<Decoded> for MergeActor {
    type Result = ();

    fn handle(&mut self, decoded: Decoded, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "merge", || self.handle_input(decoded));
    }
}

impl Handler<Saving> for MergeActor {
    type Result = ();

    fn handle(&mut self, mut saving: Saving, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "merge", || self.merge.save(saving.scope, &mut saving.save.state));
        self.signal.do_send(saving);
    }
}

impl Handler<Finish> for MergeActor {
    type Result = ();

    fn handle(&mut self, mut finish: Finish, _: &mut Context<Self>) {
        finish.summary.counters.of_merge(&self.merge);
        self.signal.do_send(finish);
    }
}

impl Handler<Snapshot> for MergeActor {
    type Result = ();

    fn handle(&mut self, mut snapshot: Snapshot, _: &mut Context<Self>) {
        snapshot.counters.of_merge(&self.merge);
        self.signal.do_send(snapshot);
    }
}
