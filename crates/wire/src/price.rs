//! JSON numbers as decimals with the same digits.

use std::fmt::{self, Write};

use rust_decimal::Decimal;
use simd_json::StaticNode;
use stoop_model::Price;

/// Digits after the point that a [`Decimal`] holds.
const MAX_SCALE: u32 = 28;
/// How many scales are tried before a double's digits are written out; larger scales are rare.
const SHORT_SCALES: u32 = 13;

/// The price that a number stands for; `None` if it is not a number.
pub(crate) fn of(value: &StaticNode) -> Option<Price> {
    match value {
        StaticNode::U64(number) => Some(Price::Usd(Decimal::from(*number))),
        StaticNode::I64(number) => Some(Price::Usd(Decimal::from(*number))),
        StaticNode::F64(number) => Some(of_float(*number)),
        StaticNode::Bool(_) | StaticNode::Null => None,
    }
}

/// A double as the shortest decimal that reads back as the same double.
fn of_float(number: f64) -> Price {
    short(number).or_else(|| any(number)).map_or(Price::OutOfRange, Price::Usd)
}

/// The decimal of a double with few digits, found without writing them out.
///
/// A power of ten up to the 22nd is exact as a double, and so is an integer below 10^15. So their quotient is the
/// double nearest to the decimal, and no other decimal of up to 15 digits has the same nearest double.
fn short(number: f64) -> Option<Decimal> {
    let mut power = 1.0_f64;
    for scale in 0..SHORT_SCALES {
        let scaled = number * power;
        // Beyond 15 digits two decimals may have the same nearest double.
        if scaled.abs() >= 1e15 {
            return None;
        }
        let integer = (scaled + 0.5_f64.copysign(scaled)) as i64;
        if (integer as f64 / power).to_bits() == number.to_bits() {
            return Some(Decimal::new(integer, scale));
        }
        power *= 10.0;
    }
    None
}

/// The decimal of any double that has one.
fn any(number: f64) -> Option<Decimal> {
    let mut text = Digits { bytes: [0; 32], len: 0 };
    // The standard library writes the shortest digits that read back as the same double.
    write!(text, "{:e}", number.abs()).ok()?;
    // One digit, perhaps a point and more digits, `e`, the exponent.
    let mut bytes = text.bytes.get(..text.len)?.iter();
    let (mut mantissa, mut fraction, mut after_point) = (0_i128, 0_i32, false);
    for byte in bytes.by_ref() {
        match byte {
            b'.' => after_point = true,
            b'e' => break,
            digit => {
                mantissa = mantissa * 10 + i128::from(digit.checked_sub(b'0')?);
                fraction += i32::from(after_point);
            }
        }
    }
    let exponent: i32 = std::str::from_utf8(bytes.as_slice()).ok()?.parse().ok()?;
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    let mantissa = if number < 0.0 { -mantissa } else { mantissa };
    let scale = fraction - exponent;
    if scale >= 0 {
        let scale = scale as u32;
        return if scale > MAX_SCALE {
            None
        } else {
            Decimal::try_from_i128_with_scale(mantissa, scale).ok()
        };
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(mantissa.checked_mul(factor)?, 0).ok()
}

/// Room for the longest `{:e}` of a double: 17 digits, a point, `e`, a sign, three digits.
struct Digits {
    bytes: [u8; 32],
    len: usize,
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: f64, expect: &str) {
        let text = match of_float(number) {
            Price::Usd(price) => price.to_string(),
            Price::OutOfRange => "out of range".to_owned(),
        };
        assert_eq!(text, expect, "{number:e}");
    }

    #[test]
    fn a_price_keeps_the_shortest_digits_of_its_double() {
        check(1e-12, "0.000000000001");
        check(4.2e-3, "0.0042");
        check(1e5, "100000");
        check(0.1, "0.1");
        check(0.5, "0.5");
        check(5.0, "5");
        check(-0.0, "0");
        check(-1.25, "-1.25");
        check(1.234_567_890_123_456_7, "1.2345678901234567");
        check(123_456_789_012_345_680.0, "123456789012345680");
        check(7.9e28, "79000000000000000000000000000");
    }

    #[test]
    fn a_price_that_would_lose_a_digit_is_out_of_range() {
        check(1e-28, "0.0000000000000000000000000001");
        check(1e-29, "out of range");
        check(1.5e-28, "out of range");
        check(1e-30, "out of range");
        check(8e28, "out of range");
        check(1e300, "out of range");
        check(f64::MAX, "out of range");
        check(5e-324, "out of range");
        check(-2.225_073_858_507_201e-308, "out of range");
    }

    #[test]
    fn few_digits_give_the_same_with_and_without_writing_them() {
        let mut found = 0;
        for digits in [0, 1, 7, 42, 999, 4_200_000, 123_456_789_012_345, 1_234_567_890_123_456, i64::MAX] {
            for exponent in -30..30 {
                for sign in ["", "-"] {
                    let number: f64 = format!("{sign}{digits}e{exponent}").parse().expect("a number");
                    let short = short(number);
                    assert!(short.is_none() || short == any(number), "{number:e}: {short:?}");
                    let scale = short.map(|price| price.scale());
                    assert!(scale.is_none() || scale == any(number).map(|price| price.scale()), "{number:e}");
                    found += u32::from(short.is_some());
                }
            }
        }
        assert!(found > 200, "{found} are short");
    }

    #[test]
    fn integers_are_exact() {
        let price = |node| match of(&node) {
            Some(Price::Usd(price)) => price.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(price(StaticNode::U64(u64::MAX)), "18446744073709551615");
        assert_eq!(price(StaticNode::I64(i64::MIN)), "-9223372036854775808");
        assert_eq!(price(StaticNode::U64(123_456_789_012_345_678)), "123456789012345678");
        assert_eq!(price(StaticNode::Bool(true)), "None");
    }
}
