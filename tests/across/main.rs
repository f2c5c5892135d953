//! Tests that cross crates.

mod day;
mod fixtures;
mod golden;
mod odd;
mod replay;
mod rules;
mod tidy;
