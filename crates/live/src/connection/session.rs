//! One endpoint: its socket, and the policy that keeps it connected.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use stoop_feed::{Action, DialStep, Policy, State};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::clock::Clock;
use crate::connection::socket::{DialError, Progress, Socket, dial};
use crate::settings::{Auth, Endpoint, Key};
use crate::summary::FeedCounters;

/// How long writing a ping or a close may take: a peer that does not read must not hold us up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// A dial under way.
struct Dialling {
    dial: Pin<Box<dyn Future<Output = Result<Socket, DialError>>>>,
    progress: Progress,
    /// The step that was told last.
    told: DialStep,
}

enum Link {
    Down,
    Dialling(Dialling),
    Up(Box<Socket>),
}

/// The next thing a line has to tell.
pub(crate) enum Step {
    Reached(DialStep),
    Dialled(Result<(), DialError>),
    Read(Option<Result<Message, Error>>, i64),
}

pub(crate) struct Line {
    pub(crate) endpoint: Endpoint,
    pub(crate) policy: Policy,
    /// What it did, but for gaps: these are of all lines together.
    pub(crate) feed: FeedCounters,
    /// Frames it brought, copies and all.
    pub(crate) frames: u64,
    /// The plan has no connection for it.
    pub(crate) is_left_out: bool,
    /// What the policy asks for; empty between two events.
    pub(crate) actions: Vec<Action>,
    link: Link,
}

impl Line {
    pub(crate) fn new(endpoint: Endpoint, policy: Policy) -> Self {
        Self {
            endpoint,
            policy,
            feed: FeedCounters::default(),
            frames: 0,
            is_left_out: false,
            actions: Vec::with_capacity(Policy::MAX_ACTIONS),
            link: Link::Down,
        }
    }

    pub(crate) fn dial(&mut self, auth: Auth, key: &Key) {
        self.feed.dials += 1;
        let progress = Progress::default();
        let dial = Box::pin(dial(self.endpoint.clone(), auth, key.clone(), Progress::clone(&progress)));
        self.link = Link::Dialling(Dialling { dial, progress, told: DialStep::default() });
    }

    pub(crate) fn let_go(&mut self) {
        self.link = Link::Down;
    }

    /// What it has to tell, if there is anything; messages only if they `can_read`, or while it is being closed.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, can_read: bool, clock: Clock) -> Poll<Step> {
        match &mut self.link {
            Link::Dialling(dialling) => match dialling.dial.as_mut().poll(context) {
                Poll::Ready(dialled) => {
                    let (link, result) = match dialled {
                        Ok(socket) => (Link::Up(Box::new(socket)), Ok(())),
                        Err(error) => (Link::Down, Err(error)),
                    };
                    self.link = link;
                    Poll::Ready(Step::Dialled(result))
                }
                Poll::Pending => {
                    let step = dialling.progress.get();
                    let is_new = std::mem::replace(&mut dialling.told, step) != step;
                    if is_new { Poll::Ready(Step::Reached(step)) } else { Poll::Pending }
                }
            },
            Link::Up(socket) if can_read || self.policy.state() == State::Draining => {
                socket.poll_next_unpin(context).map(|message| note(socket, message, clock))
            }
            Link::Up(_) | Link::Down => Poll::Pending,
        }
    }

    /// A message that is there already.
    pub(crate) fn read_now(&mut self, clock: Clock) -> Option<Step> {
        let Link::Up(socket) = &mut self.link else { return None };
        socket.next().now_or_never().map(|message| note(socket, message, clock))
    }

    pub(crate) async fn write(&mut self, message: Message) {
        if let Link::Up(socket) = &mut self.link {
            // A failed or slow write shows as a read error or a missing pong.
            drop(timeout(WRITE_TIMEOUT, socket.send(message)).await);
        }
    }

    /// Sends what is queued, such as the answer to a close; what becomes of it no longer matters.
    pub(crate) async fn flush(&mut self) {
        if let Link::Up(socket) = &mut self.link {
            drop(timeout(WRITE_TIMEOUT, socket.flush()).await);
        }
    }
}

/// Takes note of what was read: when, and that a message is whole.
fn note(socket: &mut Socket, message: Option<Result<Message, Error>>, clock: Clock) -> Step {
    let recv_ns = clock.now_ns();
    if let Some(Ok(message)) = &message {
        socket.get_mut().pass(message);
    }
    Step::Read(message, recv_ns)
}
