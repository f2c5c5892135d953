//! The span that a file's name says it covers.

use std::path::Path;

use super::stem;

/// A month or a day, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// As the name has it: `2021-04`, `2021-04-05`.
    pub name: String,
    from_ns: i64,
    to_ns: i64,
}

impl Span {
    /// Of a name that ends as those of Binance's public data do: `SYMBOL-1m-2021-04`, `SYMBOL-aggTrades-2021-04-05`.
    /// None if there is another number before the date: a name with two dates covers another span.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let parts: Vec<&str> = stem(path)?.split('-').collect();
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_date = |widths: &[usize]| {
            let date = parts.len().checked_sub(widths.len())?;
            let (before, date) = (parts[..date].last()?, &parts[date..]);
            let fits = date.iter().zip(widths).all(|(part, width)| part.len() == *width && is_number(part));
            // `A-2021-01-2021-04` covers a range that this cannot know the meaning of.
            (fits && !is_number(before)).then(|| date.join("-"))
        };
        let start_ns = |day: &str| stoop_wire::parse_ms(day)?.checked_mul(1_000_000);
        if let Some(name) = is_date(&[4, 2, 2]) {
            let from_ns = start_ns(&name)?;
            return Some(Self { name, from_ns, to_ns: from_ns + 86_400_000_000_000 });
        }
        let name = is_date(&[4, 2])?;
        let (year, month) = name.split_once('-')?;
        let (year, month): (u16, u16) = (year.parse().ok()?, month.parse().ok()?);
        let next = format!("{:04}-{:02}-01", year + month / 12, month % 12 + 1);
        Some(Self { from_ns: start_ns(&format!("{name}-01"))?, to_ns: start_ns(&next)?, name })
    }

    /// A time is in it.
    pub(crate) fn holds(&self, at_ns: i64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str) -> Option<(String, Option<String>, Option<String>)> {
        let day = |at_ns: i64| stoop_wire::format_ms(at_ns / 1_000_000).map(|text| text[..10].to_owned());
        Span::of(Path::new(name)).map(|span| (span.name, day(span.from_ns), day(span.to_ns)))
    }

    #[test]
    fn names_of_public_data_say_their_month_or_day() {
        let expect = |name: &str, from: &str, to: &str| {
            Some((name.to_owned(), Some(from.to_owned()), Some(to.to_owned())))
        };
        assert_eq!(span("A-1m-2021-04.csv.gz"), expect("2021-04", "2021-04-01", "2021-05-01"));
        assert_eq!(span("in/A-aggTrades-2020-12.ZIP"), expect("2020-12", "2020-12-01", "2021-01-01"));
        assert_eq!(span("A-1s-2024-02-29.parquet"), expect("2024-02-29", "2024-02-29", "2024-03-01"));
        assert_eq!(span("A_210625-1m-2021-04.csv"), expect("2021-04", "2021-04-01", "2021-05-01"));
    }

    #[test]
    fn other_names_say_nothing() {
        for name in [
            "A.csv",
            "A-1m.csv",
            "A-1m-2021.csv",
            "2021-04.csv",
            "A-1m-2021-04_05.csv",
            "A-1m-2021-13.csv",
            "A-1m-2021-00.csv",
            "A-1m-2021-02-30.csv",
            "A-1m-2020-01-2021-04.csv",
            "A-1m-2021-01-02-2021-03-04.csv",
            "A-1m-21-04.csv",
            "A-1m-2021-04-part.csv",
        ] {
            assert_eq!(span(name), None, "{name}");
        }
    }
}
