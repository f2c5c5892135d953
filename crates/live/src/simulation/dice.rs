//! Random choices of a run, all from its seed.

use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub(super) const MILLI: i64 = 1_000_000;
pub(super) const SECOND: i64 = 1_000 * MILLI;

/// A stream of choices; times are in ns.
pub(super) struct Dice(Pcg64Mcg);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number of a range, both ends included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u128::from((high - low).unsigned_abs()) + 1;
        low + ((u128::from(self.bits()) * span) >> 64) as i64
    }

    pub(super) fn seconds(&mut self, low: i64, high: i64) -> i64 {
        self.between(low * SECOND, high * SECOND)
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.between(0, list.len() as i64 - 1) as usize]
    }
}
