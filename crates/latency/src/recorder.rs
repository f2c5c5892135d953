//! One histogram per stage.

use hdrhistogram::Histogram;

use crate::{Row, Stage, Table};

/// Largest difference a histogram can tell from others, in nanoseconds: one hour.
pub const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Significant decimal digits kept of a value; the table prints the same number.
const DIGITS: u8 = 3;

/// The measurements of one thread: for each stage a histogram and counts of what did not fit into it.
///
/// Owned by one thread, which calls [`record`](Self::record) a few times a frame. To report without
/// stopping that thread, clone it or [`merge_from`](Self::merge_from) it into a second recorder.
/// Holds about 264 KiB of counters per stage, of which only the touched pages become resident.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// Boxed, so that a recorder is moved and swapped as a pointer.
    channels: Box<[Channel; Stage::ALL.len()]>,
}

impl Recorder {
    /// Allocates every histogram at its full size.
    pub fn new() -> Self {
        Self { channels: Box::new(std::array::from_fn(|_| Channel::new())) }
    }

    /// Adds one difference in nanoseconds.
    ///
    /// A negative one is counted separately; one above [`HIGHEST_NS`] is counted at that bound and as saturated.
    pub fn record(&mut self, stage: Stage, nanos: i64) {
        self.channels[stage.index()].add(nanos);
    }

    /// Adds everything the other recorder holds, as if each value had been recorded here too.
    pub fn merge_from(&mut self, other: &Self) {
        for (channel, other) in self.channels.iter_mut().zip(other.channels.iter()) {
            channel.merge_from(other);
        }
    }

    /// The figures of every stage so far.
    pub fn snapshot(&self) -> Table {
        Table { rows: Stage::ALL.map(|stage| self.channels[stage.index()].row(stage)) }
    }

    /// Every value of a stage, to three significant digits: any percentile, or the buckets themselves. Negative
    /// differences are not in it.
    pub fn histogram(&self, stage: Stage) -> &Histogram<u64> {
        &self.channels[stage.index()].histogram
    }

