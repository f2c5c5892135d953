//! What goes into the stages, and what is kept of it: on a tape, over a restart.

use crossbeam_channel::bounded;
use serde_json::Value;
use stoop_engine::{Command, Gap, Input, Origin, Receipt, Scope};

use super::Run;
use crate::store::Entry;

/// How long what has changed waits to be kept, at least: what comes in the meantime is written with it.
const SAVE_EVERY_NS: i64 = 20_000_000;
/// How often it is kept that the feed is connected although nothing comes, so that a restart knows from when on it was not.
const SAVE_UP_EVERY_NS: i64 = 5_000_000_000;

/// When what is kept over a restart was kept.
pub(super) struct Saver {
    pub(super) entry: Entry,
    /// Last time, Unix ns.
    pub(super) saved_ns: i64,
    /// Inputs have gone in since.
    pub(super) is_due: bool,
}

impl Saver {
    /// When there is something to keep next, Unix ns; none while what was sent last is being written.
    pub(super) fn due_ns(&self) -> Option<i64> {
        let after_ns = if self.is_due { SAVE_EVERY_NS } else { SAVE_UP_EVERY_NS };
        self.entry.is_free().then_some(self.saved_ns.saturating_add(after_ns))
    }
}

impl Run {
    pub(super) fn enter_frame(&mut self, origin: Origin, bytes: &[u8], recv_ns: i64) {
        if let Some(tap) = &mut self.tap {
            tap.frame(origin, recv_ns, bytes);
        }
        self.path.enter(Input::Frame { origin, bytes, receipt: Receipt::At(recv_ns) });
        self.note_input();
    }

    pub(super) fn enter_command(&mut self, command: Command) {
        let now_ns = self.clock.now_ns();
        if let Some(tap) = &mut self.tap {
            tap.command(&command, now_ns);
        }
        self.path.enter(Input::command(command, now_ns));
        self.note_input();
    }

    pub(super) fn enter_gap(&mut self, gap: Gap, now_ns: i64) {
        if let Some(tap) = &mut self.tap {
            tap.gap(&gap, now_ns);
        }
        self.path.enter(Input::gap(gap, now_ns));
        self.note_input();
    }

    /// Takes down on the tape what is no input.
    pub(super) fn note(&mut self, what: impl FnOnce() -> Value) {
        if let Some(tap) = &mut self.tap {
            tap.note(self.clock.now_ns(), &what());
        }
    }

    /// Begins a tape, headed by what the stages remember; if there is one before it, that ends now: `ticks` lets time pass.
    pub(super) fn cut_tape(&mut self, ticks: bool) {
        let Some(tap) = &mut self.tap else { return };
        let now_ns = self.clock.now_ns();
        let (to, state) = bounded(1);
        if tap.cut(now_ns, state) {
            if ticks {
                self.path.enter(Input::tick(now_ns));
            }
            self.path.save(Scope::All, None, to);
        }
    }

    /// Something has gone into the stages that may have changed what they remember.
    pub(super) fn note_input(&mut self) {
        if let Some(saver) = &mut self.saving {
            saver.is_due = true;
        }
    }

    /// Sends what the stages remember on its way to be kept.
    pub(super) fn save(&mut self) {
        let Some(saver) = &mut self.saving else { return };
        let now_ns = self.clock.now_ns();
        saver.saved_ns = now_ns;
        saver.is_due = false;
        saver.entry.occupy();
        let up_ns = match &self.lost {
            Some((from_ns, _)) => Some(*from_ns),
            None => self.summary.counters.link.is_up.then_some(now_ns),
        };
        self.path.save(Scope::Changes, up_ns, saver.entry.sender());
    }
}
