//! Why prices could not be read.

use std::io;
use std::path::PathBuf;

use super::row::RowFault;
use super::series::ROWS;

/// Why prices could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The folder is missing or unreadable.
    #[error("cannot read {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No file of prices is in it.
    #[error("{}: no prices: files are named after their series, such as DOGEUSDT-1m-2021-04.csv", path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
    },
    /// A pipe or a device, which may never end, and cannot be read again for its hash.
    #[error("{} is not a file", path.display())]
    NoFile {
        /// The path, whose name is that of a file of prices.
        path: PathBuf,
    },
    /// A file is not as it should be.
    #[error(transparent)]
    File(#[from] FileError),
    /// Files of one series that do not go together.
    #[error("{} and {}: {what}", first.display(), second.display())]
    Clash {
        /// The one.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// Why not.
        what: String,
    },
    /// A stretch of a series that does not fit into memory.
    #[error("{series}: more than {ROWS} rows within the days around a decision: use bars instead of trades")]
    TooMany {
        /// The series.
        series: String,
    },
    /// A series that was asked for by name.
    #[error("no series {series} in {}: it has {}", path.display(), first(names))]
    Missing {
        /// The series.
        series: String,
        /// The folder.
        path: PathBuf,
        /// The series that it has.
        names: Vec<String>,
    },
}

/// Some of the names, and how many more there are.
fn first(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Why a file of prices could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is missing or unreadable.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system or the decompressor.
        source: io::Error,
    },
    /// An archive that does not hold one file of prices.
    #[error("{}: {what}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It is not CSV.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The error of the reader, with the line.
        source: csv::Error,
    },
    /// It is not Parquet, damaged, or without a column that is needed.
    #[error("{}: {what}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A row that cannot be right.
    #[error("{}:{line}: {fault}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Line, from 1; in Parquet the row.
        line: u64,
        /// What is wrong.
        fault: RowFault,
    },
    /// Rows that do not follow each other in time.
    #[error("{}:{line}: {what}", path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// Line, from 1; in Parquet the row.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// No row at all.
    #[error("{}: no rows", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}
