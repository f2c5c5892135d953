//! A file of prices, row by row, whatever it is packed in.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use zip::ZipArchive;

use super::columns::read_records;
use super::error::FileError;
use super::row::{Layout, Row, RowFault, is_header, shown};
use super::span::Span;

const BUFFER_BYTES: usize = 64 << 10;

/// Calls `each` with every row of a file and its line, or its number in Parquet, until it breaks.
///
/// `.gz`, `.zst` and `.zip` (of one file) are unpacked. A first row that begins with a letter is a header.
pub(crate) fn read_rows(
    path: &Path,
    mut each: impl FnMut(Layout, Row, u64) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let span = Span::of(path);
    let mut layout = None;
    let read = |record: &ByteRecord, line: u64| {
        let bad = |fault| FileError::Row { path: path.to_owned(), line, fault };
        let known = match layout {
            Some(known) => known,
            None => *layout.insert(Layout::of(record).map_err(bad)?),
        };
        let row = known.read(record).map_err(bad)?;
        if let Some(span) = span.as_ref().filter(|span| !span.holds(row.at_ns)) {
            return Err(bad(RowFault::Outside { at: shown(row.at_ns), span: span.name.clone() }));
        }
        each(known, row, line)
    };
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) {
        read_records(path, read)?;
    } else {
        unpack(path, |reader| read_lines(path, reader, read))?;
    }
    if layout.is_none() {
        return Err(FileError::Empty { path: path.to_owned() });
    }
    Ok(())
}

/// Calls `each` with every record of a CSV file and its line, except for a header, until it breaks.
fn read_lines(
    path: &Path,
    reader: &mut dyn Read,
    mut each: impl FnMut(&ByteRecord, u64) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut record = ByteRecord::new();
    let mut is_first = true;
    let fail = |source| FileError::Csv { path: path.to_owned(), source };
    while rows.read_byte_record(&mut record).map_err(fail)? {
        if std::mem::take(&mut is_first) && is_header(&record) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        if !each(&record, line)? {
            return Ok(());
        }
    }
    Ok(())
}

fn unpack<T>(path: &Path, read: impl FnOnce(&mut dyn Read) -> Result<T, FileError>) -> Result<T, FileError> {
    let fail = |source| FileError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic).map_err(fail)?;
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let file = BufReader::with_capacity(BUFFER_BYTES, file);
    if magic.starts_with(&[0x1f, 0x8b]) {
        return read(&mut BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file)));
    }
    if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return read(&mut zstd::Decoder::with_buffer(file).map_err(fail)?);
    }
    if !magic.starts_with(b"PK") {
        return read(&mut { file });
    }
    let broken = |what: String| FileError::Archive { path: path.to_owned(), what };
    let mut archive = ZipArchive::new(file).map_err(|error| broken(error.to_string()))?;
    if archive.len() != 1 {
        return Err(broken(format!("the archive holds {} files, not one", archive.len())));
    }
    let mut entry = archive.by_index(0).map_err(|error| broken(error.to_string()))?;
    read(&mut entry)
}
