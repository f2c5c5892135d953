//! What tells that all is well while nothing happens: status lines, and latencies over time.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::json;
use stoop::{Clock, Counters, IntervalLog, Recorder};

use crate::failure::{Code, Failure};
use crate::output::create_new;
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
            "log": {"lost": stderr::lost()},
        })
        .to_string()
    }
}

/// Writes latencies of each interval to a file.
pub(crate) struct LatencyLog {
    file: File,
    name: String,
    log: IntervalLog,
    clock: Clock,
    from_ns: i64,
    lines: Vec<u8>,
}

impl LatencyLog {
    /// Begins a new file.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = create_new(path)?;
        let clock = Clock::anchored();
        let from_ns = clock.now_ns();
        let name = path.display().to_string();
        Ok(Self { file, name, log: IntervalLog::new(from_ns), clock, from_ns, lines: Vec::new() })
    }

    /// Writes what was measured since the last call.
    pub(crate) fn append(&mut self, interval: &Recorder) -> Result<(), Failure> {
        let to_ns = self.clock.now_ns();
        self.lines.clear();
        self.log.append(interval, self.from_ns, to_ns, &mut self.lines);
        self.from_ns = to_ns;
        self.file.write_all(&self.lines).map_err(|error| {
            Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", self.name))
        })
    }
}
