//! The engine on its own thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use actix::Actor;
use crossbeam_channel::{Receiver, bounded};
use stoop_engine::RuleSet;
use stoop_feed::Policy;
use stoop_latency::{Recorder, Stage};
use stoop_model::Decision;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::connection::{Connection, Run};
use crate::exit::Exit;
use crate::gauge::Gauge;
use crate::guard::panic_message;
use crate::outbox::Outbox;
use crate::path::Path;
use crate::settings::{Settings, SettingsError};
use crate::summary::{End, Summary};

/// A running engine: a thread of its own with its own actix system.
///
/// Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Engine {
    decisions: Receiver<Decision>,
    gauge: Arc<Gauge>,
    thread: Option<JoinHandle<Box<Summary>>>,
    clock: Clock,
    taken: Arc<Mutex<Recorder>>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The operating system gave no thread.
    #[error("cannot start the engine's thread")]
    Thread(#[source] std::io::Error),
}

impl Engine {
    /// Starts an engine. It dials at once and goes on until it is stopped or refused for good.
    pub fn start(settings: Settings, rules: RuleSet) -> Result<Self, StartError> {
        if settings.queue_capacity == 0 {
            return Err(SettingsError::QueueEmpty.into());
        }
        let policy = Policy::new(settings.feed, settings.seed).map_err(SettingsError::from)?;
        let (queue, decisions) = bounded(settings.queue_capacity);
        let gauge = Arc::new(Gauge::new());
        let clock = Clock::anchored();
        let outbox = Outbox::new(queue, settings.when_full);
        let shared = Arc::clone(&gauge);
        let run = move || run(settings, rules, policy, outbox, clock, &shared);
        let thread = spawn(run).map_err(StartError::Thread)?;
        Ok(Self { decisions, gauge, thread: Some(thread), clock, taken: Arc::default() })
    }

    /// The receiving end of the decision queue. It ends when the engine has, after everything queued was taken.
    pub fn decisions(&self) -> Receiver<Decision> {
        self.decisions.clone()
    }

    /// Records that `decision` has just been taken from the queue, for the stage `queued→taken`.
    pub fn taken(&self, decision: &Decision) {
        if let Some(queued_ns) = decision.queued_ns {
            let waited_ns = self.clock.now_ns() - queued_ns;
            self.taken.lock().unwrap_or_else(PoisonError::into_inner).record(Stage::Taken, waited_ns);
        }
    }

    /// What stops this engine from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper { gauge: Arc::clone(&self.gauge) }
    }

    /// Waits for the engine's end.
    pub fn join(mut self) -> Summary {
        let mut summary = self.thread.take().map_or_else(Summary::default, wait);
        summary.latency.merge_from(&self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        summary
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.gauge.stop();
        if let Some(thread) = self.thread.take() {
            drop(wait(thread));
        }
    }
}

fn wait(thread: JoinHandle<Box<Summary>>) -> Summary {
    match thread.join() {
        Ok(summary) => *summary,
        Err(panic) => Summary { end: End::Panicked(panic_message(panic.as_ref())), ..Summary::default() },
    }
}

/// Stops an engine.
#[derive(Clone, Debug)]
pub struct Stopper {
    gauge: Arc<Gauge>,
}

impl Stopper {
    /// Asks the engine to stop: it closes the connection, hands over what is decided and ends. Returns at once.
    pub fn stop(&self) {
        self.gauge.stop();
    }
}

#[expect(clippy::disallowed_methods, reason = "the one thread of an engine; joined by its handle")]
fn spawn(run: impl FnOnce() -> Box<Summary> + Send + 'static) -> std::io::Result<JoinHandle<Box<Summary>>> {
    std::thread::Builder::new().name("stoop-engine".to_owned()).spawn(run)
}

fn run(
    settings: Settings,
    rules: RuleSet,
    policy: Policy,
    outbox: Outbox,
    clock: Clock,
    gauge: &Arc<Gauge>,
) -> Box<Summary> {
    let (done, finished) = oneshot::channel();
    let gauge = Arc::clone(gauge);
    actix::System::new().block_on(async move {
        let exit = Exit::new(outbox, clock, true);
        let path = Path::start(settings.placement, rules, settings.bounds, clock.now_ns(), exit, &gauge);
        let run = Run::new(settings, policy, path, Arc::clone(&gauge), clock);
        Connection::new(run, done).start();
        finished.await.unwrap_or_else(|_gone| {
            let end = End::Panicked(gauge.tripped().unwrap_or_default());
            Box::new(Summary { end, ..Summary::default() })
        })
    })
}
