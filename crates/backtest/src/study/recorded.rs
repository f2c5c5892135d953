//! Latencies of the decisions that a live run has recorded, stage by stage.

use std::collections::BTreeSet;

use stoop_latency::{Recorder, Stage};
use stoop_model::{Decision, DecisionKind, Op, Trigger, TweetId};

use crate::findings::{Recorded, RecordedStage};

/// The stages that a decision line has latencies of.
const STAGES: [Stage; 7] = [
    Stage::Decode,
    Stage::Merge,
    Stage::Signal,
    Stage::Total,
    Stage::CreatedReceived,
    Stage::ReceivedSent,
    Stage::SentRecv,
];

/// Collects the decision lines of recordings.
#[derive(Debug, Default)]
pub(super) struct Lines {
    recorder: Recorder,
    /// Tweets whose way to the machine was recorded. Decisions of several rules on one tweet share one way.
    tweets: BTreeSet<TweetId>,
    counts: Recorded,
}

impl Lines {
    pub(super) fn add(&mut self, decision: &Decision) {
        self.counts.lines += 1;
        let Some(latency) = decision.latency else {
            self.counts.unmeasured += 1;
            return;
        };
        // Its latencies measure the back-fill, not the feed.
        if decision.late {
            self.counts.late += 1;
            return;
        }
        // A deadline or a message of the host brings no frame whose way could be measured.
        let Trigger::Op(op) = decision.trigger else {
            self.counts.untriggered += 1;
            return;
        };
        let stages = [
            (Stage::Decode, latency.decode),
            (Stage::Merge, latency.merge),
            (Stage::Signal, latency.signal),
            (Stage::Total, latency.total),
        ];
        for (stage, ns) in stages {
            self.recorder.record(stage, i64::try_from(ns).unwrap_or(i64::MAX));
        }
        // Creation and receipt belong to the content: on a later frame the difference would be its age.
        if op == Op::Content
            && decision.kind == DecisionKind::Open
            && self.tweets.insert(decision.tweet_id.clone())
        {
            self.way(decision);
        }
    }

    fn way(&mut self, decision: &Decision) {
        let nanos = |ms: Option<i64>| ms.map(|ms| ms.saturating_mul(1_000_000));
        let created = nanos(decision.created_ms);
        let (received, sent) = (nanos(decision.received_ms), nanos(decision.sent_ms));
        let spans = [
            (Stage::CreatedReceived, created, received),
            (Stage::ReceivedSent, received, sent),
            (Stage::SentRecv, sent, Some(decision.recv_ns)),
        ];
        for (stage, from, to) in spans {
            if let (Some(from), Some(to)) = (from, to) {
                // A negative difference is counted apart: it means that two clocks disagree.
                self.recorder.record(stage, to.saturating_sub(from));
            }
        }
    }

    pub(super) fn finish(self) -> Recorded {
        let table = self.recorder.snapshot();
        let stages = STAGES.map(|stage| RecordedStage { name: name(stage), row: *table.row(stage) });
        let stages = stages.into_iter().filter(|stage| stage.row.count + stage.row.negative > 0).collect();
        Recorded { stages, ..self.counts }
    }
}

/// A decision line ends with the decision, where the table of a run goes on to the queue.
fn name(stage: Stage) -> &'static str {
    if stage == Stage::Total { "recv→decided" } else { stage.name() }
}

#[cfg(test)]
mod tests {
    use stoop_model::LatencyNs;

    use super::*;
    use crate::made_up::{decision, with};

    fn measured(number: u64, decode: u64) -> Decision {
        let latency = Some(LatencyNs { decode, merge: 20, signal: 30, total: decode + 50 });
        Decision { latency, ..decision(number, 0) }
    }

    #[test]
    fn every_line_has_its_stages_and_every_tweet_its_way() {
        let mut lines = Lines::default();
        let first = with(&measured(1, 100), |body| {
            body.received_ms = body.created_ms.map(|ms| ms + 150);
            body.sent_ms = body.created_ms.map(|ms| ms + 190);
        });
        // A second rule on the same tweet, its confirm, a deadline, what history brought, and a line of a replay.
        lines.add(&first);
        lines.add(&with(&first, |body| body.id.0[0] = 9));
        lines.add(&with(&measured(1, 300), |body| {
            body.kind = DecisionKind::Confirm;
            body.trigger = Trigger::Op(Op::Meta);
        }));
        lines.add(&with(&measured(1, 0), |body| body.trigger = Trigger::Timeout));
        lines.add(&with(&measured(2, 7_000), |body| body.late = true));
        lines.add(&decision(3, 0));
        let found = lines.finish();
        assert_eq!((found.lines, found.unmeasured, found.untriggered, found.late), (6, 1, 1, 1));
        let rows: Vec<_> = found
            .stages
            .iter()
            .map(|RecordedStage { name, row }| (*name, row.count, row.p50.unwrap_or(0), row.max.unwrap_or(0)))
            .collect();
        let milli = 1_000_000;
        assert_eq!(
            rows[..4],
            [
                ("decode", 3, 100, 300),
                ("merge", 3, 20, 20),
                ("signal", 3, 30, 30),
                ("recv→decided", 3, 150, 350)
            ]
        );
        let way: Vec<_> = rows[4..].iter().map(|(name, count, _, max)| (*name, *count, *max)).collect();
        assert_eq!(
            way,
            [
                ("created→received", 1, 150 * milli),
                ("received→sent", 1, 40 * milli),
                ("sent→recv", 1, 10 * milli)
            ]
        );
    }

    #[test]
    fn nothing_recorded_has_no_stages() {
        assert_eq!(Lines::default().finish(), Recorded::default());
    }
}
