//! The end of the pipeline: measures, digests and queues what was decided.

use stoop_engine::{Change, Incident, Merged, Probe, Receipt, Signal, Stamp};
use stoop_latency::{Recorder, Spread, Stage};
use stoop_model::{Decision, Event, LatencyNs, Op};
use stoop_tape::Digest;

use crate::clock::Clock;
use crate::notice::{News, Notices};
use crate::recording::Tap;
use crate::remote::{Reply, Snapshot};
use crate::stages::gauge::Gauge;
use crate::stages::outbox::Outbox;

const MILLI_NS: i64 = 1_000_000;

/// When one element of a frame passed each stage, Unix ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    pub(crate) recv_ns: i64,
    pub(crate) decoded_ns: i64,
    pub(crate) merged_ns: i64,
    /// History has brought it: what it takes is not what a frame takes, and is not recorded.
    pub(crate) is_late: bool,
}

impl Marks {
    /// Of an input that is time alone.
    pub(crate) fn tick(at_ns: i64) -> Self {
        Self { recv_ns: at_ns, decoded_ns: at_ns, merged_ns: at_ns, is_late: false }
    }

    /// Of a frame that has just been received; in a replay nothing is measured.
    pub(crate) fn begin(receipt: Receipt) -> Self {
        match receipt {
            Receipt::At(recv_ns) => Self::tick(recv_ns),
            Receipt::Sent => Self::default(),
        }
    }
}

/// Where decisions leave the engine.
pub(crate) struct Exit {
    pub(crate) outbox: Outbox,
    pub(crate) recorder: Recorder,
    pub(crate) digest: Digest,
    pub(crate) clock: Clock,
    pub(crate) notices: Notices,
    was_holding: bool,
    /// How far behind the first copy those of each endpoint came, when the stages are called from here.
    pub(crate) lags: Vec<Spread>,
    /// Where decisions are recorded.
    pub(crate) tap: Option<Tap>,
    /// Latencies are measured; they are not in a replay.
    pub(crate) is_live: bool,
    /// Marks of the element at hand, when the stages are called from here.
    pub(crate) marks: Marks,
}

impl Exit {
    pub(crate) fn new(outbox: Outbox, clock: Clock, is_live: bool, notices: Notices) -> Self {
        Self {
            outbox,
            notices,
            was_holding: false,
            lags: Vec::new(),
            recorder: Recorder::new(),
            digest: Digest::default(),
            clock,
            tap: None,
            is_live,
            marks: Marks::default(),
        }
    }

    /// Hands over what one element of a frame has led to.
    pub(crate) fn deliver(&mut self, marks: Marks, decisions: &mut [Decision]) {
        if !self.is_live {
            return self.deliver_unmeasured(decisions);
        }
        let decided_ns = self.clock.now_ns();
        for decision in &mut *decisions {
            decision.latency = Some(LatencyNs {
                decode: span(marks.recv_ns, marks.decoded_ns),
                merge: span(marks.decoded_ns, marks.merged_ns),
                signal: span(marks.merged_ns, decided_ns),
                total: span(marks.recv_ns, decided_ns),
            });
            // The clock is read again for each decision: those of one frame are queued one after the other.
            let queued_ns = self.clock.now_ns();
            decision.queued_ns = Some(queued_ns);
            if self.outbox.offer(decision.clone()) && !marks.is_late {
                self.recorder.record(Stage::Queue, queued_ns - decided_ns);
                self.recorder.record(Stage::Total, queued_ns - marks.recv_ns);
            }
        }
        // After the queue, so that no decision waits for its own statistics.
        if !marks.is_late {
            self.recorder.record(Stage::Decode, marks.decoded_ns - marks.recv_ns);
            self.recorder.record(Stage::Merge, marks.merged_ns - marks.decoded_ns);
            self.recorder.record(Stage::Signal, decided_ns - marks.merged_ns);
        }
        for decision in decisions {
            self.note(decision);
        }
    }

    /// Takes note of a decision that has been handed over.
    fn note(&mut self, decision: &Decision) {
        self.digest.add(&decision.body);
        if let Some(tap) = &mut self.tap {
            tap.decision(decision);
        }
    }

    /// Hands over what a deadline or a command has led to.
    pub(crate) fn deliver_timed(&mut self, at_ns: i64, decisions: &mut [Decision]) {
        if !self.is_live {
            return self.deliver_unmeasured(decisions);
        }
        for decision in decisions {
            let now_ns = self.clock.now_ns();
            let total = span(at_ns, now_ns);
            // A tick is neither decoded nor merged. Nor is it recorded: the histograms count frames.
            decision.latency = Some(LatencyNs { decode: 0, merge: 0, signal: total, total });
            decision.queued_ns = Some(now_ns);
            self.outbox.offer(decision.clone());
            self.note(decision);
        }
    }

