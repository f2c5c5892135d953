//! Strategies at work: each is asked after its rule, and switched off if it panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use stoop_model::{Decision, Trigger};

use super::evaluation::Evaluation;
use super::line::Cause;
use super::tweets::PLATFORMS;
use super::{Signal, is_in_time};
use crate::input::Message;
use crate::merge::{Merged, View};
use crate::rules::{Case, Fire, Found, Judgement, Rule, RuleSet, Strategy, is_there};

/// A strategy has panicked and is not asked any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The name in its rule.
    pub strategy: String,
    /// The message of the panic.
    pub message: String,
    /// Engine time, Unix ns.
    pub at_ns: i64,
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

/// The strategies at work. Their rules come after all others, in order.
#[derive(Default)]
pub(super) struct Strategies {
    /// Index of the rule of the first.
    first_rule: usize,
    seats: Vec<Seat>,
    incidents: Vec<Incident>,
}

struct Seat {
    name: String,
    strategy: Box<dyn Strategy>,
    is_off: bool,
}

impl Strategies {
    pub(super) fn new(rules: &[Rule], strategies: Vec<Box<dyn Strategy>>) -> Self {
        let first_rule = rules.len() - strategies.len();
        let of = rules.iter().skip(first_rule).zip(strategies);
        let seats =
            of.map(|(rule, strategy)| Seat { name: rule.label.name.clone(), strategy, is_off: false });
        Self { first_rule, seats: seats.collect(), incidents: Vec::new() }
    }

    fn seat(&mut self, rule: usize) -> Option<&mut Seat> {
        self.seats.get_mut(rule.checked_sub(self.first_rule)?)
    }

    pub(super) fn stands_behind(&self, rule: usize) -> bool {
        rule >= self.first_rule && !self.seats.is_empty()
    }

    /// The rule has a strategy, which is not asked any more.
    pub(super) fn is_off(&self, rule: usize) -> bool {
        let seat = rule.checked_sub(self.first_rule).and_then(|index| self.seats.get(index));
        seat.is_some_and(|seat| seat.is_off)
    }

    /// Stops asking the strategy of this name.
    pub(super) fn switch_off(&mut self, name: &str) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == name) {
            seat.is_off = true;
        }
    }

    /// Names of strategies that are off.
    pub(super) fn names_off(&self) -> Vec<String> {
        self.seats.iter().filter(|seat| seat.is_off).map(|seat| seat.name.clone()).collect()
    }

    /// Number of strategies that are off.
    pub(super) fn off(&self) -> u64 {
        self.seats.iter().filter(|seat| seat.is_off).count() as u64
    }

    /// Rules of the strategies that a message is for.
    pub(super) fn rules_of(&self, message: &Message) -> Vec<usize> {
        let wanted = |seat: &Seat| message.strategy.as_ref().is_none_or(|name| *name == seat.name);
        let seats = self.seats.iter().enumerate().filter(|(_, seat)| !seat.is_off && wanted(seat));
        seats.map(|(index, _)| self.first_rule + index).collect()
    }

    /// Removes and returns the incidents since the last call.
    pub(super) fn take_incidents(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.incidents)
    }

    pub(super) fn has_incidents(&self) -> bool {
        !self.incidents.is_empty()
    }

    /// The answer of the rule's strategy; none if it panics or is off. A rule without a strategy accepts everything.
    fn judge(&mut self, rule: usize, case: &Case<'_>) -> Option<Judgement> {
        if self.seat(rule).is_none() {
            return Some(Judgement::Take);
        }
        self.call(rule, case.now_ns, |strategy| strategy.judge(case))
    }

    /// Passes a message to the rule's strategy. False if it panics or is off.
    pub(super) fn tell(&mut self, rule: usize, message: &Message, now_ns: i64) -> bool {
        self.call(rule, now_ns, |strategy| strategy.message(message, now_ns)).is_some()
    }

    fn call<T>(&mut self, rule: usize, at_ns: i64, ask: impl FnOnce(&mut dyn Strategy) -> T) -> Option<T> {
        let seat = self.seat(rule).filter(|seat| !seat.is_off)?;
        // A panic may leave it in any state, but it is never called again.
        match catch_unwind(AssertUnwindSafe(|| ask(seat.strategy.as_mut()))) {
            Ok(answer) => Some(answer),
            Err(panic) => {
                seat.is_off = true;
                let strategy = seat.name.clone();
                self.incidents.push(Incident { strategy, message: panic_message(panic.as_ref()), at_ns });
                None
            }
        }
    }
}

