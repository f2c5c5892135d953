//! The API key: from a file or the environment, never an argument.

use stoop::{Config, Key};

use crate::failure::{Code, Failure};

const VARIABLE: &str = "TWEETSTREAM_API_KEY";

/// Reads the key the configuration points to.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub(crate) fn key(config: &Config) -> Result<Key, Failure> {
    if let Some(path) = &config.key_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::text(Code::Config, format_args!("cannot read the key file {}: {error}", path.display()))
        })?;
        return Key::new(&text)
            .map_err(|error| Failure::text(Code::Config, format_args!("{}: {error}", path.display())));
    }
    match std::env::var(VARIABLE) {
        Ok(text) => {
            Key::new(&text).map_err(|error| Failure::text(Code::Config, format_args!("{VARIABLE}: {error}")))
        }
        Err(_absent) => Err(Failure::text(
            Code::Config,
            format_args!("no API key: set {VARIABLE}, or [feed] key_file to a file that holds it"),
        )),
    }
}
