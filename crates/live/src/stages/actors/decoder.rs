//! Bytes to events.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use stoop_engine::{Element, Input, Intake, Origin, Receipt, Stamp};
use stoop_latency::Spread;
use stoop_model::Event;

use super::{Decoded, Entered, Finish, MergeActor, Pools, Saving, Snapshot};
use crate::clock::Clock;
use crate::notice::Notices;
use crate::stages::exit::{Marks, record_lag};
use crate::stages::gauge::Gauge;
use crate::stages::guard::guarded;
use crate::summary::add_lags;

/// Owns the intake: the decoder and the sequencer.
pub(crate) struct DecoderActor {
    intake: Intake,
    merge: Addr<MergeActor>,
    clock: Clock,
    gauge: Arc<Gauge>,
    pools: Pools,
    notices: Notices,
    /// How far behind the first copy those of each endpoint came.
    lags: Vec<Spread>,
}

impl DecoderActor {
    pub(super) fn new(
        intake: Intake,
        merge: Addr<MergeActor>,
        clock: Clock,
        gauge: Arc<Gauge>,
        pools: Pools,
        notices: Notices,
    ) -> Self {
        Self { intake, merge, clock, gauge, pools, notices, lags: Vec::new() }
    }

    fn handle_input(&mut self, input: Input<Vec<u8>>) {
        match input {
            Input::Frame { origin, mut bytes, receipt } => {
                self.decode(origin, &bytes, receipt);
                bytes.clear();
                self.pools.bytes.put(bytes);
            }
            Input::Rejected { reason, bytes } => self.intake.rejected(reason, bytes),
            Input::Tick { at_ns } => self.pass(at_ns, Input::Tick { at_ns }),
            Input::Command { command, at_ns } => self.pass(at_ns, Input::Command { command, at_ns }),
            Input::Gap { gap, at_ns } => self.pass(at_ns, Input::Gap { gap, at_ns }),
            Input::Restored(state) => {
                self.intake.restore(&state);
                // It sets the place and time of the next input, and has no place itself.
                let now_ns = self.intake.now_ns();
                let stamp = Stamp { seq: state.head.inputs, now_ns, is_late: false };
                self.send(now_ns, stamp, Input::Restored(state));
            }
        }
    }

    fn pass(&mut self, at_ns: i64, input: Input<Box<Event>>) {
        let stamp = self.intake.stamp(at_ns);
        self.send(at_ns, stamp, input);
    }

    fn send(&self, at_ns: i64, stamp: Stamp, input: Input<Box<Event>>) {
        self.merge.do_send(Decoded { stamp, input, marks: Marks::tick(at_ns), is_last: true });
    }

    fn decode(&mut self, origin: Origin, bytes: &[u8], receipt: Receipt) {
        let Self { intake, merge, clock, pools, notices, lags, .. } = self;
        // One element is kept back, since only the last of a frame may say so, and a batch does not tell how long it
        // is.
        let mut waiting: Option<Decoded> = None;
        let mut recv_ns = Marks::begin(receipt).recv_ns;
        intake.frame(origin, bytes, receipt, |stamp, element| {
            let event = match element {
                Element::Event(event) => event,
                Element::Copy { endpoint, lag_ns } => return record_lag(lags, endpoint, lag_ns),
                Element::Bad(_) => return,
            };
            notices.hear(event, stamp.now_ns);
            // Swapped with a used one: the decoder gets memory for its next event, and nothing is copied.
            let mut carried = pools.events.take();
            std::mem::swap(&mut *carried, event);
            let marks = Marks { recv_ns, decoded_ns: clock.now_ns(), merged_ns: 0, is_late: stamp.is_late };
            // The next element of a batch begins where this one ends, or each would count the time of all before it.
            recv_ns = marks.decoded_ns;
            let input = Input::Frame { origin, bytes: carried, receipt };
            let next = Decoded { stamp, input, marks, is_last: false };
            if let Some(before) = waiting.replace(next) {
                merge.do_send(before);
            }
        });
        match waiting {
            Some(last) => merge.do_send(Decoded { is_last: true, ..last }),
            // Nothing goes on to merge, so the frame leaves the pipeline here.
            None => self.gauge.leave(),
        }
    }
}

impl Actor for DecoderActor {
    type Context = Context<Self>;
}

impl Handler<Entered> for DecoderActor {
    type Result = ();

    fn handle(&mut self, Entered(input): Entered, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "decoder", || self.handle_input(input));
    }
}

impl Handler<Snapshot> for DecoderActor {
    type Result = ();

    fn handle(&mut self, mut snapshot: Snapshot, _: &mut Context<Self>) {
        snapshot.counters.intake = *self.intake.counters();
        add_lags(&mut snapshot.endpoints, &self.lags);
        self.merge.do_send(snapshot);
    }
}

impl Handler<Saving> for DecoderActor {
    type Result = ();

    fn handle(&mut self, mut saving: Saving, _: &mut Context<Self>) {
        self.intake.save(&mut saving.save.state);
        self.merge.do_send(saving);
    }
}

impl Handler<Finish> for DecoderActor {
    type Result = ();

    fn handle(&mut self, mut finish: Finish, _: &mut Context<Self>) {
        finish.summary.counters.intake = *self.intake.counters();
        add_lags(&mut finish.summary.endpoints, &self.lags);
        self.merge.do_send(finish);
    }
}