/// The answer of a strategy as the evaluation uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken,
    Kept,
    Refused,
}

impl Answer {
    fn taken_if(takes: bool) -> Self {
        if takes { Self::Taken } else { Self::Refused }
    }
}

/// When and why a strategy is asked.
#[derive(Clone, Copy)]
pub(super) struct Occasion {
    pub(super) trigger: Trigger,
    pub(super) now_ns: i64,
    pub(super) is_first_content: bool,
}

impl Evaluation {
    /// Lets the rule's strategy choose among what passes, after a test that held and [`Found::pass`].
    ///
    /// None if it cannot be asked any more.
    pub(super) fn consult(
        &mut self,
        strategies: &mut Strategies,
        set: &RuleSet,
        rule: usize,
        view: &View,
        occasion: Occasion,
    ) -> Option<Answer> {
        let of = set.rules.get(rule)?;
        let kind = self.reading.kind(view).clone();
        let case = Case {
            view,
            trigger: occasion.trigger,
            now_ns: occasion.now_ns,
            is_first_content: occasion.is_first_content,
            author: self.reading.handle(),
            kind: &kind,
            rule: of,
            set,
            reading: &self.reading,
            found: &self.found,
        };
        let answer = match strategies.judge(rule, &case)? {
            Judgement::Take => Answer::Taken,
            Judgement::Keep => Answer::Kept,
            Judgement::Refuse => Answer::Refused,
            Judgement::Only(places) => {
                let is_taken = |place: usize| places.contains(&place);
                if of.emit.is_empty() {
                    let mut place = 0..;
                    // Kept apart from what does not pass: a decision on one of these is cancelled with `no_match`,
                    // not `unnamed`.
                    self.found.refused.clear();
                    let Found { passing, refused, .. } = &mut self.found;
                    passing.retain(|index| {
                        let keeps = place.next().is_some_and(is_taken);
                        refused.extend((!keeps).then_some(*index));
                        keeps
                    });
                    Answer::taken_if(!self.found.passing.is_empty())
                } else {
                    let mut place = 0..;
                    self.found.emitting.retain(|_| place.next().is_some_and(is_taken));
                    Answer::taken_if(!self.found.emitting.is_empty())
                }
            }
        };
        Some(answer)
    }
}

impl Signal {
    /// Asks the strategies of these rules again about the tweet that a message names.
    pub(super) fn judge_named(
        &mut self,
        rules: &[usize],
        message: &Message,
        merged: &[Merged],
        now_ns: i64,
        out: &mut Vec<Decision>,
    ) {
        let Some(id) = &message.tweet else { return };
        let cause = Cause::message(now_ns);
        for view in merged.iter().filter_map(Merged::named) {
            let slots = self.tweets.find(id, view.platform.as_ref());
            // No decision yet: a message may open one, whatever `on` says.
            if slots == [None; PLATFORMS] {
                self.judge_again(rules, view, None, &cause, out);
            }
            for slot in slots.into_iter().flatten() {
                let view = self.tweets.get(slot).and_then(|tweet| tweet.joined_beside(view));
                if let Some(view) = view {
                    self.judge_again(rules, &view, Some(slot), &cause, out);
                }
            }
        }
        // Those that have left the window are remembered as long as a decision on them stands.
        for slot in self.tweets.find(id, message.platform.as_ref()).into_iter().flatten() {
            let kept = self.tweets.get(slot).filter(|tweet| !tweet.is_in_window() && tweet.is_open());
            if let Some(view) = kept.and_then(|tweet| tweet.view.clone()) {
                self.judge_again(rules, &view, Some(slot), &cause, out);
            }
        }
    }

    fn judge_again(
        &mut self,
        rules: &[usize],
        view: &Arc<View>,
        slot: Option<usize>,
        cause: &Cause,
        out: &mut Vec<Decision>,
    ) {
        if !is_there(view) {
            return;
        }
        self.evaluation.reading.begin(view);
        let mut slot = slot;
        for rule in rules {
            let Some(of) = self.set.rules.get(*rule) else { continue };
            let may_open = match of.fire {
                // Decided once, when the content was handled.
                Fire::Content => continue,
                Fire::TwoPhase { .. } => true,
                Fire::Enriched { wait_ns, .. } => view.enriched_ns.is_some() && is_in_time(view, wait_ns),
            };
            self.test_rule(*rule, view, &mut slot, cause, may_open, out);
        }
    }
}
