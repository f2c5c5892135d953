//! The connection actor: owns the socket and the policy, stamps what it reads and hands it on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use crossbeam_channel::Receiver;
use futures_util::{FutureExt, SinkExt, StreamExt};
use stoop_engine::{Command, Receipt, panic_message};
use stoop_feed::{Action, Cause, Event, Policy, Side, State, TransportError};
use stoop_model::BadReason;
use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::clock::Clock;
use crate::gauge::Gauge;
use crate::notice::{News, Notices};
use crate::path::Path;
use crate::remote::{Reply, Request, Snapshot};
use crate::settings::Settings;
use crate::socket::{DialError, Socket, dial};
use crate::summary::{Counters, End, Summary};

/// How often a full queue is looked at again.
const DRAIN_EVERY_NS: i64 = 1_000_000;
/// Frames read in one go before timers are looked at.
const BURST: usize = 64;
/// How long writing a ping or a close may take: a peer that does not read must not hold us up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads one endpoint until it is told to stop or refused for good.
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

type Dialling = Pin<Box<dyn Future<Output = Result<Socket, DialError>>>>;

enum Link {
    Down,
    Dialling(Dialling),
    Up(Box<Socket>),
}

enum Step {
    Dialled(Result<Box<Socket>, DialError>),
    Read(Option<Result<Message, Error>>, i64),
    Woken,
}

/// One run of a connection.
pub(crate) struct Run {
    settings: Settings,
    policy: Policy,
    path: Path,
    gauge: Arc<Gauge>,
    clock: Clock,
    link: Link,
    frames: u64,
    summary: Box<Summary>,
    requests: Receiver<Request>,
    notices: Notices,
    /// When the connection was lost, Unix ns, and why, until there is one again.
    lost: Option<(i64, Option<Cause>)>,
    /// When the counters are told next, Unix ns.
    status_ns: Option<i64>,
    actions: Vec<Action>,
    end: Option<End>,
    was_blocking: bool,
    /// The deadline the last tick was sent for: one is enough, however long the far end takes.
    ticked_ns: Option<i64>,
}

