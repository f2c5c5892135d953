//! The memory of tweets with decisions or waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stoop_model::{Asset, DecisionBody, HashMap, Platform, TweetId};

use super::timers::{Due, Timer, TimerKey, Timers};
use crate::merge::{Arrival, View};
use crate::rules::Rule;
use crate::state::{DeadlineState, DueState, LifeState, Scope, State, TweetState};

/// Platforms that may share one tweet id; more than are known.
pub(super) const PLATFORMS: usize = 4;

/// One decision and where it stands.
#[derive(Debug)]
pub(super) struct Life {
    /// Its rule; none if the rule was removed: then only a deletion cancels it.
    pub(super) rule: Option<usize>,
    /// Its last line.
    pub(super) line: Arc<DecisionBody>,
    /// The asset it was opened on.
    pub(super) opened_on: Option<Asset>,
    /// The content frame, whose times a lapse shows.
    pub(super) content: Arrival,
    pub(super) is_cancelled: bool,
    /// Opened without enrichment, which has not come since.
    pub(super) awaits_enrichment: bool,
    /// Until when it keeps its tweet, Unix ns.
    pub(super) keep_until_ns: i64,
}

/// A tweet with decisions, or with a rule waiting for its enrichment.
#[derive(Debug)]
pub(super) struct Tweet {
    pub(super) id: TweetId,
    pub(super) platform: Platform,
    pub(super) serial: u64,
    /// The stay in the window it was last seen in.
    pub(super) began_seq: u64,
    /// Place among those that have left the window; none while it is in there.
    kept_at: Option<u64>,
    /// Its state, while a rule waits or once it has left the window.
    pub(super) view: Option<Arc<View>>,
    /// Rules whose wait is not over.
    pub(super) waits: u32,
    pub(super) lives: Vec<Life>,
    /// Deadlines set for it, gone ones too.
    pub(super) timers: Vec<TimerKey>,
    /// It has changed since [`Scope::Changes`] was asked for.
    is_dirty: bool,
    /// It was part of what was answered then.
    is_saved: bool,
}

impl Tweet {
    /// It is in the window.
    pub(super) fn is_in_window(&self) -> bool {
        self.kept_at.is_none()
    }

    /// Its state while `view` of it is in the window: the one joined from several stays, if there were several and a
    /// decision still stands.
    pub(super) fn joined_beside(&self, view: &Arc<View>) -> Option<Arc<View>> {
        match self.view.as_ref().filter(|kept| kept.began_seq != view.began_seq) {
            Some(kept) => self.is_open().then(|| Arc::clone(kept)),
            None => Some(Arc::clone(view)),
        }
    }

    /// Some decision on it stands.
    pub(super) fn is_open(&self) -> bool {
        self.lives.iter().any(|life| !life.is_cancelled)
    }

    /// Once it has left the window, nothing needs it any more at `now_ns`.
    fn is_idle(&self, now_ns: i64) -> bool {
        // A cancelled decision needs no memory outside the window: a content after that is a new tweet.
        let is_over = |life: &Life| life.is_cancelled || life.keep_until_ns <= now_ns;
        self.lives.iter().all(is_over)
    }
}

impl Tweet {
    fn save(&self, timers: &Timers, rules: &[Rule]) -> TweetState {
        let due = |due: Due| match due {
            Due::Settle { decision } => Some(DueState::Settle { decision }),
            Due::Wait { rule } => Some(DueState::Wait { rule: rules.get(rule)?.label.name.clone() }),
            Due::Keep => Some(DueState::Keep),
        };
        let deadline = |key: &TimerKey| {
            let due = due(timers.get(*key)?)?;
            Some(DeadlineState { at_ns: key.0, created: key.1, due })
        };
        TweetState {
            serial: self.serial,
            id: self.id.clone(),
            platform: self.platform.clone(),
            began_seq: self.began_seq,
            kept_at: self.kept_at,
            view: self.view.clone(),
            lives: self.lives.iter().map(Life::save).collect(),
            deadlines: self.timers.iter().filter_map(deadline).collect(),
        }
    }

