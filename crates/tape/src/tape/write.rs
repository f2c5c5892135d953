//! Writing a tape.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mcap::records::MessageHeader;
use mcap::write::NoSeek;
use mcap::{Compression, McapError, WriteOptions, Writer};

use super::{
    BYTES_ENCODING, DECISIONS, ENDPOINT_KEY, EVENTS, FRAMES, JSON_ENCODING, MAX_RECORD_BYTES, ORIGIN_KEY,
    Origin, PROFILE, Record,
};

/// How a tape is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeOptions {
    /// A chunk that holds more bytes than this, before compression, is closed; at most 16 MiB.
    pub chunk_bytes: usize,
    /// A chunk whose first record is older than this is closed by the next record or [`TapeWriter::tick`], ns.
    pub chunk_ns: u64,
    /// Of zstd, 1 to 22: higher is smaller and slower.
    pub level: u32,
}

impl Default for TapeOptions {
    fn default() -> Self {
        Self { chunk_bytes: 1 << 20, chunk_ns: 1_000_000_000, level: 1 }
    }
}

const MOST_CHUNK_BYTES: usize = 16 << 20;

/// Why a tape could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TapeWriteError {
    /// There is a file of that name; tapes are never overwritten.
    #[error("{} exists; no tape is overwritten", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be created.
    #[error("cannot create {}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file could not be written; nothing can be added to it any more.
    #[error("cannot write {} from byte {offset} on", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Bytes handed to the operating system before.
        offset: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A record is longer than [`MAX_RECORD_BYTES`]; it was left out.
    #[error("{}: a record of {bytes} bytes is too long", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
}

/// Writes a tape: a new file, to which records are added until it is sealed.
///
/// It has no thread and no clock: the caller says what time it is. Records stay in a chunk in memory until that is
/// closed, by size, by age, or by [`Self::flush`]. If it is dropped without [`Self::seal`], the tape can be read to its
/// end and reports that it was not sealed.
///
/// Times never decrease on a tape, so that a tool that sorts by time leaves the records in their order: one that lies
/// before that of the record before it is written as that.
///
/// ```
/// use stoop_tape::{Origin, Record, Tape, TapeOptions, TapeWriter};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.mcap");
/// let origin = Origin::endpoint(0, "default").expect("the first of eight");
/// let mut tape = TapeWriter::create(&path, TapeOptions::default())?;
/// tape.frame(&origin, 1_781_095_200_131_000_000, Some(1_781_095_200_123_000_000), b"{\"v\":1}")?;
/// tape.seal()?;
///
/// let mut tape = Tape::open(&path)?;
/// assert!(matches!(tape.read()?, Some(Record::Frame { bytes: b"{\"v\":1}", .. })));
/// assert_eq!(tape.read()?, None);
/// assert!(tape.end().is_sealed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TapeWriter {
    path: PathBuf,
    /// None once it is sealed.
    out: Option<Writer<NoSeek<Out>>>,
    /// The same file, to sync it to disk.
    file: Option<File>,
    // Shared with the writer inside `Writer`, which does not give access to it.
    written: Arc<AtomicU64>,
    options: TapeOptions,
    // Lists: there are at most eight endpoints and history.
    frames: Vec<(Origin, u16)>,
    events: Option<u16>,
    decisions: Option<u16>,
    unknown: Vec<(String, u16)>,
    sequence: u32,
    records: u64,
    last_ns: u64,
    /// Time of the first record of the open chunk.
    chunk_began_ns: Option<u64>,
}

impl TapeWriter {
    /// Creates the file and writes its head.
    pub fn create(path: &Path, options: TapeOptions) -> Result<Self, TapeWriteError> {
        // `create_new` and not a check before: two runs may begin at one moment.
        let created = File::create_new(path).and_then(|file| Ok((file.try_clone()?, file)));
        let (out, file) = created.map_err(|source| {
            let path = path.to_owned();
            if source.kind() == ErrorKind::AlreadyExists {
                TapeWriteError::Exists { path }
            } else {
                TapeWriteError::Create { path, source }
            }
        })?;
        Self::begin(path, Box::new(out), Some(file), options)
    }

