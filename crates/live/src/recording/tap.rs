//! Where inputs and decisions go to be recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use serde_json::{Value, json};
use stoop_engine::{Input, Origin, Receipt};
use stoop_model::Decision;
use stoop_tape::{write_command, write_gap};

use super::TapeCounters;
use super::check::Found;
use crate::store::Save;

/// Entries that wait to be written.
const ENTRIES: usize = 65_536;
/// Bytes of frames that wait to be written.
const BYTES: usize = 64 << 20;

/// Something to be written, in the order it happened.
pub(crate) enum Entry {
    Frame {
        origin: Origin,
        recv_ns: i64,
        bytes: Vec<u8>,
    },
    Event {
        at_ns: i64,
        json: Vec<u8>,
    },
    Decision(Decision),
    /// Time has passed up to here; a new file begins, headed by the state that comes.
    Cut {
        at_ns: i64,
        state: Receiver<Box<Save>>,
    },
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Self::Frame { bytes, .. } => bytes.len(),
            Self::Event { json, .. } => json.len(),
            Self::Decision(_) | Self::Cut { .. } => 0,
        }
    }
}

/// What both ends know.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    waiting_bytes: AtomicUsize,
    pub(super) files: AtomicU64,
    pub(super) records: AtomicU64,
    dropped: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) found: Arc<Found>,
    pub(crate) wants_cut: AtomicBool,
    /// A new file was asked for, and is not begun yet.
    pub(crate) is_cut: AtomicBool,
}

impl Shared {
    /// An entry has left the queue.
    pub(crate) fn left(&self, entry: &Entry) {
        self.waiting_bytes.fetch_sub(entry.bytes(), Ordering::AcqRel);
    }

    /// An entry that has left it is on no tape.
    pub(super) fn lose(&self, entry: &Entry) {
        match entry {
            Entry::Frame { .. } | Entry::Event { .. } | Entry::Decision(_) => {
                self.dropped.fetch_add(1, Ordering::AcqRel);
            }
            Entry::Cut { .. } => {}
        }
    }

    pub(super) fn counters(&self) -> TapeCounters {
        TapeCounters {
            files: self.files.load(Ordering::Acquire),
            records: self.records.load(Ordering::Acquire),
            dropped: self.dropped.load(Ordering::Acquire),
            failed: self.failed.load(Ordering::Acquire),
            same: self.found.same.load(Ordering::Acquire),
            differing: self.found.differing.load(Ordering::Acquire),
            unchecked: self.found.unchecked.load(Ordering::Acquire),
        }
    }
}

/// The sending end: never blocks, and wakes no thread.
#[derive(Debug)]
pub(crate) struct Tap {
    queue: Sender<Entry>,
    shared: Arc<Shared>,
    /// What found no room since the last that did.
    lost: u64,
}

impl Clone for Tap {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), shared: Arc::clone(&self.shared), lost: 0 }
    }
}

impl Tap {
    pub(super) fn new() -> (Self, Receiver<Entry>, Arc<Shared>) {
        Self::with_room(ENTRIES)
    }

    /// One whose queue has room for this many entries.
    pub(crate) fn with_room(entries: usize) -> (Self, Receiver<Entry>, Arc<Shared>) {
        let (queue, taken) = bounded(entries);
        let shared = Arc::<Shared>::default();
        (Self { queue, shared: Arc::clone(&shared), lost: 0 }, taken, shared)
    }

    /// An input enters the stages. Time alone and socket messages that were refused are not recorded.
    pub(crate) fn input<B: AsRef<[u8]>>(&mut self, input: &Input<B>) {
        match input {
            Input::Frame { origin, bytes, receipt: Receipt::At(recv_ns) } => {
                self.frame(*origin, *recv_ns, bytes.as_ref());
            }
            Input::Command { command, at_ns } => self.event(*at_ns, write_command(command)),
            Input::Gap { gap, at_ns } => self.event(*at_ns, write_gap(gap)),
            Input::Frame { receipt: Receipt::Sent, .. }
            | Input::Rejected { .. }
            | Input::Tick { .. }
            | Input::Restored(_) => {}
        }
    }

    fn frame(&mut self, origin: Origin, recv_ns: i64, bytes: &[u8]) {
        if self.has_room(bytes.len(), recv_ns) {
            self.put(Entry::Frame { origin, recv_ns, bytes: bytes.to_vec() });
        }
    }

    /// Something has happened that is not an input.
    pub(crate) fn note(&mut self, at_ns: i64, what: &Value) {
        self.event(at_ns, what.to_string().into_bytes());
    }