    fn deliver_unmeasured(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            self.digest.add(&decision.body);
            self.outbox.offer(decision.clone());
        }
    }

    /// Tells what the host should know, after the stages have worked.
    pub(crate) fn report(&mut self, signal: &mut Signal, gauge: &Gauge) {
        gauge.report(signal.deadline(), &self.outbox);
        let is_holding = self.outbox.is_holding();
        if self.is_live && is_holding != self.was_holding {
            self.was_holding = is_holding;
            self.notices
                .tell(self.clock.now_ns(), if is_holding { News::QueueFull } else { News::QueueFree });
        }
        if signal.has_missed() {
            for missed in signal.take_missed() {
                self.notices.tell(missed.decided_ns, News::Missed(Box::new(missed)));
            }
        }
        if signal.has_incidents() {
            for Incident { strategy, message, at_ns } in signal.take_incidents() {
                tracing::error!(
                    target: "stoop_live::exit", strategy, message, "a strategy panicked and is switched off"
                );
                gauge.switch_off(strategy.clone());
                self.notices.tell(at_ns, News::StrategyOff { strategy, message });
            }
        }
    }

    /// Answers a snapshot that has been through the other stages.
    pub(crate) fn answer(&mut self, mut snapshot: Snapshot, signal: &Signal) {
        snapshot.counters.of_signal(signal, self);
        if let Some(latency) = &mut snapshot.latency {
            std::mem::swap(latency, &mut self.recorder);
        }
        match snapshot.reply {
            Reply::Notice => self.notices.tell(self.clock.now_ns(), News::Status(snapshot.counters)),
            // The caller may have given up waiting.
            Reply::To(ref asker) => drop(asker.clone().try_send(snapshot)),
        }
    }

    /// Records the wall-clock stages of what was joined, except what history brought: it says nothing about the feed.
    pub(crate) fn observe(&mut self, merged: &[Merged]) {
        for merged in merged {
            if let Merged::Changed(change) = merged {
                self.observe_change(change);
            }
        }
    }

    fn observe_change(&mut self, change: &Change) {
        let view = &change.view;
        if change.arrival.is_late || view.is_late() {
            return;
        }
        if change.is_first_content {
            let sent_ms = change.arrival.sent_ms;
            let mut record = |stage, from: Option<i64>, to: Option<i64>| {
                if let (Some(from), Some(to)) = (from, to) {
                    self.recorder.record(stage, to.saturating_sub(from));
                }
            };
            let nanos = |ms: Option<i64>| ms.map(|ms| ms.saturating_mul(MILLI_NS));
            let (created, received, sent) =
                (nanos(view.created_ms()), nanos(view.received_ms()), nanos(sent_ms));
            record(Stage::CreatedReceived, created, received);
            record(Stage::ReceivedSent, received, sent);
            record(Stage::SentRecv, sent, Some(change.arrival.recv_ns));
        }
        // Whichever of the two comes second completes the pair, and counts once: metas may be repeated.
        let is_first_meta = change.op == Op::Meta && view.enriched_ns == Some(change.arrival.recv_ns);
        if (change.is_first_content || is_first_meta)
            && let (Some(content), Some(enriched_ns)) = (view.content, view.enriched_ns)
        {
            self.recorder.record(Stage::ContentMeta, enriched_ns - content.recv_ns);
        }
    }
}

/// Adds the lag of a copy to those of its endpoint.
pub(crate) fn record_lag(lags: &mut Vec<Spread>, origin: u8, lag_ns: i64) {
    let origin = usize::from(origin);
    if lags.len() <= origin {
        lags.resize_with(origin + 1, Spread::default);
    }
    lags[origin].record(lag_ns);
}

fn span(from_ns: i64, to_ns: i64) -> u64 {
    u64::try_from(to_ns - from_ns).unwrap_or(0)
}

impl Probe for Exit {
    fn copied(&mut self, endpoint: u8, lag_ns: i64) {
        record_lag(&mut self.lags, endpoint, lag_ns);
    }

    fn decoded(&mut self, event: &Event, stamp: Stamp) {
        self.marks.decoded_ns = self.clock.now_ns();
        self.notices.hear(event, stamp.now_ns);
    }

    fn merged(&mut self, merged: &[Merged], _: Stamp) {
        self.marks.merged_ns = self.clock.now_ns();
        self.observe(merged);
    }

    fn decided(&mut self, decisions: &mut [Decision], _: Stamp) {
        // The probe is called inside the pipeline, so that decisions leave before the next element of a batch is
        // decoded.
        self.deliver(self.marks, decisions);
        // The next element of a batch begins where this one ends.
        self.marks.recv_ns = self.clock.now_ns();
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};
    use stoop_engine::{Bounds, Input, Origin, Pipeline, RuleSet};

    use super::*;
    use crate::settings::WhenFull;

