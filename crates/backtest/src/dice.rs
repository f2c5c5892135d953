//! Random numbers that depend on nothing but what they are drawn for, so that a study comes out the same every time.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::Rng;
use sha2::{Digest, Sha256};

/// A generator, seeded by the hash of its purpose.
// A named generator and not `StdRng`, which may change with a version of `rand`: figures must not.
pub(crate) struct Dice(Pcg64Mcg);

impl Dice {
    pub(crate) fn new(purpose: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in purpose {
            // With their lengths, so that no two purposes join to the same bytes.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        Self(Pcg64Mcg::new(u128::from_be_bytes(std::array::from_fn(|index| digest[index]))))
    }

    /// A generator that is independent of what this one draws next.
    pub(crate) fn split(&mut self) -> Self {
        let (high, low) = (self.0.next_u64(), self.0.next_u64());
        Self(Pcg64Mcg::new(u128::from(high) << 64 | u128::from(low)))
    }

    /// A number below `limit`, which is above 0. Its bias is below one in 2^32 for the small limits used here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // Multiply and shift: a remainder would favour small numbers.
        ((u128::from(self.0.next_u64()) * u128::from(limit)) >> 64) as u64
    }
}
