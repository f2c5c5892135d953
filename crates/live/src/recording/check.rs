//! Checking tapes while the run goes on that has written them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

/// Tapes that wait to be checked; further ones are left unchecked.
const TAPES: usize = 64;
/// How long the end of a run waits for its last tape to be checked.
const PATIENCE: Duration = Duration::from_secs(4);

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapeVerdict {
    /// The tape's inputs lead to its decisions.
    Same,
    /// They lead to others; how, for people.
    Differs(String),
    /// The check could not decide; why, for people.
    Incomplete(String),
}

type Check = dyn Fn(&Path, &AtomicBool) -> TapeVerdict + Send + Sync;

/// Checks a tape that has ended; gives up once its flag asks it to stop.
#[derive(Clone)]
pub struct TapeCheck(Arc<Check>);

impl TapeCheck {
    /// A check made by this function.
    pub fn new(check: impl Fn(&Path, &AtomicBool) -> TapeVerdict + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }
}

impl fmt::Debug for TapeCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TapeCheck")
    }
}

/// Results by count.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) same: AtomicU64,
    pub(super) differing: AtomicU64,
    pub(super) unchecked: AtomicU64,
}

/// The thread that checks.
#[derive(Debug)]
pub(super) struct Checker {
    tapes: Option<Sender<PathBuf>>,
    ended: Receiver<()>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    found: Arc<Found>,
}

impl Checker {
    pub(super) fn start(check: TapeCheck, found: Arc<Found>) -> std::io::Result<Self> {
        let (tapes, taken) = bounded::<PathBuf>(TAPES);
        let (ending, ended) = bounded(1);
        let is_over = Arc::new(AtomicBool::new(false));
        let (stop, counts) = (Arc::clone(&is_over), Arc::clone(&found));
        let work = move || {
            for tape in &taken {
                judge(&check, &tape, &stop, &counts);
            }
            drop(ending);
        };
        #[expect(clippy::disallowed_methods, reason = "ends with the recording; joined by its handle")]
        let thread = std::thread::Builder::new().name("stoop-parity".to_owned()).spawn(work)?;
        Ok(Self { tapes: Some(tapes), ended, is_over, thread: Some(thread), found })
    }

    /// A tape has ended.
    pub(super) fn put(&self, tape: PathBuf) {
        let is_full = self.tapes.as_ref().is_none_or(|tapes| tapes.try_send(tape).is_err());
        self.found.unchecked.fetch_add(u64::from(is_full), Ordering::AcqRel);
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.tapes = None;
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            self.is_over.store(true, Ordering::Release);
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn judge(check: &TapeCheck, tape: &Path, stop: &AtomicBool, found: &Found) {
    if stop.load(Ordering::Acquire) {
        found.unchecked.fetch_add(1, Ordering::AcqRel);
        return;
    }
    let path = tape.display();
    match (check.0)(tape, stop) {
        TapeVerdict::Same => {
            found.same.fetch_add(1, Ordering::AcqRel);
            tracing::info!(%path, "a replay of the tape makes the same decisions");
        }
        TapeVerdict::Differs(how) => {
            found.differing.fetch_add(1, Ordering::AcqRel);
            tracing::error!(%path, how, "a replay of the tape makes other decisions than the run did");
        }
        TapeVerdict::Incomplete(why) => {
            found.unchecked.fetch_add(1, Ordering::AcqRel);
            tracing::warn!(%path, why, "the tape could not be checked");
        }
    }
}
