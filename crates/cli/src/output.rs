//! Where decisions and notes go.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use stoop::model::Decision;

use crate::failure::{Code, Failure};
use crate::stderr;

/// Bytes looked at for the end of the last whole line of a file.
const TAIL_BYTES: u64 = 1 << 20;

/// What begins the line again, whatever stands there.
const AGAIN: &str = "\r\x1b[K";

/// Progress stands on the last line of stderr.
static HAS_PROGRESS: AtomicBool = AtomicBool::new(false);

/// Writes a line to stderr, in place of progress; nobody is told if stderr is gone.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let again = if HAS_PROGRESS.swap(false, Ordering::Relaxed) { AGAIN } else { "" };
    stderr::write_line(format!("{again}{line}\n"));
}

/// One line that is written over while something takes its time, if stderr is a terminal; gone when this is.
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal() }
    }

    /// Nothing is ever shown.
    pub(crate) fn none() -> Self {
        Self { is_shown: false }
    }

    /// Writes over what was shown last.
    pub(crate) fn show(&self, line: fmt::Arguments<'_>) {
        if self.is_shown {
            HAS_PROGRESS.store(true, Ordering::Relaxed);
            stderr::show(format!("{AGAIN}{line}"));
        }
    }

    /// Shows a growing number of these.
    pub(crate) fn count(&self, what: &'static str) -> impl FnMut(u64) + Send + use<> {
        let shown = Self { is_shown: self.is_shown };
        move |count| shown.show(format_args!("{count} {what}"))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if HAS_PROGRESS.swap(false, Ordering::Relaxed) {
            stderr::show(AGAIN.to_owned());
        }
    }
}

/// A count and what is counted: `1 rule`, `2 rules`, `2 aliases`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let ending = match (count, what.ends_with('s')) {
        (1, _) => "",
        (_, false) => "s",
        (_, true) => "es",
    };
    format!("{count} {what}{ending}")
}

/// Takes decisions as lines.
pub(crate) struct Lines {
    out: BufWriter<Box<dyn Write + Send>>,
    line: Vec<u8>,
    name: String,
}

impl Lines {
    pub(crate) fn stdout() -> Self {
        Self::over(Box::new(io::stdout()), "stdout".to_owned())
    }

    /// A new file; one that exists is never overwritten.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file = create_new(path)?;
        Ok(Self::over(Box::new(file), path.display().to_string()))
    }

    /// The end of a file. A last line without its newline is cut off: it was torn by a crash, and its decision
    /// comes again. Each write goes to where the end is then: somebody may empty the file meanwhile.
    pub(crate) fn append(path: &Path) -> Result<Self, Failure> {
        let fail =
            |error: io::Error| Failure::text(Code::Failed, format_args!("{}: {error}", path.display()));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(fail)?;
        let torn = torn_bytes(&mut file).map_err(fail)?;
        if torn > 0 {
            note(format_args!("stoop: {}: cut off a torn last line of {torn} bytes", path.display()));
            let end = file.seek(SeekFrom::End(0)).map_err(fail)?;
            file.set_len(end - torn).map_err(fail)?;
        }
        Ok(Self::over(Box::new(file), path.display().to_string()))
    }

    fn over(out: Box<dyn Write + Send>, name: String) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, out), line: Vec::new(), name }
    }

    /// Writes one decision. Breaks if the reader is gone.
    pub(crate) fn write(&mut self, decision: &Decision) -> Result<ControlFlow<()>, Failure> {
        self.line.clear();
        stoop::write_decision(decision, &mut self.line);
        self.line.push(b'\n');
        let result = self.out.write_all(&self.line);
        self.judge(result)
    }

    /// Writes any line.
    pub(crate) fn write_bytes(&mut self, line: &[u8]) -> Result<ControlFlow<()>, Failure> {
        let result = self.out.write_all(line).and_then(|()| self.out.write_all(b"\n"));
        self.judge(result)
    }

    /// Writes any line of text.
    pub(crate) fn write_text(&mut self, text: &str) -> Result<ControlFlow<()>, Failure> {
        let result = writeln!(self.out, "{text}");
        self.judge(result)
    }

    /// Writes lines of text and hands them on.
    pub(crate) fn show(&mut self, lines: &[String]) -> Result<ControlFlow<()>, Failure> {
        for line in lines {
            if self.write_text(line)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.flush()
    }

    /// Hands everything on.
    pub(crate) fn flush(&mut self) -> Result<ControlFlow<()>, Failure> {
        let result = self.out.flush();
        self.judge(result)
    }

    fn judge(&self, result: io::Result<()>) -> Result<ControlFlow<()>, Failure> {
        match result {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => {
                Err(Failure::text(Code::Failed, format_args!("cannot write to {}: {error}", self.name)))
            }
        }
    }
}

/// A file that did not exist, named with -o.
pub(crate) fn create_new(path: &Path) -> Result<File, Failure> {
    create_new_as(path, OUTPUT)
}

/// A file that did not exist, named with this option.
pub(crate) fn create_new_as(path: &Path, option: &str) -> Result<File, Failure> {
    File::create_new(path).map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            return exists(path, option);
        }
        Failure::text(Code::Failed, format_args!("cannot create {}: {error}", path.display()))
    })
}

/// The option that most commands name their output with.
pub(crate) const OUTPUT: &str = "-o FILE";

/// Why an output is refused: it is there, and the option names another.
pub(crate) fn exists(path: &Path, option: &str) -> Failure {
    let path = path.display();
    let why = format_args!("{path} exists: nothing is overwritten; name another file with {option}");
    Failure::text(Code::Exists, why)
}

/// Length of what stands after the last newline.
fn torn_bytes(file: &mut File) -> io::Result<u64> {
    let len = file.seek(SeekFrom::End(0))?;
    let tail_start = len.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(tail_start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => Ok((tail.len() - newline - 1) as u64),
        None if tail_start == 0 => Ok(len),
        None => Err(io::Error::new(ErrorKind::InvalidData, "the last line is longer than a decision can be")),
    }
}
