//! Inputs on disk and the decision line.

mod decision;
mod frames;
mod input;
mod line;
mod state;
mod writer;

pub use decision::{Digest, write_decision};
pub use frames::Frames;
pub use input::{InputError, Line, Lines, MAX_LINE_BYTES};
pub use line::{LineError, read_body};
pub use state::{StateError, read_head, read_tweet, read_view, write_head, write_tweet, write_view};
pub use writer::LineWriter;
