//! The stages and the queue as `path::Fused` and `path::Entrance` drive them, without actors and clock.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use stoop_engine::syntax::{Source, Table};
use stoop_engine::{Input, Pipeline, RuleReader, RuleSet, Scope, State, Strategy};
use stoop_model::Decision;

use super::driver::Shared;
use super::scenario::{START_NS, Scenario};
use super::story::{Oracle, RULES};
use crate::recording::Tap;
use crate::settings::WhenFull;
use crate::stages::gauge::{Gauge, IN_FLIGHT};
use crate::stages::outbox::Outbox;
use crate::store::Save;

/// What waits for the stages.
enum Waiting {
    Input(Input<Shared>),
    Save(Scope, Option<i64>, Sender<Box<Save>>),
}

pub(super) struct Path {
    pub(super) pipeline: Pipeline,
    pub(super) outbox: Outbox,
    pub(super) gauge: Gauge,
    pub(super) queue: Receiver<Decision>,
    is_behind: bool,
    /// Entered and not yet come to.
    waiting: VecDeque<Waiting>,
    /// All that entered, in order.
    pub(super) inputs: Vec<Input<Shared>>,
    /// Of these, how many the stages have come to.
    worked: usize,
    /// All that was decided, delivered or not.
    pub(super) decided: Vec<Decision>,
    /// Of these, how many before the tick that ends the run, whose decisions may find no room.
    pub(super) last: usize,
    /// Inputs behind each state of changes that is on its way to be kept.
    pub(super) saved: VecDeque<usize>,
    /// Where decisions are recorded.
    tap: Option<Tap>,
    window_tweets: usize,
    does_hold: bool,
}

pub(super) fn rules() -> RuleSet {
    let source = Source { name: "rules.toml".to_owned(), text: RULES.to_owned() };
    let parsed = source.parse().unwrap();
    let mut reader = RuleReader::default();
    reader.read(&Table::root(&source, &parsed));
    let oracle: Box<dyn Strategy> = Box::new(Oracle);
    reader.strategy(oracle);
    RuleSet::new(reader).unwrap()
}

impl Path {
    /// Stages that begin with what others before them remembered.
    pub(super) fn new(scenario: &Scenario, state: Option<State>, now_ns: i64, tap: Option<Tap>) -> Self {
        let (sender, queue) = bounded(scenario.capacity);
        let mut path = Self {
            pipeline: Pipeline::new(
                rules(),
                scenario.bounds,
                if state.is_some() { now_ns } else { START_NS },
            ),
            outbox: Outbox::new(sender, scenario.when_full),
            gauge: Gauge::new(),
            queue,
            is_behind: scenario.is_behind,
            waiting: VecDeque::new(),
            inputs: Vec::new(),
            worked: 0,
            decided: Vec::new(),
            last: usize::MAX,
            saved: VecDeque::new(),
            tap,
            window_tweets: scenario.bounds.window.tweets,
            does_hold: scenario.when_full == WhenFull::Hold,
        };
        if let Some(state) = state {
            let next_seq = state.head.decisions;
            path.pipeline.handle(&Input::restored(Arc::new(state)), &mut Vec::new());
            path.outbox.begin(next_seq);
        }
        path.report();
        path
    }

    pub(super) fn enter(&mut self, input: Input<Shared>) {
        let is_held = self.does_hold && self.outbox.is_holding() && self.is_idle();
        let is_frame = matches!(input, Input::Frame { .. });
        assert!(!(is_held && is_frame), "reads on while decisions are held back");
        assert!(!is_frame || self.has_room(), "reads on although the stages are full");
        self.inputs.push(input.clone());
        self.gauge.enter();
        self.waiting.push_back(Waiting::Input(input));
        // Beyond the frames there is a tick for each deadline, and one message over the limit for each connection.
        assert!(self.waiting.len() <= 2 * IN_FLIGHT, "{} inputs wait", self.waiting.len());
        self.work_at_once();
    }

    /// Collects what has changed; it goes to `to`.
    pub(super) fn save_changes(&mut self, up_ns: Option<i64>, to: Sender<Box<Save>>) {
        self.waiting.push_back(Waiting::Save(Scope::Changes, up_ns, to));
        self.work_at_once();
    }

    /// Collects what the stages remember; it goes to `to`.
    pub(super) fn save_all(&mut self, to: Sender<Box<Save>>) {
        self.waiting.push_back(Waiting::Save(Scope::All, None, to));
        self.work_at_once();
    }

    fn work_at_once(&mut self) {
        if !self.is_behind {
            self.work(usize::MAX);
        }
    }

    /// Comes to so many inputs that wait.
    pub(super) fn work(&mut self, count: usize) {
        for _ in 0..count {
            match self.waiting.pop_front() {
                None => break,
                Some(Waiting::Input(input)) => self.handle(&input),
                Some(Waiting::Save(scope, up_ns, to)) => {
                    if scope == Scope::Changes {
                        self.saved.push_back(self.worked);
                    }
                    let state = self.pipeline.save(scope);
                    drop(to.try_send(Box::new(Save { state, up_ns })));
                }
            }
        }
        assert!(self.pipeline.merge.len() <= self.window_tweets, "the window has grown over its bound");
    }

    fn handle(&mut self, input: &Input<Shared>) {
        let from = self.decided.len();
        self.pipeline.handle(input, &mut self.decided);
        self.worked += 1;
        for decision in &self.decided[from..] {
            self.outbox.offer(decision.clone());
            if let Some(tap) = &mut self.tap {
                tap.decision(decision);
            }
        }
        self.report();
        self.gauge.leave();
    }

    pub(super) fn drain(&mut self, now_ns: i64) {
        self.outbox.drain(now_ns);
        self.report();
    }

    pub(super) fn has_room(&self) -> bool {
        self.gauge.in_flight() < IN_FLIGHT
    }

    /// All that entered has been through.
    pub(super) fn is_idle(&self) -> bool {
        self.gauge.in_flight() == 0
    }

    /// There is something the stages have not come to.
    pub(super) fn has_work(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn report(&mut self) {
        self.gauge.report(self.pipeline.signal.deadline(), &self.outbox);
    }
}
