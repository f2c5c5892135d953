//! The thread that writes what is kept over a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Delivery, Save, Store};
use crate::clock::Clock;
use crate::gauge::Gauge;
use crate::notice::{News, Notices};

/// States on their way: the one that is being written, and the last of a run.
const WAITING: usize = 2;
/// How long the thread sleeps when nobody wakes it.
const NAP: Duration = Duration::from_millis(100);
/// A host that has not acknowledged a decision for so long may not know that it has to.
const PATIENCE_NS: i64 = 30_000_000_000;
/// After a failed write the next one waits so long: a full disk is not hammered.
const PAUSE: Duration = Duration::from_secs(1);

/// The thread of a store.
#[derive(Debug)]
pub(crate) struct Keeper {
    saves: Option<Sender<Box<Save>>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What others see of it.
#[derive(Debug)]
struct Shared {
    is_busy: AtomicBool,
    commits: AtomicU64,
    failed: AtomicU64,
    delivery: Arc<Delivery>,
    gauge: Arc<Gauge>,
}

/// Where the engine's thread puts states.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    saves: Sender<Box<Save>>,
    shared: Arc<Shared>,
}

impl Entry {
    /// Nothing is being written: a state may be sent on its way.
    pub(crate) fn is_free(&self) -> bool {
        !self.shared.is_busy.load(Ordering::Acquire)
    }

    /// A state is on its way.
    pub(crate) fn occupy(&self) {
        self.shared.is_busy.store(true, Ordering::Release);
    }

    /// Where it goes.
    pub(crate) fn sender(&self) -> Sender<Box<Save>> {
        self.saves.clone()
    }

    /// Times what has changed was written.
    pub(crate) fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Acquire)
    }

    /// Times that failed.
    pub(crate) fn failed(&self) -> u64 {
        self.shared.failed.load(Ordering::Acquire)
    }
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(
        store: Store,
        delivery: Arc<Delivery>,
        gauge: Arc<Gauge>,
        notices: Notices,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let (saves, taken) = bounded(WAITING);
        let shared = Arc::new(Shared {
            is_busy: AtomicBool::new(false),
            commits: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            delivery,
            gauge,
        });
        let work = Work { store, shared: Arc::clone(&shared), notices, clock };
        #[expect(clippy::disallowed_methods, reason = "ends with the engine; joined by its handle")]
        let thread =
            std::thread::Builder::new().name("stoop-store".to_owned()).spawn(move || work.run(&taken))?;
        Ok(Self { saves: Some(saves), thread: Some(thread), shared })
    }

    pub(crate) fn entry(&self) -> Option<Entry> {
        let saves = self.saves.clone()?;
        Some(Entry { saves, shared: Arc::clone(&self.shared) })
    }

    /// The host says that all decisions up to this one have reached their output.
    pub(crate) fn acknowledge(&self, seq: u64) {
        self.shared.delivery.acknowledge(seq);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits until what the engine sent last is written, or cannot be because not all of it was acknowledged. For when the
    /// engine has ended. Returns how often was written, and how often that failed.
    pub(crate) fn finish(&mut self) -> (u64, u64) {
        self.shared.delivery.end();
        self.saves = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
        (self.shared.commits.load(Ordering::Acquire), self.shared.failed.load(Ordering::Acquire))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What the thread owns.
struct Work {
    store: Store,
    shared: Arc<Shared>,
    notices: Notices,
    clock: Clock,
}

impl Work {
    fn run(mut self, taken: &Receiver<Box<Save>>) {
        while let Ok(save) = taken.recv() {
            let next_seq = save.state.head.decisions;
            self.store.take(&save);
            // The views in it are let go of before their next frames come.
            drop(save);
            if !self.is_delivered(next_seq) {
                // Decisions that may never have reached their output would be taken for delivered.
                return;
            }
            self.commit();
            self.shared.is_busy.store(false, Ordering::Release);
            self.shared.gauge.wake();
        }
    }

    /// Waits until all decisions before `next_seq` have reached their output, or were dropped. False if they never will.
    fn is_delivered(&self, next_seq: u64) -> bool {
        let delivery = &self.shared.delivery;
        let begun_ns = self.clock.now_ns();
        let mut needed = None;
        let mut has_warned = false;
        loop {
            let is_over = delivery.is_over();
            needed = needed.or_else(|| delivery.needed(next_seq));
            match needed {
                Some(needed) if delivery.has(needed) => return true,
                Some(_) | None if is_over => return false,
                Some(_) if !has_warned && self.clock.now_ns() - begun_ns > PATIENCE_NS => {
                    has_warned = true;
                    tracing::warn!(
                        "decisions were not acknowledged for 30 s: nothing is kept over a restart until they are"
                    );
                }
                Some(_) | None => std::thread::park_timeout(NAP),
            }
        }
    }

    fn commit(&mut self) {
        match self.store.commit() {
            Ok(()) => {
                self.shared.commits.fetch_add(1, Ordering::AcqRel);
            }
            Err(error) => {
                self.shared.failed.fetch_add(1, Ordering::AcqRel);
                tracing::error!(%error, "what has changed is kept in memory and written with the next");
                self.notices.tell(self.clock.now_ns(), News::StoreFailed { message: error.to_string() });
                if !self.shared.delivery.is_over() {
                    std::thread::park_timeout(PAUSE);
                }
            }
        }
    }
}
