//! What must hold of every run.

use stoop_engine::{Bounds, Input, Pipeline};
use stoop_feed::State;
use stoop_model::{Decision, DecisionId, DecisionKind, HashMap, HashSet};

use super::dice::{MILLI, SECOND};
use super::path::rules;
use super::scenario::{START_NS, nanos};
use super::story::Part;
use super::world::World;
use crate::notice::BackfillEnd;
use crate::settings::WhenFull;

impl World {
    /// Trouble is long over: an endpoint that was neither refused for good nor left out is connected.
    pub(super) fn check_reopened(&self) {
        for at in 0..self.watches.len() {
            let state = self.state(at);
            let is_wanted = !self.watches[at].is_fatal && !self.ledger.left_out[at];
            assert!(state.is_open() || !is_wanted, "#{at} is still {state}");
        }
    }

    pub(super) fn check(&mut self) {
        self.check_process();
        self.check_endpoints();
        self.check_frames();
        self.check_filled();
        let decided: Vec<Decision> =
            self.past.decided.iter().chain(&self.client.path.decided).cloned().collect();
        check_lives(&decided, self.past.has_forgotten);
        self.check_repeated(&decided);
        self.check_delivery();
        self.check_kept(decided.len() as u64);
    }

    /// A run that was stopped leaves all it knows.
    fn check_kept(&self, decided: u64) {
        if let Some(keeper) = &self.client.keeper {
            assert_eq!(keeper.last(), Some(decided), "the last state is not kept");
        }
    }

    /// What must hold of a process however it ends.
    pub(super) fn check_process(&mut self) {
        self.ledger.check(self.now_ns);
        let merge = self.client.path.pipeline.merge.counters();
        self.past.has_forgotten |= merge.left + merge.pushed_out + merge.frames_over > 0;
        self.check_tapes();
        self.past.filled += self.ledger.filled.len() as u64;
        self.past.gaps += self.ledger.gaps.len() as u64;
        let (link, feed) = self.client.pump.count();
        let gap_ns: i64 = self.ledger.gaps.iter().map(|(from_ns, to_ns)| to_ns - from_ns).sum();
        assert_eq!((feed.gaps, feed.gap_ns), (self.ledger.gaps.len() as u64, gap_ns));
        assert_eq!(link.is_up, self.ledger.is_up);
        let dials: u64 = self.watches.iter().map(|watch| watch.dials).sum();
        assert_eq!(feed.dials, dials);
        assert!(self.client.taken.iter().map(|decision| decision.seq).is_sorted_by(|one, two| one < two));
    }

    fn check_endpoints(&self) {
        for (at, watch) in self.watches.iter().enumerate() {
            let expect = if watch.is_fatal { State::Fatal } else { State::Stopped };
            assert_eq!(self.state(at), expect, "#{at}");
            let snapshot = self.client.pump.snapshot(at);
            assert_eq!((snapshot.dials, snapshot.strays), (watch.dials, 0), "#{at}");
            if self.ledger.left_out[at] {
                assert_eq!(snapshot.dials, 0, "#{at} was left out");
            } else if self.scenario.endpoints[at].is_empty() && !self.is_early() {
                assert_eq!((snapshot.dials, snapshot.opens), (1, 1), "#{at} had no trouble");
            }
        }
        let limit_ns = self.scenario.stop_ns + nanos(self.scenario.settings.close_timeout) + SECOND;
        assert!(self.closed_ns <= limit_ns, "took too long to stop");
        if let Some(most) = self.scenario.max_frames {
            let frames: u64 = self.client.pump.reports().iter().map(|report| report.frames).sum();
            assert!(frames <= most, "{frames} frames of {most} have entered");
            assert_eq!(frames == most, self.is_early());
        }
    }

    /// An endpoint brings all that is sent while it is without trouble.
    fn check_frames(&self) {
        for (at, watch) in self.watches.iter().enumerate() {
            if watch.is_fatal || self.ledger.left_out[at] || self.is_early() {
                continue;
            }
            // The first dial takes no longer than that, and that of another endpoint waits for the plan.
            let is_steady = self.scenario.endpoints[at].is_empty() && self.past.crashes == 0;
            let from_ns =
                if is_steady && at == 0 { START_NS + 3 * SECOND } else { self.scenario.reopened_ns };
            for (frame, sent) in self.story.iter().enumerate() {
                let is_missing = sent.at_ns > from_ns && watch.frames[frame].is_none();
                assert!(!is_missing, "#{at} is open and has not brought {:?}", sent.bytes);
            }
        }
    }

    /// Of a gap that history has filled wholly no tweet is missing.
    fn check_filled(&self) {
        let mut frames: HashSet<&[u8]> = HashSet::default();
        for input in self.past.inputs.iter().chain(&self.client.path.inputs) {
            if let Input::Frame { bytes, .. } = input {
                frames.insert(bytes);
            }
        }
        for filled in self.ledger.filled.iter().filter(|filled| filled.end == BackfillEnd::Whole) {
            let span = filled.from_ns..=filled.to_ns;
            let firsts = self.story.iter().enumerate().filter(|(_, sent)| span.contains(&sent.at_ns));
            for (index, sent) in firsts.filter(|(_, sent)| sent.part == Part::Content) {
                let is_first =
                    |other: &super::story::Sent| other.tweet != sent.tweet || other.part != Part::Content;
                let is_missing = self.story[..index].iter().all(is_first) && !frames.contains(&*sent.bytes);
                assert!(!is_missing, "{filled:?} and tweet {} has not come", sent.tweet);
            }
        }
    }

