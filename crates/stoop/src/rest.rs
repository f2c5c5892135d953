//! The vendor's REST interface: accounts and history.

pub use stoop_rest::{
    Client, ErrorText, History, HistoryEnd, HistoryQuery, HistorySpan, RestError, Timeouts,
};
