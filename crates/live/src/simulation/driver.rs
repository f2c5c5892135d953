//! The client: a pump, and what carries out its actions without sockets, threads and time.

use std::collections::VecDeque;
use std::rc::Rc;

use stoop_engine::{Input, Origin, Receipt};
use stoop_feed::{self as feed, Side, State};
use stoop_model::BadReason;

use super::dice::{MILLI, SECOND};
use super::server::{Message, Uplink};
use super::world::{Happening, World};
use crate::connection::pump::{Action, Event, Pump, Surroundings, Turn};
use crate::notice::News;
use crate::recording::Tap;
use crate::summary::End;

/// A queue without room is looked at less often than it is live: nothing changes in between except that opens expire.
const DRAIN_FULL_NS: i64 = 250 * MILLI;

/// When what has changed is kept, and that the feed is connected although nothing has.
const SAVE_NS: i64 = 20 * MILLI;
const SAVE_UP_NS: i64 = 5 * SECOND;
/// Calls that a turn takes at most: one for each frame of history, and a few more.
const CALLS: usize = 20;

/// Bytes of an input.
pub(super) type Shared = Rc<[u8]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Down,
    Dialling,
    Up,
}

/// The dial or the socket of one endpoint.
pub(super) struct Session {
    pub(super) link: Link,
    /// Which connection this is: what arrives on an earlier one is lost.
    pub(super) epoch: u32,
    /// Received by the system and not read yet.
    socket: VecDeque<Message>,
}

impl Session {
    pub(super) fn new(epoch: u32) -> Self {
        Self { link: Link::Down, epoch, socket: VecDeque::new() }
    }

    pub(super) fn arrive(&mut self, epoch: u32, message: Message) {
        if self.epoch == epoch && self.link != Link::Down {
            self.socket.push_back(message);
        }
    }

    /// It has something to tell.
    fn is_ready(&self, is_read: bool) -> bool {
        let is_asked = match self.link {
            Link::Dialling => true,
            Link::Up => is_read,
            Link::Down => false,
        };
        is_asked && !self.socket.is_empty()
    }
}

impl World {
    /// The process begins.
    pub(super) fn begin(&mut self) {
        self.handle(Event::Begin);
        self.finish_turn();
        self.turn();
    }

    /// All that the client does until it has to wait.
    pub(super) fn turn(&mut self) {
        while !self.client.pump.is_over() {
            let step = self.next_step();
            let has_step = step.is_some();
            self.client.pump.waited(has_step);
            if let Some((at, message)) = step {
                self.read_burst(at, message);
            }
            let could_enter = self.surroundings().can_enter();
            self.finish_turn();
            if !has_step && self.ready_session().is_none() && could_enter == self.surroundings().can_enter() {
                break;
            }
        }
        self.check_held();
        let due_ns = self.due_ns().map(|due_ns| due_ns.max(self.now_ns) + self.lateness());
        self.wake_ns = due_ns.unwrap_or(i64::MAX);
    }

    fn next_step(&mut self) -> Option<(usize, Message)> {
        let around = self.surroundings();
        self.client.pump.wait(&around);
        let at = self.ready_session()?;
        self.client.sessions[at].socket.pop_front().map(|message| (at, message))
    }

    fn ready_session(&self) -> Option<usize> {
        let mut turns = self.client.pump.turns();
        turns.find(|(at, is_read)| self.client.sessions[*at].is_ready(*is_read)).map(|(at, _)| at)
    }

    pub(super) fn surroundings(&self) -> Surroundings {
        let path = &self.client.path;
        Surroundings {
            deadline_ns: path.gauge.deadline_ns(),
            is_holding: path.gauge.is_holding(),
            is_blocking: path.gauge.is_blocking(),
            has_room: path.has_room(),
            is_idle: path.is_idle(),
            is_tripped: false,
            can_save: self.client.keeper.as_ref().is_some_and(|keeper| !keeper.is_busy),
            wants_cut: self.client.tap.as_ref().is_some_and(Tap::wants_cut),
        }
    }

    fn due_ns(&self) -> Option<i64> {
        let around = self.surroundings();
        let pump = &self.client.pump;
        if around.is_holding && self.client.path.queue.is_full() {
            let free = Surroundings { is_holding: false, ..around };
            let look_ns = self.now_ns + DRAIN_FULL_NS;
            return Some(pump.deadline(self.now_ns, &free).map_or(look_ns, |due_ns| due_ns.min(look_ns)));
        }
        pump.deadline(self.now_ns, &around)
    }

    /// Wakes the pump until its turn is over.
    fn finish_turn(&mut self) {
        if let Some(limit) = self.client.limit.take() {
            self.handle(limit);
        }
        for _ in 0..CALLS {
            let around = self.surroundings();
            let mut actions = std::mem::take(&mut self.client.actions);
            let turn = self.client.pump.wake(self.now_ns, &around, &mut actions);
            self.carry_out(actions);
            match turn {
                Turn::Again => {}
                Turn::Requests => self.attend_requests(),
                Turn::Over => {
                    self.check_turn();
                    if self.client.is_stopping {
                        self.handle(Event::End(End::Stopped));
                    }
                    return;
                }
            }
        }
        panic!("the turn is not over after {CALLS} calls");
    }

