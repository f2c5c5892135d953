//! What must hold of every run.

use stoop_engine::{Bounds, Pipeline};
use stoop_feed::State;
use stoop_model::{Decision, DecisionId, DecisionKind, HashMap, HashSet};

use super::dice::SECOND;
use super::path::{Input, rules};
use super::plan::START_NS;
use super::world::World;
use crate::settings::WhenFull;

const MILLI_NS: i64 = 1_000_000;

impl World {
    /// Trouble is long over: whoever was not refused for good is connected.
    pub(super) fn check_reopened(&self) {
        for (at, line) in self.lines.iter().enumerate() {
            let state = line.policy.state();
            assert!(state.is_open() || line.watch.is_fatal, "#{at} is still {state}");
        }
    }

    pub(super) fn check(&self) {
        self.check_lines();
        self.check_frames();
        let merge = self.path.pipeline.merge.counters();
        check_lives(&self.path.decided, merge.left + merge.pushed_out > 0);
        self.check_repeated();
        self.check_delivery();
    }

    fn check_lines(&self) {
        for (at, line) in self.lines.iter().enumerate() {
            let expect = if line.watch.is_fatal { State::Fatal } else { State::Stopped };
            assert_eq!(line.policy.state(), expect, "#{at}");
            let limit_ns = self.plan.stop_ns + super::plan::nanos(self.plan.settings.close_timeout) + SECOND;
            assert!(line.watch.is_fatal || self.now_ns <= limit_ns, "#{at} took too long to stop");
            let snapshot = line.policy.snapshot();
            assert_eq!((snapshot.dials, snapshot.strays), (line.watch.dials, 0), "#{at}");
            if self.plan.endpoints[at].is_empty() {
                assert_eq!((snapshot.dials, snapshot.opens), (1, 1), "#{at} had no trouble");
            }
        }
    }

    /// An endpoint brings all that is sent while it is without trouble.
    fn check_frames(&self) {
        for (at, line) in self.lines.iter().enumerate() {
            if line.watch.is_fatal {
                continue;
            }
            // The first dial takes no longer than that.
            let is_steady = self.plan.endpoints[at].is_empty();
            let from_ns = if is_steady { START_NS + 3 * SECOND } else { self.plan.reopened_ns };
            for (frame, (at_ns, json)) in self.story.iter().enumerate() {
                let is_missing = *at_ns > from_ns && line.watch.frames[frame].is_none();
                assert!(!is_missing, "#{at} is open and has not brought {json}");
            }
        }
    }

    /// The same inputs, at the same times and without a tick between them, decide the same.
    fn check_repeated(&self) {
        let (decided, merge) = self.repeat(self.plan.bounds);
        assert_same(&decided, &self.path.decided);
        if self.plan.bounds.has_copies && (merge.left, merge.pushed_out, merge.frames_over) == (0, 0, 0) {
            // As long as merge remembers every tweet, a copy is a duplicate.
            let (decided, _) = self.repeat(Bounds { has_copies: false, ..self.plan.bounds });
            assert_same(&decided, &self.path.decided);
        }
    }

    fn repeat(&self, bounds: Bounds) -> (Vec<Decision>, stoop_engine::MergeCounters) {
        let mut pipeline = Pipeline::new(rules(), bounds, START_NS);
        let mut decided = Vec::new();
        let inputs = &self.path.inputs;
        let is_tick = |input: &Input| matches!(input, Input::Tick { .. });
        // The last one stays: deadlines that it fired may have no frame behind them that would.
        let last_tick = inputs.iter().rposition(is_tick);
        for (index, input) in inputs.iter().enumerate() {
            if Some(index) == last_tick || !is_tick(input) {
                pipeline.handle(input, &mut decided);
            }
        }
        (decided, pipeline.merge.counters())
    }

    /// All that was decided came in order, or is accounted for.
    fn check_delivery(&self) {
        let counters = self.path.outbox.counters();
        let decided = &self.path.decided;
        assert!(decided.iter().map(|decision| decision.seq).eq(0..decided.len() as u64));
        assert!(self.taken.iter().map(|decision| decision.seq).is_sorted_by(|one, two| one < two));
        assert_eq!(counters.undelivered, 0, "the consumer reads on");
        assert_eq!(counters.queued, self.taken.len() as u64);
        let missing = counters.expired + counters.dropped_opens + counters.dropped_followers;
        assert_eq!(counters.queued + missing, decided.len() as u64, "{counters:?}");
        let mut taken = self.taken.iter().peekable();
        let mut dropped: HashSet<DecisionId> = HashSet::default();
        let (mut opens, mut again) = (0, 0);
        for decision in decided {
            let is_open = decision.kind == DecisionKind::Open;
            if taken.next_if(|taken| taken.body == decision.body).is_some() {
                if is_open {
                    dropped.remove(&decision.id);
                }
                assert!(!dropped.contains(&decision.id), "the open of {decision:?} did not come");
            } else if is_open {
                let is_again = !dropped.insert(decision.id);
                opens += 1;
                again += u64::from(is_again);
                let may_expire = decision.expires_ms * MILLI_NS < self.now_ns;
                let may_drop = is_again || self.plan.when_full == WhenFull::DropNewest;
                assert!(may_expire || may_drop, "a full queue has lost {decision:?}");
            } else {
                assert!(dropped.contains(&decision.id), "its open came, but not {decision:?}");
            }
        }
        assert_eq!(taken.next(), None);
        assert_eq!(counters.expired + counters.dropped_opens, opens);
        if self.plan.when_full == WhenFull::Hold {
            assert_eq!(counters.dropped_opens, again, "there is room to hold back all of a run");
        }
        assert!(counters.full > 0 || missing == 0, "lost without a full queue: {counters:?}");
    }
}

fn assert_same(decided: &[Decision], expect: &[Decision]) {
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
