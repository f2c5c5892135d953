//! Reading a tape.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mcap::McapError;
use mcap::records::op;
use mcap::sans_io::{LinearReadEvent, LinearReader, LinearReaderOptions};

use super::chunk::{Chunk, Fields, Place};
use super::{MAX_CHUNK_BYTES, PROFILE, PROFILE_FAMILY, Record};
use crate::input::{self, Opened};

/// Of an MCAP record: opcode and length.
const HEAD_BYTES: u64 = 9;
/// Of a message index: channel and length; then entries of time and place.
const INDEX_HEAD_BYTES: usize = 6;
const INDEX_ENTRY_BYTES: usize = 16;
/// Bytes requested at once, whatever length a record claims.
const READ_BYTES: usize = 256 << 10;

/// Why a tape could not be read. Faults inside it are [`Damage`].
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file is missing, unreadable or a directory.
    #[error("cannot open {}", path.display())]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system failed a read.
    #[error("cannot read {} at byte {offset}", path.display())]
    Read {
        /// The path as it was given.
        path: PathBuf,
        /// Bytes read before, after decompression.
        offset: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It is not an MCAP file.
    #[error("{} is not a tape: it does not begin as an MCAP file does", path.display())]
    NotMcap {
        /// The path as it was given.
        path: PathBuf,
    },
    /// It is an MCAP file of another program.
    #[error("{} is not a tape of stoop: its profile is {profile:?}", path.display())]
    Foreign {
        /// The path as it was given.
        path: PathBuf,
        /// What it says it is.
        profile: String,
    },
    /// A later version of this program wrote it.
    #[error("{} was written by a newer version: its layout is {profile:?}, this one reads {PROFILE:?}", path.display())]
    Newer {
        /// The path as it was given.
        path: PathBuf,
        /// What it says it is.
        profile: String,
    },
}

/// Where a tape stops making sense, and why. Everything before that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where what cannot be read begins, bytes; in a compressed file, of what is compressed.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// How a tape ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapeEnd {
    /// It was ended in order: summary and footer are there and say what the records say.
    pub is_sealed: bool,
    /// It ends early; a tape that was never sealed may end without damage.
    pub damage: Option<Damage>,
    /// Records read.
    pub records: u64,
    /// Bytes up to the end or the damage.
    pub bytes: u64,
}

/// Reads a tape record by record, a chunk at a time.
///
/// A chunk is passed on only if its checksum is right and its records follow on from those before, so that what is
/// read is what was written, up to where it ends. Memory is bounded by the longest chunk, 64 MiB, whatever the file
/// claims.
pub struct Tape {
    path: PathBuf,
    source: Opened,
    reader: LinearReader,
    /// The first bytes, which show whether the file is a tape, however short it is.
    magic: Vec<u8>,
    /// Bytes given to the reader.
    read_bytes: u64,
    /// Where the record that comes next begins.
    offset: u64,
    chunk: Chunk,
    /// A record of it that was found and not handed out yet.
    next: Option<Place>,
    /// Where the chunk begins.
    chunk_offset: u64,
    section: Section,
    end: TapeEnd,
}

/// The part that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Head,
    Data,
    Summary,
    Over,
}