    /// Forgets every value and keeps the memory.
    pub fn reset(&mut self) {
        for channel in self.channels.iter_mut() {
            channel.reset();
        }
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

/// The measurements of one stage.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    // Full size from the start: growing would allocate in the middle of a measurement.
    histogram: Histogram<u64>,
    /// Exact; the histogram knows it only to three digits.
    max: u64,
    negative: u64,
    saturated: u64,
}

impl Default for Channel {
    fn default() -> Self {
        Self::new()
    }
}

impl Channel {
    fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS)
            .expect("1 ns to 1 h in 3 digits is a valid range");
        Self { histogram, max: 0, negative: 0, saturated: 0 }
    }

    pub(crate) fn add(&mut self, nanos: i64) {
        match u64::try_from(nanos) {
            Ok(nanos) => self.record(nanos),
            // Never clamped to zero: a clock that is off must show.
            Err(_) => self.negative = self.negative.saturating_add(1),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.histogram.len()
    }

    /// A bucket reports its upper edge, which may lie above the largest value in it.
    pub(crate) fn quantile(&self, q: f64) -> Option<u64> {
        (self.len() > 0).then(|| self.histogram.value_at_quantile(q).min(self.max))
    }

    fn record(&mut self, nanos: u64) {
        // Counted, so that a percentile clamped to the bound can be distinguished from a real one.
        if nanos > HIGHEST_NS {
            self.saturated = self.saturated.saturating_add(1);
        }
        // Clamped here: the histogram itself would keep values up to its last bucket, which lies above the bound.
        self.histogram.saturating_record(nanos.min(HIGHEST_NS));
        // The true value, beyond the bound too.
        self.max = self.max.max(nanos);
    }

    fn merge_from(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("every histogram of this crate has the same bounds");
        self.max = self.max.max(other.max);
        self.negative = self.negative.saturating_add(other.negative);
        self.saturated = self.saturated.saturating_add(other.saturated);
    }

    fn row(&self, stage: Stage) -> Row {
        let count = self.histogram.len();
        let quantile = |q: f64| self.quantile(q);
        Row {
            stage,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p99_9: quantile(0.999),
            max: (count > 0).then_some(self.max),
            count,
            negative: self.negative,
            saturated: self.saturated,
        }
    }

    fn reset(&mut self) {
        self.histogram.reset();
        self.max = 0;
        self.negative = 0;
        self.saturated = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder(stage: Stage, values: impl IntoIterator<Item = i64>) -> Recorder {
        let mut recorder = Recorder::new();
        for value in values {
            recorder.record(stage, value);
        }
        recorder
    }

    #[test]
    fn percentiles_of_one_to_a_thousand_are_exact() {
        let row = *recorder(Stage::Decode, 1..=1000).snapshot().row(Stage::Decode);
        let expected = Row {
            stage: Stage::Decode,
            p50: Some(500),
            p90: Some(900),
            p99: Some(990),
            p99_9: Some(999),
            max: Some(1000),
            count: 1000,
            negative: 0,
            saturated: 0,
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn percentiles_of_large_values_are_within_a_thousandth_and_below_the_maximum() {
        let row =
            *recorder(Stage::SentRecv, (1..=1000).map(|n| n * 1_234_567)).snapshot().row(Stage::SentRecv);
        let exact = [(row.p50, 500), (row.p90, 900), (row.p99, 990), (row.p99_9, 999)];
        for (reported, nth) in exact {
            let (reported, exact) = (reported.unwrap(), nth * 1_234_567);
            assert!(reported >= exact && reported <= exact + exact / 1000, "{reported} for {exact}");
        }
        assert_eq!(row.max, Some(1_234_567_000));
    }

    #[test]
    fn a_single_value_is_every_percentile() {
        let row = *recorder(Stage::Total, [1_234_567]).snapshot().row(Stage::Total);
        assert_eq!([row.p50, row.p90, row.p99, row.p99_9, row.max], [Some(1_234_567); 5]);
    }

    #[test]
    fn zero_is_a_sample_and_not_negative() {
        let row = *recorder(Stage::Queue, [0]).snapshot().row(Stage::Queue);
        assert_eq!((row.p50, row.max, row.count, row.negative), (Some(0), Some(0), 1, 0));
    }

    #[test]
    fn negative_differences_are_counted_and_leave_the_histogram_alone() {
        let row = *recorder(Stage::SentRecv, [-1, 5, i64::MIN, -2_000_000]).snapshot().row(Stage::SentRecv);
        assert_eq!((row.count, row.negative, row.p50, row.max), (1, 3, Some(5), Some(5)));
    }

    #[test]
    fn values_above_an_hour_are_counted_there_and_the_maximum_stays_exact() {
        let highest = HIGHEST_NS as i64;
        let row = *recorder(Stage::CreatedReceived, [highest, highest + 1, i64::MAX])
            .snapshot()
            .row(Stage::CreatedReceived);
        assert_eq!((row.count, row.saturated, row.max), (3, 2, Some(i64::MAX as u64)));
        let p50 = row.p50.unwrap();
        assert!((HIGHEST_NS..=HIGHEST_NS + HIGHEST_NS / 1000).contains(&p50), "{p50}");
    }

    #[test]
    fn stages_do_not_mix() {
        let table = recorder(Stage::Merge, [7]).snapshot();
        for row in table.rows().iter().filter(|row| row.stage != Stage::Merge) {
            assert_eq!((row.count, row.p50, row.max), (0, None, None), "{}", row.stage);
        }
    }

    #[test]
    fn merging_two_recorders_is_recording_into_one() {
        let (low, high) = (-50..400, 300..5000);
        let mut merged = recorder(Stage::Taken, low.clone());
        merged.merge_from(&recorder(Stage::Taken, high.clone().chain([i64::MAX])));
        let one = recorder(Stage::Taken, low.chain(high).chain([i64::MAX]));
        assert_eq!(merged.snapshot(), one.snapshot());
    }

    #[test]
    fn merging_into_a_fresh_recorder_copies_it() {
        let source = recorder(Stage::Signal, 1..100_000);
        let mut copy = Recorder::new();
        copy.merge_from(&source);
        copy.merge_from(&Recorder::new());
        assert_eq!(copy.snapshot(), source.snapshot());
    }

    #[test]
    fn a_reset_recorder_is_like_a_new_one() {
        let mut reset = recorder(Stage::Decode, [-1, 10, i64::MAX]);
        reset.reset();
        assert_eq!(reset.snapshot(), Recorder::new().snapshot());
        reset.record(Stage::Decode, 3);
        assert_eq!(reset.snapshot(), recorder(Stage::Decode, [3]).snapshot());
    }
}
