//! Recordings: what an engine was given and what it decided. They are written, read, followed, and replayed against
//! their own decisions.

mod follower;
mod inputs;
mod replay;

pub use follower::{FollowError, Follower};
pub use inputs::{Inputs, InputsError};
pub(crate) use replay::check;
pub use replay::{
    Difference, Parity, TapeReplay, TapeReplayError, TapeReplayOptions, TapeStep, expected_event, parity,
    replay_tapes,
};
pub use stoop_tape::{
    ConfigFile, Damage, LineError, LineWriter, MAX_RECORD_BYTES, Origin, Record, StateError, StateParts,
    StateReader, Tape, TapeConfig, TapeConfigError, TapeEnd, TapeError, TapeOptions, TapeUniverse,
    TapeWriteError, TapeWriter, Tapes, TapesError, TapesRead, event_type, is_tape, read_decision,
    state_events, tape_files,
};
