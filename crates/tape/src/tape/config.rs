//! The configuration at the head of a tape.

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::state::to_json;

/// The whole configuration of an engine, except its key: with it a tape can be replayed without any other file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct TapeConfig {
    /// Of the program that has recorded.
    pub version: String,
    /// The name of the configuration in errors.
    #[serde(default)]
    pub name: String,
    /// The whole text of the configuration.
    pub text: String,
    /// The rule files it names, in that order.
    #[serde(default)]
    pub files: Vec<ConfigFile>,
    /// The universe it names. Tapes from before there were universes have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub universe: Option<TapeUniverse>,
}

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ConfigFile {
    /// Its name in errors.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// A universe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct TapeUniverse {
    /// Its name in errors.
    pub name: String,
    /// SHA-256 of the text, in hex.
    pub sha256: String,
    /// Its whole text.
    pub text: String,
}

impl TapeUniverse {
    /// A universe with the hash of its text.
    pub fn new(name: String, text: String) -> Self {
        Self { name, sha256: sha256(&text), text }
    }

    /// The text has the hash that stands beside it.
    pub fn is_whole(&self) -> bool {
        sha256(&self.text) == self.sha256
    }
}

fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        write!(hex, "{byte:02x}").expect("a string accepts everything");
    }
    hex
}

/// Why an event is not a configuration.
#[derive(Debug, thiserror::Error)]
#[error("no configuration")]
pub struct TapeConfigError(#[from] serde_json::Error);

#[derive(Deserialize, Serialize)]
struct ConfigJson<T> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(flatten)]
    config: T,
}

#[derive(Deserialize, Serialize)]
enum Kind {
    #[serde(rename = "config")]
    Config,
}

impl TapeConfig {
    /// The configuration as an event. The caller makes sure that there is no key in the text.
    pub fn to_event(&self) -> Vec<u8> {
        to_json(&ConfigJson { kind: Kind::Config, config: self })
    }

    /// Reads the configuration from an event of type `config`.
    pub fn from_event(json: &[u8]) -> Result<Self, TapeConfigError> {
        let ConfigJson::<Self> { kind: Kind::Config, config } = serde_json::from_slice(json)?;
        Ok(config)
    }
}
