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
        if let ConfigError::Read { source, .. } = &error
            && source.kind() == ErrorKind::NotFound
        {
            return Failure::text(Code::Config, format_args!("{error}: {NO_CONFIG}"));
        }
        Failure::new(Code::Config, error)
    })?;
    for warning in &config.warnings {
        note(format_args!("stoop: warning: {warning}"));
    }
    Ok(config)
}
