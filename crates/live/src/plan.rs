//! What the key's plan is used for, asked while the feed says that its limit is reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::notice::{News, Notices};
use crate::rest::{Client, Timeouts};
use crate::settings::{Api, Key};

/// An answer that takes longer helps nobody.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(15) };

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

    /// Asks, and tells the host what comes of it. Returns at once: the answer may take seconds, and is waited
    /// for on a thread of its own, of which there is one at most and none but here.
    pub(crate) fn ask(&self, notices: &Notices, clock: Clock) {
        let Some(api) = self.api.clone() else { return };
        if self.is_asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (key, notices, is_asking) = (self.key.clone(), notices.clone(), Arc::clone(&self.is_asking));
        let ask = move || {
            // A question nobody answers is not worth a word: the retry that asked it has been told.
            if let Ok(me) = Client::new(api, key, TIMEOUTS).me() {
                notices.tell(clock.now_ns(), News::Plan(Box::new(me)));
            }
            is_asking.store(false, Ordering::Release);
        };
        #[expect(clippy::disallowed_methods, reason = "ends with its answer, after 15 s at the latest")]
        let started = std::thread::Builder::new().name("stoop-plan".to_owned()).spawn(ask);
        if started.is_err() {
            self.is_asking.store(false, Ordering::Release);
        }
    }
}
