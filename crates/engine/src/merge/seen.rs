//! Event ids seen lately.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use stoop_model::{HashSet, Op};

/// The last event ids, by a 128-bit hash; the oldest is forgotten first.
pub(super) struct SeenEvents {
    capacity: usize,
    known: HashSet<u128>,
    order: VecDeque<u128>,
}

impl SeenEvents {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), known: HashSet::default(), order: VecDeque::new() }
    }

    /// False if the id was seen with this operation. The operation is part of it: whether a pin and its unpin have
    /// ids of their own is not documented.
    pub(super) fn insert(&mut self, op: Op, event_id: &str) -> bool {
        let key = (u128::from(hash(1, op, event_id)) << 64) | u128::from(hash(2, op, event_id));
        if !self.known.insert(key) {
            return false;
        }
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(key);
        true
    }
}

fn hash(seed: u64, op: Op, text: &str) -> u64 {
    let mut hasher = FixedState::with_seed(seed).build_hasher();
    hasher.write_u8(op as u8);
    hasher.write(text.as_bytes());
    hasher.finish()
}
