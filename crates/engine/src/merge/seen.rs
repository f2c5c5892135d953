//! Event ids seen recently.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use stoop_model::{HashSet, Op};

/// The last event ids, by a 128-bit hash; the oldest is forgotten first.
pub(super) struct SeenEvents {
    capacity: usize,
    known: HashSet<u128>,
    order: VecDeque<u128>,
    /// Place of the oldest among all there have been.
    start: u64,
}

impl SeenEvents {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), known: HashSet::default(), order: VecDeque::new(), start: 0 }
    }

    /// False if the id was seen with this operation. The operation is part of it: whether a pin and its unpin have
    /// ids of their own is not documented.
    pub(super) fn insert(&mut self, op: Op, event_id: &str) -> bool {
        // 128 bits: at 64, two ids of a long run could meet, and a frame would be lost without a trace.
        let key = (u128::from(hash(1, op, event_id)) << 64) | u128::from(hash(2, op, event_id));
        if !self.known.insert(key) {
            return false;
        }
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
            self.start += 1;
        }
        self.order.push_back(key);
        true
    }

    /// Place of the oldest that is remembered.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Place of the next one.
    pub(super) fn end(&self) -> u64 {
        self.start + self.order.len() as u64
    }

    /// Those that are remembered, from `place` on, each with its place.
    pub(super) fn since(&self, place: u64) -> impl Iterator<Item = (u64, u128)> {
        let skipped = place.saturating_sub(self.start) as usize;
        (self.start + skipped as u64..).zip(self.order.iter().skip(skipped).copied())
    }

    /// Remembers these; without room for all, the latest.
    pub(super) fn restore(&mut self, events: &[(u64, u128)]) {
        let mut events = events.to_vec();
        events.sort_unstable();
        let surplus = events.len().saturating_sub(self.capacity);
        let latest = events.split_off(surplus);
        self.start = latest.first().map_or(0, |(place, _)| *place);
        self.order = latest.iter().map(|(_, key)| *key).collect();
        self.known = self.order.iter().copied().collect();
    }
}

fn hash(seed: u64, op: Op, text: &str) -> u64 {
    let mut hasher = FixedState::with_seed(seed).build_hasher();
    hasher.write_u8(op as u8);
    hasher.write(text.as_bytes());
    hasher.finish()
}
