//! Histograms over time, in the log format of `HdrHistogram`.

use std::time::Duration;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::{Recorder, Stage};

/// The column `Interval_Max` is in milliseconds, as the tools that read this format expect.
const MAX_DIVISOR: f64 = 1e6;

/// Writes what was measured in each interval as lines of the `HdrHistogram` log format, version 1.3.
///
/// `HistogramLogAnalyzer`, `HistogramLogProcessor` and the readers of other languages read such a log: a header, then
/// for each interval one line per [`Stage`] with samples, tagged [`Stage::tag`]. Values are in nanoseconds. Negative
/// differences are in no histogram and so in no line; those above [`HIGHEST_NS`](crate::HIGHEST_NS) stand at that
/// bound.
///
/// Each line is compressed, which takes time: write it where no frame waits for it.
///
/// ```
/// use stoop_latency::{IntervalLog, Recorder, Stage};
///
/// const SECOND_NS: i64 = 1_000_000_000;
/// let start_ns = 1_781_095_200 * SECOND_NS;
/// let mut log = IntervalLog::new(start_ns);
/// let mut recorder = Recorder::new();
/// let mut out = Vec::new();
///
/// recorder.record(Stage::Decode, 1_210);
/// log.append(&recorder, start_ns, start_ns + 5 * SECOND_NS, &mut out);
/// recorder.reset(); // the next interval
///
/// let text = String::from_utf8(out)?;
/// assert!(text.starts_with("#[Histogram log format version 1.3]\n"));
/// assert!(text.contains("\nTag=decode,0.000,5.000,0.001,HISTFAAAA"));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Debug)]
pub struct IntervalLog {
    start_ns: i64,
    has_header: bool,
}

impl IntervalLog {
    /// A log whose times count from `start_ns`, Unix time.
    pub const fn new(start_ns: i64) -> Self {
        Self { start_ns, has_header: false }
    }

