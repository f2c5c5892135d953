//! The loop of a connection without its IO: what is read next, what enters the stages when, and what is reported.
//!
//! 1. The owner waits for the endpoints in the order of [`Pump::turns`], for its surroundings to change, or for
//!    [`Pump::deadline`].
//! 2. It hands in what has happened ([`Pump::handle`]). A frame goes straight from the socket into the stages if the
//!    pump [`accepts`](Pump::accepts) it; it is not copied into an action. The owner reads on while [`Pump::reads_on`]
//!    says so.
//! 3. It wakes the pump until the turn is over, and carries out all actions in the order given.
//!
//! The pump reads no clock: times are Unix ns of one clock that never goes back.

mod action;
#[cfg_attr(not(feature = "rest"), expect(dead_code, reason = "there is no history to ask"))]
mod backfill;
mod endpoint;
mod outage;
mod saving;

use stoop_engine::{ENDPOINTS, Gap, Input, Origin, Receipt};
use stoop_feed::{self as feed, Lane, Policy, Side, State};
use stoop_model::BadReason;

use crate::notice::News;
use crate::summary::{End, EndpointReport, FeedCounters, Link};

pub(crate) use action::{Action, Event, Note, Surroundings, Turn};
use backfill::Backfill;
pub(crate) use backfill::{Answer, Span};
pub(crate) use endpoint::Endpoint;
use outage::Outages;
use saving::Saving;

/// How often a full queue is looked at again.
const DRAIN_EVERY_NS: i64 = 1_000_000;
/// Messages read in one go before timers are looked at.
const BURST: usize = 64;
/// Such reads in a row after which a pong counts as missing although there is more to read: some 65,000 frames, which
/// is more than a system keeps for a socket.
const BURSTS: usize = 1024;

/// Settings of a pump, times in ns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PumpSettings {
    /// How often the counters are reported; never if none.
    pub(crate) status_every_ns: Option<i64>,
    /// How long after a gap history is asked; never if none.
    pub(crate) backfill_after_ns: Option<i64>,
    /// How long a stop may take to hand over what is held back.
    pub(crate) drain_timeout_ns: i64,
    /// The run ends after this many frames.
    pub(crate) max_frames: Option<u64>,
}

/// Decides for all endpoints of a run, one after the other.
#[derive(Debug)]
pub(crate) struct Pump {
    settings: PumpSettings,
    endpoints: Vec<Endpoint>,
    /// The endpoint that is asked first: each in its turn, so that none starves another.
    first: usize,
    /// Reads since there was nothing to read.
    bursts: usize,
    /// Messages that the read at hand has brought.
    burst: usize,
    /// Whether sockets were read when they were last asked.
    could_read: bool,
    /// Reading is held, and the policies know.
    is_held: bool,
    /// The deadline the last tick was for: one is enough, however long the stages take.
    ticked_ns: Option<i64>,
    /// All endpoints except the first wait until it is known how many connections the plan allows.
    awaits_limit: bool,
    frames: u64,
    outages: Outages,
    backfill: Backfill,
    saving: Option<Saving>,
    /// When the counters are reported next, Unix ns.
    status_ns: Option<i64>,
    phase: Phase,
    end: Option<End>,
    /// What a policy asks for; empty between two calls.
    actions: Vec<feed::Action>,
}

/// How far a turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Tick,
    Endpoints,
    Requests,
    /// Frames of history that may still enter in this turn.
    History(usize),
    Upkeep,
    /// All connections are closed; what is held back has until then, Unix ns. Whether requests were attended to.
    Emptying(i64, bool),
    /// Nothing is left to do.
    Over,
}

impl Pump {
    /// Most actions that one call pushes. A policy's action leads to five at most: the state of the endpoint, its note
    /// and notice, the gap and its notice.
    pub(crate) const MAX_ACTIONS: usize = 5 * Policy::MAX_ACTIONS * ENDPOINTS;

    /// A pump that has not begun, for the endpoints in the order of their numbers.
    pub(crate) fn new(settings: PumpSettings, endpoints: Vec<Endpoint>, now_ns: i64) -> Self {
        Self {
            endpoints,
            first: 0,
            bursts: 0,
            burst: 0,
            could_read: false,
            is_held: false,
            ticked_ns: None,
            awaits_limit: false,
            frames: 0,
            outages: Outages::new(now_ns),
            backfill: Backfill::new(settings.backfill_after_ns),
            saving: None,
            status_ns: settings.status_every_ns.map(|_| now_ns),
            phase: Phase::Tick,
            end: None,
            actions: Vec::with_capacity(Policy::MAX_ACTIONS),
            settings,
        }
    }

