//! The connection actor: owns the lines to the endpoints, stamps what it reads and hands it on.

mod backfill;
mod entering;
mod meter;
mod plan;
pub(crate) mod probe;
mod proxy;
pub(crate) mod session;
mod socket;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use crossbeam_channel::{Receiver, TryRecvError};
use futures_util::FutureExt;
use serde_json::json;
use stoop_engine::{Command, Gap, Input, Origin, panic_message};
use stoop_feed::{Action, Cause, Event, Lane, Side, State, TransportError};
use stoop_model::BadReason;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::clock::Clock;
use crate::notice::{News, Notices};
use crate::recording::Tap;
use crate::remote::{Reply, Request, Snapshot};
use crate::settings::Settings;
use crate::stages::gauge::Gauge;
use crate::stages::path::Path;
use crate::store::{Entry, StoreCounters};
use crate::summary::{Counters, End, EndpointReport, FeedCounters, Summary};
use backfill::Backfill;
use entering::Saver;
use meter::is_endless;
use plan::PlanWatch;
use session::{Line, Step};
use socket::DialError;

/// How often a full queue is looked at again.
const DRAIN_EVERY_NS: i64 = 1_000_000;
/// Frames read in one go before timers are looked at.
const BURST: usize = 64;
/// Such reads in a row after which a pong counts as missing although there is more to read: some 65,000 frames, more than
/// a system keeps for a socket.
const BURSTS: usize = 1024;

/// Reads the endpoints until it is told to stop or all have refused for good.
pub(crate) struct Connection {
    run: Option<(Run, oneshot::Sender<Box<Summary>>)>,
}

impl Connection {
    pub(crate) fn new(run: Run, done: oneshot::Sender<Box<Summary>>) -> Self {
        Self { run: Some((run, done)) }
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some((run, done)) = self.run.take() else { return };
        let gauge = Arc::clone(&run.gauge);
        let reading = std::panic::AssertUnwindSafe(run.read(done)).catch_unwind();
        context.spawn(reading.into_actor(self).map(move |outcome, _, context| {
            if let Err(panic) = outcome {
                gauge.trip(format!("connection: {}", panic_message(panic.as_ref())));
            }
            context.stop();
        }));
    }
}

/// Why the feed is away.
#[derive(Clone, Copy)]
enum Why {
    /// Nothing has said so yet.
    Unknown,
    /// The run before this one has ended.
    Restart,
    /// The connection was lost for this cause.
    Lost(Cause),
}

/// One run of a connection.
pub(crate) struct Run {
    settings: Settings,
    lines: Vec<Line>,
    /// The line that is asked first: each in its turn, so that none starves another.
    first: usize,
    /// Reads since there was nothing to read.
    bursts: usize,
    /// Whether lines were read when they were last asked.
    could_read: bool,
    path: Path,
    gauge: Arc<Gauge>,
    clock: Clock,
    frames: u64,
    summary: Box<Summary>,
    requests: Receiver<Request>,
    notices: Notices,
    plan: PlanWatch,
    /// Brings how many connections the plan allows; all lines but the first wait for it.
    limit: Option<Receiver<Option<u64>>>,
    backfill: Backfill,
    /// When the connection was lost, Unix ns, and why, until there is one again.
    lost: Option<(i64, Why)>,
    /// When the counters are told next, Unix ns.
    status_ns: Option<i64>,
    saving: Option<Saver>,
    tap: Option<Tap>,
    end: Option<End>,
    was_blocking: bool,
    /// The deadline the last tick was sent for: one is enough, however long the far end takes.
    ticked_ns: Option<i64>,
}

impl Run {
    pub(crate) fn new(
        settings: Settings,
        lines: Vec<Line>,
        path: Path,
        gauge: Arc<Gauge>,
        clock: Clock,
        requests: Receiver<Request>,
        notices: Notices,
    ) -> Self {
        let mut summary = Box::<Summary>::default();
        summary.counters.link.since_ns = clock.now_ns();
        Self {
            status_ns: settings.status_every.map(|_| clock.now_ns()),
            plan: PlanWatch::new(settings.api.clone(), settings.key.clone()),
            limit: None,
            backfill: Backfill::new(&settings, notices.clone(), Arc::clone(&gauge)),
            requests,
            notices,
            lost: None,
            saving: None,
            tap: None,
            settings,
            lines,
            first: 0,
            bursts: 0,
            could_read: false,
            path,
            gauge,
            clock,
            frames: 0,
            summary,
            end: None,
            was_blocking: false,
            ticked_ns: None,
        }
    }