impl Run {
    pub(crate) fn new(
        settings: Settings,
        policy: Policy,
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
            requests,
            notices,
            lost: None,
            settings,
            policy,
            path,
            gauge,
            clock,
            link: Link::Down,
            frames: 0,
            summary,
            actions: Vec::with_capacity(Policy::MAX_ACTIONS),
            end: None,
            was_blocking: false,
            ticked_ns: None,
        }
    }

    async fn read(mut self, done: oneshot::Sender<Box<Summary>>) {
        self.tell(Event::Start).await;
        // The first status is told before there is a connection: a timer would let a near server come first.
        self.attend().await;
        while self.end.is_none() || !self.policy.state().is_final() {
            match self.next().await {
                Step::Dialled(Ok(socket)) => {
                    self.link = Link::Up(socket);
                    self.summary.counters.feed.opens += 1;
                    self.tell(Event::Opened).await;
                }
                Step::Dialled(Err(error)) => self.dial_failed(error).await,
                Step::Read(message, recv_ns) => self.take_burst(message, recv_ns).await,
                Step::Woken => {}
            }
            self.attend().await;
        }
        self.link = Link::Down;
        self.wind_up(done).await;
    }

    /// Waits for the socket, a deadline, or word from the far end.
    async fn next(&mut self) -> Step {
        let Self { link, clock, gauge, .. } = self;
        let is_blocking = gauge.is_blocking();
        let can_read = !is_blocking && self.path.has_room() && self.end.is_none();
        let drain_ns = gauge.is_holding().then(|| clock.now_ns() + DRAIN_EVERY_NS);
        let tick_ns = gauge.deadline_ns().filter(|deadline_ns| self.ticked_ns != Some(*deadline_ns));
        let due_ns = [self.policy.deadline(), tick_ns, drain_ns, self.status_ns].into_iter().flatten().min();
        let wake_at = clock.instant(due_ns.unwrap_or(i64::MAX));
        let clock = *clock;
        let draining = self.policy.state() == State::Draining;
        tokio::select! {
            biased;
            step = step(link, clock), if can_read || draining || matches!(link, Link::Dialling(_)) => step,
            () = gauge.changed() => Step::Woken,
            () = sleep_until(wake_at) => Step::Woken,
        }
    }

    /// What there is to do between two reads.
    async fn attend(&mut self) {
        let now_ns = self.clock.now_ns();
        let deadline_ns = self.gauge.deadline_ns();
        if deadline_ns != self.ticked_ns && deadline_ns.is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            self.ticked_ns = deadline_ns;
            self.path.tick(now_ns);
            self.path.work().await;
        }
        if self.gauge.is_holding() {
            self.path.drain(self.clock.now_ns());
        }
        let is_blocking = self.gauge.is_blocking();
        if is_blocking != self.was_blocking {
            self.was_blocking = is_blocking;
            self.tell(Event::ReadingHeld(is_blocking)).await;
        }
        if self.policy.deadline().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            let mut actions = std::mem::take(&mut self.actions);
            self.policy.wake(now_ns, &mut actions);
            self.carry_out(actions).await;
        }
        self.attend_requests(now_ns);
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
            self.path.command(Command::SwitchOff { strategy }, self.clock.now_ns());
        }
        while self.path.has_room()
            && let Ok(request) = self.requests.try_recv()
        {
            match request {
                Request::Command(command) => self.path.command(command, self.clock.now_ns()),
                Request::Snapshot(snapshot) => self.answer(snapshot),
            }
        }
        if let (Some(due_ns), Some(every)) = (self.status_ns, self.settings.status_every)
            && due_ns <= now_ns
        {
            let every_ns = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
            self.status_ns = Some(now_ns.saturating_add(every_ns));
            self.answer(Snapshot { counters: Box::default(), latency: None, reply: Reply::Notice });
        }
    }

    fn answer(&mut self, mut snapshot: Snapshot) {
        let Counters { link, feed, .. } = self.summary.counters;
        snapshot.counters.link = link;
        snapshot.counters.feed = feed;
        self.path.snapshot(snapshot);
    }

    /// Keeps account of whether the feed is connected.
    fn note_state(&mut self, from: State, to: State) {
        if from.is_open() == to.is_open() {
            return;
        }
        let now_ns = self.clock.now_ns();
        let Counters { link, feed, .. } = &mut self.summary.counters;
        link.is_up = to.is_open();
        link.since_ns = now_ns;
        if !link.is_up {
            self.lost = Some((now_ns, None));
            return;
        }
        self.notices.tell(now_ns, News::Up);
        if let Some((from_ns, cause)) = self.lost.take() {
            feed.gaps += 1;
            feed.gap_ns += now_ns - from_ns;
            self.notices.tell(now_ns, News::Gap { from_ns, to_ns: now_ns, cause });
        }
    }

    /// Ends the run for this reason; the first reason counts.
    async fn finish(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
            self.tell(Event::Stop).await;
        }
    }

    async fn tell(&mut self, event: Event) {
        let mut actions = std::mem::take(&mut self.actions);
        self.policy.handle(event, self.clock.now_ns(), &mut actions);
        self.carry_out(actions).await;
    }

    async fn carry_out(&mut self, mut actions: Vec<Action>) {
        for action in actions.drain(..) {
            match action {
                Action::Dial => {
                    self.summary.counters.feed.dials += 1;
                    let Settings { endpoint, auth, key, .. } = &self.settings;
                    tracing::info!(endpoint = endpoint.shown(), "dialling");
                    self.link = Link::Dialling(Box::pin(dial(endpoint.clone(), *auth, key.clone())));
                }
                Action::SendPing => {
                    self.summary.counters.feed.pings += 1;
                    self.write(Message::Ping(Bytes::new())).await;
                }
                Action::Close { code } => {
                    let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                    self.write(Message::Close(Some(frame))).await;
                }
                Action::Abandon => self.link = Link::Down,
                Action::StateChanged { from, to } => {
                    tracing::info!(from = from.name(), to = to.name(), "connection");
                    self.note_state(from, to);
                }
                Action::Retry { after, lane, cause, attempt } => {
                    tracing::warn!(%cause, lane = lane.name(), attempt, ?after, "connection lost, trying again");
                    if let Some((_, why @ None)) = &mut self.lost {
                        *why = Some(cause);
                    }
                    self.notices.tell(self.clock.now_ns(), News::Down { cause, retry_after: after });
                }
                Action::Fatal { cause } => {
                    self.notices.tell(self.clock.now_ns(), News::Refused(cause));
                    self.end.get_or_insert(End::Refused(cause));
                }
            }
        }
        self.actions = actions;
    }

    async fn write(&mut self, message: Message) {
        if let Link::Up(socket) = &mut self.link {
            // A failed or slow write shows as a read error or a missing pong.
            drop(timeout(WRITE_TIMEOUT, socket.send(message)).await);
        }
    }

    async fn dial_failed(&mut self, error: DialError) {
        self.link = Link::Down;
        match error {
            DialError::Refused(status) => self.tell(Event::Refused { status }).await,
            DialError::Failed(at, message) => {
                tracing::debug!(%message, "dial");
                tracing::warn!(endpoint = self.settings.endpoint.shown(), "cannot connect: {message}");
                self.tell(Event::Failed { error: at }).await;
            }
        }
    }

    /// Takes a message and those that are already there behind it.
    async fn take_burst(&mut self, first: Option<Result<Message, Error>>, recv_ns: i64) {
        self.take(first, recv_ns).await;
        for _ in 1..BURST {
            if self.end.is_some() || self.gauge.is_blocking() || !self.path.has_room() {
                return;
            }
            let Link::Up(socket) = &mut self.link else { return };
            let Some(message) = socket.next().now_or_never() else { return };
            let recv_ns = self.clock.now_ns();
            self.take(message, recv_ns).await;
        }
    }

    async fn take(&mut self, message: Option<Result<Message, Error>>, recv_ns: i64) {
        match message {
            Some(Ok(Message::Text(text))) => self.take_frame(text.as_bytes(), recv_ns).await,
            Some(Ok(Message::Binary(bytes))) => self.take_frame(&bytes, recv_ns).await,
            Some(Ok(Message::Pong(_))) => {
                self.summary.counters.feed.pongs += 1;
                self.tell(Event::Pong).await;
            }
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                if let Link::Up(socket) = &mut self.link {
                    // Our answer to the close is queued; what becomes of it no longer matters.
                    drop(timeout(WRITE_TIMEOUT, socket.flush()).await);
                }
                self.link = Link::Down;
                self.tell(Event::Closed { code, by: Side::Remote }).await;
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Err(error)) => self.take_error(error).await,
            None => {
                self.link = Link::Down;
                self.tell(Event::Failed { error: TransportError::Eof }).await;
            }
        }
    }

    async fn take_frame(&mut self, bytes: &[u8], recv_ns: i64) {
        if self.end.is_some() {
            return;
        }
        self.frames += 1;
        self.summary.counters.link.last_frame_ns = Some(recv_ns);
        self.path.frame(bytes, Receipt::At(recv_ns));
        self.path.work().await;
        if self.settings.max_frames.is_some_and(|limit| self.frames >= limit) {
            self.finish(End::MaxFrames).await;
        }
    }

    async fn take_error(&mut self, error: Error) {
        let rejected = if matches!(error, Error::Capacity(_)) {
            Some((BadReason::TooLong, 1009))
        } else {
            matches!(error, Error::Utf8(_)).then_some((BadReason::InvalidUtf8, 1007))
        };
        tracing::warn!(%error, "the connection failed");
        if let Some((reason, code)) = rejected {
            self.summary.counters.feed.rejected += 1;
            self.path.reject(reason, 0);
            let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
            self.write(Message::Close(Some(frame))).await;
            self.link = Link::Down;
            self.tell(Event::Closed { code: Some(code), by: Side::Local }).await;
            return;
        }
        self.link = Link::Down;
        let error = if matches!(
            error,
            Error::ConnectionClosed
                | Error::AlreadyClosed
                | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        ) {
            TransportError::Eof
        } else if matches!(error, Error::Protocol(_)) {
            TransportError::Protocol
        } else {
            TransportError::Reset
        };
        self.tell(Event::Failed { error }).await;
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
        self.summary.end = self.gauge.tripped().map(End::Panicked).or(self.end).unwrap_or_default();
        let (told, finished) = oneshot::channel();
        self.path.finish(self.summary, told);
        // The actors may have threads of their own, which end with the path: not before they have told.
        if let Ok(summary) = finished.await {
            drop(done.send(summary));
        }
    }
}

/// The next thing the link has to tell.
async fn step(link: &mut Link, clock: Clock) -> Step {
    match link {
        Link::Down => std::future::pending().await,
        Link::Dialling(dialling) => Step::Dialled(dialling.await.map(Box::new)),
        Link::Up(socket) => {
            let message = socket.next().await;
            Step::Read(message, clock.now_ns())
        }
    }
}