    /// A decision was made.
    pub(crate) fn decision(&mut self, decision: &Decision) {
        if self.has_room(0, decision.decided_ns) {
            self.put(Entry::Decision(decision.clone()));
        }
    }

    /// Time has passed up to `at_ns`, and no more comes.
    pub(crate) fn close(&mut self, at_ns: i64) {
        self.note(at_ns, &json!({"type": "clock", "now_ns": at_ns}));
    }

    /// A file has grown long or old: the next one should begin.
    pub(crate) fn wants_cut(&self) -> bool {
        self.shared.wants_cut.load(Ordering::Acquire) && !self.shared.is_cut.load(Ordering::Acquire)
    }

    /// Begins a file. False if there is no room to say so; it is to be tried again.
    pub(crate) fn cut(&mut self, at_ns: i64, state: Receiver<Box<Save>>) -> bool {
        let is_asked = self.has_room(0, at_ns) && self.put(Entry::Cut { at_ns, state });
        if is_asked {
            self.shared.is_cut.store(true, Ordering::Release);
        }
        is_asked
    }

    pub(crate) fn counters(&self) -> TapeCounters {
        self.shared.counters()
    }

    fn event(&mut self, at_ns: i64, json: Vec<u8>) {
        if self.has_room(json.len(), at_ns) {
            self.put(Entry::Event { at_ns, json });
        }
    }

    /// Whether this many more bytes may wait. Earlier losses are marked first.
    fn has_room(&mut self, bytes: usize, at_ns: i64) -> bool {
        let waiting = self.shared.waiting_bytes.load(Ordering::Acquire);
        if waiting.saturating_add(bytes) > BYTES || self.queue.is_full() {
            self.lose();
            return false;
        }
        if self.lost > 0 {
            let count = self.lost;
            let json = json!({"type": "dropped", "count": count}).to_string().into_bytes();
            if !self.put(Entry::Event { at_ns, json }) {
                // Counted with the others.
                return false;
            }
            self.lost = 0;
        }
        true
    }

    fn put(&mut self, entry: Entry) -> bool {
        self.shared.waiting_bytes.fetch_add(entry.bytes(), Ordering::AcqRel);
        match self.queue.try_send(entry) {
            Ok(()) => true,
            Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) => {
                self.shared.left(&entry);
                self.lose();
                false
            }
        }
    }

    fn lose(&mut self) {
        self.lost += 1;
        self.shared.dropped.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits, in short.
    fn taken(queue: &Receiver<Entry>, shared: &Shared) -> Vec<String> {
        let shown = |entry: Entry| {
            shared.left(&entry);
            match entry {
                Entry::Frame { bytes, .. } => format!("frame of {}", bytes.len()),
                Entry::Event { json, .. } => String::from_utf8_lossy(&json).into_owned(),
                Entry::Decision(_) => "decision".to_owned(),
                Entry::Cut { .. } => "cut".to_owned(),
            }
        };
        queue.try_iter().map(shown).collect()
    }

    #[test]
    fn what_finds_no_room_is_counted_and_marked_before_what_comes_next() {
        let (mut tap, queue, shared) = Tap::new();
        let half = vec![0; BYTES / 2];
        for _ in 0..4 {
            tap.frame(Origin::Endpoint(0), 1, &half);
        }
        tap.note(2, &json!({"type": "opened"}));
        assert_eq!(tap.counters().dropped, 3, "two frames and the note after them");
        assert_eq!(
            taken(&queue, &shared),
            [format!("frame of {}", half.len()), format!("frame of {}", half.len())]
        );
        tap.frame(Origin::History, 3, b"{}");
        assert_eq!(taken(&queue, &shared), [r#"{"type":"dropped","count":3}"#, "frame of 2"]);
        tap.frame(Origin::History, 4, b"{}");
        assert_eq!(taken(&queue, &shared), ["frame of 2"], "marked once");
        assert_eq!(tap.counters().dropped, 3);
    }

    #[test]
    fn a_file_is_asked_for_once() {
        let (mut tap, queue, shared) = Tap::new();
        shared.wants_cut.store(true, Ordering::Release);
        assert!(tap.wants_cut());
        assert!(tap.cut(1, bounded(1).1));
        assert!(!tap.wants_cut(), "until it is begun");
        assert_eq!(taken(&queue, &shared), ["cut"]);
    }

    #[test]
    fn a_tap_does_not_wait_when_the_recording_is_over() {
        let (mut tap, queue, _) = Tap::new();
        drop(queue);
        tap.frame(Origin::Endpoint(0), 1, b"{}");
        assert!(!tap.cut(2, bounded(1).1));
        assert_eq!(tap.counters().dropped, 2, "the mark of the first finds no room either");
    }
}
