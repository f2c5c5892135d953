//! Numbers and tables on stdout.

use std::fmt::Arguments;

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the one place where the benches print")]
pub fn line(text: Arguments<'_>) {
    println!("{text}");
}

/// Values in order of size.
#[derive(Clone, Debug)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The smallest value that at least the share `q` of all does not exceed; 0 if there is none.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (self.0.len() as f64 * q).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).or(self.0.last()).copied().unwrap_or(0.0)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What a ratio is to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// Shown for what it tells; no goal is set.
    Open,
}

/// One ratio, measured round by round.
#[derive(Clone, Debug)]
pub struct Ratio {
    /// What over what.
    pub what: String,
    /// The goal.
    pub goal: Goal,
    /// One value a round.
    pub values: Sorted,
}

/// Prints ratios beside their goals; the p50 is held against the goal.
pub fn ratios(rows: &[Ratio]) {
    line(format_args!(
        "{:<68} {:>7} {:>7}  {:<7} {:>13} {:>6}",
        "", "goal", "p50", "", "p10 to p90", "count"
    ));
    for Ratio { what, goal, values } in rows {
        let p50 = values.quantile(0.5);
        let (goal, verdict) = match goal {
            Goal::AtMost(most) => (format!("≤ {most:.2}"), if p50 <= *most { "met" } else { "missed" }),
            Goal::AtLeast(least) => (format!("≥ {least:.2}"), if p50 >= *least { "met" } else { "missed" }),
            Goal::Open => (String::from("–"), ""),
        };
        let (low, high, count) = (values.quantile(0.1), values.quantile(0.9), values.count());
        line(format_args!(
            "{what:<68} {goal:>7} {p50:>7.3}  {verdict:<7} {low:>5.2} to {high:<5.2} {count:>6}"
        ));
    }
}

/// Prints times, each row one value a frame, in ns.
pub fn times(rows: &[(&str, Sorted)]) {
    line(format_args!(
        "{:<36} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8}",
        "ns a frame", "p50", "p90", "p99", "p99.9", "max", "count"
    ));
    for (what, values) in rows {
        let [p50, p90, p99, p999, max] = [0.5, 0.9, 0.99, 0.999, 1.0].map(|q| values.quantile(q));
        line(format_args!(
            "{what:<36} {p50:>8.0} {p90:>8.0} {p99:>8.0} {p999:>8.0} {max:>9.0} {:>8}",
            values.count()
        ));
    }
}
