//! Tests the rules on every changed view and leads each decision through its life.

mod cooldown;
mod evaluation;
mod explain;
mod held;
mod ident;
mod life;
mod line;
mod missed;
mod open;
#[cfg(test)]
mod shortcuts;
mod strategy;
mod timers;
mod tweets;

use std::sync::Arc;

use stoop_model::{Decision, Op};

pub use cooldown::COOLDOWNS;
pub use explain::Explanation;
pub use missed::{MISSED, Missed};
pub use strategy::{Incident, panic_message};

use crate::input::{Command, Stamp};
use crate::merge::{Change, Merged, View};
use crate::rules::{Fire, RuleSet, is_there};
use crate::state::{Scope, State};
use cooldown::Cooldowns;
use evaluation::Evaluation;
use held::TweetLog;
use line::Cause;
use missed::MissedLog;
use strategy::Strategies;
use timers::{Due, Timer, Timers};
use tweets::{PLATFORMS, Tweet, Tweets};

/// How long tweets with decisions are remembered.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// From the open of a decision, ns; longer if its ttl is.
    pub open_ns: i64,
    /// How many such tweets beyond those in the window; the oldest is forgotten first.
    pub tweets: usize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { open_ns: 86_400_000_000_000, tweets: 65_536 }
    }
}

/// Decisions, and what kept others from opening, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalCounters {
    /// Views tested, each against all rules.
    pub tested: u64,
    /// Decisions opened.
    pub opened: u64,
    /// Decisions confirmed.
    pub confirmed: u64,
    /// Times a decision's identity was resolved or changed.
    pub revised: u64,
    /// Decisions whose enrichment did not come in time.
    pub lapsed: u64,
    /// Decisions cancelled.
    pub cancelled: u64,
    /// Rules that matched a post too old to open.
    pub stale: u64,
    /// Waits for an enrichment that ended without one.
    pub waits_over: u64,
    /// Tweets with open decisions forgotten because newer ones needed the room.
    pub pushed_out: u64,
    /// Messages for strategies.
    pub messages: u64,
    /// Gaps of the feed.
    pub gaps: u64,
    /// Opens that did not come about because their post, or what caused them, came late.
    pub missed: u64,
    /// Strategies switched off: they panicked, or the host asked for it.
    pub strategies_off: u64,
    /// Opens held back because the universe does not list the asset.
    pub untradable: u64,
    /// Opens held back by a cooldown.
    pub cooled: u64,
    /// Posts with more assets than a rule's `max`: one alert instead of their decisions.
    pub crowded: u64,
    /// Cooldowns forgotten because newer ones needed the room.
    pub cooldowns_pushed_out: u64,
    /// Coins and addresses of a text that were not looked at because there were too many.
    pub local_assets_over: u64,
}

impl std::ops::AddAssign for SignalCounters {
    fn add_assign(&mut self, other: Self) {
        let Self {
            tested,
            opened,
            confirmed,
            revised,
            lapsed,
            cancelled,
            stale,
            waits_over,
            pushed_out,
            messages,
            gaps,
            missed,
            strategies_off,
            untradable,
            cooled,
            crowded,
            cooldowns_pushed_out,
            local_assets_over,
        } = other;
        self.tested += tested;
        self.opened += opened;
        self.confirmed += confirmed;
        self.revised += revised;
        self.lapsed += lapsed;
        self.cancelled += cancelled;
        self.stale += stale;
        self.waits_over += waits_over;
        self.pushed_out += pushed_out;
        self.messages += messages;
        self.gaps += gaps;
        self.missed += missed;
        self.strategies_off += strategies_off;
        self.untradable += untradable;
        self.cooled += cooled;
        self.crowded += crowded;
        self.cooldowns_pushed_out += cooldowns_pushed_out;
        self.local_assets_over += local_assets_over;
    }
}

/// Rules at work: what they have decided, on what they wait.
///
/// Driven by the same verbs as every stage: [`Self::handle`] for an input, [`Self::wake`] for time alone. Both
/// first let every deadline up to `now` fire, each with its own time as now, so that a late wake changes nothing.
pub struct Signal {
    set: RuleSet,
    strategies: Strategies,
    keeping: Keeping,
    evaluation: Evaluation,
    /// Rules tested on the view at hand.
    due: Vec<usize>,
    tweets: Tweets,
    timers: Timers,
    missed: MissedLog,
    cooldowns: Cooldowns,
    /// Opens that were held back, so that each is counted once.
    held: TweetLog,
    next_seq: u64,
    counters: SignalCounters,
}

