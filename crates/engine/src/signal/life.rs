//! The steps of a decision once it is open: confirm, revise, lapse, cancel.

use std::sync::Arc;

use stoop_model::{Asset, AssetClass, CancelReason, Decision, DecisionBody, DecisionKind, RefPrice, Trigger};

use super::Signal;
use super::evaluation::Verdict;
use super::line::{Cause, describe, stamp};
use super::tweets::Life;
use crate::merge::{Change, View};
use crate::rules::{Identity, Rule, asset_key, emitted};

impl Signal {
    /// Candidates on which the decision stands or has stood.
    fn targets_of(&self, life: &Life, view: &View) -> Vec<Target> {
        // Also the asset it opened on: once a ticker has been revised to a contract, the ticker must not open again.
        self.targets_on(&[life.line.asset.as_ref(), life.opened_on.as_ref()], view)
    }

    /// Candidates on which a decision on these assets stands.
    pub(super) fn targets_on(&self, assets: &[Option<&Asset>], view: &View) -> Vec<Target> {
        let reader = self.evaluation.reading.candidates.with(view, &self.set.aliases);
        let mut targets = Vec::with_capacity(3);
        for asset in assets {
            match asset {
                None => targets.push(Target::Null),
                Some(asset) => {
                    targets.push(Target::Key(asset_key(Some(asset))));
                    let followed = reader.follow(asset, &self.evaluation.found.passing);
                    targets.extend(followed.map(|(index, _)| Target::Candidate(index)));
                }
            }
        }
        targets
    }

    /// Leads every decision of the rule on this tweet; returns what they stand on.
    pub(super) fn lead_all(
        &mut self,
        rule: usize,
        slot: usize,
        view: &Arc<View>,
        cause: &Cause,
        verdict: &Verdict,
        out: &mut Vec<Decision>,
    ) -> Vec<Target> {
        let count = self.tweets.get(slot).map_or(0, |tweet| tweet.lives.len());
        let mut decided = Vec::new();
        // By index: each step changes the tweet that holds the decisions.
        for index in 0..count {
            let life = self.tweets.get(slot).and_then(|tweet| tweet.lives.get(index));
            let Some(life) = life.filter(|life| life.rule == Some(rule)) else { continue };
            // A cancelled decision counts as decided too: the contract lets nothing follow a cancel.
            decided.extend(self.targets_of(life, view));
            if life.is_cancelled {
                continue;
            }
            let Some(of) = self.set.rules.get(rule) else { continue };
            let step = self.next_step(of, life, view, verdict);
            if let Step::Go(_, Some(candidate)) = &step {
                decided.push(Target::Candidate(*candidate));
            }
            self.apply_step(rule, slot, index, view, cause, step, out);
        }
        decided
    }

