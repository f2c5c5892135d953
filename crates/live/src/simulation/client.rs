//! The client: what `connection::Run` does with its lines, without sockets and clock. Names are those of that module,
//! and a change there belongs here too.

use std::collections::VecDeque;
use std::rc::Rc;

use stoop_engine::{Origin, Receipt};
use stoop_feed::{Action, Event, Policy, Side, State};
use stoop_model::BadReason;

use super::dice::MILLI;
use super::path::Input;
use super::server::{Message, Uplink};
use super::watch::Watch;
use super::world::World;

const DRAIN_EVERY_NS: i64 = MILLI;
/// A queue without room is looked at less often than it is live: nothing changes meanwhile but opens expire.
const DRAIN_FULL_NS: i64 = 250 * MILLI;
const BURST: usize = 64;
const BURSTS: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Dialling,
    Up,
}

/// One endpoint as `line::Line` has it.
pub(super) struct Line {
    pub(super) policy: Policy,
    link: Link,
    /// Which connection this is: what arrives on an earlier one is lost.
    pub(super) epoch: u32,
    /// What the system has received on it and nobody has read.
    socket: VecDeque<Message>,
    pub(super) watch: Watch,
}

impl Line {
    pub(super) fn new(policy: Policy, watch: Watch) -> Self {
        Self { policy, link: Link::Down, epoch: 0, socket: VecDeque::new(), watch }
    }

    pub(super) fn arrive(&mut self, epoch: u32, message: Message) {
        if self.epoch == epoch && self.link != Link::Down {
            self.socket.push_back(message);
        }
    }

    /// It has something to tell.
    fn is_ready(&self, can_read: bool) -> bool {
        let is_asked = match self.link {
            Link::Dialling => true,
            Link::Up => can_read || self.policy.state() == State::Draining,
            Link::Down => false,
        };
        is_asked && !self.socket.is_empty()
    }
}

impl World {
    /// All that the client does until it has to wait.
    pub(super) fn turn(&mut self) {
        loop {
            let step = self.next_step();
            self.bursts = if step.is_some() { (self.bursts + 1) % BURSTS } else { 0 };
            if let Some((at, message)) = step {
                self.take_step(at, message);
            }
            self.attend();
            if step.is_none() && self.ready_line().is_none() && self.could_read == self.can_read() {
                break;
            }
        }
        let due_ns = self.due_ns().map(|due_ns| due_ns.max(self.now_ns) + self.lateness());
        self.wake_ns = due_ns.unwrap_or(i64::MAX);
    }

    fn next_step(&mut self) -> Option<(usize, Message)> {
        self.first = (self.first + 1) % self.lines.len();
        self.could_read = self.can_read();
        let at = self.ready_line()?;
        self.lines[at].socket.pop_front().map(|message| (at, message))
    }

    fn can_read(&self) -> bool {
        !self.path.gauge.is_blocking() && self.path.has_room() && !self.has_ended
    }

    fn ready_line(&self) -> Option<usize> {
        let can_read = self.can_read();
        let count = self.lines.len();
        let mut turns = (0..count).map(|turn| (self.first + turn) % count);
        turns.find(|at| self.lines[*at].is_ready(can_read))
    }

    fn due_ns(&self) -> Option<i64> {
        let gauge = &self.path.gauge;
        let drain_every_ns = if self.path.queue.is_full() { DRAIN_FULL_NS } else { DRAIN_EVERY_NS };
        let drain_ns = gauge.is_holding().then(|| self.now_ns + drain_every_ns);
        let tick_ns = gauge.deadline_ns().filter(|deadline_ns| self.ticked_ns != Some(*deadline_ns));
        let own_ns = self.lines.iter().filter_map(|line| line.policy.deadline()).min();
        [own_ns, tick_ns, drain_ns].into_iter().flatten().min()
    }

