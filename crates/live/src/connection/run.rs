//! One run of a connection: carries out what the pump asks for, with sockets, a clock and threads.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use stoop_engine::{Command, Input, Origin, Receipt, Scope};
use stoop_feed::{self as feed, Policy, Side, TransportError};
use stoop_model::BadReason;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::TARGET;
use super::history::Asker;
use super::meter::is_endless;
use super::plan::PlanWatch;
use super::pump::{Action, Endpoint, Event, Pump, PumpSettings, Surroundings, Turn};
use super::session::{Session, Step};
use super::socket::DialError;
use crate::clock::Clock;
use crate::notice::Notices;
use crate::recording::Tap;
use crate::remote::{Reply, Request, Snapshot};
use crate::settings::{self, Settings};
use crate::stages::gauge::Gauge;
use crate::stages::path::Path;
use crate::store::{Entry, StoreCounters};
use crate::summary::{Counters, End, Summary};

/// A pump with what it needs of the world.
pub(crate) struct Run {
    settings: Settings,
    pump: Pump,
    sessions: Vec<Session>,
    path: Path,
    gauge: Arc<Gauge>,
    clock: Clock,
    requests: Receiver<Request>,
    notices: Notices,
    plan: PlanWatch,
    /// Brings how many connections the plan allows.
    limit: Option<Receiver<Option<u64>>>,
    history: Option<Asker>,
    /// Where states go to be kept.
    keeping: Option<Entry>,
    tap: Option<Tap>,
    /// Of the store before this run has kept anything.
    restored: StoreCounters,
    /// What the pump asks for; empty between two of its calls.
    actions: Vec<Action>,
}

impl Run {
    pub(crate) fn new(
        settings: Settings,
        endpoints: Vec<(settings::Endpoint, Policy)>,
        path: Path,
        gauge: Arc<Gauge>,
        clock: Clock,
        requests: Receiver<Request>,
        notices: Notices,
    ) -> Self {
        // Without a REST interface the pump must not want a back-fill either: nothing would ever answer it.
        let history = Asker::new(&settings, &gauge);
        let nanos = |span: std::time::Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let of_pump = PumpSettings {
            status_every_ns: settings.status_every.map(nanos),
            backfill_after_ns: settings.backfill.filter(|_| history.is_some()).map(nanos),
            drain_timeout_ns: nanos(settings.drain_timeout),
            max_frames: settings.max_frames,
        };
        let (sessions, endpoints) = endpoints
            .into_iter()
            .map(|(endpoint, policy)| {
                let name = endpoint.name.clone();
                (Session::new(endpoint), Endpoint::new(name, policy))
            })
            .unzip();
        Self {
            pump: Pump::new(of_pump, endpoints, clock.now_ns()),
            plan: PlanWatch::new(settings.api.clone(), settings.key.clone()),
            limit: None,
            keeping: None,
            tap: None,
            restored: StoreCounters::default(),
            actions: Vec::with_capacity(Pump::MAX_ACTIONS),
            history,
            sessions,
            requests,
            notices,
            settings,
            path,
            gauge,
            clock,
        }
    }

    /// Keeps what the stages remember, going on after a run that was connected until `up_ns` and left `counters`.
    pub(crate) fn keep(mut self, entry: Entry, up_ns: Option<i64>, counters: StoreCounters) -> Self {
        self.pump = self.pump.keep(up_ns, self.clock.now_ns());
        self.keeping = Some(entry);
        self.restored = counters;
        self
    }

    /// Records what goes into the stages.
    pub(crate) fn record(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    pub(super) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }

    /// Goes on until the pump has nothing left to do.
    pub(super) async fn run(mut self, done: oneshot::Sender<Box<Summary>>) {
        self.handle(Event::Begin).await;
        // The first status comes before there is a connection: with a timer, a server on this machine would connect
        // first.
        self.turn().await;
        while !self.pump.is_over() {
            let step = self.wait().await;
            self.pump.waited(step.is_some());
            match step {
                Some((at, Step::Reached(step))) => self.tell(at, feed::Event::Reached(step)).await,
                Some((at, Step::Dialled(Ok(())))) => self.tell(at, feed::Event::Opened).await,
                Some((at, Step::Dialled(Err(error)))) => self.dial_failed(at, error).await,
                Some((at, Step::Read(message, recv_ns))) => self.read_burst(at, message, recv_ns).await,
                None => {}
            }
            self.turn().await;
        }
        self.finish(done).await;
    }