    /// A decision of a removed rule stands until the tweet is deleted; a removed rule waits for nothing.
    fn restore(saved: &TweetState, slot: usize, timers: &mut Timers, rules: &[Rule]) -> Self {
        let rule_of = |name: &str| rules.iter().position(|rule| rule.label.name == name);
        let mut tweet = Self {
            id: saved.id.clone(),
            platform: saved.platform.clone(),
            serial: saved.serial,
            began_seq: saved.began_seq,
            kept_at: saved.kept_at,
            view: saved.view.clone(),
            waits: 0,
            lives: Vec::with_capacity(saved.lives.len()),
            timers: Vec::with_capacity(saved.deadlines.len()),
            is_dirty: false,
            is_saved: false,
        };
        tweet.lives.extend(saved.lives.iter().map(|life| Life::restore(life, rule_of(&life.line.rule.name))));
        for deadline in &saved.deadlines {
            let due = match &deadline.due {
                DueState::Settle { decision } => Due::Settle { decision: *decision },
                DueState::Wait { rule } => match rule_of(rule) {
                    Some(rule) => Due::Wait { rule },
                    None => continue,
                },
                DueState::Keep => Due::Keep,
            };
            tweet.waits += u32::from(matches!(due, Due::Wait { .. }));
            let key = (deadline.at_ns, deadline.created);
            timers.restore(key, Timer { due, slot, serial: saved.serial });
            tweet.timers.push(key);
        }
        tweet
    }
}

impl Life {
    fn save(&self) -> LifeState {
        LifeState {
            line: Arc::clone(&self.line),
            opened_on: self.opened_on.clone(),
            content: self.content,
            is_cancelled: self.is_cancelled,
            awaits_enrichment: self.awaits_enrichment,
            keep_until_ns: self.keep_until_ns,
        }
    }

    fn restore(saved: &LifeState, rule: Option<usize>) -> Self {
        Self {
            rule,
            line: Arc::clone(&saved.line),
            opened_on: saved.opened_on.clone(),
            content: saved.content,
            is_cancelled: saved.is_cancelled,
            awaits_enrichment: saved.awaits_enrichment,
            keep_until_ns: saved.keep_until_ns,
        }
    }
}

/// The tweets by id, in slots.
#[derive(Default)]
pub(super) struct Tweets {
    // Slots are reused, so whoever holds a slot number across inputs holds the serial too.
    slots: Vec<Option<Tweet>>,
    free: Vec<usize>,
    index: HashMap<TweetId, Vec<usize>>,
    /// Slots of tweets that have left the window, in the order they left.
    kept: BTreeMap<u64, usize>,
    kept_ever: u64,
    serials: u64,
    changes: Option<Changes>,
}

/// Changes since the last request for them.
#[derive(Default)]
struct Changes {
    /// Slots, each once.
    dirty: BTreeSet<usize>,
    /// Serials of tweets that were saved and are forgotten.
    gone: Vec<u64>,
}

