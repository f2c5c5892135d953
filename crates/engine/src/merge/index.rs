//! Finds a tweet's slot by its id.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;
use hashbrown::HashTable;
use stoop_model::TweetId;

use super::Slot;

/// Slots by the id of their tweet. An entry is the number of a slot and nothing else, so that a table with room for
/// every tweet of a full window fits the cache. The ids are those of the slots' views.
pub(super) struct Index {
    table: HashTable<u32>,
}

fn hash(id: &TweetId) -> u64 {
    FixedState::default().hash_one(id)
}

fn id_of(slots: &[Slot], index: u32) -> &TweetId {
    &slots[index as usize].view.tweet_id
}

impl Index {
    /// With room for twice as many: a table that is never more than half full neither grows nor cleans up in the middle
    /// of a stream.
    pub(super) fn with_capacity(tweets: usize) -> Self {
        Self { table: HashTable::with_capacity(2 * tweets) }
    }

    /// Writes to all of its memory once, so that the system has handed it out; for an empty index.
    pub(super) fn touch(&mut self, tweets: usize) {
        for number in 0..tweets as u64 {
            self.table.insert_unique(hash(&TweetId::Number(number)), 0, |_| 0);
        }
        self.table.clear();
    }

    /// The slot of `id`.
    pub(super) fn get(&self, id: &TweetId, slots: &[Slot]) -> Option<usize> {
        self.table.find(hash(id), |&index| id_of(slots, index) == id).map(|&index| index as usize)
    }

    /// Enters the slot `index`, whose tweet is not in the index.
    pub(super) fn insert(&mut self, index: usize, slots: &[Slot]) {
        let hash_of = |&index: &u32| hash(id_of(slots, index));
        // A window has fewer tweets than 2^32: it is bounded, and a view takes kilobytes.
        self.table.insert_unique(hash_of(&(index as u32)), index as u32, hash_of);
    }

    /// Puts `next` in the place of `index`, or nothing; false if `index` is not the slot entered for its tweet.
    pub(super) fn replace(&mut self, index: usize, next: Option<usize>, slots: &[Slot]) -> bool {
        let hash = hash(id_of(slots, index as u32));
        let Ok(mut entry) = self.table.find_entry(hash, |&known| known as usize == index) else {
            return false;
        };
        match next {
            Some(next) => *entry.get_mut() = next as u32,
            None => drop(entry.remove()),
        }
        true
    }
}