    fn attend(&mut self) {
        let now_ns = self.now_ns;
        let deadline_ns = self.path.gauge.deadline_ns();
        if deadline_ns != self.ticked_ns && deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            self.ticked_ns = deadline_ns;
            self.path.enter(Input::Tick { at_ns: now_ns });
        }
        if self.path.gauge.is_holding() {
            self.path.drain(now_ns);
        }
        let is_blocking = self.path.gauge.is_blocking();
        if is_blocking != self.was_blocking {
            self.was_blocking = is_blocking;
            self.note(|| format!("reading is held: {is_blocking}"));
            self.tell_all(Event::ReadingHeld(is_blocking));
        }
        let is_caught_up = self.bursts == 0 && self.could_read;
        for at in 0..self.lines.len() {
            let line = &mut self.lines[at];
            if line.policy.deadline().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
                let mut actions = Vec::new();
                if is_caught_up {
                    line.policy.wake(now_ns, &mut actions);
                } else {
                    line.policy.wake_unread(now_ns, &mut actions);
                }
                self.carry_out(at, &actions);
            }
        }
    }

    fn take_step(&mut self, at: usize, message: Message) {
        if self.lines[at].link == Link::Dialling {
            return self.dialled(at, message);
        }
        self.take(at, message);
        for _ in 1..BURST {
            if self.has_ended || self.path.gauge.is_blocking() || !self.path.has_room() {
                return;
            }
            // What is read behind a close belongs to a connection that is gone.
            if self.lines[at].link != Link::Up {
                return;
            }
            let Some(message) = self.lines[at].socket.pop_front() else { return };
            self.take(at, message);
        }
    }

    fn dialled(&mut self, at: usize, message: Message) {
        if let Message::Reached(step) = message {
            return self.tell(at, Event::Reached(step));
        }
        let line = &mut self.lines[at];
        line.link = if message == Message::Accepted { Link::Up } else { Link::Down };
        match message {
            Message::Accepted => self.tell(at, Event::Opened),
            Message::Refused(status) => self.tell(at, Event::Refused { status }),
            Message::Failed(error) | Message::Broken(error) => self.tell(at, Event::Failed { error }),
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

    fn take(&mut self, at: usize, message: Message) {
        match message {
            Message::Frame(frame) => {
                self.lines[at].watch.received(frame, self.now_ns);
                let json = Rc::clone(&self.story[frame].1);
                self.take_frame(at, json);
            }
            Message::Rubbish => self.take_frame(at, Rc::clone(&self.rubbish)),
            Message::Pong => self.tell(at, Event::Pong),
            Message::Close(code) => {
                self.let_go(at);
                self.tell(at, Event::Closed { code, by: Side::Remote });
            }
            Message::Broken(error) => {
                self.let_go(at);
                self.tell(at, Event::Failed { error });
            }
            Message::TooLong => {
                self.path.enter(Input::Rejected { reason: BadReason::TooLong, bytes: 0 });
                self.send_up(at, Uplink::Close);
                self.let_go(at);
                self.tell(at, Event::Closed { code: Some(1009), by: Side::Local });
            }
            Message::Reached(_) | Message::Accepted | Message::Refused(_) | Message::Failed(_) => {
                unreachable!("{message:?} after the handshake")
            }
        }
    }

    fn take_frame(&mut self, at: usize, json: Rc<str>) {
        if !self.has_ended {
            let origin = Origin::Endpoint(at as u8);
            let receipt = Receipt::At(self.now_ns);
            self.path.enter(Input::Frame { origin, bytes: json.into(), receipt });
        }
    }

    fn let_go(&mut self, at: usize) {
        if self.lines[at].link != Link::Down {
            self.send_up(at, Uplink::Gone);
        }
        self.lines[at].link = Link::Down;
        self.lines[at].socket.clear();
    }

    pub(super) fn tell_all(&mut self, event: Event) {
        for at in 0..self.lines.len() {
            self.tell(at, event);
        }
    }

    fn tell(&mut self, at: usize, event: Event) {
        let now_ns = self.now_ns;
        self.note(|| format!("#{at} {event:?}"));
        let line = &mut self.lines[at];
        line.watch.event(event, line.policy.state(), now_ns);
        let mut actions = Vec::new();
        line.policy.handle(event, now_ns, &mut actions);
        self.carry_out(at, &actions);
    }

    fn carry_out(&mut self, at: usize, actions: &[Action]) {
        assert!(actions.len() <= Policy::MAX_ACTIONS);
        for &action in actions {
            self.note(|| format!("#{at} {action:?}"));
            self.lines[at].watch.action(action, self.now_ns);
            match action {
                Action::Dial => {
                    let line = &mut self.lines[at];
                    line.epoch += 1;
                    line.link = Link::Dialling;
                    line.socket.clear();
                    self.send_up(at, Uplink::Dial);
                }
                Action::SendPing => {
                    self.send_up(at, Uplink::Ping);
                    self.stall_now_and_then();
                }
                Action::Close { .. } => self.send_up(at, Uplink::Close),
                Action::Abandon => self.let_go(at),
                Action::StateChanged { .. } | Action::Retry { .. } => {}
                Action::Fatal { .. } => {
                    if self.lines.iter().all(|line| line.policy.state().is_final()) {
                        self.has_ended = true;
                    }
                }
            }
        }
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