    /// Nothing that is due is left behind by a turn.
    fn check_turn(&self) {
        let around = self.surroundings();
        if self.client.pump.is_over() {
            return;
        }
        let overdue_ns = around.deadline_ns.filter(|deadline_ns| *deadline_ns <= self.now_ns);
        assert!(overdue_ns.is_none() || !around.is_idle || self.is_closed(), "a deadline does not fire");
        if let Some(keeper) = &self.client.keeper
            && around.can_save
        {
            let is_changed = self.client.changes > keeper.changes;
            let due_ns = keeper.saved_ns + if is_changed { SAVE_NS } else { SAVE_UP_NS };
            assert!(self.now_ns < due_ns || self.is_closed(), "what has changed is not kept");
        }
    }

    /// The policies know whether their sockets are read: a pong that cannot be seen is not missing.
    fn check_held(&self) {
        let is_blocking = self.surroundings().is_blocking;
        for at in 0..self.watches.len() {
            let is_held = self.client.pump.snapshot(at).held;
            assert!(
                is_held == is_blocking || self.is_closed(),
                "#{at} believes that reading is held: {is_held}"
            );
        }
    }

    fn is_closed(&self) -> bool {
        self.client.pump.states().all(State::is_final)
    }

    fn attend_requests(&mut self) {
        while self.client.path.has_room()
            && let Some(command) = self.client.requests.pop_front()
        {
            self.handle(Event::Command(command));
        }
        if let Some(answer) = self.client.answer.take() {
            self.handle(Event::Answer(answer));
        }
    }

    fn read_burst(&mut self, at: usize, message: Message) {
        if self.client.sessions[at].link == Link::Dialling {
            return self.dialled(at, message);
        }
        self.read(at, message);
        while self.client.pump.reads_on(self.surroundings().can_enter()) {
            // Messages read after a close belong to a connection that is gone.
            let session = &mut self.client.sessions[at];
            if session.link != Link::Up {
                return;
            }
            let Some(message) = session.socket.pop_front() else { return };
            self.read(at, message);
        }
    }

    fn dialled(&mut self, at: usize, message: Message) {
        if let Message::Reached(step) = message {
            return self.tell(at, feed::Event::Reached(step));
        }
        let session = &mut self.client.sessions[at];
        session.link = if message == Message::Accepted { Link::Up } else { Link::Down };
        match message {
            Message::Accepted => self.tell(at, feed::Event::Opened),
            Message::Refused(status) => self.tell(at, feed::Event::Refused { status }),
            Message::Failed(error) | Message::Broken(error) => self.tell(at, feed::Event::Failed { error }),
            Message::Reached(_)
            | Message::Frame(_)
            | Message::Rubbish
            | Message::Pong
            | Message::Close(_)
            | Message::TooLong => {
                unreachable!("{message:?} before the handshake")
            }
        }
    }

    fn read(&mut self, at: usize, message: Message) {
        match message {
            Message::Frame(frame) => {
                self.watches[at].received(frame, self.now_ns);
                let bytes = Rc::clone(&self.story[frame].bytes);
                self.read_frame(at, bytes);
            }
            Message::Rubbish => self.read_frame(at, Rc::clone(&self.rubbish)),
            Message::Pong => self.tell(at, feed::Event::Pong),
            Message::Close(code) => {
                self.let_go(at);
                self.tell(at, feed::Event::Closed { code, by: Side::Remote });
            }
            Message::Broken(error) => {
                self.let_go(at);
                self.tell(at, feed::Event::Failed { error });
            }
            Message::TooLong => {
                let closed = feed::Event::Closed { code: Some(1009), by: Side::Local };
                let state = self.state(at);
                self.watches[at].event(closed, state, self.now_ns);
                self.handle(Event::Rejected { at, reason: BadReason::TooLong, code: 1009 });
            }
            Message::Reached(_) | Message::Accepted | Message::Refused(_) | Message::Failed(_) => {
                unreachable!("{message:?} after the handshake")
            }
        }
    }

    fn read_frame(&mut self, at: usize, bytes: Shared) {
        if !self.client.pump.accepts(at, self.now_ns) {
            assert!(self.client.pump.end().is_some(), "a frame was not accepted");
            return;
        }
        let (origin, receipt) = (Origin::Endpoint(at as u8), Receipt::At(self.now_ns));
        self.enter(Input::Frame { origin, bytes, receipt });
        if self.client.pump.has_all_frames() {
            self.handle(Event::End(End::MaxFrames));
        }
    }

    fn tell(&mut self, at: usize, event: feed::Event) {
        self.note(|| format!("#{at} {event:?}"));
        let state = self.state(at);
        self.watches[at].event(event, state, self.now_ns);
        self.handle(Event::Endpoint { at, event });
    }

    pub(super) fn state(&self, at: usize) -> State {
        self.client.pump.states().nth(at).expect("there is such an endpoint")
    }