impl Signal {
    /// A stage that has decided nothing yet.
    pub fn new(mut set: RuleSet, keeping: Keeping) -> Self {
        let strategies = std::mem::take(&mut set.strategies);
        Self {
            strategies: Strategies::new(&set.rules, strategies),
            set,
            keeping,
            evaluation: Evaluation::default(),
            due: Vec::new(),
            tweets: Tweets::default(),
            timers: Timers::default(),
            missed: MissedLog::default(),
            cooldowns: Cooldowns::default(),
            held: TweetLog::default(),
            next_seq: 0,
            counters: SignalCounters::default(),
        }
    }

    /// Handles the changes of one input at `stamp`, in order; appends decisions to `out`.
    ///
    /// A tweet leaves between the deadlines before and after that moment, even if the next input comes much later.
    pub fn handle(&mut self, merged: &[Merged], stamp: Stamp, out: &mut Vec<Decision>) {
        let mut is_awake = false;
        for merged in merged {
            match merged {
                Merged::Left { view, at_ns } => {
                    // Deadlines up to that moment still find the tweet in the window.
                    self.wake(*at_ns, out);
                    self.left(view, *at_ns);
                }
                Merged::Changed(change) => {
                    // Once per input: a deadline that the first change sets for now fires before the next input.
                    if !std::mem::replace(&mut is_awake, true) {
                        self.wake(stamp.now_ns, out);
                    }
                    self.changed(change, out);
                }
                // Only commands name tweets, and `command` reads these.
                Merged::Named(_) => {}
            }
        }
        if !is_awake {
            self.wake(stamp.now_ns, out);
        }
    }

    /// Handles a command at `stamp`, with the changes that merge made for it; appends decisions to `out`.
    pub fn command(&mut self, command: &Command, merged: &[Merged], stamp: Stamp, out: &mut Vec<Decision>) {
        self.handle(merged, stamp, out);
        match command {
            Command::SwitchOff { strategy } => self.strategies.switch_off(strategy),
            Command::Message(message) => {
                self.counters.messages += 1;
                let mut rules = self.strategies.rules_of(message);
                // A strategy that panics on the message is not asked about the tweet.
                rules.retain(|rule| self.strategies.tell(*rule, message, stamp.now_ns));
                self.judge_named(&rules, message, merged, stamp.now_ns, out);
            }
        }
    }

    /// Counts a gap of the feed that ended at `stamp`; `merged` holds what has left the window up to then.
    pub fn gap(&mut self, merged: &[Merged], stamp: Stamp, out: &mut Vec<Decision>) {
        self.handle(merged, stamp, out);
        self.counters.gaps += 1;
    }

    /// Adds what it remembers to `state`.
    pub fn save(&mut self, scope: Scope, state: &mut State) {
        self.tweets.save(scope, &self.timers, &self.set.rules, state);
        self.cooldowns.save(scope, &self.set.rules, state);
        state.head.decisions = self.next_seq;
        state.head.deadlines = self.timers.created();
        state.head.off = self.strategies.names_off();
    }

    /// Remembers what an engine before this one did; for one that has decided nothing.
    ///
    /// Decisions belong to the rule of the same name, even if its text has changed. Those of a rule that was removed
    /// are cancelled by a deletion only.
    pub fn restore(&mut self, state: &State) {
        self.tweets.restore(state, &mut self.timers, &self.set.rules);
        self.cooldowns.restore(state, &self.set.rules);
        self.next_seq = state.head.decisions;
        // Deadlines set from now on sort after restored ones of the same time, as they would have without the
        // restart.
        self.timers.go_on(state.head.deadlines);
        for name in &state.head.off {
            self.strategies.switch_off(name);
        }
    }

