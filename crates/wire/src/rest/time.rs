//! Times as the REST interface writes them: RFC 3339 in texts, Unix ms elsewhere.

use jiff::civil::DateTime;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Unix ms of an ISO 8601 text such as `2026-05-01T12:00:00.123Z`; a space may stand for the `T`. Without an offset it
/// is UTC, without a time of day it is midnight. `None` if it is not a time.
pub fn parse_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(floor_ms(time));
    }
    let time = text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(floor_ms(time.timestamp()))
}

/// Digits beyond the millisecond are cut off towards the past, also before 1970.
fn floor_ms(time: Timestamp) -> i64 {
    time.as_nanosecond().div_euclid(1_000_000) as i64
}

/// A time as the interface expects it: `2026-05-01T12:00:00.123Z`. `None` beyond the years that can be written.
pub fn format_ms(ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(ms).ok()?.round(Unit::Millisecond).ok()?;
    Some(format!("{time:.3}"))
}

/// Unix ms of a time as HTTP headers have it: `Wed, 10 Jun 2026 12:39:59 GMT`. `None` if it is not one.
pub fn parse_http_date(text: &str) -> Option<i64> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok().map(Timestamp::as_millisecond)
}

/// A time as HTTP headers have it. `None` beyond the years that can be written.
pub fn format_http_date(ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(ms).ok()?;
    let mut text = String::new();
    DateTimePrinter::new().print_timestamp_rfc9110(&time, StdFmtWrite(&mut text)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_heads_have_times_of_their_own() {
        let text = "Wed, 10 Jun 2026 12:39:59 GMT";
        assert_eq!(parse_http_date(text), Some(1_781_095_199_000));
        assert_eq!(format_http_date(1_781_095_199_900).as_deref(), Some(text));
        for text in ["", "soon", "2026-06-10T12:39:59Z", "120"] {
            assert_eq!(parse_http_date(text), None, "{text}");
        }
        assert_eq!(format_http_date(i64::MAX), None);
    }

    #[test]
    fn times_are_read_in_every_spelling_the_interface_may_use() {
        for text in [
            "2026-06-10T12:39:59.900Z",
            "2026-06-10T12:39:59.9Z",
            "2026-06-10T12:39:59.900999Z",
            "2026-06-10T14:39:59.900+02:00",
            "2026-06-10 12:39:59.900",
            " 2026-06-10t12:39:59.900z ",
        ] {
            assert_eq!(parse_ms(text), Some(1_781_095_199_900), "{text}");
        }
        assert_eq!(parse_ms("2026-05-01"), Some(1_777_593_600_000));
        assert_eq!(parse_ms("1969-12-31T23:59:59.9999Z"), Some(-1));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "soon", "1781095199900", "2026-13-01", "2026-06-10T25:00:00Z", "12:00:00Z", "2026"] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_with_three_digits_and_reads_back() {
        assert_eq!(format_ms(1_781_095_199_900).as_deref(), Some("2026-06-10T12:39:59.900Z"));
        assert_eq!(format_ms(1_777_593_600_000).as_deref(), Some("2026-05-01T00:00:00.000Z"));
        assert_eq!(format_ms(i64::MAX), None);
        for ms in [0, -1, 1, 1_288_834_974_657, 4_102_444_799_999] {
            assert_eq!(format_ms(ms).as_deref().and_then(parse_ms), Some(ms));
        }
    }
}