    /// Keeps what the stages remember, and continues after a run that was connected until `up_ns`.
    pub(crate) fn keep(mut self, up_ns: Option<i64>, now_ns: i64) -> Self {
        self.outages.restart(up_ns);
        self.saving = Some(Saving::new(now_ns));
        self
    }

    /// Handles one event at `now_ns`; pushes at most [`Self::MAX_ACTIONS`].
    pub(crate) fn handle(&mut self, event: Event, now_ns: i64, out: &mut Vec<Action>) {
        match event {
            Event::Begin => self.begin(now_ns, out),
            Event::Endpoint { at, event } => {
                let counters = &mut self.endpoints[at].feed;
                counters.opens += u64::from(event == feed::Event::Opened);
                counters.pongs += u64::from(event == feed::Event::Pong);
                self.tell(at, event, now_ns, out);
            }
            Event::Rejected { at, reason, code } => self.reject(at, reason, code, now_ns, out),
            Event::Limit(limit) => {
                self.awaits_limit = false;
                self.leave_out(limit.unwrap_or(u64::MAX), out);
            }
            Event::Command(command) => {
                // The end is an input too, and it came first.
                if !self.is_emptying() {
                    self.enter(Input::Command { command: Box::new(command), at_ns: now_ns }, out);
                }
            }
            Event::Answer(answer) => self.backfill.answer(answer, now_ns, out),
            Event::End(end) => {
                if self.end.is_none() {
                    self.end = Some(end);
                    self.tell_all(feed::Event::Stop, now_ns, out);
                }
            }
        }
    }

    /// Does what is due at `now_ns`; pushes at most [`Self::MAX_ACTIONS`].
    ///
    /// Stops after each input it asks for: the stages' answer to it decides what comes next. To be
    /// called again, as [`Turn`] says, until the turn is over.
    pub(crate) fn wake(&mut self, now_ns: i64, around: &Surroundings, out: &mut Vec<Action>) -> Turn {
        loop {
            match self.phase {
                // The policies have waited for the close handshakes; a socket that is still there belongs to a server
                // that does not answer.
                Phase::Tick if self.is_closed() => {
                    let until_ns = now_ns.saturating_add(self.settings.drain_timeout_ns);
                    self.phase = Phase::Emptying(until_ns, false);
                    out.extend((0..self.endpoints.len()).map(Action::Abandon));
                }
                Phase::Tick => {
                    // Deadlines first: what fires was due before anything that is read or asked for in this turn.
                    self.phase = Phase::Endpoints;
                    if self.tick(now_ns, around, out) {
                        return Turn::Again;
                    }
                }
                Phase::Endpoints => {
                    self.phase = Phase::Requests;
                    self.wake_endpoints(now_ns, around, out);
                    return Turn::Requests;
                }
                Phase::Requests => {
                    self.phase = Phase::History(backfill::BURST);
                    self.tell_status(now_ns, out);
                    if self.outages.link.is_up && self.end.is_none() {
                        out.extend(self.backfill.ask(now_ns).map(Action::AskHistory));
                    }
                    // A stop waits for no back-fill.
                    if !self.backfill.has_frames(now_ns) || self.end.is_some() {
                        self.phase = Phase::Upkeep;
                    }
                }
                Phase::History(left) => {
                    self.phase = Phase::Upkeep;
                    if left > 0
                        && around.can_enter()
                        && let Some(bytes) = self.backfill.next(now_ns, out)
                    {
                        self.phase = Phase::History(left - 1);
                        let receipt = Receipt::At(now_ns);
                        self.enter(Input::Frame { origin: Origin::History, bytes, receipt }, out);
                        return Turn::Again;
                    }
                }
                Phase::Upkeep => {
                    self.phase = Phase::Tick;
                    if around.wants_cut {
                        out.push(Action::CutTape { ticks: true });
                    }
                    if around.can_save && self.saving.as_ref().is_some_and(|saving| saving.due_ns() <= now_ns)
                    {
                        self.save(now_ns, out);
                    }
                    return Turn::Over;
                }
                Phase::Emptying(until_ns, true) => {
                    self.phase = Phase::Emptying(until_ns, false);
                    return Turn::Over;
                }
                Phase::Emptying(until_ns, false) => return self.empty(until_ns, now_ns, around, out),
                Phase::Over => return Turn::Over,
            }
        }
    }

