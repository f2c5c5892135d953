//! Inputs on disk and the decision line.

mod decision;
mod frames;
mod input;
mod writer;

pub use decision::{Digest, write_decision};
pub use frames::Frames;
pub use input::{InputError, Line, Lines, MAX_LINE_BYTES};
pub use writer::LineWriter;