    /// The same inputs, at the same times and without a tick between them, decide the same: whether the process that
    /// took them was one, or went on from what another one had kept.
    fn check_repeated(&self, expect: &[Decision]) {
        let has_copies = self.scenario.bounds.has_copies;
        // What merge has forgotten, a copy that only the memory of copies knows of would begin again.
        if self.past.crashes == 0 || !has_copies || !self.past.has_forgotten {
            assert_same(&self.repeat(self.scenario.bounds), expect);
        }
        if has_copies && !self.past.has_forgotten {
            // As long as merge remembers every tweet, a copy is a duplicate.
            assert_same(&self.repeat(Bounds { has_copies: false, ..self.scenario.bounds }), expect);
        }
    }

    fn repeat(&self, bounds: Bounds) -> Vec<Decision> {
        let mut pipeline = Pipeline::new(rules(), bounds, START_NS);
        let mut decided = Vec::new();
        let inputs: Vec<_> = self.past.inputs.iter().chain(&self.client.path.inputs).collect();
        let is_tick = |input: &Input<_>| matches!(input, Input::Tick { .. });
        // The last one stays: deadlines that it fired may have no frame after them that would.
        let last_tick = inputs.iter().rposition(|input| is_tick(input));
        for (index, input) in inputs.into_iter().enumerate() {
            if Some(index) == last_tick || !is_tick(input) {
                pipeline.handle(input, &mut decided);
            }
        }
        decided
    }

    /// All that was decided came in order, or is accounted for.
    fn check_delivery(&self) {
        let counters = self.client.path.outbox.counters();
        let decided = &self.client.path.decided;
        let all_taken = &self.client.taken;
        let base = self.past.decided.len() as u64;
        assert!(decided.iter().map(|decision| decision.seq).eq(base..base + decided.len() as u64));
        let tail = decided.len().saturating_sub(self.client.path.last) as u64;
        assert!(counters.undelivered <= tail, "the consumer reads on");
        assert_eq!(counters.queued, all_taken.len() as u64);
        let missing =
            counters.expired + counters.dropped_opens + counters.dropped_followers + counters.undelivered;
        assert_eq!(counters.queued + missing, decided.len() as u64, "{counters:?}");
        let mut taken = all_taken.iter().peekable();
        let mut dropped: HashSet<DecisionId> = HashSet::default();
        let (mut opens, mut again) = (0, 0);
        for (index, decision) in decided.iter().enumerate() {
            let is_open = decision.kind == DecisionKind::Open;
            if taken.next_if(|taken| taken.body == decision.body).is_some() {
                if is_open {
                    dropped.remove(&decision.id);
                }
                assert!(!dropped.contains(&decision.id), "the open of {decision:?} did not come");
            } else if index >= self.client.path.last {
                // It was dropped, or held back when the run ended.
            } else if is_open {
                let is_again = !dropped.insert(decision.id);
                opens += 1;
                again += u64::from(is_again);
                let may_expire = decision.expires_ms * MILLI < self.now_ns;
                let may_drop = is_again || self.scenario.when_full == WhenFull::DropNewest;
                assert!(may_expire || may_drop, "a full queue has lost {decision:?}");
            } else {
                assert!(dropped.contains(&decision.id), "its open came, but not {decision:?}");
            }
        }
        assert_eq!(taken.next(), None);
        let dropped_opens = counters.expired + counters.dropped_opens;
        assert!((opens..=opens + tail).contains(&dropped_opens), "{opens} opens are missing: {counters:?}");
        if self.scenario.when_full == WhenFull::Hold {
            let may_be_again = again..=again + tail;
            assert!(
                may_be_again.contains(&counters.dropped_opens),
                "there is room to hold back all of a run"
            );
        }
        assert!(counters.full > 0 || missing == 0, "lost without a full queue: {counters:?}");
    }
}

/// Decisions are the same, except for the time at which they were handed over.
pub(super) fn assert_same(decided: &[Decision], expect: &[Decision]) {
    for (one, two) in decided.iter().zip(expect) {
        assert_eq!(one.body, two.body);
    }
    assert_eq!(decided.len(), expect.len());
}

/// Each life begins with an open, counts up and ends with its cancel. A tweet without a standing decision that has been
/// forgotten is a new one.
fn check_lives(decided: &[Decision], may_forget: bool) {
    let mut lives: HashMap<DecisionId, &Decision> = HashMap::default();
    for decision in decided {
        let is_open = decision.kind == DecisionKind::Open;
        let last = lives.insert(decision.id, decision);
        let last = last.filter(|last| !(may_forget && is_open && last.kind == DecisionKind::Cancel));
        assert_eq!(last.is_none(), is_open, "opened once, and first: {decision:?}");
        let next = last.map_or(0, |last| last.revision + 1);
        assert_eq!(decision.revision, next, "{decision:?}");
        let is_over = last.is_some_and(|last| last.kind == DecisionKind::Cancel);
        assert!(!is_over, "{decision:?} follows a cancel");
        let is_back = last.is_some_and(|last| last.decided_ns > decision.decided_ns);
        assert!(!is_back, "{decision:?} was decided before the line before it");
    }
}
