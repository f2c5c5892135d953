//! Rows that have something in common, found by a hash of it.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::quality::FixedState;
use hashbrown::HashTable;

/// Rows grouped by a key that stays with the rows: the table holds nothing but places in `order`.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The rows group by group, in each by their number.
    order: Vec<u32>,
    table: HashTable<Range<u32>>,
}

impl Groups {
    /// Groups `rows`, which ascend, by what `hash` and `same` call the same.
    pub(super) fn new(
        rows: impl Iterator<Item = usize>,
        hash: impl Fn(usize) -> u64,
        same: impl Fn(usize, usize) -> bool,
    ) -> Self {
        // First each row with the number of its group, then all of them sorted by that number, which keeps their order.
        let mut firsts: Vec<usize> = Vec::new();
        let mut numbers: HashTable<usize> = HashTable::new();
        let mut grouped: Vec<(usize, u32)> = Vec::new();
        for row in rows {
            let hash_of = |group: &usize| firsts.get(*group).map_or(0, |first| hash(*first));
            let is_same = |group: &usize| firsts.get(*group).is_some_and(|first| same(*first, row));
            let next = firsts.len();
            let group = *numbers.entry(hash(row), is_same, hash_of).or_insert(next).get();
            if group == next {
                firsts.push(row);
            }
            grouped.push((group, row as u32));
        }
        grouped.sort_unstable();
        let mut table = HashTable::with_capacity(firsts.len());
        let mut start = 0;
        for group in grouped.chunk_by(|(a, _), (b, _)| a == b) {
            let end = start + group.len() as u32;
            let hash_of = |range: &Range<u32>| {
                grouped.get(range.start as usize).map_or(0, |(_, first)| hash(*first as usize))
            };
            let range = start..end;
            table.insert_unique(hash_of(&range), range, hash_of);
            start = end;
        }
        Self { order: grouped.into_iter().map(|(_, row)| row).collect(), table }
    }

    /// The number of groups.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The rows of the group whose key has this hash and of whose first row `is_it` holds; empty if there is none.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(usize) -> bool) -> &[u32] {
        let rows = |range: &Range<u32>| self.order.get(range.start as usize..range.end as usize);
        let is_group = |range: &Range<u32>| {
            rows(range).and_then(<[u32]>::first).is_some_and(|first| is_it(*first as usize))
        };
        self.table.find(hash, is_group).and_then(rows).unwrap_or_default()
    }
}

/// Hashes a text character by character, so that a folded text need not be written down first.
pub(super) struct Hash(<FixedState as BuildHasher>::Hasher);

impl Default for Hash {
    fn default() -> Self {
        Self(FixedState::default().build_hasher())
    }
}

impl Hash {
    pub(super) fn add(&mut self, char: char) {
        self.0.write_u32(char.into());
    }

    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}
