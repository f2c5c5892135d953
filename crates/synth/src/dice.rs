//! Random choices that are the same for a seed on every machine.
//!
//! Integers only: the logarithms and exponentials of floating point differ between platforms, so
//! distributions are tables of quantiles.

use rand_core::Rng;
use rand_pcg::Pcg64Mcg;

/// A distribution: pairs of a cumulated probability in 1/1000, from 0 to 1000, and the value there. Between two of them
/// values are spread evenly.
pub(crate) type Quantiles = &'static [(u64, u64)];

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

    /// A number in a range, both ends included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True this many times in 1000.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.index(list.len())]
    }

    pub(crate) fn draw(&mut self, quantiles: Quantiles) -> u64 {
        let at = self.below(1000);
        let above = quantiles.iter().position(|&(p, _)| p > at).unwrap_or(quantiles.len() - 1);
        let (low, high) = (quantiles[above - 1].1, quantiles[above].1);
        self.between(low, high)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A word of this many characters of an alphabet.
    pub(crate) fn word(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_their_quantiles() {
        const TABLE: Quantiles = &[(0, 10), (500, 100), (1000, 1_000)];
        let mut dice = Dice::new(7);
        let draws: Vec<u64> = (0..10_000).map(|_| dice.draw(TABLE)).collect();
        assert!(draws.iter().all(|draw| (10..=1_000).contains(draw)));
        let below = draws.iter().filter(|&&draw| draw <= 100).count();
        assert!((4_800..5_200).contains(&below), "{below} of 10000 below the median");
    }

    #[test]
    fn neighbouring_seeds_give_different_streams() {
        let first: Vec<u64> = (0..100).map(|seed| Dice::new(seed).bits()).collect();
        let distinct: std::collections::BTreeSet<&u64> = first.iter().collect();
        assert_eq!(distinct.len(), first.len());
    }
}
