//! The state machine.

mod snapshot;

#[cfg(test)]
mod tests;

pub use snapshot::Snapshot;

use crate::deadline::Deadlines;
use crate::retry::Retries;
use crate::settings::nanos;
use crate::{Action, Cause, Deadline, DialStep, Event, Lane, Settings, SettingsError, State};
use snapshot::Counts;

/// Close code of a clean stop.
const CLOSE_STOP: u16 = 1000;

/// Close code for a connection that answers no ping: what the `websockets` library under the vendor's Python SDK
/// sends.
const CLOSE_DEAD: u16 = 1011;

/// Decides for one connection when to dial, ping, wait and stop.
///
/// It belongs to the owner of the socket. All times are nanoseconds on one clock that never goes back; a time earlier
/// than one seen before counts as that one. Only [`handle`](Self::handle), [`wake`](Self::wake) and
/// [`reset`](Self::reset) may change what the other methods return.
#[derive(Debug, Clone)]
pub struct Policy {
    settings: Settings,
    seed: u64,
    retries: Retries,
    deadlines: Deadlines,
    state: State,
    now: i64,
    since: i64,
    /// The step that the dial has reached.
    step: DialStep,
    /// The owner does not read the socket.
    held: bool,
    /// A ping was sent on this connection and no pong came since.
    awaiting_pong: bool,
    /// How long the awaited pong may take once reading resumes.
    pong_left: i64,
    /// Reading was held and has resumed since the pong is awaited.
    has_resumed: bool,
    last_cause: Option<Cause>,
    counts: Counts,
}

impl Policy {
    /// Most actions one call to [`handle`](Self::handle) or [`wake`](Self::wake) pushes.
    pub const MAX_ACTIONS: usize = 6;

