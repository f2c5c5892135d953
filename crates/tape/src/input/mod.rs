//! Opening an input and reading it line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest line that is handed out, in bytes without its newline: the socket's own message limit,
/// so that whatever can be received can be read back.
pub const MAX_LINE_BYTES: usize = 16 << 20;

const BUFFER_BYTES: usize = 64 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why an input could not be opened or read to its end.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The file is missing, unreadable or a directory.
    #[error("cannot open {}", path.display())]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system failed a read.
    #[error("cannot read {} after line {line}", path.display())]
    Read {
        /// The path as it was given; `-` is stdin.
        path: PathBuf,
        /// Lines read whole before the failure.
        line: u64,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The compressed data is cut off or corrupt.
    #[error("compressed data of {} is damaged after line {line}", path.display())]
    Damaged {
        /// The path as it was given; `-` is stdin.
        path: PathBuf,
        /// Lines read whole before the damage.
        line: u64,
        /// The error of the decompressor.
        source: io::Error,
    },
}

/// An input that was opened, decompressed where it is compressed.
pub(crate) struct Opened {
    pub(crate) reader: Box<dyn BufRead + Send>,
    is_compressed: bool,
}

impl Opened {
    /// Anything that is not compressed.
    pub(crate) fn plain(reader: impl Read + Send + 'static) -> Self {
        let reader = Box::new(BufReader::with_capacity(BUFFER_BYTES, reader));
        Self { reader, is_compressed: false }
    }

    /// The compressed data is damaged, rather than out of reach.
    pub(crate) fn is_damage(&self, error: &io::Error) -> bool {
        // The decompressors report through `io::Error` too; only the operating system's errors carry a code.
        self.is_compressed && error.raw_os_error().is_none()
    }
}

/// Opens a path, or stdin for `-`.
///
/// `.gz` and `.zst` in the name decide on compression; under any other name, and on stdin, the first bytes do.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    let mut raw: Box<dyn BufRead + Send> = if path.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin()))
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
    };
    let (gzip, zstd) = match path.extension() {
        Some(ext) if ext.eq_ignore_ascii_case("gz") => (true, false),
        Some(ext) if ext.eq_ignore_ascii_case("zst") => (false, true),
        Some(_) | None => {
            // Peeked at and not consumed, since stdin cannot be rewound.
            let head = raw.fill_buf()?;
            (head.starts_with(&GZIP_MAGIC), head.starts_with(&ZSTD_MAGIC))
        }
    };
    let reader = if gzip || zstd { decompress(raw, gzip)? } else { raw };
    Ok(Opened { reader, is_compressed: gzip || zstd })
}

#[cfg(feature = "tape")]
fn decompress(raw: Box<dyn BufRead + Send>, is_gzip: bool) -> io::Result<Box<dyn BufRead + Send>> {
    if is_gzip {
        // Files that were appended to have several members; the plain decoder would end after the first.
        let decoder = flate2::bufread::MultiGzDecoder::new(raw);
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    let decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)))
}

#[cfg(not(feature = "tape"))]
fn decompress(_: Box<dyn BufRead + Send>, _: bool) -> io::Result<Box<dyn BufRead + Send>> {
    let what = "it is compressed, and this build of stoop lacks the cargo feature `tape`";
    Err(io::Error::new(io::ErrorKind::Unsupported, what))
}

/// Reads a whole input of at most `most_bytes`, a file or stdin for `-`, decompressed like [`Lines::open`].
pub fn read_input(path: &Path, most_bytes: u64) -> Result<Vec<u8>, InputError> {
    let mut opened = open(path).map_err(|source| InputError::Open { path: path.to_owned(), source })?;
    let mut bytes = Vec::new();
    let read = (&mut opened.reader).take(most_bytes.saturating_add(1)).read_to_end(&mut bytes);
    let too_long = || io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {most_bytes} bytes"));
    let read = read.and_then(|_| if bytes.len() as u64 > most_bytes { Err(too_long()) } else { Ok(()) });
    match read {
        Ok(()) => Ok(bytes),
        Err(source) => {
            let path = path.to_owned();
            let line = bytes.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
            Err(if opened.is_damage(&source) && source.kind() != io::ErrorKind::FileTooLarge {
                InputError::Damaged { path, line, source }
            } else {
                InputError::Read { path, line, source }
            })
        }
    }
}

/// One step of [`Lines::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The buffer holds the whole line, without its newline and without one `\r` before it.
    Whole {
        /// Its number, counted from 1 and including blank lines.
        number: u64,
    },
    /// The line is longer than [`MAX_LINE_BYTES`] and was passed over; the buffer is empty.
    TooLong {
        /// Its number, counted from 1 and including blank lines.
        number: u64,
        /// Its length in bytes, without the newline.
        bytes: u64,
    },
}

