//! Several tapes as one input.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::{Record, Tape, TapeEnd, TapeError};
use crate::progress::Progress;

/// Files of one input.
const MAX_FILES: usize = 65_536;
const ENDINGS: [&str; 3] = [".mcap", ".mcap.zst", ".mcap.gz"];

/// Why several tapes could not be read as one.
#[derive(Debug, thiserror::Error)]
pub enum TapesError {
    /// One of them could not be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// A folder could not be listed.
    #[error("cannot list {}", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A folder has no tapes.
    #[error("no tape (*.mcap) in {}", path.display())]
    NoTape {
        /// The folder.
        path: PathBuf,
    },
    /// There are more files than one input may have.
    #[error("{count} tapes are too many for one input, which has at most {MAX_FILES}")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Two of them overlap in time, so they are not consecutive.
    #[error(
        "{} begins before {} ends, by {} ms: these are not consecutive tapes",
        later.display(), earlier.display(), overlap_ns / 1_000_000
    )]
    Overlap {
        /// The one that begins first.
        earlier: PathBuf,
        /// The other one.
        later: PathBuf,
        /// By how much, ns.
        overlap_ns: i64,
    },
}

/// Whether a path stands for tapes: a folder, or a file whose name ends as a tape's.
pub fn is_tape(path: &Path) -> bool {
    path.is_dir() || has_ending(path)
}

fn has_ending(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The files of these inputs: for a folder, all tapes in it, by name.
pub fn tape_files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>, TapesError> {
    let mut files = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let fail = |source| TapesError::List { path: input.clone(), source };
        let before = files.len();
        for entry in std::fs::read_dir(input).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if has_ending(&path) && path.is_file() {
                files.push(path);
            }
        }
        let found = files.get_mut(before..).unwrap_or_default();
        if found.is_empty() {
            return Err(TapesError::NoTape { path: input.clone() });
        }
        // The order in which a folder is listed depends on the file system.
        found.sort();
    }
    if files.len() > MAX_FILES {
        return Err(TapesError::TooMany { count: files.len() });
    }
    Ok(files)
}

/// One step of [`Tapes::read`].
#[derive(Debug)]
pub enum TapesRead<'t> {
    /// A file begins.
    Begin(&'t Path),
    /// A record of it.
    Record(Record<'t>),
    /// It has ended.
    End(&'t Path, &'t TapeEnd),
}

/// Several tapes as one input, in order of the time they begin, then of their names.
#[derive(Debug)]
pub struct Tapes {
    files: VecDeque<PathBuf>,
    tape: Option<Tape>,
    has_ended: bool,
    /// The file of the last record.
    last: PathBuf,
    /// Its time.
    last_ns: i64,
    is_first: bool,
    progress: Progress,
}

impl Tapes {
    /// Looks at the beginning of each file.
    pub fn open(inputs: &[PathBuf]) -> Result<Self, TapesError> {
        let files = tape_files(inputs)?;
        let mut begins = Vec::with_capacity(files.len());
        let is_one = files.len() == 1;
        for file in files {
            // A pipe can be opened only once.
            let begin_ns =
                if is_one { None } else { Tape::open(&file)?.read()?.map(|record| record.at_ns()) };
            begins.push((begin_ns, file));
        }
        // Tapes without records come first, by name; they change nothing.
        begins.sort();
        let files = begins.into_iter().map(|(_, file)| file).collect();
        Ok(Self {
            files,
            tape: None,
            has_ended: false,
            last: PathBuf::new(),
            last_ns: i64::MIN,
            is_first: false,
            progress: Progress::default(),
        })
    }

    /// Calls `each` with the number of records read, every 65,536 of them.
    #[must_use]
    pub fn tell(mut self, each: impl FnMut(u64) + Send + 'static) -> Self {
        self.progress = Progress::to(each);
        self
    }

    /// The files that are not begun yet, in order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// The next step; none after the last file.
    pub fn read(&mut self) -> Result<Option<TapesRead<'_>>, TapesError> {
        if self.has_ended {
            self.tape = None;
            self.has_ended = false;
        }
        if self.tape.is_none() {
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            let tape = self.tape.insert(Tape::open(&file)?);
            self.is_first = true;
            return Ok(Some(TapesRead::Begin(tape.path())));
        }
        let Some(tape) = &mut self.tape else { return Ok(None) };
        // Peeks before it lends the record, because the code below needs the tape again.
        let Some(at_ns) = tape.peek()? else {
            self.has_ended = true;
            return Ok(Some(TapesRead::End(tape.path(), tape.end())));
        };
        if std::mem::take(&mut self.is_first) {
            let later = tape.path().to_owned();
            // Input time would go backwards: tapes of two machines, or copies of one tape.
            if at_ns < self.last_ns {
                let overlap_ns = self.last_ns.saturating_sub(at_ns);
                return Err(TapesError::Overlap { earlier: self.last.clone(), later, overlap_ns });
            }
            self.last = later;
        }
        self.last_ns = at_ns;
        self.progress.count();
        Ok(tape.read()?.map(TapesRead::Record))
    }
}
