//! The configuration at the head of a tape.

use serde::{Deserialize, Serialize};

use crate::state::to_json;

/// Everything an engine was told, but for its key: with it a tape is replayed without any other file.
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
}

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ConfigFile {
    /// Its name in errors.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// Why an event is no configuration.
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
    /// It as an event. The caller sees to it that no key stands in the text.
    pub fn to_event(&self) -> Vec<u8> {
        to_json(&ConfigJson { kind: Kind::Config, config: self })
    }

    /// Reads it from an event of type `config`.
    pub fn from_event(json: &[u8]) -> Result<Self, TapeConfigError> {
        let ConfigJson::<Self> { kind: Kind::Config, config } = serde_json::from_slice(json)?;
        Ok(config)
    }
}
