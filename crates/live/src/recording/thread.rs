//! The thread that writes tapes.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError};
use serde_json::json;
use stoop_engine::{State, plausible_ns};
use stoop_tape::{TapeOptions, TapeWriteError, TapeWriter, state_events, write_decision};

use super::check::Checker;
use super::tap::{Entry, Shared};
use super::{Tap, TapeCounters, TapeSettings};
use crate::clock::Clock;
use crate::notice::{News, Notices};

/// How long the thread sleeps when there is nothing to write: no one wakes it, since waking a thread costs
/// whoever does it some µs.
const NAP: Duration = Duration::from_millis(5);
/// Bytes of a frame that are looked at for its `ts`.
const HEAD_BYTES: usize = 256;
/// After a failure a new file is tried so much later, and twice as much after each further one: what the engine
/// remembers stands at its head, and to tell all of it costs the engine some ms.
const FIRST_PAUSE_NS: i64 = 1_000_000_000;
const LONGEST_PAUSE_NS: i64 = 300_000_000_000;
/// How long a state may take to come: it goes through the pipeline, which may be full.
const STATE_TIMEOUT: Duration = Duration::from_secs(30);

/// The thread of a recording.
#[derive(Debug)]
pub(crate) struct Recording {
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// Why a file has ended early.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Write(#[from] TapeWriteError),
    #[error("the engine's state did not come in time")]
    NoState,
}

impl Recording {
    /// Makes the folder and starts the thread; the names of endpoints are in the order of their numbers.
    pub(crate) fn start(
        settings: TapeSettings,
        endpoints: &[String],
        notices: Notices,
        clock: Clock,
    ) -> std::io::Result<(Self, Tap)> {
        std::fs::create_dir_all(&settings.dir)?;
        let (tap, taken, shared) = Tap::new();
        let origins =
            (0..).zip(endpoints).filter_map(|(number, name)| stoop_tape::Origin::endpoint(number, name));
        let check = settings.check.clone().map(|check| Checker::start(check, Arc::clone(&shared.found)));
        let checker = check.transpose()?;
        let work = Work {
            checker,
            path: PathBuf::new(),
            origins: origins.collect(),
            settings,
            taken,
            shared: Arc::clone(&shared),
            notices,
            clock,
            pending: VecDeque::new(),
            tape: None,
            line: Vec::new(),
            number: 0,
            began_ns: 0,
            head_bytes: 0,
            failing_since_ns: None,
            pause_ns: FIRST_PAUSE_NS,
        };
        #[expect(clippy::disallowed_methods, reason = "ends when the engine has; joined by its handle")]
        let thread = std::thread::Builder::new().name("stoop-tape".to_owned()).spawn(move || work.run())?;
        Ok((Self { thread: Some(thread), shared }, tap))
    }

