//! The clock of the benches that do not use criterion's.

#![expect(clippy::disallowed_methods, reason = "the one module of the benches that reads a clock")]

use std::hint::black_box;
use std::time::Instant;

/// How long the work takes, ns.
pub fn nanos<R>(work: impl FnOnce() -> R) -> u64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_nanos() as u64
}
