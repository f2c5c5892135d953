//! Recordings: MCAP files of the inputs of an engine and its decisions.
//!
//! A tape holds three topics: `frames`, raw bytes as they came; `events`, JSON objects `{"type":…}`; `decisions`, the
//! lines. The order of its records is the order of inputs. At its head stand the configuration and the state the engine
//! began with, so a tape has everything that a replay needs.
//!
//! Chunks are written whole: what a crash leaves can be read up to the last one. Each record has its place in the file
//! as its sequence number, by which a reader knows that none is missing.

#[cfg(feature = "tape")]
mod chunk;
mod commands;
mod config;
mod events;
#[cfg(feature = "tape")]
mod folder;
#[cfg(feature = "tape")]
mod layout;
#[cfg(feature = "tape")]
mod read;
mod record;
mod state;
#[cfg(feature = "tape")]
mod write;

pub use commands::{read_event, write_command, write_gap};
pub use config::{ConfigFile, TapeConfig, TapeConfigError, TapeUniverse};
pub use events::event_type;
#[cfg(feature = "tape")]
pub use folder::{Tapes, TapesError, TapesRead, is_tape, tape_files};
#[cfg(feature = "tape")]
pub use layout::MAX_RECORD_BYTES;
#[cfg(feature = "tape")]
use layout::{
    BYTES_ENCODING, ENDPOINT_KEY, JSON_ENCODING, MAX_CHUNK_BYTES, ORIGIN_KEY, PROFILE, PROFILE_FAMILY,
};
#[cfg(feature = "tape")]
pub use read::{Damage, Tape, TapeEnd, TapeError};
pub use record::{Origin, Record};
pub use state::{StateParts, StateReader, state_events};
#[cfg(feature = "tape")]
pub use write::{TapeOptions, TapeWriteError, TapeWriter};

const FRAMES: &str = "frames";
const EVENTS: &str = "events";
const DECISIONS: &str = "decisions";
const HISTORY: &str = "history";

#[cfg(feature = "tape")]
#[cfg(test)]
mod tests;
