//! The same frame from several endpoints: the first copy counts.

use std::collections::VecDeque;

use stoop_model::{HashMap, Op};

/// Endpoints that can be told apart.
pub const ENDPOINTS: usize = 8;

/// Frames remembered; the oldest is forgotten. A copy that comes later still is left to merge, which drops it as a
/// duplicate while its tweet is in the window.
const FRAMES: usize = 65_536;

/// Which frames have come, and from which endpoints.
#[derive(Default)]
pub(crate) struct Copies {
    seen: HashMap<(Op, u64), Seen>,
    order: VecDeque<(Op, u64)>,
}

struct Seen {
    first_ns: i64,
    /// Bit `1 << origin` for each endpoint it has come from.
    origins: u8,
}

impl Copies {
    /// How long after the first copy this one has come, ns, if it is the first of its endpoint but not of all.
    ///
    /// A frame that one endpoint sends again is a repeat, not a copy, and is left to merge.
    pub(crate) fn lag_ns(&mut self, op: Op, fingerprint: u64, origin: u8, now_ns: i64) -> Option<i64> {
        let bit = 1_u8 << (usize::from(origin) % ENDPOINTS);
        let key = (op, fingerprint);
        if let Some(seen) = self.seen.get_mut(&key) {
            let is_new = seen.origins & bit == 0;
            seen.origins |= bit;
            return is_new.then_some(now_ns - seen.first_ns);
        }
        if self.order.len() >= FRAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(key, Seen { first_ns: now_ns, origins: bit });
        self.order.push_back(key);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_other_endpoint_is_a_copy_and_a_repeat_is_none() {
        let mut copies = Copies::default();
        for (origin, fingerprint, now_ns, expect) in [
            (0, 1, 10, None),
            (0, 1, 11, None),
            (1, 1, 15, Some(5)),
            (1, 1, 16, None),
            (2, 1, 20, Some(10)),
            (0, 1, 30, None),
            (1, 2, 40, None),
            (0, 2, 40, Some(0)),
        ] {
            assert_eq!(copies.lag_ns(Op::Content, fingerprint, origin, now_ns), expect, "{origin} {now_ns}");
        }
        assert_eq!(copies.lag_ns(Op::Meta, 1, 1, 50), None, "another operation is another frame");
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut copies = Copies::default();
        for fingerprint in 0..FRAMES as u64 + 10 {
            assert_eq!(copies.lag_ns(Op::Content, fingerprint, 0, 0), None);
        }
        assert_eq!((copies.seen.len(), copies.order.len()), (FRAMES, FRAMES));
        assert_eq!(copies.lag_ns(Op::Content, 9, 1, 1), None, "forgotten");
        assert_eq!(copies.lag_ns(Op::Content, 500, 1, 1), Some(1));
    }
}
