//! When what the stages remember is sent on its way to be kept.

/// How long what has changed waits to be kept, at least: what comes in the meantime is written with it.
const SAVE_EVERY_NS: i64 = 20_000_000;
/// How often it is kept that the feed is connected although nothing comes, so that a restart knows since when it was
/// away.
const SAVE_UP_EVERY_NS: i64 = 5_000_000_000;

#[derive(Debug)]
pub(super) struct Saving {
    /// Last time, Unix ns.
    saved_ns: i64,
    /// Inputs have entered since.
    is_due: bool,
}

impl Saving {
    pub(super) fn new(now_ns: i64) -> Self {
        Self { saved_ns: now_ns, is_due: true }
    }

    /// Something has entered that may have changed what the stages remember.
    pub(super) fn input(&mut self) {
        self.is_due = true;
    }

    /// It is sent now.
    pub(super) fn save(&mut self, now_ns: i64) {
        *self = Self { saved_ns: now_ns, is_due: false };
    }

    /// When there is something to keep next, Unix ns.
    pub(super) fn due_ns(&self) -> i64 {
        self.saved_ns.saturating_add(if self.is_due { SAVE_EVERY_NS } else { SAVE_UP_EVERY_NS })
    }
}
