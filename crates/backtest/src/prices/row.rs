//! One row of a price file: a kline or a trade, as Binance publishes them.

use csv::ByteRecord;
use rust_decimal::Decimal;

/// Times between the years 2006 and 2100, in ms; the same digits with three more are µs, with six more ns.
const TIMES_MS: std::ops::Range<i64> = 1_136_073_600_000..4_102_444_800_000;

/// The units of times: ms, µs, ns.
const UNITS_NS: [i64; 3] = [1_000_000, 1000, 1];

/// Columns of klines: open time, open, high, low, close, volume, close time, and others that are not used.
pub(super) const KLINE_COLUMNS: usize = 12;
/// Columns of aggregated trades: id, price, quantity, first and last id, time, side; spot has an eighth.
pub(super) const TRADE_COLUMNS: [usize; 2] = [7, 8];

/// The kind of rows in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Bars of a fixed length.
    Klines,
    /// Aggregated trades.
    Trades,
}

/// A kline or a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Unix ns: when the bar opens, when it was traded.
    pub at_ns: i64,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    /// Anything was traded. Bars without trades are there only to show that the exchange was.
    pub has_traded: bool,
    /// How long the bar says it is, ns; 0 for a trade.
    pub span_ns: i64,
}

/// The fault in one row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A number of columns that no layout has.
    #[error("{0} columns: klines have 12, aggTrades 7 or 8")]
    Columns(usize),
    /// A number that cannot be read.
    #[error("`{column}` is \"{text}\", which is not a number")]
    Number {
        /// Name of the column.
        column: &'static str,
        /// The value.
        text: String,
    },
    /// A price of zero or below.
    #[error("`{column}` is {price}, and a price is above 0")]
    NotPositive {
        /// Name of the column.
        column: &'static str,
        /// The value.
        price: Decimal,
    },
    /// High and low do not enclose open and close.
    #[error("high {high} and low {low} do not enclose open {open} and close {close}")]
    Range {
        /// Of the bar.
        open: Decimal,
        /// Of the bar.
        high: Decimal,
        /// Of the bar.
        low: Decimal,
        /// Of the bar.
        close: Decimal,
    },
    /// A quantity below zero.
    #[error("`{column}` is {amount}, below 0")]
    NegativeAmount {
        /// Name of the column.
        column: &'static str,
        /// The value.
        amount: Decimal,
    },
    /// A time that is in none of the units.
    #[error("`{column}` is {value}: a time is in ms, µs or ns, between the years 2006 and 2100")]
    Time {
        /// Name of the column.
        column: &'static str,
        /// The value.
        value: i64,
    },
    /// A bar that ends before it begins.
    #[error("the bar closes before it opens")]
    Backwards,
    /// A time that the file's name says is not in it.
    #[error("{at} is not in {span}, which the file is named after: are its times in a zone other than UTC?")]
    Outside {
        /// UTC.
        at: String,
        /// A month or a day.
        span: String,
    },
    /// A bar that opens where none of its length does.
    #[error("the bar opens at {at}, which is not a multiple of {grid_ms} ms: is it the time it closes?")]
    Misplaced {
        /// UTC.
        at: String,
        /// The step that the time should be a multiple of.
        grid_ms: i64,
    },
}

impl Layout {
    /// The layout of a row, by its number of columns.
    pub(crate) fn of(record: &ByteRecord) -> Result<Self, RowFault> {
        match record.len() {
            KLINE_COLUMNS => Ok(Self::Klines),
            columns if TRADE_COLUMNS.contains(&columns) => Ok(Self::Trades),
            columns => Err(RowFault::Columns(columns)),
        }
    }

    /// Reads a row.
    pub(crate) fn read(self, record: &ByteRecord) -> Result<Row, RowFault> {
        if Self::of(record)? != self {
            return Err(RowFault::Columns(record.len()));
        }
        match self {
            Self::Klines => kline(record),
            Self::Trades => trade(record),
        }
    }

    /// The name in errors and summaries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Klines => "klines",
            Self::Trades => "trades",
        }
    }
}