    /// When to wake it next if nothing happens, Unix ns.
    pub(crate) fn deadline(&self, now_ns: i64, around: &Surroundings) -> Option<i64> {
        if self.is_closed() {
            return Some(if self.is_emptying() { now_ns + DRAIN_EVERY_NS } else { now_ns });
        }
        let own_ns = self.endpoints.iter().filter_map(|endpoint| endpoint.policy.deadline()).min();
        // The stages may not have come to the tick yet; until then the same deadline would wake the loop without end.
        let tick_ns = around.deadline_ns.filter(|deadline_ns| self.ticked_ns != Some(*deadline_ns));
        // The queue's consumer is outside and wakes no one, so a full queue can only be polled.
        let drain_ns = around.is_holding.then(|| now_ns + DRAIN_EVERY_NS);
        let save_ns = self.saving.as_ref().filter(|_| around.can_save).map(Saving::due_ns);
        let is_up = self.outages.link.is_up && self.end.is_none();
        let fill_ns = self.backfill.due_ns(is_up, self.could_read);
        [own_ns, tick_ns, drain_ns, self.status_ns, save_ns, fill_ns].into_iter().flatten().min()
    }

    /// The owner is about to wait.
    pub(crate) fn wait(&mut self, around: &Surroundings) {
        // Kept for the whole turn: whether a pong could have been seen depends on what was asked before this wait.
        self.could_read = around.can_enter() && self.end.is_none();
        self.first = (self.first + 1) % self.endpoints.len();
    }

    /// The order in which endpoints are asked for what they have, and which of them are read: after each
    /// [`wait`](Self::wait) another one comes first.
    pub(crate) fn turns(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        let count = self.endpoints.len();
        (0..count).map(move |turn| (self.first + turn) % count).map(|at| (at, self.reads(at)))
    }

    /// An endpoint had something to tell, or none had.
    pub(crate) fn waited(&mut self, has_step: bool) {
        self.bursts = if has_step { (self.bursts + 1) % BURSTS } else { 0 };
        self.burst = 0;
    }

    /// Whether the endpoint that has just been read may be asked for another message at once.
    pub(crate) fn reads_on(&mut self, can_enter: bool) -> bool {
        self.burst += 1;
        self.burst < BURST && can_enter && self.end.is_none()
    }

    /// A frame was read: whether it goes into the stages.
    pub(crate) fn accepts(&mut self, at: usize, recv_ns: i64) -> bool {
        if self.end.is_some() {
            return false;
        }
        // Counted also if the decoder refuses it: `max_frames` and `last_frame_ns` are about the feed, not about its
        // content.
        self.frames += 1;
        self.endpoints[at].frames += 1;
        self.outages.link.last_frame_ns = Some(recv_ns);
        self.note_input();
        true
    }

    /// As many frames have come as were asked for: the run is to end.
    pub(crate) fn has_all_frames(&self) -> bool {
        self.settings.max_frames.is_some_and(|limit| self.frames >= limit)
    }