    /// Waits for an endpoint; none if a deadline or the far end comes first.
    async fn wait(&mut self) -> Option<(usize, Step)> {
        let around = self.surroundings();
        self.pump.wait(&around);
        let Self { pump, sessions, clock, gauge, .. } = self;
        let clock = *clock;
        let due_ns = pump.deadline(clock.now_ns(), &around);
        let wake_at = clock.instant(due_ns.unwrap_or(i64::MAX));
        // One future over all sessions instead of a task each: they share a thread, and the order in which they are
        // polled is the fairness that the pump decides.
        let step = poll_fn(|context| {
            let step =
                pump.turns().find_map(|(at, is_read)| match sessions[at].poll(context, is_read, clock) {
                    Poll::Ready(step) => Some((at, step)),
                    Poll::Pending => None,
                });
            step.map_or(Poll::Pending, Poll::Ready)
        });
        tokio::select! {
            // In this order, since a frame that has come counts before a deadline that has passed in the meantime.
            biased;
            step = step => Some(step),
            () = gauge.changed() => None,
            () = sleep_until(wake_at) => None,
        }
    }

    /// Does what is due between two reads.
    async fn turn(&mut self) {
        // Before the pump wakes, so that endpoints which waited for the plan are dialled in this turn.
        if let Some(limit) = self.limit() {
            self.handle(limit).await;
        }
        loop {
            let (now_ns, around) = (self.clock.now_ns(), self.surroundings());
            let turn = self.pump.wake(now_ns, &around, &mut self.actions);
            self.carry_out(now_ns).await;
            match turn {
                Turn::Again => {}
                Turn::Requests => self.attend_requests().await,
                Turn::Over => break,
            }
        }
        // A panic comes first: the first end counts, and the others may have followed from it.
        if let Some(message) = self.gauge.tripped() {
            self.handle(Event::End(End::Panicked(message))).await;
        } else if self.gauge.is_abandoned() {
            self.handle(Event::End(End::ConsumerGone)).await;
        } else if self.gauge.is_stopping() {
            self.handle(Event::End(End::Stopped)).await;
        }
        // The far end works on the same thread: let it have its turn.
        if !self.path.has_room() {
            tokio::task::yield_now().await;
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            deadline_ns: self.gauge.deadline_ns(),
            is_holding: self.gauge.is_holding(),
            is_blocking: self.gauge.is_blocking(),
            has_room: self.path.has_room(),
            is_idle: self.path.is_idle(),
            is_tripped: self.gauge.is_tripped(),
            can_save: self.keeping.as_ref().is_some_and(Entry::is_free),
            wants_cut: self.tap.as_ref().is_some_and(Tap::wants_cut),
        }
    }

    /// How many connections the plan allows, once that is known or will not be.
    fn limit(&mut self) -> Option<Event> {
        let limit = match self.limit.as_ref()?.try_recv() {
            Ok(limit) => limit,
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => return None,
        };
        self.limit = None;
        Some(Event::Limit(limit))
    }

    /// Hands in what others ask for, and what they have answered.
    async fn attend_requests(&mut self) {
        for strategy in self.gauge.take_switched_off() {
            // It is off already; this makes it an input, with a place among the others.
            self.handle(Event::Command(Command::SwitchOff { strategy })).await;
        }
        // Commands are bounded like frames: the host's queue holds what the stages have no room for.
        while self.path.has_room()
            && let Ok(request) = self.requests.try_recv()
        {
            match request {
                Request::Command(command) => self.handle(Event::Command(command)).await,
                Request::Snapshot(snapshot) => self.answer(snapshot),
            }
        }
        if let Some(answer) = self.history.as_mut().and_then(Asker::answer) {
            self.handle(Event::Answer(answer)).await;
        }
    }

    async fn tell(&mut self, at: usize, event: feed::Event) {
        self.handle(Event::Endpoint { at, event }).await;
    }

    async fn handle(&mut self, event: Event) {
        let now_ns = self.clock.now_ns();
        self.pump.handle(event, now_ns, &mut self.actions);
        self.carry_out(now_ns).await;
    }

