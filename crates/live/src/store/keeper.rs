//! The thread that writes the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Delivery, Save, Store, StoreCounters, StoreError};
use crate::clock::Clock;
use crate::notice::{News, Notices};
use crate::stages::gauge::Gauge;

/// States on their way: the one that is being written, and the last of a run.
const WAITING: usize = 2;
/// How long the thread sleeps unless it is woken.
const NAP: Duration = Duration::from_millis(100);
/// A host that has not acknowledged a decision for so long may not know that it has to.
const PATIENCE_NS: i64 = 30_000_000_000;
/// After a failed write the next try waits so long, and twice as long after each further one: to open a large store
/// again costs a second of reading.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Of [`Shared::failing_since_ns`]: it does not fail.
const WELL: i64 = i64::MIN;

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
    /// When the first of the tries that failed and that none has followed that did not was, Unix ns.
    failing_since_ns: AtomicI64,
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

    /// Adds what it did up to now.
    pub(crate) fn count(&self, now_ns: i64, counters: &mut StoreCounters) {
        self.shared.count(now_ns, counters);
    }
}

impl Shared {
    fn count(&self, now_ns: i64, counters: &mut StoreCounters) {
        counters.commits = self.commits.load(Ordering::Acquire);
        counters.failed = self.failed.load(Ordering::Acquire);
        let since_ns = self.failing_since_ns.load(Ordering::Acquire);
        let failing_ms = || u64::try_from(now_ns.saturating_sub(since_ns) / 1_000_000).unwrap_or(0);
        counters.failing_ms = (since_ns != WELL).then(failing_ms);
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
            failing_since_ns: AtomicI64::new(WELL),
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

    /// All decisions up to this one have reached their output.
    pub(crate) fn acknowledge(&self, seq: u64) {
        self.shared.delivery.acknowledge(seq);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Waits until what the engine sent last is written, or cannot be because not all of it was acknowledged. For when
    /// the engine has ended.
    pub(crate) fn finish(&mut self) {
        self.shared.delivery.end();
        self.saves = None;
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }

    /// Adds what it did up to now.
    pub(crate) fn count(&self, now_ns: i64, counters: &mut StoreCounters) {
        self.shared.count(now_ns, counters);
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
                // A restart would count decisions as delivered that may never have reached their output.
                return;
            }
            self.commit();
            self.shared.is_busy.store(false, Ordering::Release);
            self.shared.gauge.wake();
        }
        if self.shared.failing_since_ns.load(Ordering::Acquire) != WELL {
            tracing::error!(
                "the run ends with changes that could not be written: a restart will not know of them"
            );
        }
    }

    /// Waits until all decisions before `next_seq` have reached their output, or were dropped. False if they never
    /// will.
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
                        "decisions were not acknowledged for 30 s: nothing is saved for a restart until they are"
                    );
                }
                Some(_) | None => std::thread::park_timeout(NAP),
            }
        }
    }

    /// Writes what has changed, however often that fails; gives up when the run is over. The stages are not asked for
    /// more in the meantime, so that what waits here does not grow.
    fn commit(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            // Looked at before: the end is worth one more try.
            let is_over = self.shared.delivery.is_over();
            match self.store.commit() {
                Ok(()) => return self.succeed(),
                Err(error) => self.fail(&error),
            }
            if is_over {
                return;
            }
            self.rest(pause);
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn succeed(&self) {
        let Shared { commits, failed, failing_since_ns, .. } = &*self.shared;
        commits.fetch_add(1, Ordering::AcqRel);
        let since_ns = failing_since_ns.swap(WELL, Ordering::AcqRel);
        if since_ns != WELL {
            let now_ns = self.clock.now_ns();
            let failing_ms = now_ns.saturating_sub(since_ns) / 1_000_000;
            let failed = failed.load(Ordering::Acquire);
            tracing::warn!(failing_ms, failed, "the store can be written again: all that waited is in it");
            let failing = Duration::from_millis(u64::try_from(failing_ms).unwrap_or(0));
            self.notices.tell(now_ns, News::StoreRecovered { failing });
        }
    }

    /// Counts a failed try; the first of several in a row is reported.
    fn fail(&self, error: &StoreError) {
        let Shared { failed, failing_since_ns, .. } = &*self.shared;
        failed.fetch_add(1, Ordering::AcqRel);
        if failing_since_ns.load(Ordering::Acquire) == WELL {
            let now_ns = self.clock.now_ns();
            failing_since_ns.store(now_ns, Ordering::Release);
            tracing::error!(%error, "changes are kept in memory until they can be written");
            self.notices.tell(now_ns, News::StoreFailed { message: error.to_string() });
        }
    }

    /// Waits for the next try, or for the end of the run.
    fn rest(&self, pause: Duration) {
        let until_ns =
            self.clock.now_ns().saturating_add(i64::try_from(pause.as_nanos()).unwrap_or(i64::MAX));
        while !self.shared.delivery.is_over() {
            // Each decision that is acknowledged wakes the thread.
            let left_ns = until_ns.saturating_sub(self.clock.now_ns());
            match u64::try_from(left_ns) {
                Ok(left_ns) if left_ns > 0 => std::thread::park_timeout(Duration::from_nanos(left_ns)),
                Ok(_) | Err(_) => return,
            }
        }
    }
}
