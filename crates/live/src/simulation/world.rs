//! One run: virtual time goes from one happening to the next.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use crossbeam_channel::Receiver;
use stoop_engine::{Command, Input, Message as ToStrategies};
use stoop_feed::Policy;
use stoop_model::{Decision, TweetId};

use super::dice::{Dice, MILLI, SECOND};
use super::driver::{Session, Shared};
use super::keeping::{Keeper, Kept};
use super::ledger::Ledger;
use super::path::Path;
use super::scenario::{Pace, Phase, Profile, STALL_NS, START_NS, Scenario, nanos};
use super::server::{Message, Server, Uplink};
use super::story::{ORACLE, Sent, story};
use super::watch::Watch;
use crate::connection::pump::{Action, Answer, Endpoint, Event, Pump, PumpSettings, Span};
use crate::recording::{self, Entry, Tap};
use crate::summary::End;

/// A run that takes more steps does not end.
const STEPS: u64 = 200_000;
/// Lines of the trace that are kept.
const TRACE: usize = 60;
/// Entries of a tape: more than a run has.
const ENTRIES: usize = 8192;

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
    /// The disk has written what is to be kept.
    Keep {
        process: u32,
    },
    /// The plan's answer.
    Limit {
        process: u32,
    },
    /// History's answer.
    Answer {
        process: u32,
        gap: Span,
    },
    /// The host tells the strategies something.
    Command,
    /// The tape has grown long.
    Cut,
    /// The process ends without a word, for so long.
    Crash(i64),
    /// It begins again.
    Restart,
    Take,
    Stall(i64),
    Reopened,
    Stop,
}

/// The process: all that is lost when it crashes.
pub(super) struct Client {
    pub(super) pump: Pump,
    pub(super) sessions: Vec<Session>,
    pub(super) path: Path,
    pub(super) tap: Option<Tap>,
    /// What the tap has noted.
    noted: Option<(Receiver<Entry>, Arc<recording::Shared>)>,
    pub(super) keeper: Option<Keeper>,
    /// What the host asks for.
    pub(super) requests: VecDeque<Command>,
    /// What others have answered.
    pub(super) limit: Option<Event>,
    pub(super) answer: Option<Answer>,
    pub(super) is_stopping: bool,
    /// Inputs that may have changed what the stages remember.
    pub(super) changes: usize,
    /// Empty between two calls of the pump.
    pub(super) actions: Vec<Action>,
    /// What has come to the consumer.
    pub(super) taken: Vec<Decision>,
}

/// What processes that have crashed leave to the one at hand.
#[derive(Default)]
pub(super) struct Past {
    pub(super) kept: Kept,
    /// All that came after what was kept.
    pub(super) inputs: Vec<Input<Shared>>,
    pub(super) decided: Vec<Decision>,
    pub(super) crashes: u64,
    /// Merge has forgotten tweets.
    pub(super) has_forgotten: bool,
    pub(super) tapes: u64,
    pub(super) filled: u64,
    pub(super) gaps: u64,
}

pub(super) struct World {
    pub(super) scenario: Scenario,
    /// The frames, in the order of their times.
    pub(super) story: Vec<Sent>,
    pub(super) rubbish: Shared,
    pub(super) dice: Dice,
    pub(super) now_ns: i64,
    agenda: BTreeMap<(i64, u64), Happening>,
    booked: u64,
    pub(super) servers: Vec<Server>,
    /// Frames of the story that the service has sent.
    pub(super) sent: usize,
    pub(super) client: Client,
    /// Which process it is.
    pub(super) process: u32,
    /// None is running.
    is_down: bool,
    pub(super) past: Past,
    pub(super) watches: Vec<Watch>,
    pub(super) ledger: Ledger,
    /// When the last connection was closed for good.
    pub(super) closed_ns: i64,
    pub(super) wake_ns: i64,
    stalled_ns: i64,
    is_taking: bool,
    is_working: bool,
    trace: Option<VecDeque<String>>,
}

