//! How every rule is tested on every view: its conditions, its assets, its strategy, and then its decisions.

use std::sync::Arc;

use stoop_model::{Asset, Decision, Evidence, Matched};

use super::Signal;
use super::line::Cause;
use super::strategy::{Answer, Occasion};
use crate::merge::View;
use crate::rules::{Condition, Cooling, Facts, Fire, Found, Reading, Rule, RuleSet, Stage, could_open};

/// The view at hand, and what the rule at hand makes of it.
#[derive(Default)]
pub(super) struct Evaluation {
    pub(super) reading: Reading,
    pub(super) found: Found,
}

/// The result of testing a rule on a view.
pub(super) struct Verdict {
    /// Every condition of the rule holds, and its strategy does not refuse. Assets and age are looked at later.
    pub(super) holds: bool,
    /// The decision without an asset holds: the rule asks for none, or a branch without one does and no asset passes.
    pub(super) null: bool,
}

impl Evaluation {
    /// Everything that the conditions of a rule may look at.
    pub(super) fn facts<'a>(
        &'a mut self,
        set: &'a RuleSet,
        (index, rule): (usize, &'a Rule),
        view: &'a View,
        (now_ns, is_late): (i64, bool),
        cooling: &'a dyn Cooling,
    ) -> Facts<'a> {
        let Self { reading, found } = self;
        Facts { set, index, rule, view, reading, found, now_ns, is_late, cooling }
    }

    /// The evidence for a candidate, which is `asset`: how the text writes a coin if neither vendor nor alias named
    /// it.
    pub(super) fn evidence(
        &self,
        set: &RuleSet,
        rule: &Rule,
        view: &View,
        index: usize,
        asset: &Asset,
    ) -> Evidence {
        self.found.evidence(set, rule, view, &self.reading, index, asset)
    }

    /// The terms of the rule that were found, in the rule's order.
    pub(super) fn matched(&mut self, set: &RuleSet, rule: &Rule, view: &View) -> Vec<Matched> {
        self.found.matched(set, rule, view, &mut self.reading)
    }
}

impl Signal {
    /// Tests one rule: leads its decisions on this tweet, then opens new ones if `may_open`.
    ///
    /// There is no other way to decide: content, updates, ended waits and messages for strategies all come here.
    pub(super) fn test_rule(
        &mut self,
        rule: usize,
        view: &Arc<View>,
        slot: &mut Option<usize>,
        cause: &Cause,
        mut may_open: bool,
        out: &mut Vec<Decision>,
    ) {
        let Some(of) = self.set.rules.get(rule) else { return };
        // The decisions of a strategy that is off stand as they are: they are neither confirmed nor cancelled.
        if self.strategies.is_off(rule) {
            return;
        }
        let has_lives = slot
            .and_then(|slot| self.tweets.get(slot))
            .is_some_and(|t| t.lives.iter().any(|life| life.rule == Some(rule)));
        // A glance at the assets spares most rules the search of the texts, which costs far more. A strategy is asked
        // whatever assets there are: it may keep count of posts.
        let could_open = may_open && (self.strategies.stands_behind(rule) || could_open(&self.set, of, view));
        if !has_lives && !could_open {
            return;
        }
        let moment = (cause.decided_ns, cause.is_late || view.is_late());
        let mut facts = self.evaluation.facts(&self.set, (rule, of), view, moment, &self.cooldowns);
        // A rule with `enabled = false` opens nothing, but goes on leading what it opened before a restart.
        may_open &= Condition::first_failed::<{ Stage::Rule as u8 }>(&mut facts).is_none();
        if !has_lives && !may_open {
            return;
        }
        // Also without `may_open`: a condition that no longer holds cancels what stands.
        let mut holds = Condition::first_failed::<{ Stage::View as u8 }>(&mut facts).is_none();
        if holds {
            facts.found.pass(facts.set, of, view, facts.reading);
            let occasion = Occasion {
                trigger: cause.trigger,
                now_ns: cause.decided_ns,
                is_first_content: cause.is_first_content,
            };
            // After the conditions, so that a strategy sees only what its rule lets through.
            let answer = self.evaluation.consult(&mut self.strategies, &self.set, rule, view, occasion);
            // A strategy that has just panicked gave no answer, so its decisions stand.
            let Some(answer) = answer else { return };
            holds = answer != Answer::Refused;
            may_open &= answer == Answer::Taken;
        }
        if !holds {
            // The buffers still hold the findings of the rule before.
            self.evaluation.found.fail();
        }
        let null =
            holds && self.evaluation.found.holds_without_asset && self.evaluation.found.passing.is_empty();
        let verdict = Verdict { holds, null };
        let mut decided = Vec::new();
        // Standing decisions first, then new ones: a decision may have just become a coin, which must not open a
        // second time. Under `content` a rule decides once and only a deletion follows, which does not come this way.
        if let Some(slot) = slot.filter(|_| has_lives && of.fire != Fire::Content) {
            decided = self.lead_all(rule, slot, view, cause, &verdict, out);
        }
        if may_open && verdict.holds {
            self.open_all(rule, view, slot, cause, &verdict, &decided, out);
        }
    }
}