    /// An idle policy. `seed` decides all jitter: give endpoints and instances different ones.
    pub fn new(settings: Settings, seed: u64) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self::idle(settings, seed))
    }

    /// Back to how [`new`](Self::new) made it, jitter included. The owner has dropped its socket.
    pub fn reset(&mut self) {
        *self = Self::idle(self.settings, self.seed);
    }

    /// Handles one event at `now` and pushes at most [`MAX_ACTIONS`](Self::MAX_ACTIONS) actions.
    ///
    /// Deadlines do not fire here. An owner that wakes late first reports what the socket holds and
    /// then calls [`wake`](Self::wake), so that a pong already received is not missed; until then it may
    /// call [`wake_unread`](Self::wake_unread). An event that does not fit the state changes nothing and is counted in
    /// [`Snapshot::strays`].
    pub fn handle(&mut self, event: Event, now: i64, out: &mut Vec<Action>) {
        let now = self.advance(now);
        match event {
            Event::Start if self.state == State::Idle => self.dial(now, out),
            Event::Reached(step) if self.state == State::Dialling => self.reached(step, now),
            Event::Opened => self.opened(now, out),
            Event::Refused { status } if self.state == State::Dialling => {
                self.lost(Cause::from_status(status), now, out);
            }
            Event::Start | Event::Reached(_) | Event::Refused { .. } => self.counts.strays += 1,
            Event::Closed { code, by } => self.ended(Cause::from_close(code, by), now, out),
            Event::Failed { error } => self.ended(Cause::Transport(error), now, out),
            Event::Pong => self.pong(),
            Event::ReadingHeld(held) => self.hold(held, now),
            Event::Stop => self.stop(now, out),
        }
    }

    /// Fires the deadlines that are due at `now` and pushes at most
    /// [`MAX_ACTIONS`](Self::MAX_ACTIONS) actions; early and repeated calls do nothing.
    ///
    /// What a deadline arms counts from `now` and not from the deadline, so that a late wake does not end in a burst of
    /// pings or dials.
    pub fn wake(&mut self, now: i64, out: &mut Vec<Action>) {
        self.fire_due(now, None, out);
    }

    /// The same as [`wake`](Self::wake) while the socket may hold messages that have not been read. The pong may be
    /// among them, so its deadline waits; all others fire.
    pub fn wake_unread(&mut self, now: i64, out: &mut Vec<Action>) {
        self.fire_due(now, Some(Deadline::Pong), out);
    }

    /// When to call [`wake`](Self::wake) next; `None` when idle, fatal or stopped.
    pub fn deadline(&self) -> Option<i64> {
        self.deadlines.next().map(|(_, at)| at)
    }

    /// Where the connection stands.
    pub const fn state(&self) -> State {
        self.state
    }

    fn idle(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            seed,
            retries: Retries::new(settings, seed),
            deadlines: Deadlines::default(),
            state: State::Idle,
            now: i64::MIN,
            since: 0,
            step: DialStep::default(),
            held: false,
            awaiting_pong: false,
            pong_left: 0,
            has_resumed: false,
            last_cause: None,
            counts: Counts::default(),
        }
    }

    fn advance(&mut self, now: i64) -> i64 {
        self.now = self.now.max(now);
        self.now
    }

    fn fire_due(&mut self, now: i64, waits: Option<Deadline>, out: &mut Vec<Action>) {
        let now = self.advance(now);
        // Each fires at most once, because what it arms again lies after `now`. The bound only matters at the end of
        // `i64`.
        for _ in Deadline::ALL {
            let Some(deadline) = self.deadlines.pop_due(now, waits) else { break };
            self.fire(deadline, now, out);
        }
    }

    fn fire(&mut self, deadline: Deadline, now: i64, out: &mut Vec<Action>) {
        match deadline {
            Deadline::Connect => {
                out.push(Action::Abandon);
                self.lost(Cause::ConnectTimeout(self.step, self.settings.connect_timeout), now, out);
            }
            // Closed and dropped at once: a peer that answers no ping will not answer a close.
            Deadline::Pong => {
                out.push(Action::Close { code: CLOSE_DEAD });
                out.push(Action::Abandon);
                self.lost(Cause::PongTimeout, now, out);
            }
            Deadline::Stable => {
                self.retries.stable();
                self.enter(State::Stable, now, out);
            }
            Deadline::Ping => self.ping(now, out),
            Deadline::Retry => self.dial(now, out),
            Deadline::Close => {
                out.push(Action::Abandon);
                self.enter(State::Stopped, now, out);
            }
        }
    }

    fn dial(&mut self, now: i64, out: &mut Vec<Action>) {
        self.enter(State::Dialling, now, out);
        self.reached(DialStep::default(), now);
        self.counts.dials += 1;
        out.push(Action::Dial);
    }

    /// A step has its time once: a server that drips bytes does not get more.
    fn reached(&mut self, step: DialStep, now: i64) {
        self.step = step;
        self.arm(Deadline::Connect, now, nanos(self.settings.connect_timeout));
    }

    fn opened(&mut self, now: i64, out: &mut Vec<Action>) {
        match self.state {
            State::Dialling => {
                self.counts.opens += 1;
                self.enter(State::Open, now, out);
                self.arm(Deadline::Ping, now, nanos(self.settings.ping_interval));
                self.arm(Deadline::Stable, now, nanos(self.settings.stable_after));
            }
            State::Open | State::Stable | State::Draining => self.counts.strays += 1,
            State::Idle | State::Waiting | State::SlowLane | State::Fatal | State::Stopped => {
                // A socket that the policy did not ask for would hold one of the plan's few slots.
                self.counts.strays += 1;
                out.push(Action::Abandon);
            }
        }
    }

    fn ended(&mut self, cause: Cause, now: i64, out: &mut Vec<Action>) {
        match self.state {
            State::Dialling | State::Open | State::Stable => self.lost(cause, now, out),
            // The end was asked for. How it came about, even by a refusal, no longer matters.
            State::Draining => self.enter(State::Stopped, now, out),
            State::Idle | State::Waiting | State::SlowLane | State::Fatal | State::Stopped => {
                self.counts.strays += 1;
            }
        }
    }

    /// The dial or the connection is gone although it was still wanted.
    fn lost(&mut self, cause: Cause, now: i64, out: &mut Vec<Action>) {
        self.last_cause = Some(cause);
        let Some(retry) = self.retries.next(cause) else {
            self.enter(State::Fatal, now, out);
            out.push(Action::Fatal { cause });
            return;
        };
        let state = match retry.lane {
            Lane::Fast | Lane::Backoff => State::Waiting,
            Lane::Slow => State::SlowLane,
        };
        self.enter(state, now, out);
        self.arm(Deadline::Retry, now, nanos(retry.after));
        out.push(Action::Retry { after: retry.after, lane: retry.lane, cause, attempt: retry.attempt });
    }

    fn ping(&mut self, now: i64, out: &mut Vec<Action>) {
        self.counts.pings += 1;
        if !self.awaiting_pong {
            self.awaiting_pong = true;
            self.pong_left = nanos(self.settings.pong_timeout);
            self.has_resumed = false;
        }
        self.arm(Deadline::Ping, now, nanos(self.settings.ping_interval));
        // With `pong_timeout` over `ping_interval` the pong of an earlier ping may be due. It keeps its deadline, or a
        // dead connection would never be noticed.
        if !self.held && self.deadlines.at(Deadline::Pong).is_none() {
            self.arm(Deadline::Pong, now, nanos(self.settings.pong_timeout));
        }
        out.push(Action::SendPing);
    }

    fn pong(&mut self) {
        match self.state {
            State::Open | State::Stable => {
                self.counts.pongs += 1;
                self.awaiting_pong = false;
                self.deadlines.disarm(Deadline::Pong);
            }
            // It may answer a ping from before the stop.
            State::Draining => {}
            State::Idle
            | State::Dialling
            | State::Waiting
            | State::SlowLane
            | State::Fatal
            | State::Stopped => {
                self.counts.strays += 1;
            }
        }
    }

    fn hold(&mut self, held: bool, now: i64) {
        let resumed = self.held && !held;
        self.held = held;
        if held {
            let due = self.deadlines.at(Deadline::Pong);
            self.deadlines.disarm(Deadline::Pong);
            // The first time the pong gets the whole timeout again, because it has to wait for the messages that have
            // piled up. If that were done each time, reading that is held again and again would hide a dead
            // connection.
            if let Some(due) = due.filter(|_| self.has_resumed) {
                self.pong_left = due.saturating_sub(now).max(0);
            }
        } else if resumed && self.awaiting_pong {
            self.has_resumed = true;
            self.arm(Deadline::Pong, now, self.pong_left);
        }
    }

    fn stop(&mut self, now: i64, out: &mut Vec<Action>) {
        match self.state {
            // Nothing is open: no answer of a peer has to be waited for.
            State::Idle | State::Waiting | State::SlowLane => self.enter(State::Stopped, now, out),
            // There is no WebSocket yet that could be closed.
            State::Dialling => {
                out.push(Action::Abandon);
                self.enter(State::Stopped, now, out);
            }
            State::Open | State::Stable => {
                out.push(Action::Close { code: CLOSE_STOP });
                self.enter(State::Draining, now, out);
                self.arm(Deadline::Close, now, nanos(self.settings.close_timeout));
            }
            State::Draining | State::Fatal | State::Stopped => {}
        }
    }

    fn enter(&mut self, to: State, now: i64, out: &mut Vec<Action>) {
        // Stable is the same connection as open, and its pings go on. Every other step drops whatever the last state
        // was waiting for.
        if to != State::Stable {
            self.deadlines.clear();
            self.awaiting_pong = false;
        }
        out.push(Action::StateChanged { from: self.state, to });
        self.state = to;
        self.since = now;
    }

    fn arm(&mut self, deadline: Deadline, now: i64, after: i64) {
        self.deadlines.arm(deadline, now.saturating_add(after));
    }
}
