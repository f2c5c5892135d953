//! Events to views.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use stoop_engine::Merge;

use super::{Decoded, Finish, Input, Joined, Pools, Saving, SignalActor, Snapshot};
use crate::clock::Clock;
use crate::gauge::Gauge;
use crate::guard::guarded;

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

    fn take(&mut self, decoded: Decoded) {
        let Decoded { stamp, input, mut marks, is_last } = decoded;
        let mut merged = self.pools.merged.take();
        let is_late = !matches!(input, Input::Event(_));
        let mut command = None;
        match input {
            Input::Event(event) => {
                self.merge.handle(&event, stamp, &mut merged);
                marks.merged_ns = self.clock.now_ns();
                self.pools.events.put(event);
            }
            Input::Tick => self.merge.wake(stamp.now_ns, &mut merged),
            Input::Command(told) => {
                self.merge.command(&told, stamp.now_ns, &mut merged);
                command = Some(told);
            }
        }
        self.signal.do_send(Joined { stamp, merged, marks, is_last, is_late, command });
    }
}

impl Actor for MergeActor {
    type Context = Context<Self>;
}

impl Handler<Decoded> for MergeActor {
    type Result = ();

    fn handle(&mut self, decoded: Decoded, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "merge", || self.take(decoded));
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
