//! The servers and the network between them and the client.

use stoop_feed::{DialStep, TransportError};

use super::dice::{MILLI, SECOND};
use super::scenario::{Cut, Phase, SLOT_NS, Trouble};
use super::world::{Happening, World};

/// What comes to the client on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The dial has come to this step.
    Reached(DialStep),
    Accepted,
    Refused(u16),
    Failed(TransportError),
    /// The frame of this number in the story.
    Frame(usize),
    Rubbish,
    Pong,
    Close(Option<u16>),
    Broken(TransportError),
    TooLong,
}

/// What goes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uplink {
    Dial,
    Ping,
    Close,
    /// The client has let go of the connection.
    Gone,
}

/// An endpoint as the service sees it.
#[derive(Default)]
pub(super) struct Server {
    link: Option<Link>,
    /// Until then the slot of a connection that died is not free.
    pub(super) slot_ns: i64,
    /// Frames are held back until then.
    data_ns: i64,
    uplink_ns: i64,
}

struct Link {
    epoch: u32,
    is_dead: bool,
    /// When the last message arrives: they do not overtake each other.
    order_ns: i64,
}

impl World {
    /// Trouble begins at an endpoint.
    pub(super) fn begin_phase(&mut self, at: usize, phase: Phase) {
        self.note(|| format!("#{at} {:?} until {}", phase, phase.to_ns));
        if let Some(link) = &mut self.servers[at].link {
            let epoch = link.epoch;
            match phase.cut {
                Cut::Keep => {}
                Cut::Close(code) => self.end_link(at, epoch, Message::Close(code)),
                Cut::Break(error) => self.end_link(at, epoch, Message::Broken(error)),
                Cut::TooLong => self.send(at, epoch, Message::TooLong),
            }
        }
        let server = &mut self.servers[at];
        match phase.trouble {
            Trouble::HalfOpen(late_ns) => {
                if let Some(link) = &mut server.link {
                    link.is_dead = true;
                    server.slot_ns = if late_ns > 0 { phase.to_ns + late_ns } else { 0 };
                }
            }
            Trouble::Stall => {
                if let Some(link) = &mut server.link {
                    link.order_ns = link.order_ns.max(phase.to_ns);
                }
            }
            Trouble::DataStall => server.data_ns = phase.to_ns,
            Trouble::Refuse(_)
            | Trouble::Unreachable(_)
            | Trouble::Silent
            | Trouble::Flap(..)
            | Trouble::Nothing => {}
        }
    }

    /// Sends to the server what the client has done.
    pub(super) fn send_up(&mut self, at: usize, what: Uplink) {
        let arrive_ns = (self.now_ns + self.latency()).max(self.servers[at].uplink_ns);
        self.servers[at].uplink_ns = arrive_ns;
        let epoch = self.client.sessions[at].epoch;
        self.book(arrive_ns, Happening::Uplink { at, epoch, what });
    }

    pub(super) fn receive_uplink(&mut self, at: usize, epoch: u32, what: Uplink) {
        if what == Uplink::Dial {
            return self.receive_dial(at, epoch);
        }
        let Some(link) = self.servers[at].link.as_ref().filter(|link| link.epoch == epoch && !link.is_dead)
        else {
            return;
        };
        match what {
            Uplink::Ping => self.send(at, link.epoch, Message::Pong),
            Uplink::Close => self.end_link(at, epoch, Message::Close(Some(1000))),
            Uplink::Gone => {
                self.servers[at].link = None;
                let is_late = self.now_ns < self.scenario.calm_ns && self.dice.chance(20);
                if is_late && self.scenario.trouble(at, self.now_ns) != Trouble::Nothing {
                    self.servers[at].slot_ns = self.now_ns + self.dice.between(SECOND, SLOT_NS);
                }
            }
            Uplink::Dial => unreachable!("received above"),
        }
    }

    fn receive_dial(&mut self, at: usize, epoch: u32) {
        let trouble = self.scenario.trouble(at, self.now_ns);
        self.servers[at].link = Some(Link { epoch, is_dead: false, order_ns: 0 });
        if self.now_ns < self.servers[at].slot_ns {
            if self.dice.chance(50) {
                self.end_link(at, epoch, Message::Refused(429));
            } else {
                self.send(at, epoch, Message::Accepted);
                self.end_link(at, epoch, Message::Close(Some(4029)));
            }
            return;
        }
        match trouble {
            Trouble::Refuse(status) => self.end_link(at, epoch, Message::Refused(status)),
            Trouble::Unreachable(error) => self.end_link(at, epoch, Message::Failed(error)),
            Trouble::Silent => {
                if self.dice.chance(50) {
                    self.send(at, epoch, Message::Reached(DialStep::Tls));
                }
                self.servers[at].link = None;
            }
            Trouble::Flap(code, after_ns) => {
                self.send(at, epoch, Message::Accepted);
                self.book(self.now_ns + after_ns, Happening::Flap { at, epoch, code });
            }
            Trouble::HalfOpen(_) | Trouble::Stall | Trouble::DataStall | Trouble::Nothing => {
                self.send(at, epoch, Message::Accepted);
                if self.dice.chance(50) {
                    // Recent state is seen again: there is no token to resume from.
                    let count = self.dice.between(1, 10) as usize;
                    for frame in self.sent.saturating_sub(count)..self.sent {
                        self.send_frame(at, epoch, frame);
                    }
                }
            }
        }
    }

    /// A frame leaves the service for everybody who is connected.
    pub(super) fn broadcast(&mut self, frame: usize) {
        self.sent = frame + 1;
        for at in 0..self.servers.len() {
            let Some(epoch) = self.servers[at].link.as_ref().map(|link| link.epoch) else { continue };
            let is_dead = self.servers[at].link.as_ref().is_some_and(|link| link.is_dead);
            if !is_dead && self.now_ns < self.servers[at].data_ns {
                let data_ns = self.servers[at].data_ns;
                self.book(data_ns, Happening::Data { at, epoch, frame });
            } else {
                self.send_frame(at, epoch, frame);
            }
        }
    }

    pub(super) fn send_frame(&mut self, at: usize, epoch: u32, frame: usize) {
        self.send(at, epoch, Message::Frame(frame));
        if self.dice.chance(3) {
            let again = self.dice.pick(&[Message::Frame(frame), Message::Rubbish]);
            self.send(at, epoch, again);
        }
    }

    /// Sends a message on a connection that is still this one.
    fn send(&mut self, at: usize, epoch: u32, message: Message) {
        let latency_ns = self.latency();
        let now_ns = self.now_ns;
        let Some(link) = &mut self.servers[at].link else { return };
        if link.epoch != epoch || link.is_dead {
            return;
        }
        link.order_ns = link.order_ns.max(now_ns + latency_ns);
        let arrive_ns = link.order_ns;
        self.book(arrive_ns, Happening::Arrive { at, epoch, message });
    }

    /// Sends the last message of a connection.
    pub(super) fn end_link(&mut self, at: usize, epoch: u32, message: Message) {
        self.send(at, epoch, message);
        if self.servers[at].link.as_ref().is_some_and(|link| link.epoch == epoch) {
            self.servers[at].link = None;
        }
    }

    fn latency(&mut self) -> i64 {
        if self.dice.chance(3) {
            self.dice.between(100 * MILLI, SECOND)
        } else {
            self.dice.between(MILLI, 80 * MILLI)
        }
    }
}
