//! One run: virtual time goes from one happening to the next.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use stoop_feed::{Event, Policy};
use stoop_model::Decision;

use super::client::Line;
use super::dice::{Dice, MILLI, SECOND};
use super::path::Path;
use super::plan::{Pace, Phase, Plan, Profile, STALL_NS, START_NS, nanos};
use super::server::{Message, Server, Uplink};
use super::story::story;
use super::watch::Watch;

/// A run that takes more steps does not end.
const STEPS: u64 = 200_000;
/// Lines of the trace that are kept.
const TRACE: usize = 60;

#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    Send(usize),
    Trouble {
        at: usize,
        phase: Phase,
    },
    Arrive {
        at: usize,
        epoch: u32,
        message: Message,
    },
    Uplink {
        at: usize,
        epoch: u32,
        what: Uplink,
    },
    /// A server that flaps closes the connection.
    Flap {
        at: usize,
        epoch: u32,
        code: Option<u16>,
    },
    /// A frame that was held back in the server.
    Data {
        at: usize,
        epoch: u32,
        frame: usize,
    },
    /// The stages come to some of what waits for them.
    Work,
    Take,
    Stall(i64),
    Reopened,
    Stop,
}

pub(super) struct World {
    pub(super) plan: Plan,
    /// Times and texts of the frames.
    pub(super) story: Vec<(i64, Rc<str>)>,
    pub(super) rubbish: Rc<str>,
    pub(super) dice: Dice,
    pub(super) now_ns: i64,
    agenda: BTreeMap<(i64, u64), Happening>,
    booked: u64,
    pub(super) servers: Vec<Server>,
    /// Frames of the story that the service has sent.
    pub(super) sent: usize,
    pub(super) lines: Vec<Line>,
    /// The line that is asked first.
    pub(super) first: usize,
    pub(super) bursts: usize,
    pub(super) could_read: bool,
    pub(super) path: Path,
    pub(super) was_blocking: bool,
    pub(super) ticked_ns: Option<i64>,
    pub(super) has_ended: bool,
    pub(super) wake_ns: i64,
    stalled_ns: i64,
    is_taking: bool,
    is_working: bool,
    pub(super) taken: Vec<Decision>,
    trace: Option<VecDeque<String>>,
}

impl World {
    /// A world that keeps a trace, or one that is fast.
    pub(super) fn new(profile: Profile, seed: u64, is_traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(profile, &mut dice);
        let tweets = dice.between(5, 30);
        let story: Vec<_> = story(&mut dice, tweets, START_NS, plan.stop_ns - 2 * SECOND)
            .into_iter()
            .map(|sent| (sent.at_ns, Rc::from(sent.json)))
            .collect();
        let mut line = |phases: &Vec<Phase>| {
            let policy = Policy::new(plan.settings, dice.bits()).unwrap();
            Line::new(policy, Watch::new(plan.settings, plan.may_refuse, phases.is_empty(), story.len()))
        };
        let lines: Vec<_> = plan.endpoints.iter().map(&mut line).collect();
        let trace = is_traced.then(|| VecDeque::from([format!("{plan:#?}")]));
        Self {
            path: Path::new(&plan),
            servers: lines.iter().map(|_| Server::default()).collect(),
            sent: 0,
            first: 0,
            bursts: 0,
            could_read: false,
            was_blocking: false,
            ticked_ns: None,
            has_ended: false,
            wake_ns: i64::MAX,
            stalled_ns: START_NS,
            is_taking: false,
            is_working: false,
            taken: Vec::new(),
            rubbish: Rc::from("{\"v\":1,"),
            agenda: BTreeMap::new(),
            booked: 0,
            now_ns: START_NS,
            trace,
            story,
            lines,
            dice,
            plan,
        }
    }

    pub(super) fn book(&mut self, at_ns: i64, what: Happening) {
        self.agenda.insert((at_ns, self.booked), what);
        self.booked += 1;
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let Some(trace) = &mut self.trace else { return };
        trace.push_back(format!("{:>12.6} s  {}", (self.now_ns - START_NS) as f64 / 1e9, line()));
        if trace.len() > TRACE {
            // The plan stays.
            trace.remove(1);
        }
    }

    pub(super) fn trace(&self) -> String {
        let lines: Vec<&str> = self.trace.iter().flatten().map(String::as_str).collect();
        lines.join("\n")
    }

    /// The whole run; panics where something does not hold.
    pub(super) fn run(&mut self) {
        self.begin();
        let mut steps = 0;
        while !self.lines.iter().all(|line| line.policy.state().is_final()) {
            steps += 1;
            assert!(steps < STEPS, "the run does not end");
            let next = self.agenda.first_key_value().map(|((at_ns, _), _)| *at_ns);
            let wake_ns = self.wake_ns.max(self.stalled_ns);
            if next.is_none_or(|next_ns| wake_ns < next_ns) {
                assert!(wake_ns < i64::MAX, "nothing will ever happen again");
                self.now_ns = self.now_ns.max(wake_ns);
                self.turn();
            } else if let Some(((at_ns, _), happening)) = self.agenda.pop_first() {
                self.now_ns = self.now_ns.max(at_ns);
                self.happen(happening);
            }
            self.book_followers();
        }
        self.wind_up();
        self.check();
    }

