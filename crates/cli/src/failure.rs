//! How a command ends when it does not end well.

use std::fmt;
use std::process::ExitCode;

/// What went wrong, with the exit code that tells.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    error: anyhow::Error,
}

/// Exit codes, in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Something failed or is damaged.
    Failed = 1,
    /// The command line asks for what cannot be.
    Usage = 2,
    /// A stage panicked.
    Internal = 70,
    /// An output exists already.
    Exists = 73,
    /// The server refused key or plan.
    Refused = 77,
    /// The configuration is wrong.
    Config = 78,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Failure {
    pub(crate) fn new(code: Code, error: impl Into<anyhow::Error>) -> Self {
        Self { code, error: error.into() }
    }

    pub(crate) fn text(code: Code, message: impl fmt::Display) -> Self {
        Self { code, error: anyhow::anyhow!("{message}") }
    }

    /// Shows it on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        let mut told = self.error.to_string();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            // Many errors tell their cause themselves.
            if !told.ends_with(&cause) {
                told.push_str(": ");
                told.push_str(&cause);
            }
        }
        crate::output::note(format_args!("stoop: {told}"));
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// Gives an error its exit code.
pub(crate) trait OrFail<T> {
    fn or_fail(self, code: Code) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: Code) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, error))
    }
}

pub(crate) type Outcome = Result<ExitCode, Failure>;
