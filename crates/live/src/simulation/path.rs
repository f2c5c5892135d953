//! The stages and the queue as `path::Fused` and `path::Entrance` drive them, without actors and clock.

use std::collections::VecDeque;
use std::rc::Rc;

use crossbeam_channel::{Receiver, bounded};
use stoop_engine::{Pipeline, RuleSet};
use stoop_model::Decision;

use super::plan::{Plan, START_NS};
use super::story::RULES;
use crate::settings::WhenFull;
use crate::stages::gauge::{Gauge, IN_FLIGHT};
use crate::stages::outbox::Outbox;

/// What enters the stages; kept, so that it can be replayed.
pub(super) type Input = stoop_engine::Input<Rc<[u8]>>;

pub(super) struct Path {
    pub(super) pipeline: Pipeline,
    pub(super) outbox: Outbox,
    pub(super) gauge: Gauge,
    pub(super) queue: Receiver<Decision>,
    is_behind: bool,
    /// Entered and not yet come to.
    waiting: VecDeque<Input>,
    /// All that entered, in order.
    pub(super) inputs: Vec<Input>,
    /// All that was decided, delivered or not.
    pub(super) decided: Vec<Decision>,
    window_tweets: usize,
    does_hold: bool,
}

pub(super) fn rules() -> RuleSet {
    RuleSet::parse("rules.toml", RULES).unwrap()
}

impl Path {
    pub(super) fn new(plan: &Plan) -> Self {
        let (sender, queue) = bounded(plan.capacity);
        Self {
            pipeline: Pipeline::new(rules(), plan.bounds, START_NS),
            outbox: Outbox::new(sender, plan.when_full),
            gauge: Gauge::new(),
            queue,
            is_behind: plan.is_behind,
            waiting: VecDeque::new(),
            inputs: Vec::new(),
            decided: Vec::new(),
            window_tweets: plan.bounds.window.tweets,
            does_hold: plan.when_full == WhenFull::Hold,
        }
    }

    pub(super) fn enter(&mut self, input: Input) {
        let is_held = self.does_hold && self.outbox.is_holding() && self.is_idle();
        let is_frame = matches!(input, Input::Frame { .. });
        assert!(!(is_held && is_frame), "reads on while decisions are held back");
        assert!(!is_frame || self.has_room(), "reads on although the stages are behind");
        self.inputs.push(input.clone());
        self.gauge.enter();
        self.waiting.push_back(input);
        // Beyond the frames there is a tick for each deadline, and one message over the limit for each connection.
        assert!(self.waiting.len() <= 2 * IN_FLIGHT, "{} inputs wait", self.waiting.len());
        if !self.is_behind {
            self.work(1);
        }
    }

    /// Comes to so many inputs that wait.
    pub(super) fn work(&mut self, count: usize) {
        for _ in 0..count {
            let Some(input) = self.waiting.pop_front() else { return };
            let from = self.decided.len();
            self.pipeline.handle(&input, &mut self.decided);
            for decision in &self.decided[from..] {
                self.outbox.offer(decision.clone());
            }
            self.report();
            self.gauge.leave();
        }
        assert!(self.pipeline.merge.len() <= self.window_tweets, "the window has grown over its bound");
    }

    pub(super) fn drain(&mut self, now_ns: i64) {
        self.outbox.drain(now_ns);
        self.report();
    }

    pub(super) fn has_room(&self) -> bool {
        self.gauge.in_flight() < IN_FLIGHT
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    fn report(&mut self) {
        self.gauge.report(self.pipeline.signal.deadline(), &self.outbox);
    }
}
