//! Recordings: MCAP files of what an engine was given and what it decided.
//!
//! A tape holds three topics: `frames`, raw bytes as they came; `events`, JSON objects `{"type":…}`; `decisions`, the
//! lines. The order of its records is the order of inputs. At its head stand the configuration and the state the engine
//! began with, so a tape has everything that a replay needs.
//!
//! Chunks are written whole: what a crash leaves can be read up to the last one. Each record has its place in the file
//! as its sequence number, by which a reader knows that none is missing.

mod chunk;
mod commands;
mod config;
mod events;
mod folder;
mod read;
mod record;
mod state;
mod write;

pub use commands::{read_event, write_command, write_gap};
pub use config::{ConfigFile, TapeConfig, TapeConfigError, TapeUniverse};
pub use events::event_type;
pub use folder::{Tapes, TapesError, TapesRead, is_tape, tape_files};
pub use read::{Damage, Tape, TapeEnd, TapeError};
pub use record::{Origin, Record};
pub use state::{StateParts, StateReader, state_events};
pub use write::{TapeOptions, TapeWriteError, TapeWriter};

/// The longest record, bytes: a message of the socket has at most half of that.
pub const MAX_RECORD_BYTES: usize = 32 << 20;
/// The longest chunk, bytes before compression: one that is as good as full, and the longest record.
const MAX_CHUNK_BYTES: usize = 64 << 20;
/// The MCAP profile, which says how to read the records; the number counts layouts.
const PROFILE: &str = "stoop/1";
const PROFILE_FAMILY: &str = "stoop/";

const FRAMES: &str = "frames";
const EVENTS: &str = "events";
const DECISIONS: &str = "decisions";
const BYTES_ENCODING: &str = "application/octet-stream";
const JSON_ENCODING: &str = "json";
/// Keys in the metadata of a channel of frames.
const ORIGIN_KEY: &str = "origin";
const ENDPOINT_KEY: &str = "endpoint";
const HISTORY: &str = "history";

#[cfg(test)]
mod tests;
