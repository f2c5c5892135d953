//! Rules, what can be traded, and why a rule held or did not.

pub use stoop_engine::{
    Condition, Explanation, Listing, RuleReader, UNIVERSE_BYTES, UNIVERSE_ROWS, Universe, asset_key, syntax,
};