    async fn carry_out(&mut self, now_ns: i64) {
        if self.actions.is_empty() {
            return;
        }
        // Carrying them out needs all of `self`; the vector goes back below, so that nothing is allocated for a turn.
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Enter(input) => {
                    let mut frame = Vec::new();
                    let input = input.map(|bytes| frame = bytes);
                    self.enter(input.map(|()| frame.as_slice()));
                    // What the stages answer decides what the pump does next, so the actors of this thread run first.
                    self.path.work().await;
                }
                Action::Drain => self.path.drain(now_ns),
                Action::Dial(at) => {
                    let session = &mut self.sessions[at];
                    let (name, url) = (session.endpoint.name.as_str(), session.endpoint.shown());
                    tracing::info!(target: TARGET, endpoint = name, url, "dialling");
                    session.dial(self.settings.auth, &self.settings.key);
                }
                Action::Ping(at) => self.sessions[at].write(Message::Ping(Bytes::new())).await,
                Action::Close { at, code } => self.write_close(at, CloseCode::from(code)).await,
                Action::Abandon(at) => self.sessions[at].let_go(),
                Action::StateChanged { at, from, to } => {
                    let endpoint = self.sessions[at].endpoint.name.as_str();
                    tracing::info!(target: TARGET, endpoint, from = from.name(), to = to.name(), "connection");
                }
                Action::AskLimit => self.limit = Some(self.plan.limit(&self.gauge)),
                Action::AskPlan => self.plan.ask(&self.notices, self.clock),
                Action::AskHistory(gap) => {
                    if let Some(history) = &mut self.history {
                        history.ask(gap);
                    }
                }
                Action::Notice(news) => self.notices.tell(now_ns, news),
                Action::Note(note) => {
                    if let Some(tap) = &mut self.tap {
                        tap.note(now_ns, &note.to_json());
                    }
                }
                Action::CutTape { ticks } => self.cut_tape(ticks, now_ns),
                Action::CloseTape => {
                    if let Some(tap) = &mut self.tap {
                        tap.close(now_ns);
                    }
                }
                // Marked at once: until its thread has the state, nothing else shows that one is on its way.
                Action::Save { up_ns } => {
                    if let Some(keeping) = &self.keeping {
                        keeping.occupy();
                        self.path.save(Scope::Changes, up_ns, keeping.sender());
                    }
                }
                Action::Status => self.answer(Snapshot::new(None, Reply::Notice)),
            }
        }
        self.actions = actions;
    }

    /// Puts an input onto the tape and into the stages: the one place where either happens.
    fn enter(&mut self, input: Input<&[u8]>) {
        if let Some(tap) = &mut self.tap {
            // The tape comes first, so that it also has an input on which a stage panics.
            tap.input(&input);
        }
        self.path.enter(input);
    }

    /// Begins a tape, headed by what the stages remember; if there is one before it, that ends now.
    fn cut_tape(&mut self, ticks: bool, now_ns: i64) {
        let Some(tap) = &mut self.tap else { return };
        // The recording's thread gets the receiver at the cut, and the state whenever the stages come to it: the
        // connection waits for neither.
        let (to, state) = bounded(1);
        if tap.cut(now_ns, state) {
            if ticks {
                self.enter(Input::tick(now_ns));
            }
            self.path.save(Scope::All, None, to);
        }
    }

    async fn write_close(&mut self, at: usize, code: CloseCode) {
        let frame = CloseFrame { code, reason: "".into() };
        self.sessions[at].write(Message::Close(Some(frame))).await;
    }

    async fn dial_failed(&mut self, at: usize, error: DialError) {
        match error {
            DialError::Refused(status) => self.tell(at, feed::Event::Refused { status }).await,
            DialError::Failed(error, message) => {
                tracing::debug!(target: TARGET, %message, "dial");
                let url = self.sessions[at].endpoint.shown();
                tracing::warn!(target: TARGET, endpoint = url, "cannot connect: {message}");
                self.tell(at, feed::Event::Failed { error }).await;
            }
        }
    }

    /// Handles a message, and those after it that are already there.
    async fn read_burst(&mut self, at: usize, first: Option<Result<Message, Error>>, recv_ns: i64) {
        self.read(at, first, recv_ns).await;
        while self.pump.reads_on(!self.gauge.is_blocking() && self.path.has_room())
            && let Some(Step::Read(message, recv_ns)) = self.sessions[at].read_now(self.clock)
        {
            self.read(at, message, recv_ns).await;
        }
    }

    async fn read(&mut self, at: usize, message: Option<Result<Message, Error>>, recv_ns: i64) {
        match message {
            Some(Ok(Message::Text(text))) => self.read_frame(at, text.as_bytes(), recv_ns).await,
            // The decoder says whether it is a frame: a post in a binary message is still a post.
            Some(Ok(Message::Binary(bytes))) => self.read_frame(at, &bytes, recv_ns).await,
            Some(Ok(Message::Pong(_))) => self.tell(at, feed::Event::Pong).await,
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                // Tungstenite queues the answer to a close and sends it with the next write or flush, and there is none
                // after this.
                self.sessions[at].flush().await;
                self.sessions[at].let_go();
                self.tell(at, feed::Event::Closed { code, by: Side::Remote }).await;
            }
            // Tungstenite answers pings itself; `Frame` is never read, only written.
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Err(error)) => self.read_error(at, error).await,
            None => {
                self.sessions[at].let_go();
                self.tell(at, feed::Event::Failed { error: TransportError::Eof }).await;
            }
        }
    }

    async fn read_frame(&mut self, at: usize, bytes: &[u8], recv_ns: i64) {
        if !self.pump.accepts(at, recv_ns) {
            return;
        }
        let (origin, receipt) = (Origin::Endpoint(at as u8), Receipt::At(recv_ns));
        self.enter(Input::Frame { origin, bytes, receipt });
        self.path.work().await;
        if self.pump.has_all_frames() {
            self.handle(Event::End(End::MaxFrames)).await;
        }
    }

    async fn read_error(&mut self, at: usize, error: Error) {
        tracing::warn!(target: TARGET, %error, "the connection failed");
        // RFC 6455 §7.4.1: 1009 for a message that is too big, 1007 for text that is not UTF-8.
        let rejected = if matches!(error, Error::Capacity(_)) || is_endless(&error) {
            Some((BadReason::TooLong, 1009))
        } else {
            matches!(error, Error::Utf8(_)).then_some((BadReason::InvalidUtf8, 1007))
        };
        if let Some((reason, code)) = rejected {
            return self.handle(Event::Rejected { at, reason, code }).await;
        }
        let error = if matches!(
            error,
            // A stream that ends without a close frame is a lost connection, although the library calls it a breach of
            // the protocol: there is no one left to send a 1002 to.
            Error::ConnectionClosed
                | Error::AlreadyClosed
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        ) {
            TransportError::Eof
        } else if matches!(error, Error::Protocol(_)) {
            // RFC 6455 §7.1.7: the other side learns why before it is dropped.
            self.write_close(at, CloseCode::Protocol).await;
            TransportError::Protocol
        } else {
            TransportError::Reset
        };
        self.sessions[at].let_go();
        self.tell(at, feed::Event::Failed { error }).await;
    }

    fn answer(&mut self, mut snapshot: Snapshot) {
        let Counters { link, feed, store, tape, .. } = self.count();
        snapshot.counters.link = link;
        snapshot.counters.feed = feed;
        snapshot.counters.store = store;
        snapshot.counters.tape = tape;
        snapshot.endpoints = self.pump.reports();
        self.path.snapshot(snapshot);
    }

    /// Counters of the connection, the store and the tape; the stages add the rest.
    fn count(&self) -> Counters {
        let (link, feed) = self.pump.count();
        let mut counters = Counters { link, feed, store: self.restored, ..Counters::default() };
        if let Some(keeping) = &self.keeping {
            keeping.count(self.clock.now_ns(), &mut counters.store);
        }
        if let Some(tap) = &self.tap {
            counters.tape = tap.counters();
        }
        counters
    }

    /// Collects the counters of all that worked in the run.
    async fn finish(mut self, done: oneshot::Sender<Box<Summary>>) {
        let end = self.gauge.tripped().map(End::Panicked).or(self.pump.end().cloned());
        let summary = Box::new(Summary {
            end: end.unwrap_or_default(),
            counters: self.count(),
            endpoints: self.pump.reports(),
            ..Summary::default()
        });
        let (collected, finished) = oneshot::channel();
        self.path.finish(summary, collected);
        // The actors may have threads of their own, which end with the path: it stays until their counters have come.
        if let Ok(summary) = finished.await {
            drop(done.send(summary));
        }
    }
}
