//! Reading tapes with progress, and writing a new one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stoop::tape::{TapeError, TapeOptions, TapeWriteError, TapeWriter, Tapes, TapesError, TapesRead};
use stoop::wire::format_ms;

use crate::failure::{Code, Failure};
use crate::output::{Progress, note};
use crate::unfinished::Unfinished;

/// Records between two looks at the progress.
const PROGRESS: u64 = 1 << 16;

/// Tapes that are read to their end. What is damaged is told, once a file.
pub(super) struct Reel {
    tapes: Tapes,
    records: u64,
    progress: Progress,
    is_damaged: bool,
}

impl Reel {
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, Failure> {
        let tapes = Tapes::open(files).map_err(failure)?;
        Ok(Self { tapes, records: 0, progress: Progress::new(), is_damaged: false })
    }

    /// The next step.
    pub(super) fn read(&mut self) -> Result<Option<TapesRead<'_>>, Failure> {
        let read = self.tapes.read().map_err(failure)?;
        match &read {
            Some(TapesRead::Record(record)) => {
                self.records += 1;
                if self.records.is_multiple_of(PROGRESS) {
                    let at = shown_ns(record.at_ns());
                    self.progress.show(format_args!("{} records, up to {at}", self.records));
                }
            }
            Some(TapesRead::End(path, end)) => {
                if let Some(damage) = &end.damage {
                    self.is_damaged = true;
                    let (path, offset, what) = (path.display(), damage.offset, &damage.what);
                    note(format_args!("stoop: {path}: damaged at byte {offset}: {what}"));
                }
            }
            Some(TapesRead::Begin(_)) | None => {}
        }
        Ok(read)
    }

    /// Something was.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// How the command ends.
    pub(super) fn code(&self) -> ExitCode {
        if self.is_damaged() { Code::Failed.into() } else { ExitCode::SUCCESS }
    }
}

pub(super) fn failure(error: impl Into<TapesError>) -> Failure {
    let error = error.into();
    let code = match &error {
        TapesError::Tape(
            TapeError::Open { .. }
            | TapeError::Read { .. }
            | TapeError::NotMcap { .. }
            | TapeError::Foreign { .. }
            | TapeError::Newer { .. },
        )
        | TapesError::List { .. }
        | TapesError::NoTape { .. }
        | TapesError::Overlap { .. } => Code::Failed,
        TapesError::TooMany { .. } => Code::Usage,
    };
    Failure::new(code, error)
}

/// A time as people read it.
pub(super) fn shown_ns(at_ns: i64) -> String {
    format_ms(at_ns.div_euclid(1_000_000)).unwrap_or_else(|| at_ns.to_string())
}

/// A new tape that goes away again unless it is finished.
pub(super) struct Draft {
    writer: TapeWriter,
    unfinished: Unfinished,
}

impl Draft {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        // Written once and read often: smaller is worth the time.
        let options = TapeOptions { level: 3, ..TapeOptions::default() };
        let mut unfinished = Unfinished::default();
        let writer =
            unfinished.make(path, |path| TapeWriter::create(path, options).map_err(write_failure))?;
        Ok(Self { writer, unfinished })
    }

    pub(super) fn write<T>(
        &mut self,
        act: impl FnOnce(&mut TapeWriter) -> Result<T, TapeWriteError>,
    ) -> Result<T, Failure> {
        act(&mut self.writer).map_err(write_failure)
    }

    /// Seals it; says how many records it has.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        let records = self.writer.records();
        self.writer.seal().map_err(write_failure)?;
        self.unfinished.keep();
        Ok(records)
    }
}

fn write_failure(error: TapeWriteError) -> Failure {
    let code = match &error {
        TapeWriteError::Exists { .. } => Code::Exists,
        TapeWriteError::Create { .. } | TapeWriteError::Write { .. } | TapeWriteError::TooLong { .. } => {
            Code::Failed
        }
    };
    Failure::new(code, error)
}