    fn opened() -> Vec<Decision> {
        let rules = RuleSet::parse("rules.toml", "[[rule]]\nname = \"all\"\n").unwrap();
        let mut pipeline = Pipeline::new(rules, Bounds::default(), 0);
        let mut decisions = Vec::new();
        let frame = br#"{"v":1,"t":"tweet","op":"content","d":{"tweetId":"1","text":"a"}}"#;
        pipeline.handle(&Input::frame(frame, Receipt::At(1)), &mut decisions);
        decisions
    }

    fn exit(is_live: bool) -> (Exit, Receiver<Decision>) {
        let (queue, taken) = bounded(4);
        (Exit::new(Outbox::new(queue, WhenFull::Hold), Clock::anchored(), is_live, Notices::new().0), taken)
    }

    fn count(exit: &Exit, stage: Stage) -> u64 {
        let table = exit.recorder.snapshot();
        table.rows().iter().filter(|row| row.stage == stage).map(|row| row.count).sum()
    }

    #[test]
    fn a_live_decision_carries_the_time_of_each_stage() {
        let (mut exit, taken) = exit(true);
        let now_ns = exit.clock.now_ns();
        let marks = Marks {
            recv_ns: now_ns - 600,
            decoded_ns: now_ns - 300,
            merged_ns: now_ns - 200,
            is_late: false,
        };
        exit.deliver(marks, &mut opened());
        let decision = taken.try_recv().unwrap();
        let latency = decision.latency.unwrap();
        assert_eq!((latency.decode, latency.merge), (300, 100));
        assert_eq!(latency.total, latency.decode + latency.merge + latency.signal);
        assert!(latency.signal >= 200 && decision.queued_ns >= Some(now_ns));
        let stages = [Stage::Decode, Stage::Merge, Stage::Signal, Stage::Queue, Stage::Total];
        assert_eq!(stages.map(|stage| count(&exit, stage)), [1; 5]);
    }

    #[test]
    fn an_element_that_decides_nothing_is_measured_up_to_the_decision() {
        let (mut exit, _taken) = exit(true);
        exit.deliver(Marks::tick(exit.clock.now_ns()), &mut []);
        assert_eq!([Stage::Signal, Stage::Queue].map(|stage| count(&exit, stage)), [1, 0]);
    }

    #[test]
    fn what_history_brings_is_delivered_and_not_recorded() {
        let (mut exit, taken) = exit(true);
        let rules = RuleSet::parse("rules.toml", "[[rule]]\nname = \"all\"\nallow_late = true\n").unwrap();
        let mut pipeline = Pipeline::with_probe(rules, Bounds::default(), 0, &mut exit);
        let now_ns = pipeline.probe.clock.now_ns();
        let content = br#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"1","text":"a","createdAt":1781095199900,"receivedAt":1781095200100}}"#;
        let meta = br#"{"v":1,"t":"tweet","op":"meta","ts":1781095200200,"d":{"tweetId":"1"}}"#;
        for (frame, origin) in [(&content[..], Origin::History), (&meta[..], Origin::Endpoint(0))] {
            let is_late = origin == Origin::History;
            pipeline.probe.marks = Marks { is_late, ..Marks::tick(now_ns) };
            let receipt = Receipt::At(now_ns);
            pipeline.handle(&Input::Frame { origin, bytes: frame, receipt }, &mut Vec::new());
        }
        let taken: Vec<Decision> = taken.try_iter().collect();
        assert!(taken.iter().all(|decision| decision.latency.is_some() && decision.late));
        assert_eq!(taken.len(), 2, "open and confirm");
        let wall = [Stage::CreatedReceived, Stage::ReceivedSent, Stage::SentRecv, Stage::ContentMeta];
        assert_eq!(wall.map(|stage| count(&exit, stage)), [0; 4]);
        assert_eq!([Stage::Decode, Stage::Merge].map(|stage| count(&exit, stage)), [1; 2], "of the meta");
        assert_eq!([Stage::Queue, Stage::Total].map(|stage| count(&exit, stage)), [1; 2]);
    }

    #[test]
    fn nothing_is_measured_in_a_replay() {
        let (mut exit, taken) = exit(false);
        exit.deliver(Marks::begin(Receipt::Sent), &mut opened());
        exit.deliver_timed(5, &mut opened());
        assert!(taken.try_iter().all(|decision| decision.latency.is_none() && decision.queued_ns.is_none()));
        assert_eq!([Stage::Decode, Stage::Total].map(|stage| count(&exit, stage)), [0, 0]);
    }

    #[test]
    fn the_digest_covers_what_was_decided_delivered_or_not() {
        let (mut live, taken) = exit(true);
        drop(taken);
        live.deliver(Marks::tick(0), &mut opened());
        live.deliver_timed(0, &mut opened());
        let (mut replayed, _taken) = exit(false);
        replayed.deliver(Marks::tick(0), &mut opened());
        replayed.deliver(Marks::tick(0), &mut opened());
        assert_eq!(live.digest.to_string(), replayed.digest.to_string());
        assert_eq!(live.digest.count(), 2);
    }
}