impl Tweets {
    /// The slots of an id: of one platform, or of all if the view names none.
    pub(super) fn find(&self, id: &TweetId, platform: Option<&Platform>) -> [Option<usize>; PLATFORMS] {
        // An array, because this runs on every change and must not allocate.
        let mut found = [None; PLATFORMS];
        let Some(slots) = self.index.get(id) else { return found };
        let is_of = |slot: &&usize| {
            platform.is_none_or(|wanted| self.get(**slot).is_some_and(|tweet| tweet.platform == *wanted))
        };
        for (place, slot) in found.iter_mut().zip(slots.iter().filter(is_of)) {
            *place = Some(*slot);
        }
        found
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Tweet> {
        self.slots.get(slot)?.as_ref()
    }

    /// The tweet of a slot, to be changed.
    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Tweet> {
        self.touch(slot);
        self.slots.get_mut(slot)?.as_mut()
    }

    /// Notes a change, if changes are asked for.
    fn touch(&mut self, slot: usize) {
        if let Some(changes) = &mut self.changes
            && let Some(tweet) = self.slots.get_mut(slot).and_then(Option::as_mut)
            && !std::mem::replace(&mut tweet.is_dirty, true)
        {
            changes.dirty.insert(slot);
        }
    }

    /// Adds what it remembers to `state`; `timers` holds the deadlines.
    pub(super) fn save(&mut self, scope: Scope, timers: &Timers, rules: &[Rule], state: &mut State) {
        state.head.tweets = self.serials;
        state.head.kept = self.kept_ever;
        // Changes are noted from the first request on: a run without a store does not pay for them.
        let is_first = scope == Scope::Changes && self.changes.is_none();
        if is_first {
            self.changes = Some(Changes::default());
        }
        if let Some(changes) = self.changes.as_mut().filter(|_| scope == Scope::Changes && !is_first) {
            for slot in std::mem::take(&mut changes.dirty) {
                if let Some(tweet) = self.slots.get_mut(slot).and_then(Option::as_mut) {
                    tweet.is_dirty = false;
                    tweet.is_saved = true;
                    state.tweets.push(tweet.save(timers, rules));
                }
            }
            state.gone.tweets.append(&mut changes.gone);
            return;
        }
        for tweet in self.slots.iter_mut().flatten() {
            tweet.is_saved |= is_first;
            state.tweets.push(tweet.save(timers, rules));
        }
    }

    /// Remembers what an engine before this one did, and sets its deadlines; for one that remembers nothing.
    pub(super) fn restore(&mut self, state: &State, timers: &mut Timers, rules: &[Rule]) {
        let mut tweets: Vec<&TweetState> = state.tweets.iter().collect();
        // A state has them in any order. Tweets of one id must be found in the order in which they began.
        tweets.sort_unstable_by_key(|tweet| tweet.serial);
        for saved in tweets {
            let slot = self.slots.len();
            let tweet = Tweet::restore(saved, slot, timers, rules);
            if let Some(place) = tweet.kept_at {
                self.kept.insert(place, slot);
            }
            self.index.entry(tweet.id.clone()).or_default().push(slot);
            self.slots.push(Some(tweet));
        }
        self.serials = state.head.tweets;
        self.kept_ever = state.head.kept;
    }

    /// The tweet of a slot, unless the slot has been reused.
    pub(super) fn of_serial(&mut self, slot: usize, serial: u64) -> Option<&mut Tweet> {
        self.get_mut(slot).filter(|tweet| tweet.serial == serial)
    }

    /// Begins to remember the tweet of a view that is in the window.
    pub(super) fn begin(&mut self, view: &View) -> usize {
        let tweet = Tweet {
            id: view.tweet_id.clone(),
            platform: view.platform.clone().unwrap_or_default(),
            serial: self.serials,
            began_seq: view.began_seq,
            kept_at: None,
            view: None,
            waits: 0,
            lives: Vec::new(),
            timers: Vec::new(),
            is_dirty: false,
            is_saved: false,
        };
        self.serials += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.index.entry(tweet.id.clone()).or_default().push(slot);
        self.slots[slot] = Some(tweet);
        self.touch(slot);
        slot
    }

    /// The tweet has left the window: remembers it with its last state for its open decisions, or forgets it.
    pub(super) fn keep(&mut self, slot: usize, view: Arc<View>, now_ns: i64) -> Option<Tweet> {
        let tweet = self.get_mut(slot)?;
        // A rule that still waits does not keep it.
        if tweet.is_idle(now_ns) {
            return self.forget(slot);
        }
        tweet.view = Some(view);
        let place = self.kept_ever;
        self.kept_ever += 1;
        if let Some(tweet) = self.get_mut(slot) {
            tweet.kept_at = Some(place);
        }
        self.kept.insert(place, slot);
        None
    }

    /// Forgets the tweet that left the window first, if more than `limit` have left.
    pub(super) fn push_out(&mut self, limit: usize) -> Option<Tweet> {
        if self.kept.len() <= limit.max(1) {
            return None;
        }
        let (_, slot) = self.kept.first_key_value()?;
        self.forget(*slot)
    }

    /// The tweet is in the window again.
    pub(super) fn back(&mut self, slot: usize, began_seq: u64) {
        let Some(tweet) = self.get_mut(slot) else { return };
        tweet.began_seq = began_seq;
        if let Some(place) = tweet.kept_at.take() {
            self.kept.remove(&place);
        }
    }

    /// Forgets the tweet of a slot if it has left the window and nothing needs it any more.
    pub(super) fn release(&mut self, slot: usize, now_ns: i64) -> Option<Tweet> {
        let is_over = self.get(slot).is_some_and(|tweet| !tweet.is_in_window() && tweet.is_idle(now_ns));
        is_over.then(|| self.forget(slot)).flatten()
    }

    /// Number of tweets remembered.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Number of those that have left the window.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }

    fn forget(&mut self, slot: usize) -> Option<Tweet> {
        let tweet = self.slots.get_mut(slot).and_then(Option::take)?;
        if let Some(place) = tweet.kept_at {
            self.kept.remove(&place);
        }
        if let Some(changes) = &mut self.changes {
            changes.dirty.remove(&slot);
            // The store has never seen the others.
            changes.gone.extend(tweet.is_saved.then_some(tweet.serial));
        }
        self.free.push(slot);
        if let Some(slots) = self.index.get_mut(&tweet.id) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.index.remove(&tweet.id);
            }
        }
        Some(tweet)
    }
}