impl Client {
    fn new(scenario: &Scenario, kept: &Kept, epochs: &[u32], dice: &mut Dice, now_ns: i64) -> Self {
        let settings = PumpSettings {
            status_every_ns: scenario.status_ns,
            backfill_after_ns: scenario.backfill_ns,
            drain_timeout_ns: 600 * SECOND,
            max_frames: scenario.max_frames,
        };
        let mut endpoint =
            |at: usize| Endpoint::new(at.to_string(), Policy::new(scenario.settings, dice.bits()).unwrap());
        let endpoints = (0..scenario.endpoints.len()).map(&mut endpoint).collect();
        let mut pump = Pump::new(settings, endpoints, now_ns);
        let (mut tap, mut noted) = (None, None);
        if scenario.tapes.is_some() {
            let (end, entries, shared) = Tap::with_room(ENTRIES);
            (tap, noted) = (Some(end), Some((entries, shared)));
        }
        let path = Path::new(scenario, kept.state(), now_ns, tap.clone());
        let keeper = scenario.keeps.then(|| Keeper::new(path.outbox.delivery(), now_ns));
        if keeper.is_some() {
            pump = pump.keep(kept.up_ns, now_ns);
        }
        Self {
            pump,
            sessions: epochs.iter().map(|epoch| Session::new(*epoch)).collect(),
            path,
            tap,
            noted,
            keeper,
            requests: VecDeque::new(),
            limit: None,
            answer: None,
            is_stopping: false,
            changes: 0,
            actions: Vec::new(),
            taken: Vec::new(),
        }
    }
}

impl World {
    /// A world that keeps a trace, or one that is fast.
    pub(super) fn new(profile: Profile, seed: u64, is_traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let scenario = Scenario::new(profile, &mut dice);
        let tweets = dice.between(5, 30);
        let story = story(&mut dice, tweets, START_NS, scenario.stop_ns - 2 * SECOND);
        let watch = |phases: &Vec<Phase>| {
            Watch::new(scenario.settings, scenario.may_refuse, phases.is_empty(), story.len())
        };
        let watches: Vec<_> = scenario.endpoints.iter().map(watch).collect();
        let epochs = vec![0; watches.len()];
        let past = Past::default();
        let trace = is_traced.then(|| VecDeque::from([format!("{scenario:#?}")]));
        Self {
            client: Client::new(&scenario, &past.kept, &epochs, &mut dice, START_NS),
            ledger: Ledger::new(&scenario, None, START_NS),
            servers: watches.iter().map(|_| Server::default()).collect(),
            sent: 0,
            process: 0,
            is_down: false,
            past,
            watches,
            closed_ns: START_NS,
            wake_ns: i64::MAX,
            stalled_ns: START_NS,
            is_taking: false,
            is_working: false,
            rubbish: Rc::from(&b"{\"v\":1,"[..]),
            agenda: BTreeMap::new(),
            booked: 0,
            now_ns: START_NS,
            trace,
            story,
            dice,
            scenario,
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
            // The scenario stays.
            trace.remove(1);
        }
    }

    pub(super) fn trace(&self) -> String {
        let lines: Vec<&str> = self.trace.iter().flatten().map(String::as_str).collect();
        lines.join("\n")
    }

