//! Inputs on disk and the decision line.
//!
//! Frames come from JSONL files ([`Frames`]), or with everything else an engine was given from a tape: a
//! [`TapeWriter`] writes it, a [`Tape`] reads one and [`Tapes`] several as one input. Decisions leave as lines
//! ([`write_decision`]), of which a run has a [`Digest`].
//!
//! Without features it reads plain JSONL and writes decision lines. The feature `json` adds what reads JSON back, such
//! as [`read_decision`] and the state in a store; `tape`, on by default, adds recordings and compressed files.
//!
//! # What does this crate not do?
//!
//! It has no clock and no thread: the caller says what time it is and when to check the age of a chunk. It does not
//! decide anything.
//!
//! # Invariants
//!
//! - What is read from a tape is what was written, from the first record up to where it ends; damage is reported.
//! - It never overwrites a file.
//! - Memory is bounded by the longest line or chunk, whatever a file says of itself.

#[cfg(feature = "json")]
mod compare;
mod decision;
mod frames;
mod input;
#[cfg(feature = "json")]
mod line;
mod progress;
#[cfg(feature = "json")]
mod state;
#[cfg(feature = "json")]
mod tape;
#[cfg(feature = "tape")]
mod writer;

#[cfg(feature = "json")]
pub use compare::is_same_decision;
pub use decision::{Digest, write_decision};
pub use frames::Frames;
pub use input::{InputError, Line, Lines, MAX_LINE_BYTES, read_input};
#[cfg(feature = "json")]
pub use line::{LineError, read_body, read_decision};
#[cfg(feature = "json")]
pub use state::{
    StateError, read_cooldown, read_head, read_tweet, read_view, write_cooldown, write_head, write_tweet,
    write_view,
};
#[cfg(feature = "json")]
pub use tape::{
    ConfigFile, Origin, Record, StateParts, StateReader, TapeConfig, TapeConfigError, TapeUniverse,
    event_type, read_event, state_events, write_command, write_gap,
};
#[cfg(feature = "tape")]
pub use tape::{
    Damage, MAX_RECORD_BYTES, Tape, TapeEnd, TapeError, TapeOptions, TapeWriteError, TapeWriter, Tapes,
    TapesError, TapesRead, is_tape, tape_files,
};
#[cfg(feature = "tape")]
pub use writer::LineWriter;
