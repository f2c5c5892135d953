//! `universe.csv`: its text, and what it says.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use stoop_engine::syntax::{Source, SyntaxError};
use stoop_engine::{UNIVERSE_BYTES, Universe};

/// A universe with the text it was read from, which goes onto every tape.
#[derive(Clone, Debug)]
pub struct UniverseFile {
    source: Source,
    universe: Arc<Universe>,
}

/// Why a file is not a universe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UniverseError {
    /// The file could not be read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Rows of it are bad.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Rows(Vec<SyntaxError>),
}

impl UniverseFile {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, UniverseError> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        // One byte more than there may be is enough to tell that it is too long.
        let read = File::open(path)
            .and_then(|file| file.take(UNIVERSE_BYTES as u64 + 1).read_to_end(&mut bytes).map(drop));
        match read {
            Ok(()) => Self::parse(&name, &text(&name, bytes)?),
            Err(source) => Err(UniverseError::Read { name, source }),
        }
    }

    /// Reads a text; `name` is what errors call it.
    pub fn parse(name: &str, text: &str) -> Result<Self, UniverseError> {
        let universe = Universe::parse(name, text).map_err(UniverseError::Rows)?;
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        Ok(Self { source, universe: Arc::new(universe) })
    }

    /// The text, and its name in errors.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What it says.
    pub fn universe(&self) -> &Arc<Universe> {
        &self.universe
    }
}

/// The bytes as text; spreadsheets like to save UTF-16, which is named as such.
fn text(name: &str, bytes: Vec<u8>) -> Result<String, UniverseError> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        let what = if is_utf16 { "the file is in UTF-16; save it as UTF-8" } else { "this is not UTF-8" };
        let source = Source { name: name.to_owned(), text: before };
        UniverseError::Rows(vec![source.error(good, what.to_owned())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("u.csv");
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (bytes, expect) in [
            (utf16("\u{feff}symbol,venue,market\n"), "u.csv:1:1: the file is in UTF-16; save it as UTF-8"),
            (b"symbol,venue,market\nA,b,\xe4\n".to_vec(), "u.csv:2:5: this is not UTF-8"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = UniverseFile::load(&path).unwrap_err().to_string();
            assert!(error.ends_with(expect), "{error}");
        }
        std::fs::write(&path, "x".repeat(UNIVERSE_BYTES + 10)).unwrap();
        let error = UniverseFile::load(&path).unwrap_err().to_string();
        assert!(error.contains("a universe is at most 12582912 bytes"), "{error}");
        let error = UniverseFile::load(&folder.path().join("none.csv")).unwrap_err();
        assert!(matches!(error, UniverseError::Read { .. }), "{error}");
    }
}
