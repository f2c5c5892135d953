//! Tests that cross crates.

mod day;
mod fixtures;
mod golden;
mod odd;
mod replay;
mod rest;
mod rules;
mod study;
mod tidy;
mod wordings;