    /// Appends the lines of one interval to `out`, below the header if these are the first.
    ///
    /// `recorder` holds what was measured from `from_ns` to `to_ns`, Unix times, and nothing else: reset it between
    /// intervals. Intervals come in order, and one without samples has no line. The log keeps times to the millisecond;
    /// one before the start counts as the start.
    pub fn append(&mut self, recorder: &Recorder, from_ns: i64, to_ns: i64, out: &mut Vec<u8>) {
        if !self.has_header {
            self.has_header = true;
            out.extend_from_slice(self.header().as_bytes());
        }
        let lines = lines(recorder, elapsed(self.start_ns, from_ns), elapsed(from_ns, to_ns));
        // The writer puts a comment before its first line each time it begins, but a log has one header: ours.
        let comment = lines.iter().position(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        out.extend_from_slice(&lines[comment..]);
    }

    fn header(&self) -> String {
        let start = elapsed(0, self.start_ns).as_secs_f64();
        // Without a base time readers guess whether the times of the lines count from the epoch or from the start.
        format!(
            "#[Histogram log format version 1.3]\n\
             #[StartTime: {start:.3} (seconds since epoch)]\n\
             #[BaseTime: {start:.3} (seconds since epoch)]\n\
             #[MaxValueDivisor: {MAX_DIVISOR:.3}]\n\
             #[Tags are stages; values in ns, Interval_Max in ms]\n\
             \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
        )
    }
}

/// A comment, then a line for each stage with samples.
fn lines(recorder: &Recorder, from: Duration, length: Duration) -> Vec<u8> {
    let mut serializer = V2DeflateSerializer::new();
    let mut lines = Vec::new();
    let mut writer = IntervalLogWriterBuilder::new()
        .with_max_value_divisor(MAX_DIVISOR)
        .begin_log_with(&mut lines, &mut serializer)
        .expect("a Vec accepts all bytes");
    for stage in Stage::ALL {
        let histogram = recorder.histogram(stage);
        // The format: an interval without samples has no line.
        if !histogram.is_empty() {
            writer
                .write_histogram(histogram, from, length, Tag::new(stage.tag()))
                .expect("a Vec accepts all bytes, and no count is beyond an i64");
        }
    }
    lines
}

fn elapsed(from_ns: i64, to_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(to_ns.saturating_sub(from_ns)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::HIGHEST_NS;

    const SECOND_NS: i64 = 1_000_000_000;
    const START_NS: i64 = 1_781_095_200_123_456_789;

    struct Line {
        tag: String,
        from_ms: u128,
        length_ms: u128,
        max_ms: f64,
        histogram: Histogram<u64>,
    }

    /// Appends an interval of five seconds, the n-th since the start.
    fn append(log: &mut IntervalLog, recorder: &Recorder, nth: i64, out: &mut Vec<u8>) {
        let from_ns = START_NS + nth * 5 * SECOND_NS;
        log.append(recorder, from_ns, from_ns + 5 * SECOND_NS, out);
    }

    /// Start and base time in ms, and the intervals, as another program reads them.
    fn read(log: &[u8]) -> (Vec<u128>, Vec<Line>) {
        let (mut times, mut lines) = (Vec::new(), Vec::new());
        for entry in IntervalLogIterator::new(log) {
            match entry.expect("the log can be parsed") {
                LogEntry::StartTime(time) | LogEntry::BaseTime(time) => times.push(time.as_millis()),
                LogEntry::Interval(interval) => {
                    let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
                    lines.push(Line {
                        tag: interval.tag().unwrap().as_str().to_owned(),
                        from_ms: interval.start_timestamp().as_millis(),
                        length_ms: interval.duration().as_millis(),
                        max_ms: interval.max(),
                        histogram: Deserializer::new().deserialize(&mut &bytes[..]).unwrap(),
                    });
                }
            }
        }
        (times, lines)
    }

    #[test]
    fn what_is_read_back_is_what_was_recorded() {
        let mut recorder = Recorder::new();
        let stages = [(Stage::Decode, 1), (Stage::Total, 997), (Stage::SentRecv, 1_234_567)];
        for (stage, factor) in stages {
            for n in 0..=5000 {
                recorder.record(stage, n * factor);
            }
        }
        let mut out = Vec::new();
        append(&mut IntervalLog::new(START_NS), &recorder, 0, &mut out);
        let (times, lines) = read(&out);
        assert_eq!(times, [1_781_095_200_123; 2]);
        assert_eq!(lines.len(), stages.len());
        for (line, (stage, factor)) in lines.iter().zip(stages) {
            assert_eq!((line.tag.as_str(), line.from_ms, line.length_ms), (stage.tag(), 0, 5000));
            assert_eq!(line.histogram, *recorder.histogram(stage));
            let row = *recorder.snapshot().row(stage);
            assert_eq!(line.histogram.len(), row.count);
            for (q, expect) in [(0.5, row.p50), (0.9, row.p90), (0.99, row.p99), (0.999, row.p99_9)] {
                assert_eq!(Some(line.histogram.value_at_quantile(q)), expect, "{stage} {q}");
            }
            let max_ms = (5000 * factor) as f64 / 1e6;
            assert!((line.max_ms - max_ms).abs() <= max_ms / 1000.0 + 0.0005, "{stage}: {}", line.max_ms);
        }
    }

    #[test]
    fn each_interval_has_its_own_lines_under_one_header() {
        let (mut log, mut recorder, mut out) = (IntervalLog::new(START_NS), Recorder::new(), Vec::new());
        recorder.record(Stage::Queue, 7);
        append(&mut log, &recorder, 0, &mut out);
        recorder.reset();
        recorder.record(Stage::Queue, 8);
        recorder.record(Stage::Taken, 9);
        append(&mut log, &recorder, 1, &mut out);
        let (times, lines) = read(&out);
        assert_eq!(times.len(), 2, "a start and a base time");
        let found: Vec<_> =
            lines.iter().map(|line| (&*line.tag, line.from_ms, line.histogram.max())).collect();
        assert_eq!(found, [("queue", 0, 7), ("queue", 5000, 8), ("queued-taken", 5000, 9)]);
        let text = String::from_utf8(out).unwrap();
        let heads = text.lines().filter(|line| line.starts_with('#') || line.starts_with('"'));
        assert_eq!(heads.count(), 6, "{text}");
    }

    #[test]
    fn an_interval_without_samples_has_no_line() {
        let (mut log, mut recorder, mut out) = (IntervalLog::new(START_NS), Recorder::new(), Vec::new());
        append(&mut log, &recorder, 0, &mut out);
        let header = out.len();
        assert!(header > 0 && read(&out).1.is_empty(), "a header alone is a log");
        recorder.record(Stage::SentRecv, -1);
        append(&mut log, &recorder, 1, &mut out);
        assert_eq!(out.len(), header, "a negative difference is in no histogram");
        recorder.record(Stage::SentRecv, 0);
        append(&mut log, &recorder, 2, &mut out);
        assert_eq!(read(&out).1[0].from_ms, 10_000);
    }

    #[test]
    fn every_stage_can_be_told_by_its_tag() {
        let mut recorder = Recorder::new();
        for stage in Stage::ALL {
            recorder.record(stage, 1);
        }
        let mut out = Vec::new();
        append(&mut IntervalLog::new(START_NS), &recorder, 0, &mut out);
        let tags: Vec<String> = read(&out).1.into_iter().map(|line| line.tag).collect();
        assert_eq!(tags, Stage::ALL.map(Stage::tag));
    }

    #[test]
    fn values_and_times_out_of_range_stand_at_their_bounds() {
        let mut recorder = Recorder::new();
        recorder.record(Stage::CreatedReceived, i64::MAX);
        let mut out = Vec::new();
        IntervalLog::new(START_NS).append(&recorder, START_NS - 1, i64::MIN, &mut out);
        let (_, lines) = read(&out);
        assert_eq!((lines[0].from_ms, lines[0].length_ms), (0, 0));
        assert!(lines[0].histogram.equivalent(lines[0].histogram.max(), HIGHEST_NS));
    }
}
