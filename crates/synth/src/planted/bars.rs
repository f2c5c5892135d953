//! Prices, and what posts do to them.

use std::fmt::Write;
use std::ops::Range;

use super::{DAYS, MINUTE_MS, START_MS};
use crate::dice::Dice;

/// For how many minutes a post moves a price.
const STEPS: u64 = 5;
/// The way back, in minutes after the post. A study whose horizon ends before it sees the effect alone.
const BACK_MIN: Range<u64> = 60..120;
/// Minutes of the day without bars of a series that halts.
const HALT_MIN: Range<u64> = 600..780;
/// From the first post to the first bar of a series that is late.
const LATE_MIN: u64 = 30;

/// A series of prices, and how posts move it.
pub(super) struct Series {
    pub(super) token: &'static str,
    /// What a minute of the effect adds, in millionths, and what a minute of the way back does.
    step_ppm: i64,
    back_ppm: i64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Halts,
    Late,
}

const fn series(token: &'static str, step_ppm: i64, back_ppm: i64, kind: Kind) -> Series {
    Series { token, step_ppm, back_ppm, kind }
}

// Sixty minutes of the way back undo five of the effect: 0.999668^60 × 1.004^5 is 1.
pub(super) const SERIES: [Series; 7] = [
    series("UP", 4000, -332, Kind::Whole),
    series("CALL", 3000, -249, Kind::Whole),
    series("FLAT", 0, 0, Kind::Whole),
    series("TIDE", 3000, -249, Kind::Whole),
    series("SEA", 3000, -249, Kind::Whole),
    series("HALT", 0, 0, Kind::Halts),
    series("LATE", 0, 0, Kind::Late),
];

/// Minute bars of the whole span. `moved` are the minutes of the posts that move them, `first` is the minute of the
/// first post that names the token.
pub(super) fn klines(series: &Series, moved: &[u64], first: Option<u64>, dice: &mut Dice) -> String {
    let mut text = String::new();
    let mut price: i64 = 1_000_000;
    for minute in 0..DAYS * 1440 {
        let open = price;
        // Four uniform steps: about 0.02 % a minute.
        let noise: i64 = (0..4).map(|_| dice.below(401) as i64 - 200).sum();
        price += price * (noise + effect(series, moved, minute)) / 1_000_000;
        let is_there = match series.kind {
            Kind::Whole => true,
            Kind::Halts => !HALT_MIN.contains(&(minute % 1440)),
            Kind::Late => first.is_some_and(|first| minute >= first + LATE_MIN),
        };
        if !is_there {
            continue;
        }
        let at_ms = START_MS + minute * MINUTE_MS;
        let [open, high, low, close] = [open, open.max(price), open.min(price), price].map(shown);
        writeln!(text, "{at_ms},{open},{high},{low},{close},1000,{},0,0,0,0,0", at_ms + MINUTE_MS - 1)
            .expect("writing to a String does not fail");
    }
    text
}

/// What posts do to the price in a minute, in millionths.
fn effect(series: &Series, moved: &[u64], minute: u64) -> i64 {
    // Only the last post counts: effects do not overlap.
    let Some(since) = moved.iter().rev().find_map(|post| minute.checked_sub(*post)) else { return 0 };
    match since {
        1..=STEPS => series.step_ppm,
        since if BACK_MIN.contains(&since) => series.back_ppm,
        _ => 0,
    }
}

/// Four places: more would show only noise, and make the files twice as long.
fn shown(price: i64) -> String {
    let price = (price + 50) / 100;
    format!("{}.{:04}", price / 10_000, price % 10_000)
}
