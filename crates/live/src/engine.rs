//! The engine on its own thread.

#[cfg(feature = "tape")]
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use actix::Actor;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select};
use stoop_engine::{ENDPOINTS, RuleSet, panic_message};
use stoop_feed::Policy;
use stoop_latency::{Recorder, Stage};
use stoop_model::Decision;
#[cfg(feature = "tape")]
use stoop_tape::{TapeConfig, TapeUniverse};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::connection::{Connection, Run};
use crate::notice::{Notice, Notices};
use crate::recording::{Recording, Tap};
use crate::remote::{self, Remote, Reply, Request};
use crate::settings::{Endpoint, Settings, SettingsError};
use crate::stages::exit::Exit;
use crate::stages::gauge::Gauge;
use crate::stages::outbox::Outbox;
use crate::stages::path::{Path, rehearse};
use crate::store::{Entry, Keeper, Kept, Store, StoreCounters, StoreError};
use crate::summary::{Counters, End, EndpointReport, Summary};

/// Keys seen in the wild are 64 characters long (protocol §1).
#[cfg(feature = "tape")]
const KEY_LEAST: usize = 16;

/// A running engine: a thread of its own with its own actix system.
///
/// Dropping it stops it and waits for its end.
#[derive(Debug)]
pub struct Engine {
    decisions: Mutex<Option<Receiver<Decision>>>,
    notices: Receiver<Notice>,
    remote: Remote,
    thread: Option<JoinHandle<Box<Summary>>>,
    /// Disconnected when the thread is about to end.
    ended: Receiver<()>,
    clock: Clock,
    measured: Mutex<Measured>,
    keeper: Option<Keeper>,
    recording: Option<Recording>,
}

/// Latencies that have left the engine's thread.
#[derive(Debug, Default)]
struct Measured {
    /// All up to the last snapshot.
    total: Recorder,
    /// The stage `queued→taken` since the last snapshot.
    taken: Recorder,
    /// Empty, with memory that has been used before.
    spare: Recorder,
}

