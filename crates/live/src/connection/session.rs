//! The dial or the socket of one endpoint.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use stoop_feed::DialStep;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::socket::{DialError, Progress, Socket, dial};
use crate::clock::Clock;
use crate::settings::{Auth, Endpoint, Key};

/// How long writing a ping or a close may take: a peer that does not read must not hold us up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// A dial under way.
struct Dialling {
    dial: Pin<Box<dyn Future<Output = Result<Socket, DialError>>>>,
    progress: Progress,
    /// The step that was reported last.
    reported: DialStep,
}

enum Link {
    Down,
    Dialling(Dialling),
    Up(Box<Socket>),
}

/// The next thing that happened to an endpoint.
pub(super) enum Step {
    Reached(DialStep),
    Dialled(Result<(), DialError>),
    Read(Option<Result<Message, Error>>, i64),
}

/// The connection of an endpoint, or the dial to it, if there is one.
pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    link: Link,
}

impl Session {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, link: Link::Down }
    }

    pub(super) fn dial(&mut self, auth: Auth, key: &Key) {
        // A clone of the endpoint and the key makes the dial a future of its own, which a new dial simply replaces.
        let progress = Progress::default();
        let dial = Box::pin(dial(self.endpoint.clone(), auth, key.clone(), Progress::clone(&progress)));
        self.link = Link::Dialling(Dialling { dial, progress, reported: DialStep::default() });
    }

    pub(super) fn let_go(&mut self) {
        self.link = Link::Down;
    }

    /// The next step, once there is one; messages only if it `is_read`.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, is_read: bool, clock: Clock) -> Poll<Step> {
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
                    // The policy owns the deadline of each step, so it learns of a step as soon as the dial has come to
                    // it.
                    let step = dialling.progress.get();
                    let is_new = std::mem::replace(&mut dialling.reported, step) != step;
                    if is_new { Poll::Ready(Step::Reached(step)) } else { Poll::Pending }
                }
            },
            // A socket that is not read is not polled either: the kernel's buffer fills and TCP slows the server down.
            Link::Up(socket) if is_read => {
                socket.poll_next_unpin(context).map(|message| note(socket, message, clock))
            }
            Link::Up(_) | Link::Down => Poll::Pending,
        }
    }

    /// A message that is there already.
    pub(super) fn read_now(&mut self, clock: Clock) -> Option<Step> {
        let Link::Up(socket) = &mut self.link else { return None };
        socket.next().now_or_never().map(|message| note(socket, message, clock))
    }

    pub(super) async fn write(&mut self, message: Message) {
        if let Link::Up(socket) = &mut self.link {
            // A failed or slow write shows as a read error or a missing pong.
            drop(timeout(WRITE_TIMEOUT, socket.send(message)).await);
        }
    }

    /// Sends what is queued, such as the answer to a close; what becomes of it no longer matters.
    pub(super) async fn flush(&mut self) {
        if let Link::Up(socket) = &mut self.link {
            drop(timeout(WRITE_TIMEOUT, socket.flush()).await);
        }
    }
}

/// Stamps what was read, and notes that a message is whole.
fn note(socket: &mut Socket, message: Option<Result<Message, Error>>, clock: Clock) -> Step {
    // Stamped before anything looks at the message: all latencies count from here.
    let recv_ns = clock.now_ns();
    if let Some(Ok(message)) = &message {
        socket.get_mut().pass(message);
    }
    Step::Read(message, recv_ns)
}