    /// Keeps what the stages remember, going on after a run that was connected until `up_ns` and left `counters`.
    pub(crate) fn keep(mut self, entry: Entry, up_ns: Option<i64>, counters: StoreCounters) -> Self {
        self.lost = up_ns.map(|up_ns| (up_ns, Why::Restart));
        self.saving = Some(Saver { entry, saved_ns: self.clock.now_ns(), is_due: true });
        self.summary.counters.store = counters;
        self
    }

    /// Records what goes into the stages.
    pub(crate) fn record(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    async fn read(mut self, done: oneshot::Sender<Box<Summary>>) {
        // The first tape is headed by what was restored: deadlines that passed in between fire on it.
        self.cut_tape(false);
        self.begin().await;
        // The first status is told before there is a connection: a timer would let a near server come first.
        self.attend().await;
        while self.end.is_none() || self.lines.iter().any(|line| !line.policy.state().is_final()) {
            let step = self.next().await;
            self.bursts = if step.is_some() { (self.bursts + 1) % BURSTS } else { 0 };
            match step {
                Some((at, Step::Reached(step))) => self.tell(at, Event::Reached(step)).await,
                Some((at, Step::Dialled(Ok(())))) => {
                    self.lines[at].feed.opens += 1;
                    self.tell(at, Event::Opened).await;
                }
                Some((at, Step::Dialled(Err(error)))) => self.dial_failed(at, error).await,
                Some((at, Step::Read(message, recv_ns))) => self.take_burst(at, message, recv_ns).await,
                None => {}
            }
            self.attend().await;
        }
        self.lines.iter_mut().for_each(Line::let_go);
        self.wind_up(done).await;
    }

    /// Dials the first endpoint at once, and the others when it is known whether the plan has connections for them: one
    /// too many is refused, or takes the slot of another.
    async fn begin(&mut self) {
        self.tell(0, Event::Start).await;
        if self.lines.len() > 1 {
            self.limit = self.plan.limit(&self.gauge);
        }
    }

    /// Dials the endpoints that wait for nothing any more.
    async fn attend_waiting(&mut self) {
        match self.limit.as_ref().map(Receiver::try_recv) {
            Some(Ok(limit)) => {
                self.limit = None;
                self.leave_out(limit.unwrap_or(u64::MAX));
            }
            Some(Err(TryRecvError::Disconnected)) => self.limit = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
        for at in 0..self.lines.len() {
            let line = &self.lines[at];
            let is_waiting = line.policy.state() == State::Idle && !line.is_left_out;
            if is_waiting && self.limit.is_none() && self.end.is_none() {
                self.tell(at, Event::Start).await;
            }
        }
    }

    /// Leaves the last endpoints out that the plan has no connection for.
    fn leave_out(&mut self, limit: u64) {
        let now_ns = self.clock.now_ns();
        let wanted = self.lines.iter_mut().filter(|line| !line.policy.state().is_final());
        // One is dialled whatever the plan says: the feed itself knows best.
        for line in wanted.skip(usize::try_from(limit.max(1)).unwrap_or(usize::MAX)) {
            line.is_left_out = true;
            let endpoint = line.endpoint.name.clone();
            tracing::warn!(
                endpoint,
                limit,
                "left out: the plan has fewer connections than there are endpoints"
            );
            self.notices.tell(now_ns, News::LeftOut { endpoint, limit });
        }
    }

    /// Waits for a line; none if a deadline or the far end comes first.
    async fn next(&mut self) -> Option<(usize, Step)> {
        let can_read = !self.gauge.is_blocking() && self.path.has_room() && self.end.is_none();
        self.could_read = can_read;
        let Self { lines, clock, gauge, .. } = self;
        let drain_ns = gauge.is_holding().then(|| clock.now_ns() + DRAIN_EVERY_NS);
        let tick_ns = gauge.deadline_ns().filter(|deadline_ns| self.ticked_ns != Some(*deadline_ns));
        let own_ns = lines.iter().filter_map(|line| line.policy.deadline()).min();
        let save_ns = self.saving.as_ref().and_then(Saver::due_ns);
        let is_up = self.summary.counters.link.is_up && self.end.is_none();
        let fill_ns = self.backfill.due_ns(is_up, can_read);
        let timers = [own_ns, tick_ns, drain_ns, self.status_ns, save_ns, fill_ns];
        let due_ns = timers.into_iter().flatten().min();
        let wake_at = clock.instant(due_ns.unwrap_or(i64::MAX));
        let (clock, count) = (*clock, lines.len());
        self.first = (self.first + 1) % count;
        let first = self.first;
        let step = poll_fn(|context| {
            let mut turns = (0..count).map(|turn| (first + turn) % count);
            let step = turns.find_map(|at| match lines[at].poll(context, can_read, clock) {
                Poll::Ready(step) => Some((at, step)),
                Poll::Pending => None,
            });
            step.map_or(Poll::Pending, Poll::Ready)
        });
        tokio::select! {
            biased;
            step = step => Some(step),
            () = gauge.changed() => None,
            () = sleep_until(wake_at) => None,
        }
    }

    /// What there is to do between two reads.
    async fn attend(&mut self) {
        let now_ns = self.clock.now_ns();
        let deadline_ns = self.gauge.deadline_ns();
        if deadline_ns != self.ticked_ns && deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            self.ticked_ns = deadline_ns;
            self.path.enter(Input::tick(now_ns));
            self.note_input();
            self.path.work().await;
        }
        if self.gauge.is_holding() {
            self.path.drain(self.clock.now_ns());
        }
        let is_blocking = self.gauge.is_blocking();
        if is_blocking != self.was_blocking {
            self.was_blocking = is_blocking;
            self.tell_all(Event::ReadingHeld(is_blocking)).await;
        }
        // A pong may have been there in time while this thread was not: it is missing when there is nothing to read.
        let is_caught_up = self.bursts == 0 && self.could_read;
        for at in 0..self.lines.len() {
            let line = &mut self.lines[at];
            if line.policy.deadline().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
                let mut actions = std::mem::take(&mut line.actions);
                if is_caught_up {
                    line.policy.wake(now_ns, &mut actions);
                } else {
                    line.policy.wake_unread(now_ns, &mut actions);
                }
                self.carry_out(at, actions).await;
            }
        }
        self.attend_waiting().await;
        self.attend_requests(now_ns);
        self.fill_gap(now_ns).await;
        if let Some((from_ns, to_ns, rows, end)) = self.backfill.take_told() {
            self.note(
                || json!({"type": "backfill", "from_ns": from_ns, "to_ns": to_ns, "rows": rows, "end": end}),
            );
        }
        if self.tap.as_ref().is_some_and(Tap::wants_cut) {
            self.cut_tape(true);
        }
        if self.saving.as_ref().and_then(Saver::due_ns).is_some_and(|due_ns| due_ns <= now_ns) {
            self.save();
        }
        if let Some(message) = self.gauge.tripped() {
            self.finish(End::Panicked(message)).await;
        } else if self.gauge.is_abandoned() {
            self.finish(End::ConsumerGone).await;
        } else if self.gauge.is_stopping() {
            self.finish(End::Stopped).await;
        }
        // The far end works on the same thread: let it have its turn.
        if !self.path.has_room() {
            tokio::task::yield_now().await;
        }
    }

