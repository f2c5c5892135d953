//! Answers of the REST interface (protocol §5): history rows into frames, `me`, account results, errors.

mod history;
mod raw;
mod reply;
mod time;

use simd_json::{Buffers, INPUT_PADDING, Tape, fill_tape_padded, tape};
use stoop_model::Bad;

use crate::decoder::MARK;
use crate::diagnose::{self, MAX_DEPTH};

pub use history::{
    HISTORY_ERRORS, HistoryPage, HistoryRow, MessageType, RowError, RowFault, RowPart, Unreadable,
};
pub use reply::{AccountRow, AccountState, AccountsReply, ErrorReply, Me, Quota, accounts_request};
pub use time::{format_http_date, format_ms, parse_http_date, parse_ms};

/// Parses one JSON value and passes it to `read`; the error says why it is not JSON.
fn read_value<T>(bytes: &[u8], read: impl FnOnce(tape::Value<'_, '_>) -> T) -> Result<T, Bad> {
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    // Buffers of its own: answers are rare, and none waits for the next.
    let mut padded = Vec::with_capacity(text.len() + INPUT_PADDING);
    padded.extend_from_slice(text);
    padded.resize(text.len() + INPUT_PADDING, 0);
    let mut buffers = Buffers::with_max_depth(text.len(), MAX_DEPTH);
    let mut tape = Tape(Vec::new());
    if fill_tape_padded(&mut padded, text.len(), &mut buffers, &mut tape).is_err() || tape.0.is_empty() {
        return Err(diagnose::refused(text, bytes.len() - text.len(), MAX_DEPTH));
    }
    Ok(read(tape.as_value()))
}