    /// Removes and returns the incidents of strategies since the last call.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        self.strategies.take_incidents()
    }

    /// Something has gone wrong in a strategy.
    pub fn has_incidents(&self) -> bool {
        self.strategies.has_incidents()
    }

    /// Lets every deadline up to `now_ns` fire.
    pub fn wake(&mut self, now_ns: i64, out: &mut Vec<Decision>) {
        while let Some((deadline_ns, timer)) = self.timers.pop(now_ns) {
            self.fire(deadline_ns, timer, out);
        }
    }

    /// The next deadline, Unix ns.
    pub fn deadline(&self) -> Option<i64> {
        self.timers.next()
    }

    /// The counters so far.
    pub fn counters(&self) -> SignalCounters {
        SignalCounters {
            strategies_off: self.strategies.off(),
            local_assets_over: self.evaluation.reading.candidates.left_out,
            ..self.counters
        }
    }

    /// The rules.
    pub fn rules(&self) -> &RuleSet {
        &self.set
    }

    /// Number of deadlines set.
    pub fn deadlines(&self) -> usize {
        self.timers.len()
    }

    /// Number of tweets remembered for decisions or waits, and how many of them have left the window.
    pub fn remembered(&self) -> (usize, usize) {
        (self.tweets.len(), self.tweets.kept())
    }

    fn left(&mut self, view: &Arc<View>, now_ns: i64) {
        for slot in self.tweets.find(&view.tweet_id, view.platform.as_ref()).into_iter().flatten() {
            let Some(tweet) = self.tweets.get(slot) else { continue };
            // The tweet has come back in the meantime: this is the end of an earlier stay.
            if tweet.began_seq != view.began_seq {
                continue;
            }
            // A second stay has been joined into the view kept from the first.
            let kept = tweet.view.clone().filter(|kept| kept.began_seq != view.began_seq);
            let view = kept.unwrap_or_else(|| Arc::clone(view));
            let idle = self.tweets.keep(slot, view, now_ns);
            let oldest = self.tweets.push_out(self.keeping.tweets);
            self.counters.pushed_out += u64::from(oldest.is_some());
            self.put_away(idle);
            self.put_away(oldest);
        }
    }

    /// Revokes the deadlines of a tweet that is forgotten.
    fn put_away(&mut self, forgotten: Option<Tweet>) {
        if let Some(tweet) = forgotten {
            self.timers.revoke(&tweet.timers);
        }
    }

    fn changed(&mut self, change: &Change, out: &mut Vec<Decision>) {
        let slots = self.tweets.find(&change.view.tweet_id, change.view.platform.as_ref());
        // Nearly every change: no decision and no wait, so nothing is remembered of the tweet.
        if slots == [None; PLATFORMS] {
            if is_there(&change.view) {
                self.test_all(&change.view, change, None, change.is_first_content, out);
            }
            return;
        }
        // A frame without a platform concerns every tweet of its id, as in merge.
        for slot in slots.into_iter().flatten() {
            let (view, is_same_stay) = self.join(slot, change);
            if !is_same_stay && !self.tweets.get(slot).is_some_and(Tweet::is_open) {
                // It has left the window and no decision on it stands: it is not evaluated again.
                continue;
            }
            if view.deleted {
                self.cancel_all(slot, &view, change, out);
            } else if view.content.is_some() {
                self.test_all(&view, change, Some(slot), change.is_first_content && is_same_stay, out);
            }
        }
    }

    /// The state of a remembered tweet with the change in it, and whether it is still in its first stay.
    fn join(&mut self, slot: usize, change: &Change) -> (Arc<View>, bool) {
        let view = &change.view;
        let Some(tweet) = self.tweets.get_mut(slot) else { return (Arc::clone(view), true) };
        let Some(kept) = tweet.view.as_mut().filter(|kept| kept.began_seq != view.began_seq) else {
            if tweet.waits > 0 {
                tweet.view = Some(Arc::clone(view));
            }
            return (Arc::clone(view), true);
        };
        // The window has forgotten the first stay, but a decision stands on what was known then.
        Arc::make_mut(kept).absorb(view);
        let joined = Arc::clone(kept);
        self.tweets.back(slot, view.began_seq);
        (joined, false)
    }

    /// Tests every rule that could decide something on the view, in order.
    fn test_all(
        &mut self,
        view: &Arc<View>,
        change: &Change,
        slot: Option<usize>,
        is_first_content: bool,
        out: &mut Vec<Decision>,
    ) {
        self.counters.tested += 1;
        self.evaluation.reading.begin(view);
        // The loop needs all of `self`; the buffer goes back when it is done.
        let mut due = std::mem::take(&mut self.due);
        let lives = slot.and_then(|slot| self.tweets.get(slot)).map_or(&[][..], |tweet| &tweet.lives);
        let open = lives.iter().filter_map(|life| life.rule);
        self.evaluation.reading.due(&self.set, view, open, &mut due);
        let mut slot = slot;
        let now_ns = change.arrival.recv_ns;
        for &rule in &due {
            let Some(of) = self.set.rules.get(rule) else { continue };
            let is_listed = of.on.contains(&change.op);
            // Content, updates and enrichment are always tested, because they confirm, revise or cancel open
            // decisions, even for a rule whose `on` lets it open on pins alone.
            let is_trigger = matches!(change.op, Op::Content | Op::Update | Op::Meta) || is_listed;
            let cause = Cause::frame(change, is_first_content);
            match of.fire {
                // Once, with what is there: a second content never reopens.
                Fire::Content if is_first_content && is_listed => {
                    self.test_rule(rule, view, &mut slot, &cause, true, out);
                }
                Fire::TwoPhase { .. } if is_trigger => {
                    self.test_rule(rule, view, &mut slot, &cause, is_listed, out);
                }
                Fire::Enriched { wait_ns, opens_on_timeout } if is_trigger => {
                    let in_time = is_in_time(view, wait_ns);
                    // The author may become known during the wait; a rule that then fails is dropped at the deadline.
                    let may_wait = is_first_content && view.enriched_ns.is_none() && opens_on_timeout;
                    if may_wait && self.evaluation.reading.could_be_by(&self.set, rule, of, view) {
                        self.wait(rule, view, &mut slot, now_ns.saturating_add(wait_ns));
                    }
                    let may_open = is_listed && view.enriched_ns.is_some() && in_time;
                    self.test_rule(rule, view, &mut slot, &cause, may_open, out);
                }
                Fire::Content | Fire::TwoPhase { .. } | Fire::Enriched { .. } => {}
            }
        }
        self.due = due;
    }

    fn wait(&mut self, rule: usize, view: &Arc<View>, slot: &mut Option<usize>, deadline_ns: i64) {
        let at = *slot.get_or_insert_with(|| self.tweets.begin(view));
        let Some(tweet) = self.tweets.get_mut(at) else { return };
        tweet.waits += 1;
        tweet.view = Some(Arc::clone(view));
        let timer = Timer { due: Due::Wait { rule }, slot: at, serial: tweet.serial };
        tweet.timers.push(self.timers.set(deadline_ns, timer));
    }

    fn fire(&mut self, deadline_ns: i64, timer: Timer, out: &mut Vec<Decision>) {
        let Timer { due, slot, serial } = timer;
        // The slot may belong to another tweet since.
        let Some(tweet) = self.tweets.of_serial(slot, serial) else { return };
        match due {
            // Only wakes: `release` below decides whether the tweet is still needed.
            Due::Keep => {}
            Due::Settle { decision } => self.lapse(slot, decision, deadline_ns, out),
            Due::Wait { rule } => {
                tweet.waits = tweet.waits.saturating_sub(1);
                let view = tweet.view.clone();
                // Let go of the window's view: while it is shared, merge has to copy it for the next frame. A view
                // joined from several stays exists only here.
                if tweet.waits == 0 && tweet.is_in_window() {
                    tweet.view = tweet.view.take().filter(|view| view.began_seq != tweet.began_seq);
                }
                if let Some(view) = view.filter(|view| view.enriched_ns.is_none()) {
                    self.counters.waits_over += 1;
                    if !view.deleted {
                        self.evaluation.reading.begin(&view);
                        let cause = Cause::timeout(&view, deadline_ns);
                        self.test_rule(rule, &view, &mut Some(slot), &cause, true, out);
                    }
                }
            }
        }
        let forgotten = self.tweets.release(slot, deadline_ns);
        self.put_away(forgotten);
    }
}

/// The enrichment came before the wait for it was over.
fn is_in_time(view: &View, wait_ns: i64) -> bool {
    match (view.content, view.enriched_ns) {
        (Some(content), Some(enriched_ns)) => {
            // An enrichment before its content was not waited for. At the deadline itself it is too late: deadlines
            // fire before an input of the same time.
            enriched_ns <= content.recv_ns || enriched_ns < content.recv_ns.saturating_add(wait_ns)
        }
        (_, _) => false,
    }
}
