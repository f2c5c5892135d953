//! JSONL through the same stages. Recordings are in the module `tape`.

pub use stoop_live::{ReplayError, ReplayOptions, replay};
pub use stoop_tape::{Digest, Frames, InputError, Line, Lines, read_input};