    /// Waits until all is written. For when the engine has ended.
    pub(crate) fn finish(&mut self) -> TapeCounters {
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
        self.shared.counters()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Work {
    checker: Option<Checker>,
    /// Of the file at hand.
    path: PathBuf,
    settings: TapeSettings,
    origins: Vec<stoop_tape::Origin>,
    taken: Receiver<Entry>,
    shared: Arc<Shared>,
    notices: Notices,
    clock: Clock,
    /// Received from the queue already, for the file that is just begun.
    pending: VecDeque<Entry>,
    tape: Option<TapeWriter>,
    line: Vec<u8>,
    /// Of the file.
    number: u64,
    began_ns: i64,
    /// What stands before its first input.
    head_bytes: u64,
    /// When the last file failed, if none was begun since.
    failing_since_ns: Option<i64>,
    /// How long the next pause is.
    pause_ns: i64,
}

impl Work {
    fn run(mut self) {
        loop {
            let written = self.write();
            let is_over = written.is_ok();
            let sealed = self.seal();
            if let Err(error) = written.and(sealed) {
                self.fail(&error);
            }
            if is_over || !self.wait_for_room() {
                return;
            }
        }
    }

    /// Loses what comes for a while, and has a new file begun then. False if the engine has ended.
    fn wait_for_room(&mut self) -> bool {
        let until_ns = self.clock.now_ns().saturating_add(self.pause_ns);
        self.pause_ns = LONGEST_PAUSE_NS.min(self.pause_ns.saturating_mul(2));
        self.pending.drain(..).for_each(|entry| self.shared.lose(&entry));
        while self.clock.now_ns() < until_ns {
            match self.taken.try_recv() {
                // Drained all the same: its senders must not find a full queue.
                Ok(entry) => {
                    self.shared.left(&entry);
                    self.shared.lose(&entry);
                }
                Err(TryRecvError::Empty) => std::thread::park_timeout(NAP),
                Err(TryRecvError::Disconnected) => return false,
            }
        }
        self.shared.wants_cut.store(true, Ordering::Release);
        self.shared.is_cut.store(false, Ordering::Release);
        true
    }

    /// Writes until the engine has ended.
    fn write(&mut self) -> Result<(), RecordError> {
        loop {
            let entry = match self.pending.pop_front() {
                Some(entry) => Ok(entry),
                None => self.taken.try_recv().inspect(|entry| self.shared.left(entry)),
            };
            match entry {
                Ok(Entry::Cut { at_ns, state }) => {
                    let state = state.recv_timeout(STATE_TIMEOUT).map_err(|_gone| RecordError::NoState)?;
                    self.cut(at_ns, &state.state)?;
                }
                Ok(entry) => self.record(entry)?,
                Err(TryRecvError::Empty) => {
                    if let Some(tape) = &mut self.tape {
                        tape.tick(self.clock.now_ns())?;
                    }
                    std::thread::park_timeout(NAP);
                }
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Ends the file at hand, if there is one.
    fn seal(&mut self) -> Result<(), RecordError> {
        let Some(tape) = self.tape.take() else { return Ok(()) };
        tape.seal()?;
        if let Some(checker) = &self.checker {
            checker.put(std::mem::take(&mut self.path));
        }
        Ok(())
    }

    fn record(&mut self, entry: Entry) -> Result<(), RecordError> {
        let Some(tape) = &mut self.tape else {
            self.shared.lose(&entry);
            return Ok(());
        };
        match entry {
            Entry::Frame { origin, recv_ns, bytes } => {
                let origin = match origin {
                    stoop_engine::Origin::Endpoint(number) => self.origins.get(usize::from(number)),
                    stoop_engine::Origin::History => Some(&stoop_tape::Origin::History),
                };
                let Some(origin) = origin else { return Ok(()) };
                let sent_ns = plausible_ns(sent_ms(&bytes));
                tape.frame(origin, recv_ns, sent_ns, &bytes)?;
            }
            Entry::Event { at_ns, json } => tape.event(at_ns, &json)?,
            Entry::Decision(decision) => {
                self.line.clear();
                write_decision(&decision, &mut self.line);
                tape.decision(decision.decided_ns, &self.line)?;
            }
            Entry::Cut { .. } => {}
        }
        self.shared.records.fetch_add(1, Ordering::AcqRel);
        // The state at the head alone may be longer than a file is meant to be.
        let is_long = tape.bytes().saturating_sub(self.head_bytes) > self.settings.max_bytes;
        if is_long || self.clock.now_ns() - self.began_ns > self.settings.max_ns {
            self.shared.wants_cut.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Ends the file at hand, if there is one, and begins the next.
    fn cut(&mut self, at_ns: i64, state: &State) -> Result<(), RecordError> {
        // Decisions on what came before the cut are in the queue: the state came after them.
        for _ in 0..self.taken.len() {
            let Ok(entry) = self.taken.try_recv() else { break };
            self.shared.left(&entry);
            match entry {
                Entry::Decision(decision) if decision.seq < state.head.decisions => {
                    self.record(Entry::Decision(decision))?;
                }
                entry @ (Entry::Frame { .. }
                | Entry::Event { .. }
                | Entry::Decision(_)
                | Entry::Cut { .. }) => {
                    self.pending.push_back(entry);
                }
            }
        }
        if let Some(tape) = &mut self.tape {
            let close = json!({"type": "clock", "now_ns": at_ns}).to_string();
            tape.event(at_ns, close.as_bytes())?;
        }
        self.seal()?;
        let tape = self.create(at_ns)?;
        // A file with less than its head would be in the way of reading the others.
        let tape = self.head(tape, at_ns, state).inspect_err(|_| drop(std::fs::remove_file(&self.path)))?;
        self.began_ns = at_ns;
        self.head_bytes = tape.bytes();
        self.shared.wants_cut.store(false, Ordering::Release);
        self.shared.is_cut.store(false, Ordering::Release);
        self.shared.files.fetch_add(1, Ordering::AcqRel);
        self.tape = Some(tape);
        if let Some(since_ns) = self.failing_since_ns.take() {
            let away_ms = (self.clock.now_ns() - since_ns) / 1_000_000;
            tracing::warn!(away_ms, "recording again, with a new file");
        }
        Ok(())
    }

    /// Writes what a file begins with.
    fn head(&self, mut tape: TapeWriter, at_ns: i64, state: &State) -> Result<TapeWriter, TapeWriteError> {
        tape.event(at_ns, &self.settings.config.to_event())?;
        for event in state_events(state) {
            tape.event(at_ns, &event)?;
        }
        tape.flush()?;
        Ok(tape)
    }

    /// Creates the next file, beside all that are there.
    fn create(&mut self, at_ns: i64) -> Result<TapeWriter, TapeWriteError> {
        loop {
            self.number += 1;
            let path = file_name(&self.settings.dir, at_ns, self.number);
            match TapeWriter::create(&path, TapeOptions::default()) {
                Err(TapeWriteError::Exists { .. }) => {}
                Err(error) => {
                    drop(std::fs::remove_file(&path));
                    return Err(error);
                }
                created => {
                    tracing::info!(path = %path.display(), "recording");
                    self.path = path;
                    return created;
                }
            }
        }
    }

    /// Counts a failure, and tells of it, if it is the first since a file was begun.
    fn fail(&mut self, error: &RecordError) {
        let now_ns = self.clock.now_ns();
        if now_ns - self.began_ns > LONGEST_PAUSE_NS {
            self.pause_ns = FIRST_PAUSE_NS;
        }
        if self.failing_since_ns.is_some() {
            return;
        }
        self.failing_since_ns = Some(now_ns);
        self.shared.failed.fetch_add(1, Ordering::AcqRel);
        let message = shown(error);
        tracing::error!(
            error = %message, "a tape has ended early: nothing is recorded until a new one can be written"
        );
        self.notices.tell(now_ns, News::TapeFailed { message });
    }
}

/// The `ts` of a frame, where it stands as it does in all that are known: among the first members. To decode the frame
/// for it would take as long as to write it, and it is for tools alone.
fn sent_ms(frame: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"ts\":";
    let head = frame.get(..HEAD_BYTES).unwrap_or(frame);
    let start = head.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let digits = head.get(start..)?.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// An error with that of the operating system.
fn shown(error: &RecordError) -> String {
    let source = match error {
        RecordError::Write(error) => std::error::Error::source(error).map(ToString::to_string),
        RecordError::NoState => None,
    };
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// `stoop-20260610T123959900Z-000001.mcap`: by name they are in the order of their time.
fn file_name(dir: &Path, at_ns: i64, number: u64) -> PathBuf {
    let time = stoop_wire::format_ms(at_ns / 1_000_000).unwrap_or_default();
    let time: String = time.chars().filter(|letter| !matches!(letter, '-' | ':' | '.')).collect();
    dir.join(format!("stoop-{time}-{number:06}.mcap"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_send_time_is_found_among_the_first_members() {
        for (frame, expect) in [
            (
                r#"{"v":1,"t":"tweet","op":"meta","id":"1","ts":1781095200340,"d":{}}"#,
                Some(1_781_095_200_340),
            ),
            (r#"{"v":1,"ts": 17 ,"d":{}}"#, Some(17)),
            (r#"[{"ts":1781095200340}]"#, Some(1_781_095_200_340)),
            (r#"{"v":1,"ts":"17"}"#, None),
            (r#"{"v":1,"ts":17"#, None),
            (r#"{"v":1}"#, None),
            ("", None),
        ] {
            assert_eq!(sent_ms(frame.as_bytes()), expect, "{frame}");
        }
    }
}