    /// What others ask for, and what is told of itself.
    fn attend_requests(&mut self, now_ns: i64) {
        for strategy in self.gauge.take_switched_off() {
            // It is off already; this makes it an input, with a place among the others.
            self.enter_command(Command::SwitchOff { strategy });
        }
        while self.path.has_room()
            && let Ok(request) = self.requests.try_recv()
        {
            match request {
                Request::Command(command) => self.enter_command(command),
                Request::Snapshot(snapshot) => self.answer(snapshot),
            }
        }
        if let (Some(due_ns), Some(every)) = (self.status_ns, self.settings.status_every)
            && due_ns <= now_ns
        {
            let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
            self.status_ns = Some(now_ns.saturating_add(every_ns));
            self.answer(Snapshot::new(None, Reply::Notice));
        }
    }

    /// Puts in what history has of a gap, a few frames at a time: the feed goes first.
    async fn fill_gap(&mut self, now_ns: i64) {
        self.backfill.attend(now_ns, self.summary.counters.link.is_up && self.end.is_none());
        if !self.backfill.has_frames(now_ns) || self.end.is_some() {
            return;
        }
        for _ in 0..backfill::BURST {
            if self.gauge.is_blocking() || !self.path.has_room() {
                return;
            }
            let Some(frame) = self.backfill.next(now_ns) else { return };
            self.enter_frame(Origin::History, &frame, self.clock.now_ns());
            self.path.work().await;
        }
    }

