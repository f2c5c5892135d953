//! Outcomes: what became of the price after one decision, over one horizon.

use rust_decimal::{Decimal, RoundingStrategy};
use stoop_model::Side;

use crate::prices::{Layout, Series, plain};

/// Decimal places of a return.
pub(crate) const PLACES: u32 = 12;

/// A price at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Unix ns.
    pub at_ns: i64,
    /// As the source has it.
    pub price: Decimal,
}

/// The result of one decision over one horizon. Returns have 12 decimal places, rounded half to even.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The decision, as its place in [`crate::Findings::events`].
    pub event: usize,
    /// From entry to exit, ms.
    pub horizon_ms: i64,
    /// Where it was exited.
    pub exit: Option<Fill>,
    /// Exit over entry, less 1, whatever the side.
    pub gross: Option<Decimal>,
    /// By side, less the costs of both sides.
    pub net: Option<Decimal>,
    /// `gross` less the benchmark's at the same two times; none without a benchmark, or where it has no such times.
    pub adjusted: Option<Decimal>,
    /// The furthest the price went for it, from entry to exit, by side.
    pub mfe: Option<Decimal>,
    /// The furthest it went against it, by side; never above 0.
    pub mae: Option<Decimal>,
    /// When it was at its furthest, ns after the entry.
    pub peak_ns: Option<i64>,
    /// Entry of the first outcome whose window overlaps with this one's, or with one's that does; for outcomes that
    /// count.
    pub cluster_ns: Option<i64>,
    /// Why it is left out.
    pub excluded: Option<Exclusion>,
}

/// Why there is no outcome. The list is closed; docs/backtesting.md explains each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclusion {
    /// The decision names no asset, and `[series]` none for its rule.
    NoAsset,
    /// None of the series that were looked for is in the folder of prices, or nothing says what to look for.
    NoSeries,
    /// The series begins too late for the entry.
    NotOpen,
    /// Nothing was traded within two spacings of entry or exit.
    NoPrice,
    /// The horizon is shorter than the spacing of the series.
    Coarse,
    /// One price is so much larger than the other that the return with its 12 places does not fit into 28 digits.
    OutOfRange,
}

impl Exclusion {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::NoAsset, Self::NoSeries, Self::NotOpen, Self::NoPrice, Self::Coarse, Self::OutOfRange];

    /// The name in the table of outcomes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAsset => "no_asset",
            Self::NoSeries => "no_series",
            Self::NotOpen => "not_open",
            Self::NoPrice => "no_price",
            Self::Coarse => "coarse",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// The costs of a trade, in basis points of its price, for each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// The taker's fee.
    pub taker_bps: Decimal,
    /// Slippage on BTC and ETH.
    pub slippage_major_bps: Decimal,
    /// Slippage on everything else.
    pub slippage_bps: Decimal,
}

impl Default for Costs {
    fn default() -> Self {
        let [taker_bps, slippage_major_bps, slippage_bps] = [5, 10, 50].map(Decimal::from);
        Self { taker_bps, slippage_major_bps, slippage_bps }
    }
}

/// The quotes of BTC and ETH, so that BTCDOMUSDT does not pass for one of them.
const QUOTES: [&str; 14] =
    ["USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "DAI", "USD", "EUR", "GBP", "TRY", "BRL", "JPY", "BTC"];

impl Costs {
    /// Of both sides together, as a fraction of the price.
    pub fn of(&self, series: &str) -> Decimal {
        let series = plain(series);
        let pair = series.strip_suffix("PERP").unwrap_or(&series);
        // A delivery contract ends with its day, as BTCUSDT_250926 does.
        let pair = pair.trim_end_matches(|char: char| char.is_ascii_digit());
        let base = ["BTC", "ETH"].into_iter().find_map(|base| pair.strip_prefix(base));
        let is_major = base.is_some_and(|quote| QUOTES.contains(&quote));
        let slippage = if is_major { self.slippage_major_bps } else { self.slippage_bps };
        // Two sides, and 1e-4 for a basis point.
        (self.taker_bps + slippage) * Decimal::new(2, 4)
    }
}

/// Where a decision would have been entered, at `at_ns` or within two spacings after it.
pub(crate) fn enter(series: &Series, at_ns: i64) -> Result<usize, Exclusion> {
    series.near(at_ns).ok_or_else(|| {
        // A coin that was listed later is another reason than a halt: the report counts them apart.
        let is_open = series.first_traded_ns.is_some_and(|first_ns| first_ns <= at_ns);
        if is_open { Exclusion::NoPrice } else { Exclusion::NotOpen }
    })
}

/// Follows the price from an entry, horizon by horizon, the shorter ones first.
pub(crate) struct Walk<'a> {
    series: &'a Series,
    side: Side,
    entry: usize,
    /// Bars up to here are in the extremes.
    seen: usize,
    high: (Decimal, i64),
    low: (Decimal, i64),
}