    /// Nothing is left to do; no call pushes anything any more.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Why the run ends, once that is known.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The states of the policies, in the order of the endpoints.
    #[cfg(test)]
    pub(crate) fn states(&self) -> impl Iterator<Item = State> + '_ {
        self.endpoints.iter().map(|endpoint| endpoint.policy.state())
    }

    /// What the policy of an endpoint did.
    #[cfg(test)]
    pub(crate) fn snapshot(&self, at: usize) -> feed::Snapshot {
        self.endpoints[at].policy.snapshot()
    }

    /// Where the connection stands, and what it did.
    pub(crate) fn count(&self) -> (Link, FeedCounters) {
        let mut feed = FeedCounters::default();
        self.endpoints.iter().for_each(|endpoint| feed.add(&endpoint.feed));
        self.outages.count(&mut feed);
        self.backfill.count(&mut feed);
        (self.outages.link, feed)
    }

    /// What each endpoint did.
    pub(crate) fn reports(&self) -> Vec<EndpointReport> {
        self.endpoints.iter().map(Endpoint::report).collect()
    }

    /// Dials the first endpoint at once, and the others when it is known whether the plan has connections for them: one
    /// too many is refused, or takes the slot of another.
    fn begin(&mut self, now_ns: i64, out: &mut Vec<Action>) {
        // The first tape is headed by what was restored: deadlines that passed in between fire on it.
        out.push(Action::CutTape { ticks: false });
        self.tell(0, feed::Event::Start, now_ns, out);
        if self.endpoints.len() > 1 {
            self.awaits_limit = true;
            out.push(Action::AskLimit);
        }
    }

    /// Leaves the last endpoints out that the plan has no connection for.
    fn leave_out(&mut self, limit: u64, out: &mut Vec<Action>) {
        let wanted = self.endpoints.iter_mut().filter(|endpoint| !endpoint.policy.state().is_final());
        // One is dialled whatever the plan says: the feed itself knows best.
        for endpoint in wanted.skip(usize::try_from(limit.max(1)).unwrap_or(usize::MAX)) {
            endpoint.is_left_out = true;
            let endpoint = endpoint.name.clone();
            tracing::warn!(
                target: super::TARGET,
                endpoint,
                limit,
                "left out: the plan has fewer connections than there are endpoints"
            );
            out.push(Action::Notice(News::LeftOut { endpoint, limit }));
        }
    }

    /// Lets time pass for the stages, if a deadline is due. True if it does.
    fn tick(&mut self, now_ns: i64, around: &Surroundings, out: &mut Vec<Action>) -> bool {
        let is_due = around.deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns);
        if !is_due || around.deadline_ns == self.ticked_ns {
            return false;
        }
        self.ticked_ns = around.deadline_ns;
        self.enter(Input::Tick { at_ns: now_ns }, out);
        true
    }

    fn wake_endpoints(&mut self, now_ns: i64, around: &Surroundings, out: &mut Vec<Action>) {
        if around.is_holding {
            out.push(Action::Drain);
        }
        if around.is_blocking != self.is_held {
            self.is_held = around.is_blocking;
            self.tell_all(feed::Event::ReadingHeld(self.is_held), now_ns, out);
        }
        // A pong may have been there in time while its reader was not: it is missing when there is nothing to read.
        let is_caught_up = self.bursts == 0 && self.could_read;
        for at in 0..self.endpoints.len() {
            let policy = &mut self.endpoints[at].policy;
            if policy.deadline().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
                // After a stall only the deadline of the pong waits. Pings and dials go on, or a reader that is stuck
                // under a flood would send none.
                if is_caught_up {
                    policy.wake(now_ns, &mut self.actions);
                } else {
                    policy.wake_unread(now_ns, &mut self.actions);
                }
                self.pass_on(at, now_ns, out);
            }
        }
        for at in 0..self.endpoints.len() {
            if self.endpoints[at].is_waiting() && !self.awaits_limit && self.end.is_none() {
                self.tell(at, feed::Event::Start, now_ns, out);
            }
        }
    }

    fn tell_status(&mut self, now_ns: i64, out: &mut Vec<Action>) {
        if let (Some(due_ns), Some(every_ns)) = (self.status_ns, self.settings.status_every_ns)
            && due_ns <= now_ns
        {
            self.status_ns = Some(now_ns.saturating_add(every_ns));
            out.push(Action::Status);
        }
    }

    /// Waits for what is in the stages and held back, then ends the run.
    fn empty(&mut self, until_ns: i64, now_ns: i64, around: &Surroundings, out: &mut Vec<Action>) -> Turn {
        let is_empty = around.is_idle && !around.is_holding;
        if around.is_holding && !around.is_tripped {
            out.push(Action::Drain);
        }
        if !is_empty && !around.is_tripped && now_ns < until_ns {
            self.phase = Phase::Emptying(until_ns, true);
            return Turn::Requests;
        }
        self.phase = Phase::Over;
        if !around.is_tripped {
            // Due deadlines fire, so that the tape and the saved state end at one moment.
            out.push(Action::Enter(Input::Tick { at_ns: now_ns }));
            out.push(Action::CloseTape);
            self.save(now_ns, out);
        }
        if let Some(rows_left) = self.backfill.left() {
            tracing::warn!(target: "stoop_live::backfill", rows_left, "the run ends before a gap is filled");
        }
        Turn::Over
    }

    fn reject(&mut self, at: usize, reason: BadReason, code: u16, now_ns: i64, out: &mut Vec<Action>) {
        self.endpoints[at].feed.rejected += 1;
        out.push(Action::Enter(Input::Rejected { reason, bytes: 0 }));
        out.push(Action::Close { at, code });
        // The rest of the message is still on its way: a close handshake would mean reading all of it.
        out.push(Action::Abandon(at));
        self.tell(at, feed::Event::Closed { code: Some(code), by: Side::Local }, now_ns, out);
    }

    fn tell_all(&mut self, event: feed::Event, now_ns: i64, out: &mut Vec<Action>) {
        for at in 0..self.endpoints.len() {
            self.tell(at, event, now_ns, out);
        }
    }

    fn tell(&mut self, at: usize, event: feed::Event, now_ns: i64, out: &mut Vec<Action>) {
        self.endpoints[at].policy.handle(event, now_ns, &mut self.actions);
        self.pass_on(at, now_ns, out);
    }

    /// Makes of what a policy asks for what the owner is to do.
    fn pass_on(&mut self, at: usize, now_ns: i64, out: &mut Vec<Action>) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            let Endpoint { name, feed: counters, .. } = &mut self.endpoints[at];
            match action {
                feed::Action::Dial => {
                    counters.dials += 1;
                    out.push(Action::Dial(at));
                }
                feed::Action::SendPing => {
                    counters.pings += 1;
                    out.push(Action::Ping(at));
                }
                feed::Action::Close { code } => out.push(Action::Close { at, code }),
                feed::Action::Abandon => out.push(Action::Abandon(at)),
                feed::Action::StateChanged { from, to } => {
                    out.push(Action::StateChanged { at, from, to });
                    self.change_state(at, from, to, now_ns, out);
                }
                feed::Action::Retry { after, lane, cause, attempt } => {
                    tracing::warn!(
                        target: super::TARGET, endpoint = name, %cause, lane = lane.name(), attempt, ?after,
                        "connection lost, trying again"
                    );
                    self.outages.explain(cause);
                    // The slow lane is that of limits: the plan's usage says who holds the connections.
                    if lane == Lane::Slow {
                        out.push(Action::AskPlan);
                    }
                    let endpoint = name.clone();
                    out.push(Action::Notice(News::Down { endpoint, cause, retry_after: after }));
                }
                feed::Action::Fatal { cause } => {
                    tracing::error!(target: super::TARGET, endpoint = name, %cause, "refused for good");
                    out.push(Action::Notice(News::Refused { endpoint: name.clone(), cause }));
                    // Its connection is free for one that was left out. The others go on without it.
                    if let Some(endpoint) = self.endpoints.iter_mut().find(|endpoint| endpoint.is_left_out) {
                        endpoint.is_left_out = false;
                    }
                    if self.are_all_final() {
                        self.end.get_or_insert(End::Refused(cause));
                    }
                }
            }
        }
        self.actions = actions;
    }

    /// Keeps account of whether the feed is connected: by one endpoint at least.
    fn change_state(&mut self, at: usize, from: State, to: State, now_ns: i64, out: &mut Vec<Action>) {
        if from.is_open() == to.is_open() {
            return;
        }
        let is_up = self.endpoints.iter().any(|endpoint| endpoint.policy.state().is_open());
        let over = self.outages.set(is_up, now_ns);
        let endpoint = self.endpoints[at].name.clone();
        if to.is_open() {
            out.push(Action::Note(Note::Opened { endpoint: endpoint.clone(), state: to }));
            out.push(Action::Notice(News::Up { endpoint }));
        } else {
            out.push(Action::Note(Note::Closed { endpoint, state: to }));
        }
        if let Some((from_ns, why)) = over {
            let cause = why.in_words();
            let away_ms = (now_ns - from_ns) / 1_000_000;
            tracing::warn!(target: super::TARGET, away_ms, cause, "the feed was away");
            // An input, before any frame of the connection that is there again.
            let gap = Gap { from_ns, to_ns: now_ns, cause };
            self.enter(Input::Gap { gap, at_ns: now_ns }, out);
            self.backfill.want(from_ns, now_ns);
            out.push(Action::Notice(News::Gap { from_ns, to_ns: now_ns, cause: why.cause() }));
        }
    }

    fn enter(&mut self, input: Input<Vec<u8>>, out: &mut Vec<Action>) {
        self.note_input();
        out.push(Action::Enter(input));
    }

    /// Something enters the stages that may change what they remember.
    fn note_input(&mut self) {
        if let Some(saving) = &mut self.saving {
            saving.input();
        }
    }

    fn save(&mut self, now_ns: i64, out: &mut Vec<Action>) {
        if let Some(saving) = &mut self.saving {
            saving.save(now_ns);
            out.push(Action::Save { up_ns: self.outages.up_ns(now_ns) });
        }
    }

    /// Messages of this endpoint are wanted: also while it is being closed, for the answer to that.
    fn reads(&self, at: usize) -> bool {
        self.could_read || self.endpoints[at].policy.state() == State::Draining
    }

    fn are_all_final(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.policy.state().is_final())
    }

    /// The run has ended, and all connections with it.
    fn is_closed(&self) -> bool {
        self.end.is_some() && self.are_all_final()
    }

    fn is_emptying(&self) -> bool {
        matches!(self.phase, Phase::Emptying(..) | Phase::Over)
    }
}

#[cfg(test)]
mod tests;