    fn answer(&mut self, mut snapshot: Snapshot) {
        self.count();
        let Counters { link, feed, store, tape, .. } = self.summary.counters;
        snapshot.counters.link = link;
        snapshot.counters.feed = feed;
        snapshot.counters.store = store;
        snapshot.counters.tape = tape;
        snapshot.endpoints = self.endpoints();
        self.path.snapshot(snapshot);
    }

    /// Adds up what the lines did.
    fn count(&mut self) {
        let feed = &mut self.summary.counters.feed;
        let (gaps, gap_ns) = (feed.gaps, feed.gap_ns);
        *feed = FeedCounters { gaps, gap_ns, ..FeedCounters::default() };
        self.lines.iter().for_each(|line| feed.add(&line.feed));
        if let Some(saver) = &self.saving {
            saver.entry.count(self.clock.now_ns(), &mut self.summary.counters.store);
        }
        self.backfill.count(feed);
        if let Some(tap) = &self.tap {
            self.summary.counters.tape = tap.counters();
        }
    }

    /// What each line did; the lags are the decoder's to add.
    fn endpoints(&self) -> Vec<EndpointReport> {
        let report = |line: &Line| EndpointReport {
            name: line.endpoint.name.clone(),
            is_up: line.policy.state().is_open(),
            is_left_out: line.is_left_out,
            feed: line.feed,
            frames: line.frames,
            lag: None,
        };
        self.lines.iter().map(report).collect()
    }

    /// Keeps account of whether the feed is connected: by one endpoint at least.
    fn note_state(&mut self, at: usize, from: State, to: State) {
        if from.is_open() == to.is_open() {
            return;
        }
        let now_ns = self.clock.now_ns();
        let is_up = self.lines.iter().any(|line| line.policy.state().is_open());
        let link = &mut self.summary.counters.link;
        let was_up = std::mem::replace(&mut link.is_up, is_up);
        if is_up != was_up {
            link.since_ns = now_ns;
        }
        let endpoint = self.lines[at].endpoint.name.clone();
        let kind = if to.is_open() { "opened" } else { "closed" };
        self.note(|| json!({"type": kind, "endpoint": endpoint, "state": to.name()}));
        if to.is_open() {
            self.notices.tell(now_ns, News::Up { endpoint });
        }
        let feed = &mut self.summary.counters.feed;
        if was_up && !is_up {
            self.lost = Some((now_ns, Why::Unknown));
        } else if !was_up
            && is_up
            && let Some((from_ns, why)) = self.lost.take()
        {
            feed.gaps += 1;
            feed.gap_ns += now_ns - from_ns;
            let (cause, shown) = match why {
                Why::Unknown => (None, "unknown".to_owned()),
                Why::Restart => (None, "restart".to_owned()),
                Why::Lost(cause) => (Some(cause), cause.to_string()),
            };
            tracing::warn!(away_ms = (now_ns - from_ns) / 1_000_000, cause = shown, "the feed was away");
            // An input, before any frame of the connection that is there again.
            let gap = Gap { from_ns, to_ns: now_ns, cause: shown };
            self.enter_gap(gap, now_ns);
            self.backfill.want(from_ns, now_ns);
            self.notices.tell(now_ns, News::Gap { from_ns, to_ns: now_ns, cause });
        }
    }

