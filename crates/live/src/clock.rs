//! The clock of a run: a wall anchor and monotonic time since.

#![expect(clippy::disallowed_methods, reason = "the one module that reads clocks and waits for a time")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unix time in ns that never decreases: the wall time at its making plus the monotonic time since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor_ns: i64,
    anchor: Instant,
}

impl Clock {
    /// A clock anchored at the wall time of now.
    pub fn anchored() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { anchor_ns: i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX), anchor: Instant::now() }
    }

    /// Now, Unix ns. Costs about 25 ns where the kernel maps its clock into the process.
    pub fn now_ns(&self) -> i64 {
        self.anchor_ns.saturating_add(i64::try_from(self.anchor.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }

    /// The wall time it was anchored at, Unix ns.
    pub fn anchor_ns(&self) -> i64 {
        self.anchor_ns
    }

    /// Waits until this time has come.
    pub fn wait_until(&self, at_ns: i64) {
        let left_ns = u64::try_from(at_ns.saturating_sub(self.now_ns())).unwrap_or(0);
        std::thread::sleep(std::time::Duration::from_nanos(left_ns));
    }

    /// The runtime's instant of a time of this clock.
    pub(crate) fn instant(&self, at_ns: i64) -> tokio::time::Instant {
        let since_ns = u64::try_from(at_ns.saturating_sub(self.anchor_ns)).unwrap_or(0);
        // A deadline centuries off would overflow; a day is as good as never to a loop that looks again.
        let until = self.anchor.checked_add(std::time::Duration::from_nanos(since_ns));
        let day = self.anchor + self.anchor.elapsed() + std::time::Duration::from_hours(24);
        until.map_or(day, |until| until.min(day)).into()
    }
}