/// A running engine at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Counters of every stage.
    pub counters: Counters,
    /// Each endpoint, in the order of the configuration.
    pub endpoints: Vec<EndpointReport>,
    /// Latencies since the start.
    pub latency: Recorder,
    /// Latencies since the snapshot before, or since the start.
    pub interval: Recorder,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Settings that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no folder for tapes.
    #[cfg(feature = "tape")]
    #[error("cannot record to {}: {source}", dir.display())]
    Tape {
        /// The folder.
        dir: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
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
        let mut settings = settings;
        let endpoints = std::mem::take(&mut settings.endpoints);
        if !(1..=ENDPOINTS).contains(&endpoints.len()) {
            return Err(SettingsError::Endpoints(endpoints.len()).into());
        }
        settings.bounds.has_copies = endpoints.len() > 1;
        // A feed of this machine is a mock: what it refuses is nothing to ask the vendor about.
        let is_mock = endpoints.iter().all(|endpoint| !endpoint.is_tls());
        settings.api = settings.api.filter(|api| !(is_mock && api.is_tls()));
        let mut policies = Vec::with_capacity(endpoints.len());
        for (seed, endpoint) in (settings.seed..).zip(endpoints) {
            policies.push((endpoint, Policy::new(settings.feed, seed).map_err(SettingsError::from)?));
        }
        let (queue, decisions) = bounded(settings.queue_capacity);
        let gauge = Arc::new(Gauge::new());
        let (remote, requests) = Remote::new(Arc::clone(&gauge));
        let (sender, notices) = Notices::new();
        let (ending, ended) = bounded(1);
        let clock = Clock::anchored();
        let outbox = Outbox::new(queue, settings.when_full);
        #[cfg(feature = "store")]
        let opened = settings.store.as_deref().map(Store::open).transpose()?;
        #[cfg(not(feature = "store"))]
        let opened: Option<(Store, Kept)> = None;
        let (mut keeper, mut kept) = (None, Kept::default());
        if let Some((store, found)) = opened {
            kept = found;
            let (gauge, notices) = (Arc::clone(&gauge), sender.clone());
            let thread = Keeper::start(store, outbox.delivery(), gauge, notices, clock);
            keeper = Some(thread.map_err(StartError::Thread)?);
        }
        let entry = keeper.as_ref().and_then(Keeper::entry);
        #[cfg_attr(not(feature = "tape"), expect(unused_mut, reason = "there is nothing to record with"))]
        let (mut recording, mut tap) = (None, None);
        #[cfg(feature = "tape")]
        if let Some(mut tape) = settings.tape.take() {
            without_key(&mut tape.config, settings.key.reveal());
            let names: Vec<String> = policies.iter().map(|(endpoint, _)| endpoint.name.clone()).collect();
            let dir = tape.dir.clone();
            let started = Recording::start(tape, &names, sender.clone(), clock);
            let (thread, end) = started.map_err(|source| StartError::Tape { dir, source })?;
            (recording, tap) = (Some(thread), Some(end));
        }
        let start = Start {
            settings,
            rules,
            policies,
            outbox,
            clock,
            gauge,
            requests,
            notices: sender,
            ending,
            entry,
            kept,
            tap,
        };
        let thread = spawn(move || start.run()).map_err(StartError::Thread)?;
        Ok(Self {
            decisions: Mutex::new(Some(decisions)),
            notices,
            remote,
            thread: Some(thread),
            ended,
            clock,
            measured: Mutex::default(),
            keeper,
            recording,
        })
    }

    /// The receiving end of the decision queue. It ends when the engine has, after everything in it was received.
    ///
    /// Handed out once; clone it for more readers. When it and all its clones are dropped, no one can receive decisions
    /// any more, and the engine ends with [`End::ConsumerGone`] when it has the next one to hand over: the queue tells
    /// it no earlier. A second call returns a receiver that has ended.
    pub fn decisions(&self) -> Receiver<Decision> {
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner).take();
        decisions.unwrap_or_else(|| bounded(0).1)
    }

    /// What the engine reports besides decisions. All receivers share one queue, which holds
    /// [`NOTICES`](crate::NOTICES); more are dropped and counted.
    pub fn notices(&self) -> Receiver<Notice> {
        self.notices.clone()
    }

    /// Records that `decision` has just been received from the queue, for the stage `queued→taken`.
    pub fn taken(&self, decision: &Decision) {
        if let Some(queued_ns) = decision.queued_ns {
            let waited_ns = self.clock.now_ns() - queued_ns;
            self.measured().taken.record(Stage::Taken, waited_ns);
        }
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// Asks the engine to stop, as [`Remote::stop`].
    pub fn stop(&self) {
        self.remote.stop();
    }

    /// Counters and latencies as they are now; none once the engine has ended.
    ///
    /// Waits until the engine comes to it, after the frames that have already entered. Costs the engine some µs.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let (reply, answer) = bounded(1);
        let spare = std::mem::take(&mut self.measured().spare);
        let snapshot = remote::Snapshot::new(Some(spare), Reply::To(reply));
        self.remote.request(Request::Snapshot(snapshot)).ok()?;
        // A request that waits when the engine ends is never looked at, and the queue keeps it, and with it the other
        // end of `answer`, for as long as there is a remote.
        let answer: remote::Snapshot = select! {
            recv(answer) -> answer => answer.ok()?,
            recv(self.ended) -> _ => answer.try_recv().ok()?,
        };
        let mut interval = answer.latency?;
        let mut measured = self.measured();
        interval.merge_from(&measured.taken);
        measured.taken.reset();
        measured.total.merge_from(&interval);
        let snapshot = Snapshot {
            endpoints: answer.endpoints,
            counters: *answer.counters,
            latency: measured.total.clone(),
            interval: interval.clone(),
        };
        interval.reset();
        measured.spare = interval;
        Some(snapshot)
    }

    /// The engine has ended; [`Self::join`] returns at once.
    pub fn is_ended(&self) -> bool {
        matches!(self.ended.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected))
    }

    /// Confirms that every decision up to this `seq` has reached its output: a restart will count on it.
    pub fn acknowledge(&self, seq: u64) {
        if let Some(keeper) = &self.keeper {
            keeper.acknowledge(seq);
        }
    }

    /// Waits for the engine's end; does not ask for it.
    pub fn join(mut self) -> Summary {
        let mut summary = self.thread.take().map_or_else(Summary::default, wait);
        if let Some(keeper) = &mut self.keeper {
            keeper.finish();
            keeper.count(self.clock.now_ns(), &mut summary.counters.store);
        }
        if let Some(recording) = &mut self.recording {
            summary.counters.tape = recording.finish();
        }
        let measured = self.measured();
        summary.interval.merge_from(&measured.taken);
        summary.latency.merge_from(&measured.total);
        summary.latency.merge_from(&summary.interval);
        drop(measured);
        summary
    }

    /// Waits for the engine's end for at most `limit`; true if it has come. Does not ask for it.
    pub fn ends_within(&self, limit: Duration) -> bool {
        match self.ended.recv_timeout(limit) {
            Err(RecvTimeoutError::Timeout) => false,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
        }
    }

    fn measured(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.remote.stop();
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

#[expect(clippy::disallowed_methods, reason = "the one thread of an engine; joined by its handle")]
fn spawn(run: impl FnOnce() -> Box<Summary> + Send + 'static) -> std::io::Result<JoinHandle<Box<Summary>>> {
    std::thread::Builder::new().name("stoop-engine".to_owned()).spawn(run)
}

/// Removes the key from the configuration, where it may stand in a URL, so that it is on no tape.
#[cfg(feature = "tape")]
fn without_key(config: &mut TapeConfig, key: &str) {
    // A short one is made up for a test, and may be a part of any word.
    if key.len() >= KEY_LEAST {
        let texts = config.files.iter_mut().map(|file| &mut file.text);
        texts.chain([&mut config.text]).for_each(|text| *text = text.replace(key, "KEY"));
        config.universe = config.universe.take().map(|TapeUniverse { name, text, .. }| {
            // With the hash of what the tape holds.
            TapeUniverse::new(name, text.replace(key, "KEY"))
        });
    }
}

/// Logs and counts what an earlier run has left.
fn restored(kept: &Kept) -> StoreCounters {
    if let Some((path, what)) = &kept.set_aside {
        let path = path.display();
        tracing::error!(
            %path, what, "the store is damaged and was set aside: nothing is remembered"
        );
    }
    let Some(state) = &kept.state else { return StoreCounters::default() };
    let decisions: usize = state.tweets.iter().map(|tweet| tweet.lives.len()).sum();
    let (tweets, next_seq) = (state.views.len(), state.head.decisions);
    tracing::info!(tweets, decisions, next_seq, "continuing where the last run ended");
    StoreCounters {
        restored_tweets: tweets as u64,
        restored_decisions: decisions as u64,
        ..StoreCounters::default()
    }
}

/// What the engine's thread begins with.
struct Start {
    settings: Settings,
    rules: RuleSet,
    policies: Vec<(Endpoint, Policy)>,
    outbox: Outbox,
    clock: Clock,
    gauge: Arc<Gauge>,
    requests: Receiver<Request>,
    notices: Notices,
    ending: Sender<()>,
    entry: Option<Entry>,
    kept: Kept,
    tap: Option<Tap>,
}

impl Start {
    fn run(self) -> Box<Summary> {
        let Self {
            settings,
            rules,
            policies,
            outbox,
            clock,
            gauge,
            requests,
            notices,
            ending,
            entry,
            kept,
            tap,
        } = self;
        let (done, finished) = oneshot::channel();
        let summary = actix::System::new().block_on(async move {
            rehearse(clock);
            let mut exit = Exit::new(outbox, clock, true, notices.clone());
            exit.tap.clone_from(&tap);
            let counters = restored(&kept);
            let (placement, bounds, state) = (settings.placement, settings.bounds, kept.state.map(Arc::new));
            let path = Path::start(placement, rules, bounds, clock.now_ns(), state, exit, &gauge);
            let mut run = Run::new(settings, policies, path, Arc::clone(&gauge), clock, requests, notices);
            if let Some(entry) = entry {
                run = run.keep(entry, kept.up_ns, counters);
            }
            if let Some(tap) = tap {
                run = run.record(tap);
            }
            Connection::new(run, done).start();
            finished.await.unwrap_or_else(|_gone| {
                let end = End::Panicked(gauge.tripped().unwrap_or_default());
                Box::new(Summary { end, ..Summary::default() })
            })
        });
        drop(ending);
        summary
    }
}
