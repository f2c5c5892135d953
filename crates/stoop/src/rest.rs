//! The vendor's REST interface: accounts and history.

pub use stoop_rest::{
    Client, Explanation, History, HistoryEnd, HistoryQuery, HistorySpan, RestError, Timeouts,
};
