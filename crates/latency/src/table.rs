//! The figures of all stages and how they print.

use std::fmt;

use crate::Stage;
use crate::nanos::Nanos;

/// The figures of one stage; values in nanoseconds, `None` without samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The stage these figures belong to.
    pub stage: Stage,
    /// Median.
    pub p50: Option<u64>,
    /// 90th percentile.
    pub p90: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p99_9: Option<u64>,
    /// Largest value, exact.
    pub max: Option<u64>,
    /// Values in the histogram: everything but the negative ones.
    pub count: u64,
    /// Negative differences: the clocks of the two ends disagree. Not part of any percentile.
    pub negative: u64,
    /// How many of `count` lay above [`HIGHEST_NS`](crate::HIGHEST_NS) and stand at that bound.
    pub saturated: u64,
}

/// One row per stage, in the order of [`Stage::ALL`]; [`Display`](fmt::Display) prints it, with `{:#}` only the rows
/// that have values.
///
/// The columns `negative` and `over 1 h` are printed only when a row has something to show there.
/// Each line ends in a newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub(crate) rows: [Row; Stage::ALL.len()],
}

impl Table {
    /// The rows in the order of [`Stage::ALL`], with and without samples.
    pub const fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of one stage.
    pub const fn row(&self, stage: Stage) -> &Row {
        &self.rows[stage.index()]
    }

    /// Every printed line as cells, the head first.
    fn cells(&self, only_measured: bool) -> Vec<Vec<String>> {
        let negative = self.rows.iter().any(|row| row.negative > 0);
        let saturated = self.rows.iter().any(|row| row.saturated > 0);

        let mut head: Vec<String> =
            ["stage", "p50", "p90", "p99", "p99.9", "max", "count"].map(String::from).into();
        // Only where there are some: nearly always the columns would hold nothing but zeros.
        head.extend(negative.then(|| "negative".to_owned()));
        head.extend(saturated.then(|| "over 1 h".to_owned()));

        let is_shown = |row: &&Row| !only_measured || row.count + row.negative > 0;
        let body = self.rows.iter().filter(is_shown).map(|row| {
            let mut cells = vec![row.stage.to_string()];
            for value in [row.p50, row.p90, row.p99, row.p99_9, row.max] {
                cells.push(value.map_or_else(|| "-".to_owned(), |nanos| Nanos(nanos).to_string()));
            }
            cells.push(row.count.to_string());
            cells.extend(negative.then(|| row.negative.to_string()));
            cells.extend(saturated.then(|| row.saturated.to_string()));
            cells
        });
        std::iter::once(head).chain(body).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.cells(f.alternate());
        let mut widths = vec![0; lines[0].len()];
        for cells in &lines {
            for (width, cell) in widths.iter_mut().zip(cells) {
                // Every character in use is one column wide; `µ` and `→` are more than one byte.
                *width = cell.chars().count().max(*width);
            }
        }
        for cells in &lines {
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "{cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recorder;

    #[track_caller]
    fn check(values: &[(Stage, i64)], expected: &str) {
        let mut recorder = Recorder::new();
        for &(stage, nanos) in values {
            recorder.record(stage, nanos);
        }
        let printed = recorder.snapshot().to_string();
        assert_eq!(printed, expected.trim_start_matches('\n'), "\n{printed}");
    }

    #[test]
    fn an_empty_table_has_every_stage_and_dashes() {
        check(
            &[],
            "
stage             p50  p90  p99  p99.9  max  count
decode              -    -    -      -    -      0
merge               -    -    -      -    -      0
signal              -    -    -      -    -      0
queue               -    -    -      -    -      0
recv→queued         -    -    -      -    -      0
queued→taken        -    -    -      -    -      0
created→received    -    -    -      -    -      0
received→sent       -    -    -      -    -      0
sent→recv           -    -    -      -    -      0
content→meta        -    -    -      -    -      0
",
        );
    }

    #[test]
    fn the_short_form_leaves_out_what_was_not_measured() {
        let mut recorder = Recorder::new();
        recorder.record(Stage::Merge, 160);
        recorder.record(Stage::SentRecv, -1);
        let expected = "
stage         p50     p90     p99   p99.9     max  count  negative
merge      160 ns  160 ns  160 ns  160 ns  160 ns      1         0
sent→recv       -       -       -       -       -      0         1
";
        assert_eq!(format!("{:#}", recorder.snapshot()), expected.trim_start_matches('\n'));
    }

    #[test]
    fn numbers_are_right_justified_and_trouble_adds_columns() {
        check(
            &[
                (Stage::Decode, 987),
                (Stage::Decode, 1_210),
                (Stage::Merge, 160),
                (Stage::Total, 18_900),
                (Stage::CreatedReceived, 208_000_000),
                (Stage::ReceivedSent, 7_200_000_000_000),
                (Stage::SentRecv, -3_000_000),
                (Stage::SentRecv, -1),
            ],
            "
stage                 p50      p90      p99    p99.9      max  count  negative  over 1 h
decode             987 ns  1.21 µs  1.21 µs  1.21 µs  1.21 µs      2         0         0
merge              160 ns   160 ns   160 ns   160 ns   160 ns      1         0         0
signal                  -        -        -        -        -      0         0         0
queue                   -        -        -        -        -      0         0         0
recv→queued       18.9 µs  18.9 µs  18.9 µs  18.9 µs  18.9 µs      1         0         0
queued→taken            -        -        -        -        -      0         0         0
created→received   208 ms   208 ms   208 ms   208 ms   208 ms      1         0         0
received→sent      3600 s   3600 s   3600 s   3600 s   7200 s      1         0         1
sent→recv               -        -        -        -        -      0         2         0
content→meta            -        -        -        -        -      0         0         0
",
        );
    }
}
