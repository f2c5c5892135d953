//! How to record.

use std::path::PathBuf;

use stoop_tape::TapeConfig;

use super::TapeCheck;

/// How to record.
#[derive(Clone, Debug)]
pub struct TapeSettings {
    /// The folder for the tapes; made if there is none.
    pub dir: PathBuf,
    /// What stands at the head of each: the configuration and its rules.
    pub config: TapeConfig,
    /// A file that has grown beyond this many bytes is ended, and the next one begun.
    pub max_bytes: u64,
    /// So is a file that was begun this long ago, ns.
    pub max_ns: i64,
    /// Checks each file that has ended, on a thread of its own; none: files are not checked.
    pub check: Option<TapeCheck>,
}
