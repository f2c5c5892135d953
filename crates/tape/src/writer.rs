//! Writing lines to a new file, compressed as its name says.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Of zstd: bars of ten days come to 88 KB, where the default gives 137 and the highest, in twice the time, 87.
const SMALL_LEVEL: i32 = 17;

/// Writes lines to a file: plain, `.gz` or `.zst`.
///
/// [`Self::finish`] must be called: a compressed file without its end is damaged.
pub struct LineWriter {
    out: Out,
}

enum Out {
    Plain(BufWriter<File>),
    Gz(BufWriter<GzEncoder<File>>),
    Zst(BufWriter<zstd::Encoder<'static, File>>),
}

impl LineWriter {
    /// Writes to `file`; the end of `path` decides on compression.
    pub fn over(path: &Path, file: File) -> io::Result<Self> {
        Self::begin(path, file, zstd::DEFAULT_COMPRESSION_LEVEL)
    }

    /// The same with the best compression, which is slower: for files that are written once and kept.
    pub fn small(path: &Path, file: File) -> io::Result<Self> {
        Self::begin(path, file, SMALL_LEVEL)
    }

    fn begin(path: &Path, file: File, level: i32) -> io::Result<Self> {
        let out = match path.extension().and_then(|extension| extension.to_str()) {
            // Without the file's name or time in its head: the same lines give the same bytes.
            Some("gz") => Out::Gz(BufWriter::new(GzEncoder::new(file, Compression::best()))),
            Some("zst") => Out::Zst(BufWriter::new(zstd::Encoder::new(file, level)?)),
            Some(_) | None => Out::Plain(BufWriter::new(file)),
        };
        Ok(Self { out })
    }

    /// Writes one line.
    pub fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let out: &mut dyn Write = match &mut self.out {
            Out::Plain(out) => out,
            Out::Gz(out) => out,
            Out::Zst(out) => out,
        };
        out.write_all(line)?;
        out.write_all(b"\n")
    }

    /// Ends the file.
    pub fn finish(self) -> io::Result<()> {
        // Not in `drop`, which could not report that the end is missing.
        match self.out {
            Out::Plain(mut out) => out.flush(),
            Out::Gz(out) => out.into_inner()?.finish().map(drop),
            Out::Zst(out) => out.into_inner()?.finish().map(drop),
        }
    }
}