    fn begin(&mut self) {
        for frame in 0..self.story.len() {
            self.book(self.story[frame].0, Happening::Send(frame));
        }
        for at in 0..self.lines.len() {
            for index in 0..self.plan.endpoints[at].len() {
                let phase = self.plan.endpoints[at][index];
                self.book(phase.from_ns, Happening::Trouble { at, phase });
            }
        }
        for index in 0..self.plan.stalls.len() {
            let (at_ns, span_ns) = self.plan.stalls[index];
            self.book(at_ns, Happening::Stall(span_ns));
        }
        self.book(self.plan.reopened_ns, Happening::Reopened);
        self.book(self.plan.stop_ns, Happening::Stop);
        self.tell_all(Event::Start);
        self.turn();
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Send(frame) => self.broadcast(frame),
            Happening::Trouble { at, phase } => self.begin_phase(at, phase),
            Happening::Arrive { at, epoch, message } => {
                self.note(|| format!("#{at} {message:?} arrives on {epoch}"));
                self.lines[at].arrive(epoch, message);
                self.turn_unless_stalled();
            }
            Happening::Uplink { at, epoch, what } => self.take_uplink(at, epoch, what),
            Happening::Flap { at, epoch, code } => self.end_link(at, epoch, Message::Close(code)),
            Happening::Data { at, epoch, frame } => self.send_frame(at, epoch, frame),
            Happening::Work => {
                self.is_working = false;
                let count = self.dice.pick(&[1, 1, 3, 100]);
                self.path.work(count);
                self.turn_unless_stalled();
            }
            Happening::Take => self.take_decisions(),
            Happening::Stall(span_ns) => {
                self.note(|| format!("the client is stalled for {span_ns} ns"));
                self.stalled_ns = self.stalled_ns.max(self.now_ns + span_ns);
                self.wake_ns = self.wake_ns.min(self.stalled_ns);
            }
            Happening::Reopened => self.check_reopened(),
            Happening::Stop => {
                self.note(|| "stop".to_owned());
                self.has_ended = true;
                self.tell_all(Event::Stop);
                let limit_ns = nanos(self.plan.settings.close_timeout) + SECOND;
                self.book(self.now_ns + limit_ns, Happening::Work);
                self.turn();
            }
        }
    }

    /// A pong that came while the client had no processor is there, but not read, when its deadline is over.
    pub(super) fn stall_now_and_then(&mut self) {
        if self.plan.is_stalling && self.now_ns < self.plan.calm_ns && self.dice.chance(5) {
            let span_ns = self.dice.between(0, STALL_NS);
            self.book(self.now_ns, Happening::Stall(span_ns));
        }
    }

    fn turn_unless_stalled(&mut self) {
        if self.now_ns >= self.stalled_ns {
            self.turn();
        }
    }

    /// Whoever has something to do now gets to it some time later.
    fn book_followers(&mut self) {
        if !self.path.is_idle() && !self.is_working {
            self.is_working = true;
            let after_ns = self.dice.pick(&[0, MILLI / 10, 30 * MILLI, SECOND]);
            self.book(self.now_ns + after_ns, Happening::Work);
        }
        if !self.path.queue.is_empty() && !self.is_taking {
            self.is_taking = true;
            let (pace, until_ns) = self.plan.pace(self.now_ns);
            let at_ns = match pace {
                Pace::Fast => self.now_ns + self.dice.between(0, 2 * MILLI),
                Pace::Slow(every_ns) => (self.now_ns + every_ns).min(until_ns),
                Pace::Stuck => until_ns,
            };
            self.book(at_ns, Happening::Take);
        }
    }

    fn take_decisions(&mut self) {
        self.is_taking = false;
        let count = match self.plan.pace(self.now_ns).0 {
            Pace::Fast => usize::MAX,
            Pace::Slow(_) => 1,
            Pace::Stuck => 0,
        };
        self.taken.extend(self.path.queue.try_iter().take(count));
        if self.path.gauge.is_holding() {
            // The client looks at the queue every millisecond.
            self.wake_ns = self.wake_ns.min(self.now_ns + MILLI);
        }
    }

    /// What `connection::Run::wind_up` does, with a consumer that reads on.
    fn wind_up(&mut self) {
        self.path.work(usize::MAX);
        let mut rounds = 0;
        while self.path.gauge.is_holding() {
            rounds += 1;
            assert!(rounds < STEPS, "what is held back never comes");
            self.taken.extend(self.path.queue.try_iter());
            self.now_ns += MILLI;
            self.path.drain(self.now_ns);
        }
        self.path.outbox.close();
        self.taken.extend(self.path.queue.try_iter());
    }
}
