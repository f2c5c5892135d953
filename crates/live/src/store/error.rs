//! Why a store cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a store could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error("{}: another process keeps its state there", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The operating system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its error.
        source: io::Error,
    },
    /// It could not be written.
    #[error("cannot write what is kept over a restart: {0}")]
    Write(String),
    /// Nor could what was found damaged be set aside.
    #[error("{}: it is damaged and cannot be renamed: {source}", path.display())]
    SetAside {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}
