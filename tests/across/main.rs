//! Tests that cross crates.

mod day;
mod embedder;
mod fixtures;
mod golden;
mod modules;
mod odd;
mod prose;
mod replay;
mod rest;
mod rules;
mod rules_page;
mod study;
mod tidy;
mod wordings;
