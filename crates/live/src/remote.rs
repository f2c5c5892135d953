//! What other threads may ask of a running engine.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use stoop_engine::{Command, MESSAGE_BYTES, Message};
use stoop_latency::Recorder;

use crate::stages::gauge::Gauge;
use crate::summary::{Counters, EndpointReport};

/// Requests that wait for the engine at most; more are refused.
const REQUESTS: usize = 1024;

/// A handle for other threads: stops the engine, sends its strategies messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Remote {
    requests: Sender<Request>,
    gauge: Arc<Gauge>,
}

/// Why an engine refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
    /// Too much waits already; nothing is lost but this.
    #[error("{REQUESTS} requests wait for the engine already")]
    Full,
    /// The text is too long.
    #[error("the text is longer than {MESSAGE_BYTES} bytes")]
    TooLong,
}

/// What the connection is asked for between two frames.
#[derive(Debug)]
pub(crate) enum Request {
    Command(Command),
    Snapshot(Snapshot),
}

/// Collects counters on its way through the stages, and the latencies at its end.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) counters: Box<Counters>,
    pub(crate) endpoints: Vec<EndpointReport>,
    /// Goes in empty, comes out with what was measured since the last one; none: the latencies are not asked for.
    pub(crate) latency: Option<Recorder>,
    pub(crate) reply: Reply,
}

impl Snapshot {
    pub(crate) fn new(latency: Option<Recorder>, reply: Reply) -> Self {
        Self { counters: Box::default(), endpoints: Vec::new(), latency, reply }
    }
}

/// Where a snapshot goes.
#[derive(Debug)]
pub(crate) enum Reply {
    To(Sender<Snapshot>),
    Notice,
}

impl Remote {
    pub(crate) fn new(gauge: Arc<Gauge>) -> (Self, Receiver<Request>) {
        let (requests, taken) = bounded(REQUESTS);
        (Self { requests, gauge }, taken)
    }

    /// Asks the engine to stop: it closes the connection, hands over what is decided and ends. Returns at once.
    pub fn stop(&self) {
        self.gauge.stop();
    }

    /// Sends strategies a message: an input with its place and time, as soon as the engine comes to it. Returns at
    /// once.
    pub fn send(&self, message: Message) -> Result<(), SendError> {
        if message.text.len() > MESSAGE_BYTES {
            return Err(SendError::TooLong);
        }
        self.request(Request::Command(Command::Message(message)))
    }

    /// Asks the strategy of this name no more. What it has opened stands, lapses, and is cancelled by a deletion.
    pub fn switch_off(&self, strategy: &str) -> Result<(), SendError> {
        self.request(Request::Command(Command::SwitchOff { strategy: strategy.to_owned() }))
    }

    pub(crate) fn request(&self, request: Request) -> Result<(), SendError> {
        self.requests.try_send(request).map_err(|refused| match refused {
            TrySendError::Full(_) => SendError::Full,
            TrySendError::Disconnected(_) => SendError::Ended,
        })?;
        self.gauge.wake();
        Ok(())
    }
}
