//! The API key: from a file or the environment, never an argument.

use std::fmt;
use std::path::PathBuf;

use stoop::{Config, Key};

use crate::failure::{Code, Failure, OrFail};

const VARIABLE: &str = "TWEETSTREAM_API_KEY";

/// Where a key was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the file that the configuration names.
    File(PathBuf),
    /// In the environment.
    Variable,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Variable => write!(f, "the environment variable {VARIABLE}"),
        }
    }
}

/// Reads the key the configuration points to.
pub(crate) fn key(config: &Config) -> Result<Key, Failure> {
    find(config).map(|(key, _)| key)
}

/// Reads the key the configuration points to, and tells where it was.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn find(config: &Config) -> Result<(Key, Origin), Failure> {
    if let Some(key) = config.key().or_fail(Code::Config)?
        && let Some(path) = &config.key_file
    {
        return Ok((key, Origin::File(path.clone())));
    }
    match std::env::var(VARIABLE) {
        Ok(text) => match Key::new(&text) {
            Ok(key) => Ok((key, Origin::Variable)),
            Err(error) => Err(Failure::text(Code::Config, format_args!("{VARIABLE}: {error}"))),
        },
        Err(_absent) => Err(Failure::text(
            Code::Config,
            format_args!("no API key: set {VARIABLE}, or [feed] key_file to a file that holds it"),
        )),
    }
}
