//! SIGINT and SIGTERM: the first stops cleanly, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Code, Failure, OrFail};
use crate::stderr;

/// Which signal has come, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caught(Arc<AtomicI32>);

impl Caught {
    pub(crate) fn code(&self) -> Option<Code> {
        match self.0.load(Ordering::Acquire) {
            SIGINT => Some(Code::Interrupted),
            SIGTERM => Some(Code::Terminated),
            _ => None,
        }
    }
}

/// Ends the process at the first signal, after `last`.
#[expect(
    clippy::disallowed_methods,
    reason = "one thread that waits for signals as long as the process lives"
)]
pub(crate) fn end_after(last: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let Held(mut signals) = hold()?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            stderr::hurry();
            last();
            stderr::finish();
            signal_hook::low_level::exit(128 + signal);
        }
    };
    std::thread::Builder::new().name("stoop-signals".to_owned()).spawn(wait).or_fail(Code::Failed).map(drop)
}

/// Signals that end nothing any more; one that comes waits until it is watched for.
pub(crate) struct Held(Signals);

/// Holds signals back. Before anything shows that the program is at work: whoever sees that may stop it.
pub(crate) fn hold() -> Result<Held, Failure> {
    Signals::new([SIGINT, SIGTERM]).map(Held).or_fail(Code::Failed)
}

impl Held {
    /// Calls `stop` at the first signal. The process then ends by itself; if it has not after `grace`, because nobody
    /// reads what it writes, or at a second signal, it is ended.
    #[expect(
        clippy::disallowed_methods,
        reason = "one thread that waits for signals as long as the process lives"
    )]
    pub(crate) fn watch(self, grace: Duration, stop: impl Fn() + Send + 'static) -> Result<Caught, Failure> {
        let Self(mut signals) = self;
        let caught = Caught::default();
        let seen = caught.clone();
        let wait = move || {
            for signal in signals.forever() {
                if seen.0.swap(signal, Ordering::AcqRel) != 0 {
                    stderr::finish_at_once();
                    signal_hook::low_level::exit(128 + signal);
                }
                stop();
                let end = move || {
                    if crossbeam_channel::after(grace).recv().is_ok() {
                        stderr::finish_at_once();
                        signal_hook::low_level::exit(128 + signal);
                    }
                };
                // Without the thread only a second signal ends a process that is stuck.
                drop(std::thread::Builder::new().name("stoop-grace".to_owned()).spawn(end));
            }
        };
        std::thread::Builder::new().name("stoop-signals".to_owned()).spawn(wait).or_fail(Code::Failed)?;
        Ok(caught)
    }
}