    /// The next step of one decision.
    fn next_step(&self, rule: &Rule, life: &Life, view: &View, verdict: &Verdict) -> Step {
        // The reasons are tried in the order of the contract: `deleted` (not here), `no_match`, `ambiguous`,
        // `unnamed`.
        if !verdict.holds {
            return Step::Cancel(CancelReason::NoMatch);
        }
        let is_enriched = view.enriched_ns.is_some();
        // The first test with enrichment settles the decision, so that `confirm` occurs at most once. Later tests only
        // report what has changed.
        let settle = if life.awaits_enrichment && is_enriched { Some(DecisionKind::Confirm) } else { None };
        let unnamed = if rule.keeps_unnamed { CancelReason::NoMatch } else { CancelReason::Unnamed };
        let Some(asset) = &life.line.asset else {
            if rule.assets.is_some() && rule.emit.is_empty() {
                // An alert on more assets than `max`.
                let is_none = self.evaluation.found.passing.is_empty();
                return if is_none { Step::Cancel(unnamed) } else { Step::Go(settle, None) };
            }
            // Opened by a branch without assets: the first asset that lets another branch pass later becomes its own.
            return match self.evaluation.found.passing.first() {
                Some(candidate) => Step::Go(Some(DecisionKind::Revise), Some(*candidate)),
                None if self.evaluation.found.holds_without_asset => Step::Go(settle, None),
                None => Step::Cancel(CancelReason::NoMatch),
            };
        };
        // Markets of `emit` do not depend on what the vendor names, so `ambiguous` and `unnamed` do not apply.
        if !self.evaluation.found.emitting.is_empty() {
            let mut emits = self.evaluation.found.emitting.iter().filter_map(|index| rule.emit.get(*index));
            let is_emitted = emits.any(|market| emitted(market) == *asset);
            return if is_emitted { Step::Go(settle, None) } else { Step::Cancel(CancelReason::NoMatch) };
        }
        if !self.evaluation.found.takes_assets(rule) {
            return Step::Cancel(CancelReason::NoMatch);
        }
        let reader = self.evaluation.reading.candidates.with(view, &self.set.aliases);
        let is_kept = rule.keeps_unnamed && reader.writes(asset, &self.evaluation.found.passing);
        // Before anything else: with several contracts for one symbol there is no telling which was meant.
        if !is_kept && reader.is_ambiguous(asset) {
            return Step::Cancel(CancelReason::Ambiguous);
        }
        match reader.follow(asset, &self.evaluation.found.passing) {
            Some((candidate, Identity::Same)) => Step::Go(settle, Some(candidate)),
            // An address that becomes a token of the same contract confirms the open; after the confirm only a revise
            // can report it.
            Some((candidate, Identity::Firmer)) => {
                Step::Go(Some(settle.unwrap_or(DecisionKind::Revise)), Some(candidate))
            }
            Some((candidate, Identity::Changed)) => Step::Go(Some(DecisionKind::Revise), Some(candidate)),
            // The asset is there, but the strategy no longer accepts it.
            None if reader.follow(asset, &self.evaluation.found.refused).is_some() => {
                Step::Cancel(CancelReason::NoMatch)
            }
            // With `on_unnamed = "keep"` the text decides: as long as it still writes the coin, the decision stands.
            None if is_kept => Step::Go(settle, None),
            None => Step::Cancel(unnamed),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one step names its decision, its ground and its cause")]
    fn apply_step(
        &mut self,
        rule: usize,
        slot: usize,
        index: usize,
        view: &View,
        cause: &Cause,
        step: Step,
        out: &mut Vec<Decision>,
    ) {
        let Some(of) = self.set.rules.get(rule) else { return };
        let Some(life) = self.tweets.get(slot).and_then(|tweet| tweet.lives.get(index)) else { return };
        // A copy: the consumer of the queue may still hold the line before.
        let mut next = DecisionBody::clone(&life.line);
        let kind = match step {
            Step::Cancel(reason) => {
                self.cancel(slot, index, reason, view, cause, out);
                return;
            }
            Step::Go(None, _) => {
                self.refresh(slot, index, view);
                return;
            }
            Step::Go(Some(kind), candidate) => {
                if let Some((index, (asset, price))) =
                    candidate.and_then(|index| Some((index, self.asset_of(view, index)?)))
                {
                    // A coin that only the text names keeps its evidence.
                    let is_as_it_was = kind == DecisionKind::Confirm
                        && [next.asset.as_ref(), Some(&asset)]
                            .iter()
                            .all(|asset| asset.is_some_and(|asset| asset.class == AssetClass::Ticker));
                    if !is_as_it_was {
                        next.evidence = Some(self.evaluation.evidence(&self.set, of, view, index, &asset));
                    }
                    next.previous_asset = if kind == DecisionKind::Revise { next.asset.take() } else { None };
                    next.markets = self.set.markets(Some(&asset));
                    self.cooldowns.learn(of, life.line.id, &asset);
                    next.asset = Some(asset);
                    next.ref_price = price;
                } else {
                    next.previous_asset = None;
                }
                kind
            }
        };
        describe(&mut next, &mut self.evaluation.reading, view);
        next.matched = self.evaluation.matched(&self.set, of, view);
        stamp(&mut next, kind, cause);
        let is_enriched = view.enriched_ns.is_some();
        self.emit(slot, index, next, out);
        if let Some(life) = self.tweets.get_mut(slot).and_then(|tweet| tweet.lives.get_mut(index)) {
            life.awaits_enrichment &= !is_enriched;
        }
    }

    /// Notes what an update says about the tweet, for later lines.
    fn refresh(&mut self, slot: usize, index: usize, view: &View) {
        if let Some(life) = self.tweets.get_mut(slot).and_then(|tweet| tweet.lives.get_mut(index)) {
            // A lapse comes from a deadline and has no view: it shows the tweet as it was last described here.
            describe(Arc::make_mut(&mut life.line), &mut self.evaluation.reading, view);
        }
    }

    pub(super) fn asset_of(&self, view: &View, candidate: usize) -> Option<(Asset, Option<RefPrice>)> {
        let reader = self.evaluation.reading.candidates.with(view, &self.set.aliases);
        let candidate = self.evaluation.reading.candidates.list().get(candidate)?;
        Some((reader.asset(candidate), reader.ref_price(candidate)))
    }

    /// The enrichment has not come in time: reports that once, and the decision stands.
    pub(super) fn lapse(&mut self, slot: usize, index: usize, deadline_ns: i64, out: &mut Vec<Decision>) {
        let life = self.tweets.get(slot).and_then(|tweet| tweet.lives.get(index));
        let Some(life) = life.filter(|life| !life.is_cancelled && life.awaits_enrichment) else { return };
        let mut next = DecisionBody::clone(&life.line);
        next.previous_asset = None;
        let content = life.content;
        let cause = Cause {
            trigger: Trigger::Timeout,
            sent_ms: content.sent_ms,
            recv_ns: content.recv_ns,
            decided_ns: deadline_ns,
            is_first_content: false,
            is_late: false,
        };
        stamp(&mut next, DecisionKind::Lapse, &cause);
        self.emit(slot, index, next, out);
    }

    /// The tweet was deleted: cancels all that still stands.
    pub(super) fn cancel_all(&mut self, slot: usize, view: &View, change: &Change, out: &mut Vec<Decision>) {
        let cause = Cause::frame(change, false);
        self.evaluation.reading.begin(view);
        let Some(tweet) = self.tweets.get(slot) else { return };
        let mut standing: Vec<(Option<usize>, usize)> = tweet
            .lives
            .iter()
            .enumerate()
            .filter(|(_, life)| !life.is_cancelled)
            .map(|(index, life)| (life.rule, index))
            .collect();
        // In the order of the rules, like the lines of any other input.
        standing.sort_unstable();
        for (_, index) in standing {
            self.cancel(slot, index, CancelReason::Deleted, view, &cause, out);
        }
    }

    fn cancel(
        &mut self,
        slot: usize,
        index: usize,
        reason: CancelReason,
        view: &View,
        cause: &Cause,
        out: &mut Vec<Decision>,
    ) {
        let Some(life) = self.tweets.get_mut(slot).and_then(|tweet| tweet.lives.get_mut(index)) else {
            return;
        };
        life.is_cancelled = true;
        // The line before supplies asset and terms: for the tweet as it is now they may be gone, which is why it is
        // cancelled.
        let mut next = DecisionBody::clone(&life.line);
        self.cooldowns.cancel(next.id, cause.decided_ns);
        describe(&mut next, &mut self.evaluation.reading, view);
        next.reason = Some(reason);
        next.previous_asset = None;
        stamp(&mut next, DecisionKind::Cancel, cause);
        self.emit(slot, index, next, out);
    }

    /// Sends a later line of a decision.
    fn emit(&mut self, slot: usize, index: usize, mut line: DecisionBody, out: &mut Vec<Decision>) {
        let standing = self.tweets.get(slot).and_then(|tweet| tweet.lives.get(index));
        // All lines of a decision on a late post are late, even those that a live frame or a deadline causes.
        line.late |= standing.is_some_and(|standing| standing.content.is_late);
        line.seq = self.next_seq;
        line.revision += 1;
        self.next_seq += 1;
        let counter = match line.kind {
            DecisionKind::Open => &mut self.counters.opened,
            DecisionKind::Confirm => &mut self.counters.confirmed,
            DecisionKind::Revise => &mut self.counters.revised,
            DecisionKind::Lapse => &mut self.counters.lapsed,
            DecisionKind::Cancel => &mut self.counters.cancelled,
        };
        *counter += 1;
        let line = Arc::new(line);
        if let Some(life) = self.tweets.get_mut(slot).and_then(|tweet| tweet.lives.get_mut(index)) {
            life.line = Arc::clone(&line);
        }
        // The engine has no clock: who runs it fills in the latency.
        out.push(Decision { body: line, latency: None, queued_ns: None });
    }
}

/// The next step of a decision, and the candidate it is about from now on.
#[derive(Clone, Copy)]
enum Step {
    Cancel(CancelReason),
    /// A line of this kind, or none.
    Go(Option<DecisionKind>, Option<usize>),
}

/// The thing that a decision stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// No asset.
    Null,
    /// An asset by key.
    Key(String),
    /// A candidate of the view at hand.
    Candidate(usize),
}
