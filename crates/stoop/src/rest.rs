//! The vendor's REST interface: accounts and history.

pub use stoop_rest::{Client, History, HistoryEnd, HistoryQuery, HistorySpan, RestError, Said, Timeouts};
