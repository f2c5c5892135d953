//! Prices on disk: a folder of files, each of one series, read one series at a time, of which a stretch is in memory.

mod columns;
mod error;
mod names;
mod row;
mod series;
mod source;
mod span;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

pub use error::{FileError, PriceError};
pub use names::Named;
pub(crate) use names::plain;
#[cfg(test)]
pub(crate) use row::Row;
pub use row::{Layout, RowFault};
pub(crate) use series::{Builder, Need};
pub use series::{Hole, Holes, Series};

use names::Names;
use series::ROWS;
use source::read_rows;

/// Rows at the head of a file that say how far apart its bars are.
const HEAD_ROWS: usize = 1000;

/// A folder of price files by series: the name of a file up to its first `-`, or up to its first `.`.
///
/// Looks at names only; files are read when decisions are measured.
#[derive(Clone, Debug)]
pub struct Prices {
    folder: PathBuf,
    files: BTreeMap<String, Vec<PathBuf>>,
    names: Names,
}

/// Endings of files of prices.
const ENDINGS: [&str; 5] = [".csv", ".csv.gz", ".csv.zst", ".zip", ".parquet"];

/// The name of a file of prices without its ending; `None` for other files.
fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    ENDINGS.iter().find(|ending| lower.ends_with(*ending)).map(|ending| &name[..name.len() - ending.len()])
}

impl Prices {
    /// Lists the files of a folder.
    pub fn open(folder: &Path) -> Result<Self, PriceError> {
        let fail = |source| PriceError::Folder { path: folder.to_owned(), source };
        let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let series = stem(&path).and_then(|stem| stem.split(['-', '.']).next()).unwrap_or_default();
            if !series.is_empty() {
                // A file that is missing, such as the target of a link, is reported when it is read.
                // A pipe or a device would block the study when it is opened.
                if path.metadata().is_ok_and(|data| !data.is_file() && !data.is_dir()) {
                    return Err(PriceError::NoFile { path });
                }
                files.entry(series.to_owned()).or_default().push(path);
            }
        }
        if files.is_empty() {
            return Err(PriceError::Nothing { path: folder.to_owned() });
        }
        for files in files.values_mut() {
            files.sort();
        }
        let names = Names::new(files.keys());
        Ok(Self { folder: folder.to_owned(), files, names })
    }

    /// Names of the series, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The series that is meant by a name, whatever its case and separators (`-`, `/`, `_`).
    ///
    /// Files are of one series only if they are called exactly the same up to there. Of series whose names differ by
    /// case and separators only, the one called exactly as asked is meant, else one that differs only by case, else
    /// one without separators; if that leaves several, or none of them, the name is ambiguous.
    pub fn find(&self, name: &str) -> Named<'_> {
        self.names.find(name)
    }

    /// The files of a series; none if it is not there.
    pub fn files(&self, series: &str) -> &[PathBuf] {
        self.files.get(series).map(Vec::as_slice).unwrap_or_default()
    }

    /// Reads a series in order of time, whatever the order of its files.
    ///
    /// `each` says which stretch it wants to see. It is called at the start, and whenever rows have come up to the
    /// end of the stretch asked for last, with what is in memory and the time up to which nothing is missing; at the
    /// end with all there is. Returned is what was in memory last.
    pub(crate) fn read(
        &self,
        series: &str,
        mut each: impl FnMut(&Series, i64) -> Need,
    ) -> Result<Series, PriceError> {
        let mut heads =
            self.files(series).iter().map(|path| Head::read(path)).collect::<Result<Vec<_>, _>>()?;
        // By content and not by name: names of daily and monthly files do not sort by time.
        heads.sort_by_key(|head| head.first_ns);
        let first = heads.first().ok_or_else(|| self.missing(series))?;
        let clash = |second: &Head, what: &str| PriceError::Clash {
            first: first.path.clone(),
            second: second.path.clone(),
            what: what.to_owned(),
        };
        let step_ns =
            heads.iter().map(|head| head.step_ns).find(|step_ns| *step_ns > 0).unwrap_or(first.span_ns);
        let mut builder = Builder::new(first.layout, step_ns);
        let mut ask = |builder: &mut Builder| {
            let (series, until_ns) = builder.so_far();
            let need = each(series, until_ns);
            builder.ask(need);
        };
        ask(&mut builder);
        for (index, head) in heads.iter().enumerate() {
            if head.layout != first.layout {
                return Err(clash(head, "klines and trades of one series: keep one of them"));
            }
            // A file of one bar has no step and fits any.
            if head.layout == Layout::Klines && head.step_ns > 0 && head.step_ns != step_ns {
                return Err(clash(head, "bars of different lengths: keep one of them"));
            }
            // To name both files if they overlap.
            let before = index.checked_sub(1).map(|before| heads[before].path.as_path());
            append(&mut builder, &head.path, before, series, &mut ask)?;
        }
        let series = builder.finish();
        // No more rows can come: what still waits is measured with what there is.
        each(&series, i64::MAX);
        Ok(series)
    }

    /// The error for a series that is not there.
    pub(crate) fn missing(&self, series: &str) -> PriceError {
        PriceError::Missing {
            series: series.to_owned(),
            path: self.folder.clone(),
            names: self.names().map(str::to_owned).collect(),
        }
    }
}

