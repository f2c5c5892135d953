//! Entry, exit, extremes and returns on bars that fit on a page.

use super::*;
use crate::made_up::{MINUTE_NS, NOON_NS, bars, number};

/// Outcome of entering so many seconds after noon, over so many minutes.
fn outcome(series: &Series, side: Side, seconds: i64, minutes: i64) -> Result<End, Exclusion> {
    let entry = enter(series, NOON_NS + seconds * 1_000_000_000)?;
    Walk::new(series, side, entry).to(minutes * MINUTE_NS)
}

#[test]
fn entry_is_the_open_of_the_first_bar_at_or_after_that_traded() {
    let series = bars(0, &["1 9 1 1", "-", "2 2 2 2", "3 4 1 3", "3 3 3 3"]);
    assert_eq!(enter(&series, NOON_NS), Ok(0));
    // The bar of noon is under way: its high of 9 is nobody's.
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
