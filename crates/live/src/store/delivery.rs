//! How far decisions have come on their way to their output.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by the end of the pipeline, the host and the store. Each number is that of the next decision: all before it
/// have come that far.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Put into the queue.
    sent: AtomicU64,
    /// Put into the queue or dropped.
    settled: AtomicU64,
    /// Known to have reached their output.
    acknowledged: AtomicU64,
    /// Nothing more will be acknowledged.
    is_over: AtomicBool,
}

impl Delivery {
    /// Continues after the decisions of an earlier run.
    pub(crate) fn begin(&self, next_seq: u64) {
        for place in [&self.sent, &self.settled, &self.acknowledged] {
            place.store(next_seq, Ordering::Release);
        }
    }

    /// A decision is in the queue.
    pub(crate) fn send(&self, seq: u64) {
        self.sent.store(seq + 1, Ordering::Release);
    }

    /// All decisions before this one are in the queue or dropped.
    pub(crate) fn settle(&self, next_seq: u64) {
        self.settled.store(next_seq, Ordering::Release);
    }

    /// All decisions up to this one have reached their output.
    pub(crate) fn acknowledge(&self, seq: u64) {
        self.acknowledged.fetch_max(seq.saturating_add(1), Ordering::AcqRel);
    }

    /// Nothing more will be acknowledged.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// The place up to which decisions must be acknowledged so that all before `next_seq` are dropped or delivered;
    /// none while some are held back.
    pub(crate) fn needed(&self, next_seq: u64) -> Option<u64> {
        (self.settled.load(Ordering::Acquire) >= next_seq).then(|| self.sent.load(Ordering::Acquire))
    }

    pub(crate) fn has(&self, needed: u64) -> bool {
        self.acknowledged.load(Ordering::Acquire) >= needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_counts_once_it_is_acknowledged_or_dropped() {
        let delivery = Delivery::default();
        delivery.begin(5);
        assert_eq!(delivery.needed(5), Some(5), "nothing is on its way");
        assert!(delivery.has(5));
        assert_eq!(delivery.needed(7), None, "5 and 6 are held back");
        delivery.send(5);
        delivery.settle(7);
        let needed = delivery.needed(7);
        assert_eq!(needed, Some(6), "6 was dropped: it will never be acknowledged");
        assert!(!delivery.has(6));
        delivery.acknowledge(5);
        delivery.acknowledge(3);
        assert!(delivery.has(6));
    }
}