/// One horizon's end of a walk.
pub(crate) struct End {
    pub exit: Fill,
    pub gross: Decimal,
    pub mfe: Decimal,
    pub mae: Decimal,
    pub peak_ns: i64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(series: &'a Series, side: Side, entry: usize) -> Self {
        let start = (series.opens[entry], series.times[entry]);
        Self { series, side, entry, seen: entry, high: start, low: start }
    }

    /// The outcome at `horizon_ns` after the entry.
    pub(crate) fn to(&mut self, horizon_ns: i64) -> Result<End, Exclusion> {
        let series = self.series;
        // Within one bar there is no second open to exit at.
        if horizon_ns < series.spacing_ns {
            return Err(Exclusion::Coarse);
        }
        let (entry_ns, entry_price) = (series.times[self.entry], series.opens[self.entry]);
        let place = series.near(entry_ns + horizon_ns).ok_or(Exclusion::NoPrice)?;
        // Only what is new since the shorter horizon: each bar is looked at once.
        for bar in self.seen..place {
            self.widen(series.high(bar), series.low(bar), series.times[bar]);
        }
        self.seen = self.seen.max(place);
        let exit = Fill { at_ns: series.times[place], price: series.opens[place] };
        // The exit is at the open of its bar, so the rest of that bar does not count.
        let (mut high, mut low) = (self.high, self.low);
        if exit.price > high.0 {
            high = (exit.price, exit.at_ns);
        }
        if exit.price < low.0 {
            low = (exit.price, exit.at_ns);
        }
        let ((best, peak_ns), worst, sign) = match self.side {
            Side::Buy | Side::Alert => (high, low.0, Decimal::ONE),
            Side::Sell => (low, high.0, Decimal::NEGATIVE_ONE),
        };
        Ok(End {
            exit,
            gross: rounded(change(entry_price, exit.price)?)?,
            mfe: rounded(sign * change(entry_price, best)?)?,
            mae: rounded(sign * change(entry_price, worst)?)?,
            peak_ns: peak_ns - entry_ns,
        })
    }

    fn widen(&mut self, high: Decimal, low: Decimal, at_ns: i64) {
        if high > self.high.0 {
            self.high = (high, at_ns);
        }
        if low < self.low.0 {
            self.low = (low, at_ns);
        }
    }
}

/// The benchmark's price at a time, at which it must have one.
pub(crate) fn benchmark_at(series: &Series, at_ns: i64) -> Option<Decimal> {
    let place = series.near(at_ns)?;
    // A bar of the benchmark at another time would mix its move into the difference.
    let is_same = series.layout == Layout::Trades || series.times[place] == at_ns;
    is_same.then(|| series.opens[place])
}

/// A return less the benchmark's between the same two times, rounded once.
pub(crate) fn adjust((entry, exit): (Decimal, Decimal), benchmark: (Decimal, Decimal)) -> Option<Decimal> {
    let other = change(benchmark.0, benchmark.1).ok()?;
    rounded(change(entry, exit).ok()? - other).ok()
}

/// A return by side after costs.
pub(crate) fn net(gross: Decimal, side: Side, costs: Decimal) -> Result<Decimal, Exclusion> {
    rounded(by_side(gross, side) - costs)
}