/// The lines of one input: a file, plain or compressed, or stdin.
///
/// Lines are bytes: an input is a record of what a socket delivered, which need not be UTF-8. Blank
/// lines (ASCII white space only) are passed over but counted.
///
/// ```
/// use stoop_tape::{Line, Lines};
///
/// let mut lines = Lines::from_reader("example", &b"{\"v\":1}\n\n{\"v\":2}"[..]);
/// let mut line = Vec::new();
/// assert_eq!(lines.read(&mut line)?, Some(Line::Whole { number: 1 }));
/// assert_eq!(line, b"{\"v\":1}");
/// assert_eq!(lines.read(&mut line)?, Some(Line::Whole { number: 3 }));
/// assert_eq!(lines.read(&mut line)?, None);
/// # Ok::<(), stoop_tape::InputError>(())
/// ```
pub struct Lines {
    path: PathBuf,
    opened: Opened,
    line: u64,
    ended: bool,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("path", &self.path)
            .field("compressed", &self.opened.is_compressed)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

impl Lines {
    /// Opens a path, or stdin for `-`.
    ///
    /// `.gz` and `.zst` in the name decide on compression; under any other name, and on stdin, the first
    /// bytes do. Nothing but those bytes is read here: damage shows in [`Lines::read`].
    pub fn open(path: &Path) -> Result<Self, InputError> {
        match open(path) {
            Ok(opened) => Ok(Self::over(path, opened)),
            Err(source) => Err(InputError::Open { path: path.to_owned(), source }),
        }
    }

    /// Reads lines from anything that is not compressed; `name` stands for the path in errors.
    pub fn from_reader(name: impl Into<PathBuf>, reader: impl Read + Send + 'static) -> Self {
        Self::over(&name.into(), Opened::plain(reader))
    }

    /// Reads the next line that is not blank into `line`, replacing what was there.
    ///
    /// `None` is the end of the input, and so is everything after an error. A line cut off by damaged
    /// compression is not handed out.
    pub fn read(&mut self, line: &mut Vec<u8>) -> Result<Option<Line>, InputError> {
        line.clear();
        while !self.ended {
            match self.step(line) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => line.clear(),
                Err(source) => {
                    line.clear();
                    self.ended = true;
                    return Err(self.error(source));
                }
            }
        }
        Ok(None)
    }

    /// Reads one line of any kind; `None` for a blank one and at the end.
    fn step(&mut self, line: &mut Vec<u8>) -> io::Result<Option<Line>> {
        // Room for the longest line, one `\r` and the newline; a line that needs more is too long.
        let limit = MAX_LINE_BYTES as u64 + 2;
        let read = (&mut self.opened.reader).take(limit).read_until(b'\n', line)?;
        if read == 0 {
            self.ended = true;
            return Ok(None);
        }
        let mut bytes = read as u64;
        if line.last() == Some(&b'\n') {
            line.pop();
            bytes -= 1;
        } else if bytes == limit {
            // Skipped in pieces of the buffer: a line without end must not fill the memory.
            let mut newline_seen = false;
            while !newline_seen {
                let rest = self.opened.reader.fill_buf()?;
                if rest.is_empty() {
                    break;
                }
                let end = rest.iter().position(|&byte| byte == b'\n');
                let skipped = end.unwrap_or(rest.len());
                newline_seen = end.is_some();
                self.opened.reader.consume(skipped + usize::from(newline_seen));
                bytes += skipped as u64;
            }
        }
        self.line += 1;
        let number = self.line;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        // `bytes` still counts a `\r`, which is allowed on top of the limit.
        if line.len() > MAX_LINE_BYTES || bytes > MAX_LINE_BYTES as u64 + 1 {
            line.clear();
            return Ok(Some(Line::TooLong { number, bytes }));
        }
        let blank = line.iter().all(u8::is_ascii_whitespace);
        Ok((!blank).then_some(Line::Whole { number }))
    }

    fn over(path: &Path, opened: Opened) -> Self {
        Self { path: path.to_owned(), opened, line: 0, ended: false }
    }

    fn error(&self, source: io::Error) -> InputError {
        let (path, line) = (self.path.clone(), self.line);
        if self.opened.is_damage(&source) {
            InputError::Damaged { path, line, source }
        } else {
            InputError::Read { path, line, source }
        }
    }
}

#[cfg(test)]
mod tests;
