//! The files that findings were made from, and a caveat about them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

/// A file that the study was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its role: `frames`, `configuration`, `rules`, `prices`.
    pub role: &'static str,
    /// Its name, without the folders it lay in.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// A file that could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct HashError {
    /// The file.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Names a file by what it holds.
pub fn hash_file(role: &'static str, path: &Path) -> Result<Source, HashError> {
    let fail = |source| HashError { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut hash = Sha256::new();
    // In pieces, because price files are larger than memory should be.
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(fail)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let mut sha256 = String::new();
    for byte in hash.finalize() {
        write!(sha256, "{byte:02x}").expect("a String accepts every text");
    }
    // Without its folders, so that a report can be shared and compared between machines.
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Source { role, name, sha256 })
}

/// The caveat that a reader should see first.
pub(crate) const WARNING: &str = "Series and authors were chosen with hindsight: coins that died and accounts that \
    fell silent are missing, so the rest looks better than it did at the time. No figure here corrects for that.";
