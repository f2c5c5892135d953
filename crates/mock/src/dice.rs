//! Random choices that are the same for a seed on every machine.
//!
//! Kept apart from the dice of the frame generator: changing the generator must not change which faults a seed brings.

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

/// A stream of random choices.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Pcg64Mcg);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give similar streams: SplitMix64 mixes them first.
        let mix = |n: u64| {
            let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self(Pcg64Mcg::new(u128::from(mix(1)) << 64 | u128::from(mix(2))))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound` - 1.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The bias of a multiplication is below 2^-32 for every bound used here.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_seeds_give_different_streams() {
        let first: Vec<u64> = (0..100).map(|seed| Dice::new(seed).bits()).collect();
        let distinct: std::collections::BTreeSet<&u64> = first.iter().collect();
        assert_eq!(distinct.len(), first.len());
    }
}
