//! Numbers and times, formatted for people.

/// Between a number and its unit: no line breaks there.
const JOIN: char = '\u{a0}';

/// A share in percent, with its sign; what rounds to nothing has none.
pub(super) fn percent(share: Option<f64>) -> String {
    let Some(share) = share else { return "–".to_owned() };
    let text = format!("{:+.2}", share * 100.0);
    let text = if text == "-0.00" || text == "+0.00" { "0.00".to_owned() } else { text.replace('-', "−") };
    format!("{text}{JOIN}%")
}

/// From one share to another; a dash if there are none.
pub(super) fn range(low: Option<f64>, high: Option<f64>) -> String {
    match (low, high) {
        (Some(_), Some(_)) => format!("{}{JOIN}to{JOIN}{}", percent(low), percent(high)),
        (_, _) => "–".to_owned(),
    }
}

/// A part of a whole.
pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0}{JOIN}%", share * 100.0))
}

/// A number of things, whose name forms its plural with an s.
pub(super) fn count(number: usize, name: &str) -> String {
    format!("{number}{JOIN}{name}{}", if number == 1 { "" } else { "s" })
}

/// A duration, ms, in the units in which people say it.
pub(super) fn wait(ms: Option<f64>) -> String {
    let Some(ms) = ms else { return "–".to_owned() };
    let sign = if ms < 0.0 { "−" } else { "" };
    let ms = ms.abs();
    let parts = |large: f64, unit: &str, small: f64, rest: &str| {
        let whole = (ms / large).floor();
        format!("{sign}{whole:.0}{JOIN}{unit} {:02.0}{JOIN}{rest}", ((ms - whole * large) / small).floor())
    };
    match ms {
        ms if ms < 1.0 && ms > 0.0 => format!("{sign}{ms:.2}{JOIN}ms"),
        ms if ms < 999.5 => format!("{sign}{ms:.0}{JOIN}ms"),
        ms if ms < 60_000.0 => format!("{sign}{:.1}{JOIN}s", ms / 1e3),
        ms if ms < 3_600_000.0 => parts(60_000.0, "m", 1_000.0, "s"),
        _ => parts(3_600_000.0, "h", 60_000.0, "m"),
    }
}

/// A number with two decimals.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}").replace('-', "−"))
}

/// A chance.
pub(super) fn chance(p: Option<f64>) -> String {
    p.map_or_else(|| "–".to_owned(), |p| if p < 0.001 { format!("<{JOIN}0.001") } else { format!("{p:.3}") })
}

/// A time in UTC to the second.
pub(super) fn moment(at_ns: i64) -> String {
    let text = stoop_wire::format_ms(at_ns.div_euclid(1_000_000)).unwrap_or_default();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// How long.
pub(super) fn span(ms: i64) -> String {
    match ms {
        ms if ms % 86_400_000 == 0 => format!("{}{JOIN}d", ms / 86_400_000),
        ms if ms % 3_600_000 == 0 => format!("{}{JOIN}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}{JOIN}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}{JOIN}s", ms / 1_000),
        ms => format!("{ms}{JOIN}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(percent(Some(-0.01234)), "−1.23\u{a0}%");
        assert_eq!([Some(-0.000_01), None].map(percent), ["0.00\u{a0}%", "–"]);
        assert_eq!(range(Some(-0.01), Some(0.02)).replace(JOIN, " "), "−1.00 % to +2.00 %");
        assert_eq!(
            [60_000, 300_000, 5_000, 86_400_000, 1_500].map(|ms| span(ms).replace(JOIN, " ")),
            ["1 m", "5 m", "5 s", "1 d", "1500 ms"]
        );
        let waits = [0.0, 0.25, 217.4, 999.7, 12_340.0, 59_990.0, 65_000.0, 7_500_000.0, -3_000.0];
        assert_eq!(
            waits.map(|ms| wait(Some(ms)).replace(JOIN, " ")),
            ["0 ms", "0.25 ms", "217 ms", "1.0 s", "12.3 s", "60.0 s", "1 m 05 s", "2 h 05 m", "−3.0 s"]
        );
        assert_eq!(moment(1_781_095_200_123_456_789), "2026-06-10 12:40:00");
        assert_eq!(chance(Some(0.000_01)), "<\u{a0}0.001");
    }
}