/// A return as the side sees it; an alert counts as a buy.
pub(crate) fn by_side(gross: Decimal, side: Side) -> Decimal {
    match side {
        Side::Buy | Side::Alert => gross,
        Side::Sell => -gross,
    }
}

/// `to` over `from`, less 1. Whatever has 12 places or a tie at the 13th is exact in the 28 digits of the quotient,
/// so that rounding it afterwards rounds once.
pub(crate) fn change(from: Decimal, to: Decimal) -> Result<Decimal, Exclusion> {
    let quotient = to.checked_div(from).ok_or(Exclusion::OutOfRange)?;
    quotient.checked_sub(Decimal::ONE).ok_or(Exclusion::OutOfRange)
}

fn rounded(value: Decimal) -> Result<Decimal, Exclusion> {
    let mut value = value.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointNearestEven);
    value.rescale(PLACES);
    // `rescale` stops short where the digits do not fit: the value would be cut, so it is refused.
    if value.scale() != PLACES {
        return Err(Exclusion::OutOfRange);
    }
    // Minus zero would print as `-0.000000000000`.
    Ok(if value.is_zero() { value.abs() } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{MINUTE_NS, NOON_NS, bars, number};

    /// Outcome of entering `seconds` after noon, over `minutes`.
    fn outcome(series: &Series, side: Side, seconds: i64, minutes: i64) -> Result<End, Exclusion> {
        let entry = enter(series, NOON_NS + seconds * 1_000_000_000)?;
        Walk::new(series, side, entry).to(minutes * MINUTE_NS)
    }

    #[test]
    fn entry_is_the_open_of_the_first_bar_at_or_after_that_traded() {
        let series = bars(0, &["1 9 1 1", "-", "2 2 2 2", "3 4 1 3", "3 3 3 3"]);
        assert_eq!(enter(&series, NOON_NS), Ok(0));
        // The bar of noon is under way: its high of 9 does not count.
        assert_eq!(enter(&series, NOON_NS + 1), Ok(1));
        let end = outcome(&series, Side::Buy, 1, 2).expect("an outcome");
        assert_eq!((end.exit.at_ns, end.gross), (NOON_NS + 4 * MINUTE_NS, number("0.500000000000")));
        assert_eq!((end.mfe, end.mae), (number("1"), number("-0.5")));
        assert_eq!(end.peak_ns, MINUTE_NS);
    }

    #[test]
    fn what_comes_after_the_exit_is_no_part_of_the_way() {
        let series = bars(0, &["1 1 1 1", "1 1.5 0.9 1", "1.2 7 0.1 1", "1 1 1 1"]);
        let end = outcome(&series, Side::Buy, 0, 2).expect("an outcome");
        assert_eq!((end.mfe, end.mae), (number("0.5"), number("-0.1")));
        let end = outcome(&series, Side::Sell, 0, 2).expect("an outcome");
        assert_eq!((end.gross, end.mfe, end.mae), (number("0.2"), number("0.1"), number("-0.5")));
        // An exit beyond all highs before it is the peak.
        let end = outcome(&bars(0, &["1 1 1 1", "1 1 1 1", "2 2 2 2"]), Side::Buy, 0, 2).expect("an outcome");
        assert_eq!((end.mfe, end.peak_ns), (number("1"), 2 * MINUTE_NS));
    }

    #[test]
    fn entry_and_exit_are_within_two_spacings_or_not_at_all() {
        let series = bars(0, &["1 1 1 1", "", "", "1 1 1 1", "", "", "", "1 1 1 1"]);
        assert_eq!(enter(&series, NOON_NS + MINUTE_NS), Ok(1));
        assert_eq!(enter(&series, NOON_NS + 1), Err(Exclusion::NoPrice));
        assert_eq!(outcome(&series, Side::Buy, 0, 4).err(), Some(Exclusion::NoPrice));
        assert_eq!(outcome(&series, Side::Buy, 0, 1).map(|end| end.exit.at_ns), Ok(NOON_NS + 3 * MINUTE_NS));
        assert_eq!(outcome(&series, Side::Buy, 0, 9).err(), Some(Exclusion::NoPrice));
    }

    #[test]
    fn a_listing_whose_first_bar_is_late_is_not_open() {
        let series = bars(5, &["1 1 1 1", "1 1 1 1"]);
        assert_eq!(enter(&series, NOON_NS), Err(Exclusion::NotOpen));
        assert_eq!(enter(&series, NOON_NS + 3 * MINUTE_NS - 1), Err(Exclusion::NotOpen));
        assert_eq!(enter(&series, NOON_NS + 3 * MINUTE_NS), Ok(0));
        assert_eq!(enter(&series, NOON_NS + 7 * MINUTE_NS), Err(Exclusion::NoPrice));
    }

    #[test]
    fn a_horizon_below_the_bars_is_coarse() {
        let series = bars(0, &["1 1 1 1", "1 1 1 1"]);
        let entry = enter(&series, NOON_NS).expect("an entry");
        let exit = |horizon_ns| Walk::new(&series, Side::Buy, entry).to(horizon_ns).map(|end| end.gross);
        assert_eq!(exit(MINUTE_NS - 1), Err(Exclusion::Coarse));
        assert_eq!(exit(MINUTE_NS), Ok(Decimal::ZERO));
    }

    #[test]
    fn returns_have_twelve_places_rounded_half_to_even() {
        let gross = |from: &str, to: &str| {
            change(number(from), number(to)).and_then(rounded).map(|change| change.to_string())
        };
        assert_eq!(gross("0.0621509", "0.0626332").as_deref(), Ok("0.007760145066"));
        assert_eq!(gross("3", "2").as_deref(), Ok("-0.333333333333"));
        assert_eq!(gross("3", "5").as_deref(), Ok("0.666666666667"));
        // 2.5e-12 and 3.5e-12: ties go to the even neighbour.
        assert_eq!(gross("2000000000000", "2000000000005").as_deref(), Ok("0.000000000002"));
        assert_eq!(gross("2000000000000", "2000000000007").as_deref(), Ok("0.000000000004"));
        assert_eq!(gross("2000000000000", "1999999999999").as_deref(), Ok("0.000000000000"));
        assert_eq!(gross("1", "10000000000000000").as_deref(), Ok("9999999999999999.000000000000"));
        for (from, to) in [("1", "100000000000000000"), ("0.0000000000000000000000000001", "79228162514")] {
            assert_eq!(gross(from, to), Err(Exclusion::OutOfRange));
        }
    }

    #[test]
    fn costs_are_taken_from_what_the_side_has_made() {
        let costs = Costs::default();
        assert_eq!(costs.of("DOGEUSDT"), number("0.0110"));
        assert_eq!(costs.of("BTCUSDT"), number("0.0030"));
        assert_eq!(costs.of("ETHBTC"), number("0.0030"));
        assert_eq!(costs.of("BTCDOMUSDT"), number("0.0110"));
        for major in ["btcusdt", "BTC_USDT", "BTCUSD_PERP", "BTCUSDT_250926", "ETHUSD_260327"] {
            assert_eq!(costs.of(major), number("0.0030"), "{major}");
        }
        assert_eq!(costs.of("BTCST_USDT"), number("0.0110"));
        let net = |side, series| net(number("0.02"), side, costs.of(series)).map(|net| net.to_string());
        assert_eq!(net(Side::Buy, "DOGEUSDT").as_deref(), Ok("0.009000000000"));
        assert_eq!(net(Side::Sell, "ETHUSDT").as_deref(), Ok("-0.023000000000"));
    }

    #[test]
    fn the_benchmark_is_taken_at_the_same_times_or_not_at_all() {
        let series = bars(0, &["1 1 1 1", "1.1 1.1 1.1 1.1", "1.2 1.2 1.2 1.2"]);
        let benchmark = bars(0, &["100 100 100 100", "", "105 105 105 105"]);
        let adjusted = |from: usize, to: usize| {
            let at = |place: usize| benchmark_at(&benchmark, series.times[place]);
            adjust((series.opens[from], series.opens[to]), (at(from)?, at(to)?))
        };
        assert_eq!(adjusted(0, 2), Some(number("0.15")));
        assert_eq!(adjusted(0, 1), None);
    }
}
