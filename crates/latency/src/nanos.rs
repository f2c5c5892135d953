//! Nanoseconds for people.

use std::fmt;

/// Prints a number of nanoseconds with three significant digits and the unit that suits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nanos(pub u64);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded before the unit is chosen, so that 999,999 ns is 1.00 ms and not 1000 µs.
        let nanos = three_digits(self.0);
        let (unit_ns, unit) = match nanos {
            0..1_000 => return write!(f, "{nanos} ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            1_000_000_000.. => (1_000_000_000, "s"),
        };
        let (whole, rest) = (nanos / unit_ns, nanos % unit_ns);
        match whole {
            0..10 => write!(f, "{whole}.{:02} {unit}", rest / (unit_ns / 100)),
            10..100 => write!(f, "{whole}.{} {unit}", rest / (unit_ns / 10)),
            100.. => write!(f, "{whole} {unit}"),
        }
    }
}

/// The nearest number with at most three significant decimal digits, halves away from zero.
fn three_digits(value: u64) -> u64 {
    let step = match value.checked_ilog10() {
        Some(power @ 3..) => 10_u64.pow(power - 2),
        Some(_) | None => return value,
    };
    (value / step + u64::from(value % step >= step / 2)).saturating_mul(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits_and_a_fitting_unit() {
        let cases = [
            (0, "0 ns"),
            (1, "1 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (1_004, "1.00 µs"),
            (1_005, "1.01 µs"),
            (9_994, "9.99 µs"),
            (9_995, "10.0 µs"),
            (12_345, "12.3 µs"),
            (99_950, "100 µs"),
            (123_456, "123 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (41_000_000, "41.0 ms"),
            (999_999_999, "1.00 s"),
            (59_940_000_000, "59.9 s"),
            (3_600_000_000_000, "3600 s"),
            (u64::MAX, "18400000000 s"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(Nanos(nanos).to_string(), expected, "{nanos}");
        }
    }
}
