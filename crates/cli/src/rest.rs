//! What the commands that ask the REST interface share.

use std::path::Path;

use stoop::Config;
use stoop::rest::RestError;

use crate::config;
use crate::failure::{Code, Failure};

/// Loads the configuration; without a file of the default name, the defaults: a key is enough to ask.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    if path == Path::new(crate::args::DEFAULT_CONFIG) && !path.exists() {
        return Ok(Config::default());
    }
    config::load(path)
}

/// An error with its exit code.
pub(crate) fn failure(error: RestError) -> Failure {
    Failure::new(code(&error), error)
}

pub(crate) fn code(error: &RestError) -> Code {
    match error {
        RestError::Unauthorised { .. } | RestError::Forbidden { .. } => Code::Refused,
        RestError::RateLimited { .. }
        | RestError::Server { .. }
        | RestError::Refused { .. }
        | RestError::Redirected { .. }
        | RestError::Transport { .. }
        | RestError::TimedOut { .. }
        | RestError::TooLong { .. }
        | RestError::Unreadable { .. } => Code::Failed,
    }
}

/// A text from outside as a terminal may show it.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
