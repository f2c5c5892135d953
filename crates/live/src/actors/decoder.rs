//! Bytes to events.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler};
use stoop_engine::{Element, Intake};
use stoop_latency::Spread;

use super::{Decoded, Finish, Input, MergeActor, Pools, RawFrame, Rejected, Saving, Snapshot, Tick, Told};
use crate::clock::Clock;
use crate::exit::{Marks, record_lag};
use crate::gauge::Gauge;
use crate::guard::guarded;
use crate::notice::Notices;
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

    fn take(&mut self, frame: &RawFrame) {
        let Self { intake, merge, clock, pools, notices, lags, .. } = self;
        let mut waiting: Option<Decoded> = None;
        let mut recv_ns = Marks::begin(frame.receipt).recv_ns;
        intake.frame_from(frame.origin, &frame.bytes, frame.receipt, |stamp, element| {
            let event = match element {
                Element::Event(event) => event,
                Element::Copy { endpoint, lag_ns } => return record_lag(lags, endpoint, lag_ns),
                Element::Bad(_) => return,
            };
            notices.hear(event, stamp.now_ns);
            let mut carried = pools.events.take();
            std::mem::swap(&mut *carried, event);
            let marks = Marks { recv_ns, decoded_ns: clock.now_ns(), merged_ns: 0, is_late: stamp.is_late };
            recv_ns = marks.decoded_ns;
            let next = Decoded { stamp, input: Input::Event(carried), marks, is_last: false };
            if let Some(before) = waiting.replace(next) {
                merge.do_send(before);
            }
        });
        match waiting {
            Some(last) => merge.do_send(Decoded { is_last: true, ..last }),
            None => self.gauge.leave(),
        }
    }
}

impl Actor for DecoderActor {
    type Context = Context<Self>;
}

impl Handler<RawFrame> for DecoderActor {
    type Result = ();

    fn handle(&mut self, mut frame: RawFrame, _: &mut Context<Self>) {
        let gauge = Arc::clone(&self.gauge);
        guarded(&gauge, "decoder", || self.take(&frame));
        frame.bytes.clear();
        self.pools.bytes.put(frame.bytes);
    }
}

impl Handler<Rejected> for DecoderActor {
    type Result = ();

    fn handle(&mut self, rejected: Rejected, _: &mut Context<Self>) {
        self.intake.rejected(rejected.reason, rejected.bytes);
    }
}

impl Handler<Tick> for DecoderActor {
    type Result = ();

    fn handle(&mut self, tick: Tick, _: &mut Context<Self>) {
        let stamp = self.intake.tick(tick.at_ns);
        self.merge.do_send(Decoded {
            stamp,
            input: Input::Tick,
            marks: Marks::tick(tick.at_ns),
            is_last: true,
        });
    }
}

impl Handler<Told> for DecoderActor {
    type Result = ();

    fn handle(&mut self, told: Told, _: &mut Context<Self>) {
        let stamp = self.intake.tick(told.at_ns);
        let input = Input::Command(Box::new(told.command));
        self.merge.do_send(Decoded { stamp, input, marks: Marks::tick(told.at_ns), is_last: true });
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
