//! The vendor's bytes: frames to events, REST answers to rows, times as they are written.

pub use stoop_wire::{
    AccountRow, AccountState, AccountsReply, Decoder, HistoryPage, HistoryRow, Limits, Me, MessageType,
    Quota, RowError, RowFault, RowPart, format_ms, parse_ms,
};
