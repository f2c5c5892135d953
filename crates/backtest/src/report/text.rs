//! Numbers as people read them.

/// A share in percent, with its sign.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:+.2} %", share * 100.0).replace('-', "−"))
}

/// A number with two decimals.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}").replace('-', "−"))
}

/// A chance.
pub(super) fn chance(p: Option<f64>) -> String {
    p.map_or_else(|| "–".to_owned(), |p| if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") })
}

/// A time in UTC to the second.
pub(super) fn moment(at_ns: i64) -> String {
    let text = stoop_wire::format_ms(at_ns.div_euclid(1_000_000)).unwrap_or_default();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// How long.
pub(super) fn span(ms: i64) -> String {
    match ms {
        ms if ms % 86_400_000 == 0 => format!("{} d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{} m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{} s", ms / 1_000),
        ms => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(percent(Some(-0.01234)), "−1.23 %");
        assert_eq!(percent(None), "–");
        assert_eq!(
            [60_000, 300_000, 5_000, 86_400_000, 1_500].map(span),
            ["1 m", "5 m", "5 s", "1 d", "1500 ms"]
        );
        assert_eq!(moment(1_781_095_200_123_456_789), "2026-06-10 12:40:00");
        assert_eq!(chance(Some(0.000_01)), "< 0.001");
    }
}