    /// Writes to anything; `name` stands for the path in errors.
    pub fn over(
        name: impl Into<PathBuf>,
        out: impl Write + Send + 'static,
        options: TapeOptions,
    ) -> Result<Self, TapeWriteError> {
        Self::begin(&name.into(), Box::new(out), None, options)
    }

    fn begin(
        path: &Path,
        out: Box<dyn Write + Send>,
        file: Option<File>,
        options: TapeOptions,
    ) -> Result<Self, TapeWriteError> {
        let written = Arc::new(AtomicU64::new(0));
        let out = NoSeek::new(Out { out: BufWriter::new(out), written: Arc::clone(&written) });
        let write = WriteOptions::new()
            .profile(PROFILE)
            .library(concat!("stoop ", env!("CARGO_PKG_VERSION")))
            .compression(Some(Compression::Zstd))
            .compression_level(options.level.clamp(1, 22))
            // Zero: in the caller's thread.
            .compression_threads(0)
            .chunk_size(Some(options.chunk_bytes.min(MOST_CHUNK_BYTES) as u64))
            // A chunk is held back and written whole, its length before it.
            .disable_seeking(true);
        let failed = |source| failure(path, &written, source);
        let mut out = write.create(out).map_err(failed)?;
        // The head reaches the file at once: an empty file would not be a tape.
        out.flush().map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            out: Some(out),
            file,
            written,
            options,
            frames: Vec::new(),
            events: None,
            decisions: None,
            unknown: Vec::new(),
            sequence: 0,
            records: 0,
            last_ns: 0,
            chunk_began_ns: None,
        })
    }

    /// Adds a frame that came at `recv_ns`; `sent_ns` is its `ts` where that is plausible. Both are Unix ns.
    pub fn frame(
        &mut self,
        origin: &Origin,
        recv_ns: i64,
        sent_ns: Option<i64>,
        bytes: &[u8],
    ) -> Result<(), TapeWriteError> {
        let known = self.frames.iter().find(|(known, _)| known == origin).map(|(_, channel)| *channel);
        let channel = if let Some(channel) = known {
            channel
        } else {
            let says = [(ORIGIN_KEY, origin.to_string()), (ENDPOINT_KEY, origin.name().to_owned())];
            let says = says.map(|(key, value)| (key.to_owned(), value));
            let channel = self.channel(FRAMES, BYTES_ENCODING, &BTreeMap::from(says))?;
            self.frames.push((origin.clone(), channel));
            channel
        };
        self.record(channel, recv_ns, sent_ns, bytes)
    }

    /// Adds an event that came at `at_ns`, Unix ns: a JSON object with a `type`.
    pub fn event(&mut self, at_ns: i64, json: &[u8]) -> Result<(), TapeWriteError> {
        let channel = match self.events {
            Some(channel) => channel,
            None => self.channel(EVENTS, JSON_ENCODING, &BTreeMap::new())?,
        };
        self.events = Some(channel);
        self.record(channel, at_ns, None, json)
    }

    /// Adds a decision that was made at `at_ns`, Unix ns: its line, without a newline.
    pub fn decision(&mut self, at_ns: i64, line: &[u8]) -> Result<(), TapeWriteError> {
        let channel = match self.decisions {
            Some(channel) => channel,
            None => self.channel(DECISIONS, JSON_ENCODING, &BTreeMap::new())?,
        };
        self.decisions = Some(channel);
        self.record(channel, at_ns, None, line)
    }

    /// Adds a record of another tape as it is.
    pub fn copy(&mut self, record: &Record<'_>) -> Result<(), TapeWriteError> {
        match *record {
            Record::Frame { origin, recv_ns, sent_ns, bytes } => {
                self.frame(origin, recv_ns, Some(sent_ns), bytes)
            }
            Record::Event { at_ns, json } => self.event(at_ns, json),
            Record::Decision { at_ns, line } => self.decision(at_ns, line),
            Record::Unknown { topic, at_ns, bytes } => {
                let known =
                    self.unknown.iter().find(|(known, _)| known == topic).map(|(_, channel)| *channel);
                let channel = if let Some(channel) = known {
                    channel
                } else {
                    let channel = self.channel(topic, BYTES_ENCODING, &BTreeMap::new())?;
                    self.unknown.push((topic.to_owned(), channel));
                    channel
                };
                self.record(channel, at_ns, None, bytes)
            }
        }
    }

    /// Closes the chunk if it is old enough at `now_ns`, Unix ns: for times when nothing comes.
    pub fn tick(&mut self, now_ns: i64) -> Result<(), TapeWriteError> {
        let now_ns = u64::try_from(now_ns).unwrap_or(0);
        let age_ns = self.chunk_began_ns.map(|began_ns| now_ns.saturating_sub(began_ns));
        if age_ns.is_some_and(|age_ns| age_ns >= self.options.chunk_ns) { self.flush() } else { Ok(()) }
    }

    /// Closes the chunk and hands it to the operating system: from then on a crash of the process leaves it whole.
    pub fn flush(&mut self) -> Result<(), TapeWriteError> {
        self.chunk_began_ns = None;
        self.with(Writer::flush)
    }

    /// Bytes handed to the operating system so far: those of closed chunks.
    pub fn bytes(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Records added so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Writes summary and footer, by which other tools find their way, and waits until the disk has everything.
    pub fn seal(mut self) -> Result<(), TapeWriteError> {
        // Taken out first: after a failure there is nothing left to close.
        if let Some(mut out) = self.out.take() {
            out.finish().map_err(|source| failure(&self.path, &self.written, source))?;
        }
        // A sealed tape claims to be whole, so it has to be on the disk.
        let synced = self.file.take().map_or(Ok(()), |file| file.sync_all());
        synced.map_err(|source| failure(&self.path, &self.written, source.into()))
    }

    fn channel(
        &mut self,
        topic: &str,
        encoding: &str,
        says: &BTreeMap<String, String>,
    ) -> Result<u16, TapeWriteError> {
        self.with(|out| out.add_channel(0, topic, encoding, says))
    }

    fn record(
        &mut self,
        channel_id: u16,
        at_ns: i64,
        sent_ns: Option<i64>,
        bytes: &[u8],
    ) -> Result<(), TapeWriteError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(TapeWriteError::TooLong { path: self.path.clone(), bytes: bytes.len() });
        }
        // Never before the last record: tools that sort by time must leave inputs in their order.
        let log_time = u64::try_from(at_ns).unwrap_or(0).max(self.last_ns);
        // Before the record: an old chunk is closed without it, so that a chunk spans no more than its time.
        self.tick(i64::try_from(log_time).unwrap_or(i64::MAX))?;
        // Without a plausible `ts` the time of receipt: MCAP has no empty time.
        let publish_time = sent_ns.and_then(|sent_ns| u64::try_from(sent_ns).ok()).unwrap_or(log_time);
        let header = MessageHeader { channel_id, sequence: self.sequence, log_time, publish_time };
        self.with(|out| out.write_to_known_channel(&header, bytes))?;
        self.last_ns = log_time;
        self.chunk_began_ns.get_or_insert(log_time);
        self.sequence = self.sequence.wrapping_add(1);
        self.records += 1;
        Ok(())
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Writer<NoSeek<Out>>) -> Result<T, McapError>,
    ) -> Result<T, TapeWriteError> {
        let out = self.out.as_mut().expect("sealing consumes the tape, so nothing writes to it afterwards");
        act(out).map_err(|source| failure(&self.path, &self.written, source))
    }
}

fn failure(path: &Path, written: &AtomicU64, source: McapError) -> TapeWriteError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else it is, the file cannot be written")]
    let source = match source {
        McapError::Io(source) => source,
        other => io::Error::other(other),
    };
    TapeWriteError::Write { path: path.to_owned(), offset: written.load(Ordering::Relaxed), source }
}

impl Drop for TapeWriter {
    fn drop(&mut self) {
        if let Some(mut out) = self.out.take() {
            // There is no one to report to; a reader will say that the tape was not sealed.
            drop(out.flush());
            // Otherwise the writer would seal it.
            drop(out.into_inner());
        }
    }
}

impl std::fmt::Debug for TapeWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeWriter")
            .field("path", &self.path)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

/// Counts what goes out.
struct Out {
    out: BufWriter<Box<dyn Write + Send>>,
    written: Arc<AtomicU64>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let accepted = self.out.write(bytes)?;
        self.written.fetch_add(accepted as u64, Ordering::Relaxed);
        Ok(accepted)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
