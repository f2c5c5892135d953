//! The sending end of the decision queue, and what happens when it is full.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};
use stoop_model::{Decision, DecisionId, DecisionKind, HashMap};

use crate::settings::WhenFull;
use crate::store::Delivery;

/// How many ids of dropped opens are remembered, so that what follows them is dropped too.
const DROPPED_IDS: usize = 65_536;
/// Opens held back at most, in multiples of the queue's capacity; later ones are dropped and counted.
const HELD_FACTOR: usize = 16;
/// The same for a small queue: reading stops at the first one held back, but the frames already in flight go on to
/// decide, several times each if they are batches.
const HELD_LEAST: usize = 4096;
const MILLI_NS: i64 = 1_000_000;

/// What became of decisions, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounters {
    /// Put into the queue.
    pub queued: u64,
    /// Opens dropped because their time to enter was over while they were held back.
    pub expired: u64,
    /// Opens dropped because the queue was full (`drop_newest`), too much was held back, or an earlier open of their id
    /// had been dropped.
    pub dropped_opens: u64,
    /// Lines dropped because their open had been.
    pub dropped_followers: u64,
    /// Times the queue was found full after it had not been.
    pub full: u64,
    /// Lines still held back when the engine stopped, because the consumer did not read them in time.
    pub undelivered: u64,
}

/// Puts decisions into the queue in order; holds them back when it is full.
pub(crate) struct Outbox {
    queue: Option<Sender<Decision>>,
    when_full: WhenFull,
    held: VecDeque<Decision>,
    held_limit: usize,
    /// The place of the first open of each id that was dropped: what comes after it is dropped too.
    dropped: HashMap<DecisionId, u64>,
    dropped_order: VecDeque<DecisionId>,
    delivery: Arc<Delivery>,
    next_seq: u64,
    counters: QueueCounters,
}

impl Outbox {
    pub(crate) fn new(queue: Sender<Decision>, when_full: WhenFull) -> Self {
        let capacity = queue.capacity().unwrap_or(1);
        Self {
            queue: Some(queue),
            when_full,
            held: VecDeque::new(),
            held_limit: capacity.saturating_mul(HELD_FACTOR).max(HELD_LEAST),
            dropped: HashMap::default(),
            dropped_order: VecDeque::new(),
            delivery: Arc::default(),
            next_seq: 0,
            counters: QueueCounters::default(),
        }
    }

    /// Continues after the decisions of an earlier run.
    pub(crate) fn begin(&mut self, next_seq: u64) {
        self.next_seq = next_seq;
        self.delivery.begin(next_seq);
    }

    /// How far its decisions have come, for others to see.
    pub(crate) fn delivery(&self) -> Arc<Delivery> {
        Arc::clone(&self.delivery)
    }

    /// Accepts the next decision. True if it is in the queue.
    pub(crate) fn offer(&mut self, decision: Decision) -> bool {
        self.next_seq = decision.seq + 1;
        let is_sent = self.send_or_hold(decision);
        self.settle();
        is_sent
    }

    fn send_or_hold(&mut self, decision: Decision) -> bool {
        if self.follows_dropped(&decision) {
            self.drop_follower(&decision);
            return false;
        }
        // Even if there is room again: a cancel must not overtake its open.
        if !self.held.is_empty() {
            self.hold_back(decision);
            return false;
        }
        match self.send(decision) {
            None => true,
            Some(decision) => {
                self.counters.full += 1;
                let seq = decision.seq;
                tracing::warn!(
                    target: "stoop_live::outbox", seq, "the decision queue is full: its consumer is too slow"
                );
                self.hold_back(decision);
                false
            }
        }
    }

    /// Hands over what is held back, as far as there is room. Opens whose time to enter is over at `now_ns` are
    /// dropped, with whatever follows them.
    pub(crate) fn drain(&mut self, now_ns: i64) {
        while let Some(decision) = self.held.pop_front() {
            let is_open = decision.kind == DecisionKind::Open;
            if self.follows_dropped(&decision) {
                self.drop_follower(&decision);
            // Only opens expire: a cancel or a lapse is still news to a consumer that has the open.
            } else if is_open && decision.expires_ms.saturating_mul(MILLI_NS) < now_ns {
                self.counters.expired += 1;
                self.forget(&decision);
            } else if let Some(decision) = self.send(decision) {
                self.held.push_front(decision);
                return;
            }
        }
        self.settle();
    }

    /// If nothing is held back, every decision so far is in the queue or was dropped.
    fn settle(&self) {
        if self.held.is_empty() {
            self.delivery.settle(self.next_seq);
        }
    }

    /// What became of decisions so far.
    pub(crate) fn counters(&self) -> QueueCounters {
        self.counters
    }

    /// Lines held back.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Something is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// The socket should not be read.
    pub(crate) fn is_blocking(&self) -> bool {
        self.is_holding() && self.when_full == WhenFull::Hold
    }

    /// The queue has no reader any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.queue.is_none()
    }

    /// Ends the queue: the consumer sees its end once it has read what is there.
    pub(crate) fn close(&mut self) -> QueueCounters {
        self.counters.undelivered += self.held.len() as u64;
        self.held.clear();
        self.queue = None;
        self.counters
    }

    /// The decision back, if there was no room for it.
    fn send(&mut self, decision: Decision) -> Option<Decision> {
        let Some(queue) = &self.queue else {
            self.counters.undelivered += 1;
            return None;
        };
        let seq = decision.seq;
        match queue.try_send(decision) {
            Ok(()) => {
                self.counters.queued += 1;
                self.delivery.send(seq);
                None
            }
            Err(TrySendError::Full(decision)) => Some(decision),
            Err(TrySendError::Disconnected(_)) => {
                self.counters.undelivered += 1;
                self.queue = None;
                None
            }
        }
    }

    fn hold_back(&mut self, decision: Decision) {
        let is_open = decision.kind == DecisionKind::Open;
        // Followers are always held: a consumer that has an open must hear of its end.
        let is_over = match self.when_full {
            WhenFull::Hold => self.held.len() >= self.held_limit,
            WhenFull::DropNewest => true,
        };
        if is_open && is_over {
            self.counters.dropped_opens += 1;
            self.forget(&decision);
        } else {
            self.held.push_back(decision);
        }
    }

    /// Drops what comes after a dropped open. That may be an open too, of a tweet that was cancelled, forgotten, and
    /// has come once more: if it were delivered, what follows it would have to be told apart from what followed the
    /// first.
    fn drop_follower(&mut self, decision: &Decision) {
        let is_open = decision.kind == DecisionKind::Open;
        let counter =
            if is_open { &mut self.counters.dropped_opens } else { &mut self.counters.dropped_followers };
        *counter += 1;
    }

    /// After a dropped open, and not before: an earlier decision of its id may still be held back.
    fn follows_dropped(&self, decision: &Decision) -> bool {
        self.dropped.get(&decision.id).is_some_and(|seq| decision.seq > *seq)
    }

    fn forget(&mut self, open: &Decision) {
        // A held open can expire after a later one of its id was dropped: the id is in the order already.
        if self.dropped.insert(open.id, open.seq).is_some() {
            return;
        }
        self.dropped_order.push_back(open.id);
        if self.dropped_order.len() > DROPPED_IDS
            && let Some(oldest) = self.dropped_order.pop_front()
        {
            self.dropped.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
