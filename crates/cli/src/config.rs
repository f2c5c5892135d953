//! The configuration file that a command names.

use std::io::ErrorKind;
use std::path::Path;

use stoop::{Config, ConfigError};

use crate::failure::{Code, Failure};
use crate::output::note;

/// What to do where there is no configuration.
pub(crate) const NO_CONFIG: &str = "name another with -c, or let `stoop init` write one";

/// Loads a configuration and shows its warnings.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    let config = Config::load(path).map_err(|error| {
        let hint = match &error {
            ConfigError::Read { source, .. } if source.kind() == ErrorKind::NotFound => NO_CONFIG,
            ConfigError::Read { .. }
            | ConfigError::Key { .. }
            | ConfigError::Syntax(_)
            | ConfigError::Universe(_)
            | ConfigError::Endpoint(_) => return Failure::new(Code::Config, error),
        };
        Failure::text(Code::Config, format_args!("{error}: {hint}"))
    })?;
    for warning in &config.warnings {
        note(format_args!("stoop: warning: {warning}"));
    }
    Ok(config)
}