/// The first row names its columns.
pub(crate) fn is_header(record: &ByteRecord) -> bool {
    record
        .get(0)
        .is_some_and(|text| text.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_'))
}

fn kline(record: &ByteRecord) -> Result<Row, RowFault> {
    let at_ns = time(record, 0, "open_time")?;
    let open = price(record, 1, "open")?;
    let high = price(record, 2, "high")?;
    let low = price(record, 3, "low")?;
    let close = price(record, 4, "close")?;
    if low > open.min(close) || high < open.max(close) {
        return Err(RowFault::Range { open, high, low, close });
    }
    let volume = amount(record, 5, "volume")?;
    let close_ns = time(record, 6, "close_time")?;
    if close_ns < at_ns {
        return Err(RowFault::Backwards);
    }
    // A bar closes one of its source's unit before the next, whatever unit the file has.
    let is_whole = |unit_ns: &i64| at_ns % unit_ns == 0 && close_ns % unit_ns == 0;
    let span_ns = close_ns - at_ns + UNITS_NS.into_iter().find(is_whole).unwrap_or(1);
    Ok(Row { at_ns, open, high, low, close, has_traded: !volume.is_zero(), span_ns })
}

fn trade(record: &ByteRecord) -> Result<Row, RowFault> {
    let price = price(record, 1, "price")?;
    let has_traded = !amount(record, 2, "quantity")?.is_zero();
    let at_ns = time(record, 5, "transact_time")?;
    Ok(Row { at_ns, open: price, high: price, low: price, close: price, has_traded, span_ns: 0 })
}

/// A time in ns.
fn time(record: &ByteRecord, index: usize, column: &'static str) -> Result<i64, RowFault> {
    let text = text(record, index);
    let value: i64 = text.parse().ok().ok_or_else(|| number(column, text))?;
    // Binance changed its spot files from ms to µs in 2025; the ranges of the units do not overlap.
    let unit_ns = UNITS_NS.into_iter().find(|unit_ns| TIMES_MS.contains(&(value / (1_000_000 / unit_ns))));
    unit_ns.map(|unit_ns| value * unit_ns).ok_or(RowFault::Time { column, value })
}

/// A time as errors show it.
pub(super) fn shown(at_ns: i64) -> String {
    stoop_wire::format_ms(at_ns.div_euclid(1_000_000)).unwrap_or_default()
}

fn price(record: &ByteRecord, index: usize, column: &'static str) -> Result<Decimal, RowFault> {
    let price = decimal(record, index, column)?;
    if price <= Decimal::ZERO {
        return Err(RowFault::NotPositive { column, price });
    }
    Ok(price)
}

fn amount(record: &ByteRecord, index: usize, column: &'static str) -> Result<Decimal, RowFault> {
    let amount = decimal(record, index, column)?;
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(RowFault::NegativeAmount { column, amount });
    }
    Ok(amount)
}

/// The digits exactly as written, with trailing zeros. A number that needs more than 28 digits is refused, not
/// rounded.
fn decimal(record: &ByteRecord, index: usize, column: &'static str) -> Result<Decimal, RowFault> {
    let text = text(record, index);
    // Exact: rounding a price here would move returns in their last places.
    let plain = Decimal::from_str_exact(text);
    plain.or_else(|_| Decimal::from_scientific(text)).ok().ok_or_else(|| number(column, text))
}

fn text(record: &ByteRecord, index: usize) -> &str {
    let bytes = record.get(index).unwrap_or_default();
    // A replacement character parses as no number, so the row is refused with its column.
    std::str::from_utf8(bytes).unwrap_or("\u{fffd}").trim()
}

fn number(column: &'static str, text: &str) -> RowFault {
    RowFault::Number { column, text: text.chars().take(40).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Result<Row, RowFault> {
        let record = ByteRecord::from(text.split(',').collect::<Vec<_>>());
        Layout::of(&record)?.read(&record)
    }

    fn fault(text: &str) -> String {
        row(text).expect_err("the row is wrong").to_string()
    }

    #[test]
    fn a_kline_keeps_the_digits_of_its_source() {
        let row =
            row("1617321600000,0.0621500,0.0626332,0.0619775,0.062294,22348838,1617321659999,0,0,0,0,0");
        let row = row.expect("a kline");
        assert_eq!(row.open.to_string(), "0.0621500");
        assert_eq!((row.at_ns, row.span_ns), (1_617_321_600_000_000_000, 60_000_000_000));
        assert!(row.has_traded);
    }

    #[test]
    fn times_may_be_in_microseconds() {
        let kline = row("1735689600000000,1,1,1,1,0.00000000,1735689659999999,0,0,0,0,0").expect("a kline");
        assert_eq!((kline.at_ns, kline.span_ns), (1_735_689_600_000_000_000, 60_000_000_000));
        assert!(!kline.has_traded);
        let trade = row("1,0.5,10,1,2,1735689600000123,True,True").expect("a trade");
        assert_eq!(trade.at_ns, 1_735_689_600_000_123_000);
    }

    #[test]
    fn what_is_no_price_is_told() {
        let with = |open: &str| format!("1617321600000,{open},2,0.5,1,1,1617321659999,0,0,0,0,0");
        assert_eq!(fault(&with("0")), "`open` is 0, and a price is above 0");
        assert_eq!(fault(&with("-1.5")), "`open` is -1.5, and a price is above 0");
        assert_eq!(fault(&with("NaN")), "`open` is \"NaN\", which is not a number");
        assert_eq!(fault(&with("")), "`open` is \"\", which is not a number");
        assert_eq!(fault(&with("3")), "high 2 and low 0.5 do not enclose open 3 and close 1");
        assert_eq!(row(&with("1e0")).expect("a number with an exponent").open, Decimal::ONE);
    }

    #[test]
    fn times_of_other_units_are_told() {
        assert!(
            fault("1617321600,1,1,1,1,1,1617321659,0,0,0,0,0")
                .starts_with("`open_time` is 1617321600: a time")
        );
        assert_eq!(
            fault("1617321600000,1,1,1,1,1,1617321599999,0,0,0,0,0"),
            "the bar closes before it opens"
        );
        assert_eq!(fault("1,2,3"), "3 columns: klines have 12, aggTrades 7 or 8");
    }
}
