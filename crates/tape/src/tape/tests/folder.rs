//! A folder of tapes is one input.

use std::path::PathBuf;

use super::super::{Tapes, TapesError, TapesRead};
use super::*;

struct Shelf(tempfile::TempDir);

impl Shelf {
    /// Tapes by name, each with the times of its records in ms.
    fn of(tapes: &[(&str, &[i64])]) -> Self {
        let shelf = Self(tempfile::tempdir().unwrap());
        for (name, times) in tapes {
            let mut tape = TapeWriter::create(&shelf.0.path().join(name), TapeOptions::default()).unwrap();
            for at in *times {
                tape.event(at * 1_000_000, format!("{at}").as_bytes()).unwrap();
            }
            tape.seal().unwrap();
        }
        shelf
    }

    fn read(&self) -> Result<Vec<String>, TapesError> {
        let mut tapes = Tapes::open(&[self.0.path().to_owned()])?;
        let mut seen = Vec::new();
        let name = |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        while let Some(read) = tapes.read()? {
            seen.push(match read {
                TapesRead::Begin(path) => format!("+{}", name(path)),
                TapesRead::Record(record) => String::from_utf8(record.bytes().to_vec()).unwrap(),
                TapesRead::End(path, end) => format!("-{} {}", name(path), end.records),
            });
        }
        assert!(tapes.read()?.is_none());
        Ok(seen)
    }
}

#[test]
fn tapes_come_in_order_of_time() {
    let shelf = Shelf::of(&[("b.mcap", &[1, 2]), ("a.mcap", &[2, 3]), ("empty.mcap", &[])]);
    std::fs::write(shelf.0.path().join("notes.txt"), "not read").unwrap();
    let expect =
        ["+empty.mcap", "-empty.mcap 0", "+b.mcap", "1", "2", "-b.mcap 2", "+a.mcap", "2", "3", "-a.mcap 2"];
    assert_eq!(shelf.read().unwrap(), expect);
}

#[test]
fn tapes_of_the_same_time_are_refused() {
    let shelf = Shelf::of(&[("a.mcap", &[1, 5]), ("b.mcap", &[4, 6])]);
    let error = shelf.read().unwrap_err();
    assert!(error.to_string().contains("b.mcap begins before"), "{error}");
    assert!(matches!(error, TapesError::Overlap { overlap_ns: 1_000_000, .. }), "{error:?}");
}

#[test]
fn a_folder_without_tapes_is_an_error() {
    let shelf = Shelf::of(&[]);
    assert!(matches!(shelf.read().unwrap_err(), TapesError::NoTape { .. }));
    let missing = Tapes::open(&[PathBuf::from("/nonexistent/a.mcap"), PathBuf::from("/nonexistent/b.mcap")]);
    assert!(matches!(missing.unwrap_err(), TapesError::Tape(TapeError::Open { .. })));
}

#[test]
fn a_tape_is_known_by_its_name() {
    let is_tape = |name: &str| super::super::is_tape(&PathBuf::from(name));
    assert!(
        is_tape("a.mcap")
            && is_tape("a.MCAP")
            && is_tape("b/a.mcap.zst")
            && is_tape("a.mcap.gz")
            && is_tape("/")
    );
    assert!(!is_tape("a.jsonl") && !is_tape("a.mcap.jsonl") && !is_tape("mcap") && !is_tape("-"));
}
