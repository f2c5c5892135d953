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

/// How long the thread sleeps when there is nothing to write: it is woken by nobody, since to wake a thread costs whoever
/// does it some µs.
const NAP: Duration = Duration::from_millis(5);
/// Bytes of a frame that are looked at for its `ts`.
const HEAD_BYTES: usize = 256;
/// How long a state may take to come: the stages come to it behind a full pipeline.
const STATE_TIMEOUT: Duration = Duration::from_secs(30);

/// The thread of a recording.
#[derive(Debug)]
pub(crate) struct Recording {
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// Why a recording has ended early.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Write(#[from] TapeWriteError),
    #[error("the engine has not said what it remembers")]
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
    /// Taken from the queue already, for the file that is just begun.
    pending: VecDeque<Entry>,
    tape: Option<TapeWriter>,
    line: Vec<u8>,
    /// Of the file.
    number: u64,
    began_ns: i64,
    /// What stands before its first input.
    head_bytes: u64,
}

impl Work {
    fn run(mut self) {
        let result = self.write();
        let sealed = self.seal();
        if let Err(error) = result.and(sealed) {
            self.fail(&error);
            // What comes now is lost, but its senders must not find a full queue to complain of.
            while let Ok(entry) = self.taken.recv() {
                self.shared.left(&entry);
            }
        }
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
        let Some(tape) = &mut self.tape else { return Ok(()) };
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
        // What the engine remembers may be more than a file is meant to hold.
        let is_long = tape.bytes().saturating_sub(self.head_bytes) > self.settings.max_bytes;
        if is_long || self.clock.now_ns() - self.began_ns > self.settings.max_ns {
            self.shared.wants_cut.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Ends the file at hand, if there is one, and begins the next.
    fn cut(&mut self, at_ns: i64, state: &State) -> Result<(), RecordError> {
        // Decisions on what came before the cut are in the queue by now: the state came behind them.
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
        let mut tape = self.create(at_ns)?;
        tape.event(at_ns, &self.settings.config.to_event())?;
        for event in state_events(state) {
            tape.event(at_ns, &event)?;
        }
        tape.flush()?;
        self.began_ns = at_ns;
        self.head_bytes = tape.bytes();
        self.shared.wants_cut.store(false, Ordering::Release);
        self.shared.is_cut.store(false, Ordering::Release);
        self.shared.files.fetch_add(1, Ordering::AcqRel);
        self.tape = Some(tape);
        Ok(())
    }

    /// Creates the next file, beside all that are there.
    fn create(&mut self, at_ns: i64) -> Result<TapeWriter, TapeWriteError> {
        loop {
            self.number += 1;
            let path = file_name(&self.settings.dir, at_ns, self.number);
            match TapeWriter::create(&path, TapeOptions::default()) {
                Err(TapeWriteError::Exists { .. }) => {}
                created => {
                    tracing::info!(path = %path.display(), "recording");
                    self.path = path;
                    return created;
                }
            }
        }
    }

    fn fail(&self, error: &RecordError) {
        self.shared.has_failed.store(true, Ordering::Release);
        tracing::error!(error = %shown(error), "the recording has ended: nothing is written any more");
        self.notices.tell(self.clock.now_ns(), News::TapeFailed { message: shown(error) });
    }
}

/// The `ts` of a frame, where it stands as it does in all that are known: among the first members. To decode the frame for it
/// would take as long as to write it, and it is for tools alone.
fn sent_ms(frame: &[u8]) -> Option<i64> {
    const KEY: &[u8] = b"\"ts\":";
    let head = frame.get(..HEAD_BYTES).unwrap_or(frame);
    let start = head.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let digits = head.get(start..)?.trim_ascii_start();
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// An error with what the operating system said.
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
