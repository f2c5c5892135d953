//! State of the far end of the pipeline, for the connection.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::stages::outbox::Outbox;

/// Frames between the connection and the end of the signal actor at most.
pub(crate) const IN_FLIGHT: usize = 64;

/// Shared by the actors of one engine; none of it reaches a decision.
#[derive(Debug)]
pub(crate) struct Gauge {
    in_flight: AtomicUsize,
    deadline_ns: AtomicI64,
    is_holding: AtomicBool,
    is_blocking: AtomicBool,
    is_abandoned: AtomicBool,
    is_stopping: AtomicBool,
    is_tripped: AtomicBool,
    panic: Mutex<Option<String>>,
    has_switched_off: AtomicBool,
    switched_off: Mutex<Vec<String>>,
    changed: Notify,
}

impl Gauge {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            deadline_ns: AtomicI64::new(i64::MAX),
            is_holding: AtomicBool::new(false),
            is_blocking: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            is_tripped: AtomicBool::new(false),
            panic: Mutex::new(None),
            has_switched_off: AtomicBool::new(false),
            switched_off: Mutex::new(Vec::new()),
            changed: Notify::new(),
        }
    }

    /// A frame, or time alone, enters the pipeline.
    pub(crate) fn enter(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// It has left it; a frame once, however many elements it had.
    pub(crate) fn leave(&self) {
        // Only when it was full: at any other time the connection does not wait for room, and waking it has a price.
        if self.in_flight.fetch_sub(1, Ordering::AcqRel) == IN_FLIGHT {
            self.changed.notify_one();
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Publishes the state of the far end after it has worked.
    pub(crate) fn report(&self, deadline_ns: Option<i64>, outbox: &Outbox) {
        let deadline_ns = deadline_ns.unwrap_or(i64::MAX);
        // Most frames change no deadline; the connection then goes on sleeping.
        let is_new = self.deadline_ns.swap(deadline_ns, Ordering::AcqRel) != deadline_ns;
        let is_holding = outbox.is_holding();
        let was_holding = self.is_holding.swap(is_holding, Ordering::AcqRel);
        self.is_blocking.store(outbox.is_blocking(), Ordering::Release);
        self.is_abandoned.store(outbox.is_abandoned(), Ordering::Release);
        if is_new || was_holding != is_holding || outbox.is_abandoned() {
            self.changed.notify_one();
        }
    }

    pub(crate) fn deadline_ns(&self) -> Option<i64> {
        Some(self.deadline_ns.load(Ordering::Acquire)).filter(|deadline_ns| *deadline_ns != i64::MAX)
    }

    pub(crate) fn is_holding(&self) -> bool {
        self.is_holding.load(Ordering::Acquire)
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.is_blocking.load(Ordering::Acquire)
    }

    /// The queue has no reader any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }

    /// Asks the connection to stop.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// A stage has panicked; the first message is kept.
    pub(crate) fn trip(&self, message: String) {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
        // After the message, so that one who sees the flag finds it.
        self.is_tripped.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    pub(crate) fn is_tripped(&self) -> bool {
        self.is_tripped.load(Ordering::Acquire)
    }

    /// The message of the panic.
    pub(crate) fn tripped(&self) -> Option<String> {
        if !self.is_tripped() {
            return None;
        }
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A strategy has panicked: at most one entry each, so that the list is as long as there are strategies.
    pub(crate) fn switch_off(&self, strategy: String) {
        self.switched_off.lock().unwrap_or_else(PoisonError::into_inner).push(strategy);
        self.has_switched_off.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Strategies that have panicked since the last call.
    pub(crate) fn take_switched_off(&self) -> Vec<String> {
        // Asked in every turn: the flag spares the lock.
        if !self.has_switched_off.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *self.switched_off.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the connection look at its requests.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until one of these has changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;
    use futures_util::FutureExt;

    use super::*;
    use crate::settings::WhenFull;

    fn outbox() -> Outbox {
        Outbox::new(bounded(1).0, WhenFull::Hold)
    }

    /// Whether a waiting task would have been woken.
    fn has_woken(gauge: &Gauge) -> bool {
        gauge.changed().now_or_never().is_some()
    }

    #[test]
    fn a_full_pipeline_wakes_when_there_is_room_again() {
        let gauge = Gauge::new();
        for _ in 0..IN_FLIGHT {
            gauge.enter();
        }
        assert_eq!(gauge.in_flight(), IN_FLIGHT);
        assert!(!has_woken(&gauge));
        gauge.leave();
        assert!(has_woken(&gauge));
        gauge.leave();
        assert!(!has_woken(&gauge), "no one waits for more room");
        assert_eq!(gauge.in_flight(), IN_FLIGHT - 2);
    }

    #[test]
    fn another_deadline_wakes_and_the_same_one_does_not() {
        let gauge = Gauge::new();
        assert_eq!(gauge.deadline_ns(), None);
        for (deadline_ns, wakes) in
            [(Some(100), true), (Some(100), false), (Some(50), true), (Some(200), true), (None, true)]
        {
            gauge.report(deadline_ns, &outbox());
            assert_eq!((gauge.deadline_ns(), has_woken(&gauge)), (deadline_ns, wakes));
        }
    }

    #[test]
    fn a_stop_wakes_even_one_who_waits_later() {
        let gauge = Gauge::new();
        gauge.stop();
        assert!(gauge.is_stopping() && has_woken(&gauge));
    }

    #[test]
    fn a_panic_wakes_and_its_first_message_is_kept() {
        let gauge = Gauge::new();
        gauge.trip("first".to_owned());
        assert!(has_woken(&gauge));
        gauge.trip("second".to_owned());
        assert_eq!(gauge.tripped().as_deref(), Some("first"));
    }
}
