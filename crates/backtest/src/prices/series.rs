//! A stretch of a series of prices in memory: bars or trades that traded, in order of time.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::row::{Layout, Row, RowFault, shown};

/// Bars or trades of one series in memory; 32 bytes a trade, 80 a bar.
pub(super) const ROWS: usize = 1 << 26;
/// The assumed spacing of trades, ns; the counterpart of the length of a bar.
const TRADE_SPACING_NS: i64 = 1_000_000_000;

/// The most stretches without trades that are listed one by one.
const HOLES_TOLD: usize = 16;

/// Which stretch of a series is asked for, Unix ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Rows before this may be forgotten.
    pub from_ns: i64,
    /// Rows up to this have to be there.
    pub to_ns: i64,
}

impl Need {
    /// Nothing, or nothing more.
    pub(crate) const NOTHING: Self = Self { from_ns: i64::MAX, to_ns: i64::MAX };
}

/// A stretch of a series of prices. Bars without trades are not in it.
#[derive(Clone, Debug)]
pub struct Series {
    pub(crate) layout: Layout,
    pub(crate) spacing_ns: i64,
    /// When each bar opens or trade was made, ns; ascending.
    pub(crate) times: Vec<i64>,
    pub(crate) opens: Vec<Decimal>,
    /// Of bars only.
    pub(crate) highs: Vec<Decimal>,
    pub(crate) lows: Vec<Decimal>,
    pub(crate) closes: Vec<Decimal>,
    /// The opens as floats, for figures that are estimated rather than calculated.
    pub(crate) rough: Vec<f64>,
    /// The first row of the series, ns, whether it is still here or not.
    pub(crate) first_ns: i64,
    /// The first that traded, ns, whether it is still here or not.
    pub(crate) first_traded_ns: Option<i64>,
    /// The last row so far, ns.
    pub(crate) last_ns: i64,
    /// Rows so far that traded.
    pub(crate) traded: u64,
    pub(crate) holes: Holes,
}

/// Where a series has nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holes {
    /// Bars that are missing between the first and the last.
    pub missing_bars: u64,
    /// Bars in which nothing was traded.
    pub silent_bars: u64,
    /// The longest stretches, missing or silent, in order of time; 16 at most.
    pub longest: Vec<Hole>,
}

/// A stretch without a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Where the first bar that is missing or silent would open, Unix ns.
    pub from_ns: i64,
    /// Where the next bar that traded opens, Unix ns.
    pub to_ns: i64,
    /// The bars are not there at all: the exchange was halted, or the file is not whole. Else they are there, without
    /// trades.
    pub is_missing: bool,
}

impl Series {
    /// The name in summaries.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Length of a bar; for trades one second. Entry and exit are found within two of these, or not at all.
    pub fn spacing_ns(&self) -> i64 {
        self.spacing_ns
    }

    /// Place of the first bar or trade at or after a time.
    pub(crate) fn at_or_after(&self, at_ns: i64) -> usize {
        // Bars are where they would be in an unbroken series, or before it by as many as are missing.
        let end = match self.layout {
            Layout::Klines => {
                let first_ns = self.times.first().copied().unwrap_or(at_ns);
                let steps = at_ns.saturating_sub(first_ns).max(0) / self.spacing_ns + 2;
                usize::try_from(steps).unwrap_or(usize::MAX).min(self.times.len())
            }
            Layout::Trades => self.times.len(),
        };
        // Gallops back from the guess: missing bars put the place a little before it, and a series of a year is long.
        let mut step = 1;
        let mut start = end;
        while start > 0 && self.times[start - 1] >= at_ns {
            start = start.saturating_sub(step);
            step *= 2;
        }
        let end = end.min(start + step);
        start + self.times[start..end].partition_point(|time| *time < at_ns)
    }

    /// Place of the first that traded at or after a time, within two spacings of it.
    pub(crate) fn near(&self, at_ns: i64) -> Option<usize> {
        let place = self.at_or_after(at_ns);
        let time = *self.times.get(place)?;
        (time - at_ns <= 2 * self.spacing_ns).then_some(place)
    }

    /// The last price that was known at a time: the close of the last bar that was over by then.
    pub(crate) fn known_at(&self, at_ns: i64) -> Option<Decimal> {
        let span_ns = match self.layout {
            Layout::Klines => self.spacing_ns,
            Layout::Trades => 0,
        };
        let after = self.at_or_after(at_ns.saturating_sub(span_ns).saturating_add(1));
        let place = after.checked_sub(1)?;
        // A price from before a long halt says nothing about this time.
        let is_near = at_ns - self.times[place] <= 3 * self.spacing_ns.max(60_000_000_000);
        is_near.then(|| self.close(place))
    }

    pub(crate) fn close(&self, place: usize) -> Decimal {
        *self.closes.get(place).unwrap_or(&self.opens[place])
    }

    pub(crate) fn high(&self, place: usize) -> Decimal {
        *self.highs.get(place).unwrap_or(&self.opens[place])
    }

    pub(crate) fn low(&self, place: usize) -> Decimal {
        *self.lows.get(place).unwrap_or(&self.opens[place])
    }
}

/// Makes a series of rows that come in order.
#[derive(Debug)]
pub(crate) struct Builder {
    series: Series,
    need: Need,
    rows: u64,
    silent_from_ns: Option<i64>,
}

