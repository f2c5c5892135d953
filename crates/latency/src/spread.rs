//! A single histogram, for differences that are not a stage.

use std::fmt;

use crate::HIGHEST_NS;
use crate::nanos::Nanos;
use crate::recorder::Channel;

/// Differences of one kind, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    channel: Channel,
}

impl Spread {
    /// Adds one difference, ns. A negative one is counted separately; one above [`HIGHEST_NS`] stands at that bound.
    pub fn record(&mut self, nanos: i64) {
        self.channel.add(nanos);
    }

    /// How many there are, without the negative ones.
    pub fn count(&self) -> u64 {
        self.channel.len()
    }

    /// The value that a share `q` of all does not exceed, ns; `None` without samples.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        self.channel.quantile(q)
    }

    /// The largest, ns, exact.
    pub fn max(&self) -> Option<u64> {
        self.channel.quantile(1.0).map(|highest| highest.min(HIGHEST_NS))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.quantile(0.5), self.quantile(0.99), self.max()) {
            (Some(p50), Some(p99), Some(max)) => {
                write!(f, "p50 {}, p99 {}, max {}", Nanos(p50), Nanos(p99), Nanos(max))
            }
            (_, _, _) => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_and_prints_what_was_recorded() {
        let mut spread = Spread::default();
        assert_eq!((spread.count(), spread.max(), spread.to_string().as_str()), (0, None, "-"));
        for nanos in [-5, 1_000, 2_000, 3_000_000] {
            spread.record(nanos);
        }
        assert_eq!((spread.count(), spread.quantile(0.5), spread.max()), (3, Some(2_000), Some(3_000_000)));
        assert_eq!(spread.to_string(), "p50 2.00 µs, p99 3.00 ms, max 3.00 ms");
    }
}
