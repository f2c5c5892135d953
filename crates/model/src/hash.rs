//! Hash containers with a fixed seed.

// A fixed seed gives up protection against chosen keys. Every such map is bounded, and replays must agree.
use foldhash::quality::FixedState;

/// A hash map whose seed is fixed, so that the same insertions iterate alike in every run.
#[expect(clippy::disallowed_types, reason = "the one place that names std's map, with a fixed hasher")]
pub type HashMap<K, V> = std::collections::HashMap<K, V, FixedState>;

/// A hash set whose seed is fixed.
#[expect(clippy::disallowed_types, reason = "the one place that names std's set, with a fixed hasher")]
pub type HashSet<K> = std::collections::HashSet<K, FixedState>;