impl Builder {
    /// A series of bars so far apart; of trades whatever `step_ns` is.
    pub(crate) fn new(layout: Layout, step_ns: i64) -> Self {
        let spacing_ns = match layout {
            Layout::Klines => step_ns,
            Layout::Trades => TRADE_SPACING_NS,
        };
        let series = Series {
            layout,
            spacing_ns,
            times: Vec::new(),
            opens: Vec::new(),
            highs: Vec::new(),
            lows: Vec::new(),
            closes: Vec::new(),
            rough: Vec::new(),
            first_ns: 0,
            first_traded_ns: None,
            last_ns: i64::MIN,
            traded: 0,
            holes: Holes::default(),
        };
        Self { series, need: Need { from_ns: i64::MIN, to_ns: i64::MAX }, rows: 0, silent_from_ns: None }
    }

    /// The rows that were read, and the time up to which no more can come, ns.
    pub(crate) fn so_far(&self) -> (&Series, i64) {
        (&self.series, self.series.last_ns.saturating_sub(1))
    }

    /// All that is asked for is there.
    pub(crate) fn is_ready(&self) -> bool {
        self.need.to_ns < self.series.last_ns
    }

    /// Asks for a stretch, none of it before the one asked for last.
    pub(crate) fn ask(&mut self, need: Need) {
        self.need = need;
        let series = &mut self.series;
        let over = series.times.partition_point(|time| *time < need.from_ns);
        // Now and then, so that what stays is not moved for each row that goes.
        if over > series.times.len() / 2 {
            series.times.drain(..over);
            series.opens.drain(..over);
            series.rough.drain(..over);
            if series.layout == Layout::Klines {
                series.highs.drain(..over);
                series.lows.drain(..over);
                series.closes.drain(..over);
            }
        }
    }

    /// Why a bar cannot open where it does. Bars open on whole minutes, shorter ones on multiples of their length:
    /// that no zone's times differ from, but times of closes do, and those would be prices from the future.
    pub(crate) fn misplaced(&self, row: &Row) -> Option<RowFault> {
        let grid_ns = gcd(self.series.spacing_ns, 60_000_000_000);
        let is_misplaced = self.series.layout == Layout::Klines && row.at_ns % grid_ns != 0;
        is_misplaced.then(|| RowFault::Misplaced { at: shown(row.at_ns), grid_ms: grid_ns / 1_000_000 })
    }

    /// Adds the next row, or says why it cannot be the next.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), String> {
        let series = &mut self.series;
        if self.rows == 0 {
            series.first_ns = row.at_ns;
        } else {
            let step_ns = row.at_ns - series.last_ns;
            match series.layout {
                Layout::Klines if step_ns < series.spacing_ns => {
                    return Err(disorder(step_ns, series.spacing_ns));
                }
                // Trades of one moment may share their time; bars may not.
                Layout::Trades if step_ns < 0 => return Err(disorder(step_ns, 0)),
                Layout::Klines if step_ns > series.spacing_ns => self.jump(row.at_ns),
                Layout::Klines | Layout::Trades => {}
            }
        }
        let series = &mut self.series;
        self.rows += 1;
        series.last_ns = row.at_ns;
        // A price of a bar without trades is the last one carried on: you could not have traded at it.
        if !row.has_traded {
            series.holes.silent_bars += 1;
            self.silent_from_ns.get_or_insert(row.at_ns);
            return Ok(());
        }
        if let Some(from_ns) = self.silent_from_ns.take() {
            series.holes.add(Hole { from_ns, to_ns: row.at_ns, is_missing: false });
        }
        series.traded += 1;
        series.first_traded_ns.get_or_insert(row.at_ns);
        if row.at_ns < self.need.from_ns {
            return Ok(());
        }
        series.times.push(row.at_ns);
        series.opens.push(row.open);
        series.rough.push(row.open.to_f64().unwrap_or(f64::NAN));
        if series.layout == Layout::Klines {
            series.highs.push(row.high);
            series.lows.push(row.low);
            series.closes.push(row.close);
        }
        Ok(())
    }

    /// Bars are missing before the one that opens at this time.
    fn jump(&mut self, to_ns: i64) {
        let series = &mut self.series;
        let from_ns = series.last_ns + series.spacing_ns;
        if let Some(silent_ns) = self.silent_from_ns.take() {
            series.holes.add(Hole { from_ns: silent_ns, to_ns: from_ns, is_missing: false });
        }
        let missing = (to_ns - from_ns).div_euclid(series.spacing_ns).max(1);
        series.holes.missing_bars += missing.unsigned_abs();
        series.holes.add(Hole { from_ns, to_ns, is_missing: true });
    }

    /// Bars and trades in memory.
    pub(crate) fn len(&self) -> usize {
        self.series.times.len()
    }

    pub(crate) fn finish(mut self) -> Series {
        self.series.holes.settle();
        self.series
    }
}

impl Holes {
    fn add(&mut self, hole: Hole) {
        self.longest.push(hole);
        // Now and then and not at each hole, so that a series full of holes is not sorted for every one.
        if self.longest.len() >= 64 * HOLES_TOLD {
            self.settle();
        }
    }

    /// Keeps the longest, in order of time.
    fn settle(&mut self) {
        self.longest.sort_by_key(|hole| (hole.from_ns - hole.to_ns, hole.from_ns));
        self.longest.truncate(HOLES_TOLD);
        self.longest.sort_by_key(|hole| hole.from_ns);
    }
}

fn gcd(one: i64, other: i64) -> i64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

fn disorder(step_ns: i64, spacing_ns: i64) -> String {
    if step_ns < 0 {
        return format!("not sorted: {} ms before the row above it", -step_ns / 1_000_000);
    }
    format!(
        "bars overlap: this one opens {} ms after the one above it, and they are {} ms long",
        step_ns / 1_000_000,
        spacing_ns / 1_000_000
    )
}
