//! What the benches share: inputs, other decoders, a clock, an allocation counter, tables.
//!
//! # How a bench goes
//!
//! 1. It prints its [`environment`] and reads its frames from [`input`]: the fixtures, or the JSONL that the
//!    environment variable `STOOP_BENCH_FRAMES` names.
//! 2. It runs everything once and asserts what came out: a bench of a decoder that reads nothing is fast.
//! 3. `decode`, `merge`, `signal`, `pipeline` and `tape` hand over to criterion. `ratios` measures side by side in one
//!    run, round by round in turns, and holds the result against the goals. `endurance` runs a live engine over ten
//!    million frames.
//!
//! Bench ids are `stage/case/variant`.
//!
//! # What the numbers are not
//!
//! Two runs are not comparable unless the machine did nothing else; ratios inside one run are. Without `--bench`, as
//! `cargo test --benches` calls them, all benches run once and measure nothing.

pub mod allocations;
pub mod clock;
pub mod decoders;
pub mod environment;
pub mod frame;
pub mod input;
pub mod paced;
pub mod report;
pub mod rounds;

use std::time::Duration;

use criterion::Criterion;

/// Criterion with samples that are many enough to tell a tenth and few enough to run all benches in two minutes.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}