    /// Ends the run for this reason; the first reason counts.
    async fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.tell_all(Event::Stop).await;
        }
    }

    async fn tell_all(&mut self, event: Event) {
        for at in 0..self.lines.len() {
            self.tell(at, event).await;
        }
    }

    async fn tell(&mut self, at: usize, event: Event) {
        let now_ns = self.clock.now_ns();
        let line = &mut self.lines[at];
        let mut actions = std::mem::take(&mut line.actions);
        line.policy.handle(event, now_ns, &mut actions);
        self.carry_out(at, actions).await;
    }

    async fn carry_out(&mut self, at: usize, mut actions: Vec<Action>) {
        for action in actions.drain(..) {
            let line = &mut self.lines[at];
            let name = line.endpoint.name.as_str();
            match action {
                Action::Dial => {
                    tracing::info!(endpoint = name, url = line.endpoint.shown(), "dialling");
                    line.dial(self.settings.auth, &self.settings.key);
                }
                Action::SendPing => {
                    line.feed.pings += 1;
                    line.write(Message::Ping(Bytes::new())).await;
                }
                Action::Close { code } => {
                    let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                    line.write(Message::Close(Some(frame))).await;
                }
                Action::Abandon => line.let_go(),
                Action::StateChanged { from, to } => {
                    tracing::info!(endpoint = name, from = from.name(), to = to.name(), "connection");
                    self.note_state(at, from, to);
                }
                Action::Retry { after, lane, cause, attempt } => {
                    tracing::warn!(endpoint = name, %cause, lane = lane.name(), attempt, ?after, "connection lost, trying again");
                    if let Some((_, why @ Why::Unknown)) = &mut self.lost {
                        *why = Why::Lost(cause);
                    }
                    if lane == Lane::Slow {
                        self.plan.ask(&self.notices, self.clock);
                    }
                    let endpoint = name.to_owned();
                    self.notices
                        .tell(self.clock.now_ns(), News::Down { endpoint, cause, retry_after: after });
                }
                Action::Fatal { cause } => {
                    tracing::error!(endpoint = name, %cause, "refused for good");
                    let endpoint = name.to_owned();
                    self.notices.tell(self.clock.now_ns(), News::Refused { endpoint, cause });
                    // Its connection is free for one that was left out. The others go on without it.
                    if let Some(line) = self.lines.iter_mut().find(|line| line.is_left_out) {
                        line.is_left_out = false;
                    }
                    if self.lines.iter().all(|line| line.policy.state().is_final()) {
                        self.end.get_or_insert(End::Refused(cause));
                    }
                }
            }
        }
        self.lines[at].actions = actions;
    }

    async fn dial_failed(&mut self, at: usize, error: DialError) {
        match error {
            DialError::Refused(status) => self.tell(at, Event::Refused { status }).await,
            DialError::Failed(error, message) => {
                tracing::debug!(%message, "dial");
                let url = self.lines[at].endpoint.shown();
                tracing::warn!(endpoint = url, "cannot connect: {message}");
                self.tell(at, Event::Failed { error }).await;
            }
        }
    }

    /// Takes a message and those that are already there behind it.
    async fn take_burst(&mut self, at: usize, first: Option<Result<Message, Error>>, recv_ns: i64) {
        self.take(at, first, recv_ns).await;
        for _ in 1..BURST {
            if self.end.is_some() || self.gauge.is_blocking() || !self.path.has_room() {
                return;
            }
            let Some(Step::Read(message, recv_ns)) = self.lines[at].read_now(self.clock) else { return };
            self.take(at, message, recv_ns).await;
        }
    }

    async fn take(&mut self, at: usize, message: Option<Result<Message, Error>>, recv_ns: i64) {
        match message {
            Some(Ok(Message::Text(text))) => self.take_frame(at, text.as_bytes(), recv_ns).await,
            Some(Ok(Message::Binary(bytes))) => self.take_frame(at, &bytes, recv_ns).await,
            Some(Ok(Message::Pong(_))) => {
                self.lines[at].feed.pongs += 1;
                self.tell(at, Event::Pong).await;
            }
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                self.lines[at].flush().await;
                self.lines[at].let_go();
                self.tell(at, Event::Closed { code, by: Side::Remote }).await;
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Err(error)) => self.take_error(at, error).await,
            None => {
                self.lines[at].let_go();
                self.tell(at, Event::Failed { error: TransportError::Eof }).await;
            }
        }
    }

    async fn take_frame(&mut self, at: usize, bytes: &[u8], recv_ns: i64) {
        if self.end.is_some() {
            return;
        }
        self.frames += 1;
        self.lines[at].frames += 1;
        self.summary.counters.link.last_frame_ns = Some(recv_ns);
        self.enter_frame(Origin::Endpoint(at as u8), bytes, recv_ns);
        self.path.work().await;
        if self.settings.max_frames.is_some_and(|limit| self.frames >= limit) {
            self.finish(End::MaxFrames).await;
        }
    }

    async fn take_error(&mut self, at: usize, error: Error) {
        let rejected = if matches!(error, Error::Capacity(_)) || is_endless(&error) {
            Some((BadReason::TooLong, 1009))
        } else {
            matches!(error, Error::Utf8(_)).then_some((BadReason::InvalidUtf8, 1007))
        };
        tracing::warn!(%error, "the connection failed");
        if let Some((reason, code)) = rejected {
            self.lines[at].feed.rejected += 1;
            self.path.enter(Input::Rejected { reason, bytes: 0 });
            let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
            self.lines[at].write(Message::Close(Some(frame))).await;
            self.lines[at].let_go();
            self.tell(at, Event::Closed { code: Some(code), by: Side::Local }).await;
            return;
        }
        let error = if matches!(
            error,
            Error::ConnectionClosed
                | Error::AlreadyClosed
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        ) {
            TransportError::Eof
        } else if matches!(error, Error::Protocol(_)) {
            // The other side is told what was wrong with it (RFC 6455 §7.1.7).
            let frame = CloseFrame { code: CloseCode::Protocol, reason: "".into() };
            self.lines[at].write(Message::Close(Some(frame))).await;
            TransportError::Protocol
        } else {
            TransportError::Reset
        };
        self.lines[at].let_go();
        self.tell(at, Event::Failed { error }).await;
    }

    /// Waits for what is in the pipeline and held back, then collects the counters.
    async fn wind_up(mut self, done: oneshot::Sender<Box<Summary>>) {
        let limit_ns = i64::try_from(self.settings.drain_timeout.as_nanos()).unwrap_or(i64::MAX);
        let until_ns = self.clock.now_ns().saturating_add(limit_ns);
        while (!self.path.is_idle() || self.gauge.is_holding()) && self.gauge.tripped().is_none() {
            if self.gauge.is_holding() {
                self.path.drain(self.clock.now_ns());
            }
            if self.clock.now_ns() >= until_ns {
                break;
            }
            while let Ok(request) = self.requests.try_recv() {
                match request {
                    // The end is an input too, and it came first.
                    Request::Command(_) => {}
                    Request::Snapshot(snapshot) => self.answer(snapshot),
                }
            }
            let look_again = self.clock.instant(self.clock.now_ns() + DRAIN_EVERY_NS);
            tokio::select! {
                () = self.gauge.changed() => {}
                () = sleep_until(look_again) => {}
            }
        }
        if self.gauge.tripped().is_none() {
            // What was due fires, so that the tape and what is kept end at one moment.
            let now_ns = self.clock.now_ns();
            self.path.enter(Input::tick(now_ns));
            if let Some(tap) = &mut self.tap {
                tap.close(now_ns);
            }
            self.save();
        }
        self.summary.end = self.gauge.tripped().map(End::Panicked).or(self.end.take()).unwrap_or_default();
        self.count();
        self.summary.endpoints = self.endpoints();
        let (told, finished) = oneshot::channel();
        self.path.finish(self.summary, told);
        // The actors may have threads of their own, which end with the path: not before they have told.
        if let Ok(summary) = finished.await {
            drop(done.send(summary));
        }
    }
}
