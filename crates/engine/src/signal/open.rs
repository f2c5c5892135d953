//! New decisions.

use std::sync::Arc;

use stoop_model::{
    Asset, Basis, Decision, DecisionBody, DecisionKind, Evidence, Group, Matched, Platform, Trigger,
};

use super::Signal;
use super::cooldown::Subject;
use super::evaluation::Verdict;
use super::held::Fresh;
use super::ident;
use super::life::Target;
use super::line::{Cause, MILLI_NS, describe, stamp};
use super::timers::{Due, Timer};
use super::tweets::Life;
use crate::merge::{Arrival, View};
use crate::rules::{Condition, Fire, Rule, Stage, asset_key, emitted, evidence_of};

impl Signal {
    #[expect(
        clippy::too_many_arguments,
        reason = "an open needs its rule, its tweet, its evidence and its cause"
    )]
    /// Opens what passes and was not decided before, unless the post is too old. On a late post the rule notes missed
    /// signals instead, unless it allows late posts.
    pub(super) fn open_all(
        &mut self,
        rule: usize,
        view: &Arc<View>,
        slot: &mut Option<usize>,
        cause: &Cause,
        verdict: &Verdict,
        decided: &[Target],
        out: &mut Vec<Decision>,
    ) {
        let Some(of) = self.set.rules.get(rule) else { return };
        let is_missed = !of.allow_late && (cause.is_late || view.is_late());
        let missed_before = if is_missed { self.missed_before(rule, view) } else { Vec::new() };
        // A post that the feed lost is old for that very reason, so its age does not count. A post that arrived live
        // counts with the age it had on arrival.
        let aged_ns = match view.content {
            Some(content) if is_missed => (!content.is_late).then_some(content.recv_ns),
            Some(_) | None => Some(cause.decided_ns),
        };
        let is_stale = aged_ns.is_some_and(|now_ns| {
            let mut facts =
                self.evaluation.facts(&self.set, (rule, of), view, (now_ns, is_missed), &self.cooldowns);
            Condition::first_failed::<{ Stage::Age as u8 }>(&mut facts).is_some()
        });
        if is_stale {
            let is_new = decided.is_empty();
            let holds = verdict.null
                || !self.evaluation.found.emitting.is_empty()
                || !self.evaluation.found.passing.is_empty();
            // Count only what would have opened: if a decision on the post stands, nothing was lost to its age.
            self.counters.stale += u64::from(is_new && holds);
            return;
        }
        // Emitted markets first, then assets in the order in which they were found: decisions open in this order.
        let mut fresh: Vec<Fresh> = Vec::new();
        let mut keys: Vec<String> = Vec::new();
        // Two candidates may come to one key, such as a token named twice with different symbols.
        let mut is_new = |asset: &Asset| {
            let key = asset_key(Some(asset));
            let target = Target::Key(key.clone());
            let known = keys.contains(&key) || decided.contains(&target) || missed_before.contains(&target);
            keys.push(key);
            !known
        };
        let emitted =
            self.evaluation.found.emitting.iter().filter_map(|index| of.emit.get(*index)).map(emitted);
        fresh.extend(emitted.filter(&mut is_new).map(|asset| (Some(asset), None)));
        let room = self.room(rule, *slot, !decided.is_empty() || !missed_before.is_empty());
        let passing =
            if room == Some(Room::Alert) { &[][..] } else { self.evaluation.found.passing.as_slice() };
        for index in passing.iter().filter(|_| of.emit.is_empty()) {
            let target = Target::Candidate(*index);
            if !decided.contains(&target)
                && !missed_before.contains(&target)
                && let Some((asset, price)) = self.asset_of(view, *index)
                && is_new(&asset)
            {
                fresh.push((Some(asset), price));
            }
        }
        if room == Some(Room::Alert) {
            fresh.push((None, None));
        }
        if verdict.null && !decided.contains(&Target::Null) && !missed_before.contains(&Target::Null) {
            fresh.push((None, None));
        }
        // An alert buys nothing, so nothing holds it back. If a cooldown did, the next frame might open on fewer
        // assets.
        if room != Some(Room::Alert) {
            self.hold_back(rule, view, cause.decided_ns, &mut fresh);
        }
        // After `hold_back`, so that an asset that may not open does not use up the room of one that may.
        if let Some(Room::For(more)) = room {
            fresh.truncate(more);
        }
        if fresh.is_empty() {
            return;
        }
        if is_missed {
            return self.miss(rule, view, cause.decided_ns, fresh.into_iter().map(|(asset, _)| asset));
        }
        let Some(of) = self.set.rules.get(rule) else { return };
        let matched = self.evaluation.matched(&self.set, of, view);
        let count = fresh.len() as u32;
        let at = *slot.get_or_insert_with(|| self.tweets.begin(view));
        let is_alert = room == Some(Room::Alert);
        self.counters.crowded += u64::from(is_alert);
        for (index, fresh) in (1..).zip(fresh) {
            let group = Group { index, count };
            self.open(rule, view, at, cause, fresh, is_alert, group, matched.clone(), out);
        }
    }

    /// How many assets a rule with `max` may still open on in this tweet, on which it `has_decided` something or not.
    fn room(&self, rule: usize, slot: Option<usize>, has_decided: bool) -> Option<Room> {
        let max = self.set.rules.get(rule)?.max_assets()?;
        let tweet = slot.and_then(|slot| self.tweets.get(slot));
        let lives = || tweet.iter().flat_map(|tweet| &tweet.lives).filter(|life| life.rule == Some(rule));
        // The alert has opened: it speaks for every asset of the tweet, so nothing else follows it.
        if lives().any(|life| life.opened_on.is_none()) {
            return Some(Room::For(0));
        }
        let is_alert = !has_decided && self.evaluation.found.passing.len() > max;
        Some(if is_alert { Room::Alert } else { Room::For(max.saturating_sub(lives().count())) })
    }

    /// The evidence for an asset on which a rule opens.
    fn evidence(&self, rule: &Rule, view: &View, asset: &Asset) -> Evidence {
        let reader = self.evaluation.reading.candidates.with(view, &self.set.aliases);
        match reader.follow(asset, &self.evaluation.found.passing) {
            Some((candidate, _)) if rule.emit.is_empty() => {
                self.evaluation.evidence(&self.set, rule, view, candidate, asset)
            }
            Some(_) | None => evidence_of(asset),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an open names everything its line shows")]
    fn open(
        &mut self,
        rule: usize,
        view: &View,
        slot: usize,
        cause: &Cause,
        (asset, ref_price): Fresh,
        is_alert: bool,
        group: Group,
        matched: Vec<Matched>,
        out: &mut Vec<Decision>,
    ) {
        let Some(of) = self.set.rules.get(rule) else { return };
        // A content without an author is from X (docs/decided.md).
        let platform = view.platform.clone().unwrap_or(Platform::Twitter);
        // The asset of the open: an id must survive a revise that changes the asset.
        let key = asset_key(asset.as_ref());
        let (id, signal_id) = ident::ids(&of.label.name, &platform, &view.tweet_id, &key);
        let basis = match (cause.trigger, view.enriched_ns) {
            (Trigger::Timeout, _) => Basis::Timeout,
            (Trigger::Op(_) | Trigger::Message, Some(_)) => Basis::Enriched,
            (Trigger::Op(_) | Trigger::Message, None) => Basis::Content,
        };
        let expires_ns = cause.decided_ns.saturating_add(of.ttl_ns);
        let mut line = DecisionBody {
            seq: 0,
            id,
            signal_id,
            revision: 0,
            kind: DecisionKind::Open,
            basis,
            reason: None,
            trigger: cause.trigger,
            rule: Arc::clone(if is_alert { &of.alert } else { &of.label }),
            generation: 0,
            platform,
            tweet_id: view.tweet_id.clone(),
            tweet_kind: self.evaluation.reading.kind(view).clone(),
            author: None,
            author_id: None,
            link: None,
            text: String::new(),
            matched,
            evidence: asset.as_ref().map(|asset| self.evidence(of, view, asset)),
            markets: self.set.markets(asset.as_ref()),
            asset: asset.clone(),
            previous_asset: None,
            group,
            ref_price,
            late: false,
            created_ms: None,
            received_ms: None,
            sent_ms: None,
            recv_ns: 0,
            decided_ns: 0,
            expires_ms: expires_ns.div_euclid(MILLI_NS),
        };
        describe(&mut line, &mut self.evaluation.reading, view);
        stamp(&mut line, DecisionKind::Open, cause);
        // A live frame or a deadline may also cause the open on a late post.
        line.late |= view.is_late();
        let awaits_enrichment = view.enriched_ns.is_none();
        // At least for the ttl: until then a consumer may still enter, and has to learn of a cancel.
        let keep_until_ns = expires_ns.max(cause.decided_ns.saturating_add(self.keeping.open_ns));
        // `enriched` with `on_timeout = "open"` awaits the enrichment too, but has waited already: the contract gives
        // it no `lapse`.
        let settles = match of.fire {
            Fire::TwoPhase { settle_ns } if awaits_enrichment => {
                Some(cause.decided_ns.saturating_add(settle_ns))
            }
            Fire::TwoPhase { .. } | Fire::Content | Fire::Enriched { .. } => None,
        };
        let Some(tweet) = self.tweets.get_mut(slot) else { return };
        let (serial, decision) = (tweet.serial, tweet.lives.len());
        if let Some(deadline_ns) = settles {
            let timer = Timer { due: Due::Settle { decision }, slot, serial };
            tweet.timers.push(self.timers.set(deadline_ns, timer));
        }
        tweet.timers.push(self.timers.set(keep_until_ns, Timer { due: Due::Keep, slot, serial }));
        if let Some(cooldown) = of.cooldown {
            let until_ns = cause.decided_ns.saturating_add(cooldown.span_ns);
            let subject = Subject::of(cooldown.by, asset.as_ref(), self.evaluation.reading.author(view));
            let was_full = self.cooldowns.begin(rule, subject, id, cause.decided_ns, until_ns, expires_ns);
            self.counters.cooldowns_pushed_out += u64::from(was_full);
        }
        line.seq = self.next_seq;
        let line = Arc::new(line);
        tweet.lives.push(Life {
            rule: Some(rule),
            line: Arc::clone(&line),
            opened_on: asset,
            is_cancelled: false,
            awaits_enrichment,
            content: view.content.unwrap_or(Arrival {
                recv_ns: cause.recv_ns,
                sent_ms: cause.sent_ms,
                is_late: cause.is_late,
            }),
            keep_until_ns,
        });
        self.next_seq += 1;
        self.counters.opened += 1;
        out.push(Decision { body: line, latency: None, queued_ns: None });
    }
}

/// How much a rule with `max` may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// More assets pass than `max` allows: one alert for all of them.
    Alert,
    /// This many more assets.
    For(usize),
}
