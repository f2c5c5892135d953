//! Inputs on disk and the decision line.
//!
//! Frames come from JSONL files ([`Frames`]), or with everything else an engine was given from a tape: a
//! [`TapeWriter`] writes it, a [`Tape`] reads one and [`Tapes`] several as one input. Decisions leave as lines
//! ([`write_decision`]), of which a run has a [`Digest`].
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

mod compare;
mod decision;
mod frames;
mod input;
mod line;
mod progress;
mod state;
mod tape;
mod writer;

pub use compare::is_same_decision;
pub use decision::{Digest, write_decision};
pub use frames::Frames;
pub use input::{InputError, Line, Lines, MAX_LINE_BYTES, read_input};
pub use line::{LineError, read_body, read_decision};
pub use state::{
    StateError, read_cooldown, read_head, read_tweet, read_view, write_cooldown, write_head, write_tweet,
    write_view,
};
pub use tape::{
    ConfigFile, Damage, MAX_RECORD_BYTES, Origin, Record, StateParts, StateReader, Tape, TapeConfig,
    TapeConfigError, TapeEnd, TapeError, TapeOptions, TapeUniverse, TapeWriteError, TapeWriter, Tapes,
    TapesError, TapesRead, event_type, is_tape, read_event, state_events, tape_files, write_command,
    write_gap,
};
pub use writer::LineWriter;
