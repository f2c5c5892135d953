//! What tells that all is well while nothing happens: status lines, and latencies over time.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::json;
use stoop::Counters;
use stoop::latency::{Clock, IntervalLog, Recorder};

use crate::failure::{Code, Failure};
use crate::output::create_new_as;
use crate::stderr;

/// Makes status lines. They stand among the decisions, but have no `seq` and are not in the digest.
#[derive(Debug, Default)]
pub(crate) struct StatusLine {
    gaps_before: u64,
}

impl StatusLine {
    /// One line. `feed` is `up`, `down`, or `gap`: up, but it was lost since the line before.
    pub(crate) fn line(&mut self, at_ns: i64, counters: &Counters) -> String {
        let Counters { link, feed, intake, queue, .. } = counters;
        let has_gap = feed.gaps > std::mem::replace(&mut self.gaps_before, feed.gaps);
        let state = match (link.is_up, has_gap) {
            (false, _) => "down",
            (true, true) => "gap",
            (true, false) => "up",
        };
        json!({
            "kind": "status",
            "feed": state,
            "schema": 1,
            "at_ns": at_ns,
            "since_ns": link.since_ns,
            "last_frame_ns": link.last_frame_ns,
            "frames": intake.frames,
            "bad_frames": intake.bad_frames(),
            "next_seq": counters.decisions,
            "gaps": feed.gaps,
            "gap_ns": feed.gap_ns,
            "held": counters.held,
            "lost": queue.expired + queue.dropped_opens + queue.dropped_followers + queue.undelivered,
            "strategies_off": counters.signal.strategies_off,
            "store": {"failed": counters.store.failed, "failing_ms": counters.store.failing_ms},
            "log": {"lost": stderr::lost()},
        })
        .to_string()
    }
}

/// Bytes that wait for room on the disk; intervals that come once there are more are left out.
const WAITING_BYTES: usize = 1 << 20;

/// Writes latencies of each interval to a file.
pub(crate) struct LatencyLog {
    file: File,
    name: String,
    log: IntervalLog,
    clock: Clock,
    from_ns: i64,
    /// What is not written yet.
    lines: Vec<u8>,
    /// What is, in bytes.
    len: u64,
    is_failing: bool,
}

impl LatencyLog {
    /// Begins a new file.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = create_new_as(path, "--latency-log FILE")?;
        let clock = Clock::anchored();
        let from_ns = clock.now_ns();
        let name = path.display().to_string();
        let log = IntervalLog::new(from_ns);
        Ok(Self { file, name, log, clock, from_ns, lines: Vec::new(), len: 0, is_failing: false })
    }

    /// Writes what was measured since the last call. What cannot be written waits for the next one.
    pub(crate) fn append(&mut self, interval: &Recorder) -> Result<(), Failure> {
        let to_ns = self.clock.now_ns();
        if self.lines.len() < WAITING_BYTES {
            self.log.append(interval, self.from_ns, to_ns, &mut self.lines);
        }
        self.from_ns = to_ns;
        self.write().map_err(|error| {
            Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", self.name))
        })
    }

    /// The same while a run goes on, which it does whatever becomes of its latencies. The first of several failures
    /// in a row is told.
    pub(crate) fn append_or_tell(&mut self, interval: &Recorder) {
        let result = self.append(interval);
        let was_failing = std::mem::replace(&mut self.is_failing, result.is_err());
        if let (Err(failure), false) = (result, was_failing) {
            tracing::error!("{failure}: latencies wait in memory until it can be written");
        }
    }

    fn write(&mut self) -> io::Result<()> {
        // A write that failed may have left a part.
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(&self.lines)?;
        self.len += self.lines.len() as u64;
        self.lines.clear();
        Ok(())
    }
}
