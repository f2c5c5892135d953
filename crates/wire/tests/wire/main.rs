//! Frames in, events or reasons out: by value, against a second decoder, and over anything that is no frame.

mod allocations;
mod bad;
mod differential;
mod fingerprints;
mod generate;
mod leaves;
mod operations;
mod reference;
mod show;
mod values;
