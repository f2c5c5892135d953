//! Deadlines in order of time, then of creation.

use std::collections::BTreeMap;

/// The action that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The enrichment has not come within `settle` of this decision's open.
    Settle {
        /// Index among the tweet's decisions.
        decision: usize,
    },
    /// The wait of this rule for the enrichment is over.
    Wait {
        /// Index of the rule.
        rule: usize,
    },
    /// A decision of the tweet has been kept long enough.
    Keep,
}

/// A deadline of one tweet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    pub(super) due: Due,
    /// Slot of the tweet.
    pub(super) slot: usize,
    /// Shows whether the slot still belongs to the same tweet.
    pub(super) serial: u64,
}

/// Order of deadlines: time, then creation.
pub(super) type TimerKey = (i64, u64);

/// The deadlines of all tweets that are remembered.
#[derive(Debug, Default)]
pub(super) struct Timers {
    // Not a heap: deadlines are revoked when their tweet is forgotten.
    due: BTreeMap<TimerKey, Timer>,
    // Breaks ties between deadlines of one time: the contract fires them in the order in which they were created.
    created: u64,
}

impl Timers {
    pub(super) fn set(&mut self, deadline_ns: i64, timer: Timer) -> TimerKey {
        let key = (deadline_ns, self.created);
        self.due.insert(key, timer);
        self.created += 1;
        key
    }

    /// The action due at a deadline that has been set and has not fired.
    pub(super) fn get(&self, key: TimerKey) -> Option<Due> {
        self.due.get(&key).map(|timer| timer.due)
    }

    /// Deadlines set so far.
    pub(super) fn created(&self) -> u64 {
        self.created
    }

    /// Continues the count of an earlier run.
    pub(super) fn go_on(&mut self, created: u64) {
        self.created = self.created.max(created);
    }

    /// Sets a deadline that was set before.
    pub(super) fn restore(&mut self, key: TimerKey, timer: Timer) {
        self.due.insert(key, timer);
        self.go_on(key.1 + 1);
    }

    /// Revokes deadlines. Keys of deadlines that have fired are ignored.
    pub(super) fn revoke(&mut self, keys: &[TimerKey]) {
        for key in keys {
            self.due.remove(key);
        }
    }

    /// The next one due at or before `now_ns`, with its deadline.
    pub(super) fn pop(&mut self, now_ns: i64) -> Option<(i64, Timer)> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now_ns)?;
        let ((deadline_ns, _), timer) = entry.remove_entry();
        Some((deadline_ns, timer))
    }

    pub(super) fn next(&self) -> Option<i64> {
        self.due.keys().next().map(|(deadline_ns, _)| *deadline_ns)
    }

    pub(super) fn len(&self) -> usize {
        self.due.len()
    }
}