    /// The whole run; panics where something does not hold.
    pub(super) fn run(&mut self) {
        self.book_all();
        self.begin();
        let mut steps = 0;
        while !self.client.pump.is_over() {
            steps += 1;
            assert!(steps < STEPS, "the run does not end");
            let next = self.agenda.first_key_value().map(|((at_ns, _), _)| *at_ns);
            let wake_ns = if self.is_down { i64::MAX } else { self.wake_ns.max(self.stalled_ns) };
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

    fn book_all(&mut self) {
        let mut all =
            vec![(self.scenario.reopened_ns, Happening::Reopened), (self.scenario.stop_ns, Happening::Stop)];
        all.extend(self.story.iter().enumerate().map(|(frame, sent)| (sent.at_ns, Happening::Send(frame))));
        for (at, phases) in self.scenario.endpoints.iter().enumerate() {
            let trouble = |phase: &Phase| (phase.from_ns, Happening::Trouble { at, phase: *phase });
            all.extend(phases.iter().map(trouble));
        }
        all.extend(self.scenario.stalls.iter().map(|(at_ns, span_ns)| (*at_ns, Happening::Stall(*span_ns))));
        all.extend(self.scenario.commands.iter().map(|at_ns| (*at_ns, Happening::Command)));
        all.extend(self.scenario.tapes.iter().flatten().map(|at_ns| (*at_ns, Happening::Cut)));
        all.extend(self.scenario.crashes.iter().map(|(at_ns, down_ns)| (*at_ns, Happening::Crash(*down_ns))));
        for (at_ns, happening) in all {
            self.book(at_ns, happening);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Send(frame) => self.broadcast(frame),
            Happening::Trouble { at, phase } => self.begin_phase(at, phase),
            Happening::Arrive { at, epoch, message } => {
                self.note(|| format!("#{at} {message:?} arrives on {epoch}"));
                self.client.sessions[at].arrive(epoch, message);
                self.turn_unless_stalled();
            }
            Happening::Uplink { at, epoch, what } => self.receive_uplink(at, epoch, what),
            Happening::Flap { at, epoch, code } => self.end_link(at, epoch, Message::Close(code)),
            Happening::Data { at, epoch, frame } => self.send_frame(at, epoch, frame),
            Happening::Work => {
                self.is_working = false;
                let count = self.dice.pick(&[1, 1, 3, 100]);
                self.client.path.work(count);
                self.turn_unless_stalled();
            }
            Happening::Keep { process } if process == self.process => self.keep(),
            Happening::Limit { process } if process == self.process => {
                self.ledger.set_limit(self.scenario.limit.0);
                self.client.limit = Some(Event::Limit(self.scenario.limit.0));
                self.turn_unless_stalled();
            }
            Happening::Answer { process, gap } if process == self.process => {
                self.answer(gap);
                self.turn_unless_stalled();
            }
            Happening::Keep { .. } | Happening::Limit { .. } | Happening::Answer { .. } => {}
            Happening::Command => self.command(),
            Happening::Cut => {
                if let Some((_, shared)) = &self.client.noted {
                    use std::sync::atomic::Ordering::Release;
                    shared.wants_cut.store(true, Release);
                    shared.is_cut.store(false, Release);
                }
                self.turn_unless_stalled();
            }
            Happening::Crash(down_ns) => self.crash(down_ns),
            Happening::Restart => {
                self.is_down = false;
                self.begin();
            }
            Happening::Take => self.hand_over(),
            Happening::Stall(span_ns) => {
                self.note(|| format!("the client is stalled for {span_ns} ns"));
                self.stalled_ns = self.stalled_ns.max(self.now_ns + span_ns);
                self.wake_ns = self.wake_ns.min(self.stalled_ns);
            }
            Happening::Reopened => self.check_reopened(),
            Happening::Stop => {
                self.note(|| "stop".to_owned());
                self.client.is_stopping = true;
                let limit_ns = nanos(self.scenario.settings.close_timeout) + SECOND;
                self.book(self.now_ns + limit_ns, Happening::Work);
                self.turn();
            }
        }
    }

    /// The host tells the strategy something, or asks it no more.
    fn command(&mut self) {
        let command = if self.dice.chance(10) {
            Command::SwitchOff { strategy: ORACLE.to_owned() }
        } else {
            let tweet = self.dice.between(0, 30).to_string();
            Command::Message(ToStrategies { tweet: Some(TweetId::parse(&tweet)), ..ToStrategies::default() })
        };
        if !self.is_down {
            self.client.requests.push_back(command);
            self.turn_unless_stalled();
        }
    }

    /// All that the process has not handed on is lost.
    fn crash(&mut self, down_ns: i64) {
        self.note(|| format!("the process crashes for {down_ns} ns"));
        self.let_go_of_all();
        self.check_process();
        let past = &mut self.past;
        past.crashes += 1;
        // Of those only so many are behind what was kept.
        let inputs = past.kept.inputs.take();
        if let Some(worked) = inputs {
            past.inputs.extend(self.client.path.inputs.drain(..worked));
            past.decided.append(&mut self.client.path.decided);
            past.decided.truncate(past.kept.decisions());
            past.kept.inputs = Some(0);
        }
        let epochs: Vec<u32> = self.client.sessions.iter().map(|session| session.epoch).collect();
        let begin_ns = self.now_ns + down_ns;
        self.client = Client::new(&self.scenario, &past.kept, &epochs, &mut self.dice, begin_ns);
        self.ledger = Ledger::new(&self.scenario, past.kept.up_ns, begin_ns);
        self.watches.iter_mut().for_each(Watch::restart);
        self.process += 1;
        self.is_down = true;
        self.wake_ns = i64::MAX;
        self.book(begin_ns, Happening::Restart);
    }

    /// The disk has written what is to be kept, unless it waits for the consumer.
    fn keep(&mut self) {
        let Some(keeper) = &mut self.client.keeper else { return };
        if !keeper.may_commit() {
            let process = self.process;
            return self.book(self.now_ns + 100 * MILLI, Happening::Keep { process });
        }
        keeper.commit(&mut self.past.kept);
        self.turn_unless_stalled();
    }

    /// A pong that came while the client had no processor is there, but not read, when its deadline is over.
    pub(super) fn stall_now_and_then(&mut self) {
        if self.scenario.is_stalling && self.now_ns < self.scenario.calm_ns && self.dice.chance(5) {
            let span_ns = self.dice.between(0, STALL_NS);
            self.book(self.now_ns, Happening::Stall(span_ns));
        }
    }

    fn turn_unless_stalled(&mut self) {
        if self.now_ns >= self.stalled_ns && !self.is_down {
            self.turn();
        }
    }

    /// Everything that is due now happens some time later.
    fn book_followers(&mut self) {
        if self.client.path.has_work() && !self.is_working {
            self.is_working = true;
            let after_ns = self.dice.pick(&[0, MILLI / 10, 30 * MILLI, SECOND]);
            self.book(self.now_ns + after_ns, Happening::Work);
        }
        if !self.client.path.queue.is_empty() && !self.is_taking {
            self.is_taking = true;
            let (pace, until_ns) = self.scenario.pace(self.now_ns);
            let at_ns = match pace {
                Pace::Fast => self.now_ns + self.dice.between(0, 2 * MILLI),
                Pace::Slow(every_ns) => (self.now_ns + every_ns).min(until_ns),
                Pace::Stuck => until_ns,
            };
            self.book(at_ns, Happening::Take);
        }
        let Client { keeper, path, .. } = &mut self.client;
        if let Some(keeper) = keeper
            && keeper.written.is_none()
            && let Ok(save) = keeper.arrived.try_recv()
        {
            let inputs = path.saved.pop_front().expect("it was counted when it was made");
            keeper.written = Some((save, inputs));
            let (process, after_ns) = (self.process, self.dice.pick(&[MILLI, 5 * MILLI, SECOND]));
            self.book(self.now_ns + after_ns, Happening::Keep { process });
        }
    }

    /// The consumer takes decisions from the queue.
    fn hand_over(&mut self) {
        self.is_taking = false;
        let count = match self.scenario.pace(self.now_ns).0 {
            Pace::Fast => usize::MAX,
            Pace::Slow(_) => 1,
            Pace::Stuck => 0,
        };
        let Client { path, taken, keeper, .. } = &mut self.client;
        taken.extend(path.queue.try_iter().take(count));
        if let (Some(keeper), Some(last)) = (keeper, taken.last()) {
            keeper.delivery.acknowledge(last.seq);
        }
        if path.gauge.is_holding() {
            // The client looks at the queue every millisecond.
            self.wake_ns = self.wake_ns.min(self.now_ns + MILLI);
        }
    }

    /// What the end of the stages does, and a consumer that reads on.
    fn wind_up(&mut self) {
        let Client { path, taken, .. } = &mut self.client;
        path.work(usize::MAX);
        path.outbox.close();
        taken.extend(path.queue.try_iter());
    }

    /// What the tap has noted decides what was decided.
    pub(super) fn check_tapes(&mut self) {
        let Some((noted, _)) = &self.client.noted else { return };
        let (decided, base) = (&self.client.path.decided, self.past.decided.len());
        let may_begin_anew = self.scenario.bounds.has_copies && self.past.has_forgotten;
        let crashed_ns = (!self.client.pump.is_over()).then_some(self.now_ns);
        self.past.tapes +=
            super::tape::check(&self.scenario, noted, decided, base, may_begin_anew, crashed_ns);
    }

    /// The run has come to an end of its own.
    pub(super) fn is_early(&self) -> bool {
        self.client.pump.end() == Some(&End::MaxFrames)
    }
}