impl Tape {
    /// Opens a tape, plain, `.gz` or `.zst`, and reads its head.
    ///
    /// A file that ends within its head has no records and is damaged.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let source = input::open(path).map_err(|source| TapeError::Open { path: path.to_owned(), source })?;
        Self::begin(path, source)
    }

    /// Reads a tape from anything that is not compressed; `name` stands for the path in errors.
    pub fn from_reader(
        name: impl Into<PathBuf>,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, TapeError> {
        Self::begin(&name.into(), Opened::plain(reader))
    }

    /// The next record; none at the end of the tape, which [`Self::end`] describes.
    pub fn read(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        self.advance()?;
        let Some(place) = self.next.take() else { return Ok(None) };
        self.end.records += 1;
        Ok(Some(self.chunk.record(&place)))
    }

    /// The time of the next record, Unix ns; none at the end.
    pub fn peek(&mut self) -> Result<Option<i64>, TapeError> {
        self.advance()?;
        Ok(self.next.as_ref().map(|place| place.log_ns))
    }

    /// Finds the next record, if that was not done yet.
    fn advance(&mut self) -> Result<(), TapeError> {
        while self.next.is_none() {
            match self.chunk.next() {
                Ok(Some(place)) => self.next = Some(place),
                Ok(None) if self.section == Section::Over => break,
                Ok(None) => self.step()?,
                Err(fault) => self.stop(self.chunk_offset, Some(fault.to_string())),
            }
        }
        Ok(())
    }

    /// How it ends; not whole before [`Self::read`] has returned none.
    pub fn end(&self) -> &TapeEnd {
        &self.end
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn begin(path: &Path, source: Opened) -> Result<Self, TapeError> {
        let options = LinearReaderOptions::default()
            // Chunks are unpacked here and not by the reader, so that a damaged one yields no record at all.
            .with_emit_chunks(true)
            .with_validate_data_section_crc(true)
            .with_validate_summary_section_crc(true)
            .with_check_finishes_after_end_magic(true)
            .with_record_length_limit(MAX_CHUNK_BYTES);
        let mut tape = Self {
            path: path.to_owned(),
            source,
            reader: LinearReader::new_with_options(options),
            magic: Vec::with_capacity(mcap::MAGIC.len()),
            read_bytes: 0,
            offset: mcap::MAGIC.len() as u64,
            chunk: Chunk::default(),
            next: None,
            chunk_offset: 0,
            section: Section::Head,
            end: TapeEnd::default(),
        };
        while tape.section == Section::Head {
            tape.step()?;
        }
        Ok(tape)
    }

    /// Reads one MCAP record, or as much of the file as is needed for it.
    fn step(&mut self) -> Result<(), TapeError> {
        match self.reader.next_event() {
            Some(Ok(LinearReadEvent::ReadRequest(wanted))) => self.fill(wanted),
            Some(Ok(LinearReadEvent::Record { opcode, data })) => {
                let begins = self.offset;
                self.offset += HEAD_BYTES + data.len() as u64;
                let found = match (self.section, opcode) {
                    (Section::Head, op::HEADER) => {
                        self.section = Section::Data;
                        head(&self.path, data)?
                    }
                    (Section::Data, op::CHUNK) => {
                        // Damage inside a chunk is reported where the chunk begins: bytes within it are compressed.
                        self.chunk_offset = begins;
                        self.chunk.load(data).map_err(|fault| fault.to_string())
                    }
                    (Section::Data, op::MESSAGE_INDEX) => index(data),
                    (Section::Data, op::DATA_END) => {
                        self.section = Section::Summary;
                        Ok(())
                    }
                    (
                        Section::Summary,
                        op::SCHEMA
                        | op::CHANNEL
                        | op::STATISTICS
                        | op::CHUNK_INDEX
                        | op::SUMMARY_OFFSET
                        | op::FOOTER,
                    ) => Ok(()),
                    // Refused and not skipped: a record that was moved or damaged may have held inputs.
                    (_, opcode) => Err(format!("a record of kind {opcode:#04x} stands where none should")),
                };
                if let Err(what) = found {
                    self.stop(begins, Some(what));
                }
                Ok(())
            }
            Some(Err(error)) => self.fail(&error),
            None => {
                self.section = Section::Over;
                self.end.is_sealed = true;
                self.end.bytes = self.read_bytes;
                Ok(())
            }
        }
    }

    /// Reads on, but never more at once than there is likely to be.
    fn fill(&mut self, wanted: usize) -> Result<(), TapeError> {
        // A length in a damaged file may ask for gigabytes.
        let into = self.reader.insert(wanted.min(READ_BYTES));
        let read = loop {
            match self.source.reader.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(bytes) => {
                let missing = mcap::MAGIC.len() - self.magic.len();
                self.magic.extend_from_slice(into.get(..bytes.min(missing)).unwrap_or_default());
                self.reader.notify_read(bytes);
                self.read_bytes += bytes as u64;
                Ok(())
            }
            Err(source) if self.source.is_damage(&source) => {
                let what = format!("the compressed data is damaged: {source}");
                self.stop(self.offset, Some(what));
                Ok(())
            }
            Err(source) => {
                self.section = Section::Over;
                Err(TapeError::Read { path: self.path.clone(), offset: self.read_bytes, source })
            }
        }
    }

    /// The reader cannot go on.
    fn fail(&mut self, error: &McapError) -> Result<(), TapeError> {
        // A tape that was cut within its magic is a damaged tape; a file that begins otherwise is not a tape.
        if self.section == Section::Head && !mcap::MAGIC.starts_with(&self.magic) {
            return Err(TapeError::NotMcap { path: self.path.clone() });
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others say what is wrong themselves")]
        let what = match error {
            McapError::UnexpectedEof if self.section == Section::Head => {
                Some("the file ends within its head".to_owned())
            }
            // It was not sealed, and ends where a record does.
            McapError::UnexpectedEof if self.read_bytes == self.offset => None,
            McapError::UnexpectedEof => Some(format!(
                "the file ends within a record, after {} bytes of it",
                self.read_bytes - self.offset
            )),
            McapError::BytesAfterEndMagic => {
                self.offset += mcap::MAGIC.len() as u64;
                Some("there is something after the end of the tape".to_owned())
            }
            error => Some(error.to_string()),
        };
        // Nothing of a damaged head can be trusted, so the damage begins at 0.
        let is_head = self.section == Section::Head;
        self.stop(if is_head { 0 } else { self.offset }, what);
        Ok(())
    }

    fn stop(&mut self, offset: u64, what: Option<String>) {
        // Records after the damage would be out of place, even if they are whole.
        self.chunk.clear();
        self.section = Section::Over;
        self.end.bytes = offset;
        self.end.damage = what.map(|what| Damage { offset, what });
    }
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape").field("path", &self.path).field("end", &self.end).finish_non_exhaustive()
    }
}

/// Checks which program wrote the tape.
fn head(path: &Path, body: &[u8]) -> Result<Result<(), String>, TapeError> {
    let Ok(profile) = Fields(body).text() else {
        return Ok(Err("the head of the tape cannot be read".to_owned()));
    };
    if profile == PROFILE {
        return Ok(Ok(()));
    }
    let (path, profile) = (path.to_owned(), profile.to_owned());
    // Only if it is a number, so that a damaged head does not pass for a newer version.
    let layout = profile.strip_prefix(PROFILE_FAMILY).and_then(|layout| layout.parse::<u32>().ok());
    Err(match layout {
        Some(_) => TapeError::Newer { path, profile },
        None => TapeError::Foreign { path, profile },
    })
}

/// Checks a message index: a chunk whose opcode was damaged could pass for one, and its records would be missing.
fn index(body: &[u8]) -> Result<(), String> {
    let is_index = body.split_at_checked(INDEX_HEAD_BYTES).is_some_and(|(head, entries)| {
        let length = Fields(head.get(2..).unwrap_or_default()).int();
        entries.len() % INDEX_ENTRY_BYTES == 0 && length.is_ok_and(|length| length as usize == entries.len())
    });
    if is_index { Ok(()) } else { Err("a message index is not one".to_owned()) }
}
