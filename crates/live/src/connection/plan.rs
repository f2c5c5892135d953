//! Asks what the key's plan allows before more than one endpoint is dialled, and what it is used for while the
//! feed says that a limit is reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use stoop_rest::{Client, RestError, Timeouts};
use stoop_wire::Me;

use crate::clock::Clock;
use crate::notice::{News, Notices};
use crate::settings::{Api, Key};
use crate::stages::gauge::Gauge;

/// A later answer is of no use.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(15) };
/// All endpoints but the first wait for this one.
const FIRST_TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(2), total: Duration::from_secs(5) };

/// Asks for the plan, one question at a time.
#[derive(Debug)]
pub(crate) struct PlanWatch {
    api: Option<Api>,
    key: Key,
    is_asking: Arc<AtomicBool>,
}

impl PlanWatch {
    pub(crate) fn new(api: Option<Api>, key: Key) -> Self {
        Self { api, key, is_asking: Arc::default() }
    }

    /// Asks how many connections there may be; none comes if the answer does not say. Returns at once, with a receiver
    /// that has ended if there is no REST interface to ask.
    pub(crate) fn limit(&self, gauge: &Arc<Gauge>) -> Receiver<Option<u64>> {
        let (sender, limit) = bounded(1);
        let gauge = Arc::clone(gauge);
        self.question(FIRST_TIMEOUTS, move |answer| {
            // After a stop the receiver is gone.
            if sender.send(answer.ok().and_then(|me| me.sockets.limit)).is_ok() {
                gauge.wake();
            }
        });
        limit
    }

    /// Asks, and tells the host what comes of it. Returns at once.
    pub(crate) fn ask(&self, notices: &Notices, clock: Clock) {
        let notices = notices.clone();
        self.question(TIMEOUTS, move |answer| {
            // A failure is not reported: the host has already heard of the retry that led to the question.
            if let Ok(me) = answer {
                notices.tell(clock.now_ns(), News::Plan(Box::new(me)));
            }
        });
    }

    /// Waits for the answer, which may take seconds, on a thread of its own. There is one such thread at most: a
    /// question that comes while one is under way is dropped.
    fn question(&self, timeouts: Timeouts, then: impl FnOnce(Result<Me, RestError>) + Send + 'static) {
        let Some(api) = self.api.clone() else { return };
        // Endpoints that are refused together would ask the same question at once.
        if self.is_asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (key, is_asking) = (self.key.clone(), Arc::clone(&self.is_asking));
        let ask = move || {
            then(Client::new(api, key, timeouts).me());
            is_asking.store(false, Ordering::Release);
        };
        #[expect(clippy::disallowed_methods, reason = "ends with its answer, after 15 s at the latest")]
        let started = std::thread::Builder::new().name("stoop-plan".to_owned()).spawn(ask);
        if started.is_err() {
            self.is_asking.store(false, Ordering::Release);
        }
    }
}