/// Appends one file to what was read so far.
fn append(
    builder: &mut Builder,
    path: &Path,
    before: Option<&Path>,
    series: &str,
    ask: &mut impl FnMut(&mut Builder),
) -> Result<(), PriceError> {
    let mut is_full = false;
    let mut is_first = true;
    let mut overlap = None;
    read_rows(path, |_, row, line| {
        // Checked before the row counts: times of closes would be prices from the future.
        let fault = builder.misplaced(&row);
        if let Some(fault) = fault {
            return Err(FileError::Row { path: path.to_owned(), line, fault });
        }
        let pushed = builder.push(&row);
        match (pushed, before) {
            (Ok(()), _) => {}
            (Err(what), Some(before)) if is_first => {
                overlap = Some((before.to_owned(), what));
                return Ok(false);
            }
            (Err(what), _) => return Err(FileError::Order { path: path.to_owned(), line, what }),
        }
        is_first = false;
        if builder.is_ready() {
            ask(builder);
        }
        is_full = builder.len() > ROWS;
        Ok(!is_full)
    })?;
    if is_full {
        return Err(PriceError::TooMany { series: series.to_owned() });
    }
    match overlap {
        Some((first, what)) => {
            let what = format!("the files overlap in time ({what})");
            Err(PriceError::Clash { first, second: path.to_owned(), what })
        }
        None => Ok(()),
    }
}

/// The facts that the head of a file gives.
struct Head {
    path: PathBuf,
    layout: Layout,
    first_ns: i64,
    /// Length of the first bar, as the bar gives it.
    span_ns: i64,
    /// The most frequent step from bar to bar, the shortest of these; 0 if there is one row only.
    step_ns: i64,
}

impl Head {
    fn read(path: &Path) -> Result<Self, FileError> {
        let mut head = None;
        let mut last_ns = 0;
        let mut steps: BTreeMap<i64, u32> = BTreeMap::new();
        let mut rows = 0;
        read_rows(path, |layout, row, _| {
            rows += 1;
            if head.is_some() {
                *steps.entry(row.at_ns - last_ns).or_default() += 1;
            } else {
                let (first_ns, span_ns) = (row.at_ns, row.span_ns);
                head = Some(Self { path: path.to_owned(), layout, first_ns, span_ns, step_ns: 0 });
            }
            last_ns = row.at_ns;
            Ok(layout == Layout::Klines && rows < HEAD_ROWS)
        })?;
        let mut head = head.ok_or_else(|| FileError::Empty { path: path.to_owned() })?;
        // A repeated time is reported as disorder when the file is read; here it is not a length.
        let steps = steps.into_iter().filter(|(step_ns, _)| *step_ns > 0);
        // The first of the most frequent ones: `max_by_key` would take the last.
        head.step_ns =
            steps.min_by_key(|(_, count)| std::cmp::Reverse(*count)).map_or(0, |(step_ns, _)| step_ns);
        Ok(head)
    }
}

#[cfg(test)]
mod tests;