    pub(super) fn handle(&mut self, event: Event) {
        self.note(|| format!("{event:?}"));
        let mut actions = std::mem::take(&mut self.client.actions);
        self.client.pump.handle(event, self.now_ns, &mut actions);
        self.carry_out(actions);
    }

    fn carry_out(&mut self, mut actions: Vec<Action>) {
        assert!(actions.len() <= Pump::MAX_ACTIONS);
        for action in actions.drain(..) {
            self.note(|| format!("{action:?}"));
            self.watch_action(&action);
            match action {
                Action::Enter(input) => self.enter(input.map(Shared::from)),
                Action::Drain => self.client.path.drain(self.now_ns),
                Action::Dial(at) => {
                    let session = &mut self.client.sessions[at];
                    session.epoch += 1;
                    session.link = Link::Dialling;
                    session.socket.clear();
                    self.send_up(at, Uplink::Dial);
                }
                Action::Ping(at) => {
                    self.send_up(at, Uplink::Ping);
                    self.stall_now_and_then();
                }
                Action::Close { at, .. } => self.send_up(at, Uplink::Close),
                Action::Abandon(at) => self.let_go(at),
                Action::AskLimit => self.ask_limit(),
                Action::AskHistory(gap) => self.ask_history(gap),
                Action::Note(note) => {
                    if let Some(tap) = &mut self.client.tap {
                        tap.note(self.now_ns, &note.to_json());
                    }
                }
                Action::CutTape { ticks } => self.cut_tape(ticks),
                Action::CloseTape => {
                    if let Some(tap) = &mut self.client.tap {
                        tap.close(self.now_ns);
                    }
                }
                Action::Save { up_ns } => {
                    if let Some(keeper) = &mut self.client.keeper {
                        keeper.is_busy = true;
                        (keeper.saved_ns, keeper.changes) = (self.now_ns, self.client.changes);
                        self.client.path.save_changes(up_ns, keeper.sender.clone());
                    }
                }
                Action::StateChanged { .. } | Action::AskPlan | Action::Notice(_) | Action::Status => {}
            }
        }
        self.client.actions = actions;
    }

    /// Tells everybody who looks on what the pump asks for.
    fn watch_action(&mut self, action: &Action) {
        self.ledger.action(action, self.now_ns);
        match action {
            Action::Dial(at) => self.watches[*at].dial(self.now_ns),
            Action::StateChanged { at, to, .. } => {
                let is_up = self.client.pump.states().any(State::is_open);
                self.ledger.set_up(is_up, self.now_ns);
                if to.is_final() {
                    self.closed_ns = self.now_ns;
                }
                if *to == State::Stable {
                    self.watches[*at].stable(self.now_ns);
                }
            }
            Action::Notice(News::Down { endpoint, .. }) => self.watches[place(endpoint)].retry(self.now_ns),
            Action::Notice(News::Refused { endpoint, cause }) => {
                self.watches[place(endpoint)].fatal(*cause, self.now_ns);
            }
            Action::Enter(_)
            | Action::Drain
            | Action::Ping(_)
            | Action::Close { .. }
            | Action::Abandon(_)
            | Action::AskLimit
            | Action::AskPlan
            | Action::AskHistory(_)
            | Action::Notice(_)
            | Action::Note(_)
            | Action::CutTape { .. }
            | Action::CloseTape
            | Action::Save { .. }
            | Action::Status => {}
        }
    }

    fn enter(&mut self, input: Input<Shared>) {
        if self.client.pump.is_over() {
            self.client.path.last = self.client.path.decided.len();
        }
        if let Some(tap) = &mut self.client.tap {
            tap.input(&input);
        }
        self.client.changes += usize::from(!matches!(input, Input::Rejected { .. }));
        self.client.path.enter(input);
    }

    fn cut_tape(&mut self, ticks: bool) {
        let Some(tap) = &mut self.client.tap else { return };
        let (to, state) = crossbeam_channel::bounded(1);
        assert!(tap.cut(self.now_ns, state), "there is room on the tape");
        if ticks {
            self.client.path.enter(Input::Tick { at_ns: self.now_ns });
        }
        self.client.path.save_all(to);
    }

    fn let_go(&mut self, at: usize) {
        if self.client.sessions[at].link != Link::Down {
            self.send_up(at, Uplink::Gone);
        }
        self.client.sessions[at].link = Link::Down;
        self.client.sessions[at].socket.clear();
    }

    /// The process ends without a word; the system closes its sockets.
    pub(super) fn let_go_of_all(&mut self) {
        for at in 0..self.client.sessions.len() {
            self.let_go(at);
        }
    }

    fn ask_limit(&mut self) {
        let process = self.process;
        let answer_ns = self.now_ns + self.scenario.limit.1;
        self.book(answer_ns, Happening::Limit { process });
    }

    /// How late a timer is.
    fn lateness(&mut self) -> i64 {
        match self.dice.between(0, 19) {
            0..=12 => self.dice.between(0, MILLI),
            13..=18 => self.dice.between(0, 20 * MILLI),
            _ => self.dice.between(0, 500 * MILLI),
        }
    }
}

/// The endpoint of this name.
pub(super) fn place(name: &str) -> usize {
    name.parse().expect("endpoints are named by their places")
}
