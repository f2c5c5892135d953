//! Returns by horizon, by group and by author.

use maud::{Markup, PreEscaped, html};

use super::charts::{self, Area, BAND, Chart, Curve, Interval, MAIN, SECOND};
use super::lookup::order;
use super::text::{chance, number, percent, range, share, span};
use crate::findings::{Dimension, Findings};
use crate::statistics::{GroupRow, Statistics};

/// Authors that are shown.
pub(super) const AUTHORS: usize = 30;

/// Mean after costs over every horizon, with its interval and the band of random moments.
pub(super) fn fans(findings: &Findings, statistics: &Statistics) -> Markup {
    let rows = |rule: &str| -> Vec<&GroupRow> {
        let all = statistics.groups.iter();
        all.filter(|row| row.by == Dimension::All && row.rule == rule).collect()
    };
    let benchmark = findings.settings.benchmark.as_deref();
    let rules = order(findings, statistics).into_iter().map(|(rule, _)| rule);
    let rules = rules.filter(|rule| !rows(rule).is_empty());
    html! {
        p.note {
            span.key.main { "Mean after costs" } " with its 95 % interval from a bootstrap by cluster; "
            span.key.second { "median after costs" } "; " span.key.band { "grey" }
            ": 95 % of the means of random moments, before costs."
        }
        p.note {
            "In the tables, " b { "n" } " is the number of outcomes, followed by that of clusters in brackets: "
            "there are only as many independent observations as clusters. " b { "t" }
            " is the mean after costs over its standard error, " b { "p" }
            " the two-sided chance of such a t, and " b { "p, trials" }
            " the chance that the best of all trials on these frames looks like this by luck."
        }
        @for rule in rules {
            h3 { (rule) }
            // Over a day prices go so far that the minutes would be flat beside it.
            @let until = [(near(&rows(rule)), "up to an hour"), (rows(rule), "over every horizon")];
            div.pair { @for (rows, until) in &until {
                @if rows.len() > 1 && rows.iter().any(|row| row.summary.clusters > 1) {
                    figure { (PreEscaped(fan(rule, rows))) figcaption { (rule) ", " (until) } }
                }
            } }
            (group_table(&rows(rule), FirstColumn::Horizon, benchmark))
        }
    }
}

/// Horizons up to an hour; none if these are all.
fn near<'a>(rows: &[&'a GroupRow]) -> Vec<&'a GroupRow> {
    let near: Vec<&GroupRow> = rows.iter().copied().filter(|row| row.horizon_ms <= 3_600_000).collect();
    if near.len() == rows.len() { Vec::new() } else { near }
}

fn fan(rule: &str, rows: &[&GroupRow]) -> String {
    let places = || (0..).map(f64::from).zip(rows);
    let hundred = |share: Option<f64>| share.map(|share| share * 100.0);
    let curve = |of: fn(&GroupRow) -> Option<f64>| -> Vec<(f64, f64)> {
        places().filter_map(|(place, row)| Some((place, hundred(of(row))?))).collect()
    };
    let area = |low: fn(&GroupRow) -> Option<f64>,
                high: fn(&GroupRow) -> Option<f64>|
     -> Vec<(f64, f64, f64)> {
        places().filter_map(|(place, row)| Some((place, hundred(low(row))?, hundred(high(row))?))).collect()
    };
    let chart = Chart {
        title: &format!("Mean return of {rule} after costs by horizon"),
        names: rows.iter().map(|row| span(row.horizon_ms)).collect(),
        areas: vec![
            Area { colour: BAND, bounds: area(|row| row.placebo_low, |row| row.placebo_high) },
            Area { colour: MAIN, bounds: area(|row| row.summary.net_low, |row| row.summary.net_high) },
        ],
        curves: vec![
            Curve { colour: SECOND, points: curve(|row| row.summary.net_median) },
            Curve { colour: MAIN, points: curve(|row| row.summary.net_mean) },
        ],
        unit: " %",
    };
    chart.draw()
}

/// Groups of a dimension over the main horizon.
pub(super) fn groups(findings: &Findings, statistics: &Statistics, by: Dimension) -> Markup {
    let main_ms = statistics.main_ms;
    let rows = statistics.groups.iter().filter(|row| row.by == by && row.horizon_ms == main_ms);
    let rows: Vec<&GroupRow> = rows.collect();
    let plot = charts::intervals(&format!("Mean after costs over {}", span(main_ms)), &intervals(&rows));
    html! {
        p.note { "Over " (span(main_ms)) "." }
        @if let Some(plot) = plot { figure { (PreEscaped(plot)) figcaption {
            span.key.main { "Mean after costs" } " with its 95 % interval; " span.key.band { "grey" }
            ": random moments."
        } } }
        (group_table(&rows, FirstColumn::Group, findings.settings.benchmark.as_deref()))
    }
}

/// Rows of a few groups as a picture.
fn intervals(rows: &[&GroupRow]) -> Vec<Interval> {
    let hundred = |share: f64| share * 100.0;
    let is_one = rows.iter().all(|row| rows.first().is_some_and(|first| first.rule == row.rule));
    let name =
        |row: &GroupRow| if is_one { row.value.clone() } else { format!("{}, {}", row.rule, row.value) };
    let interval = |row: &&GroupRow| {
        let summary = &row.summary;
        Some(Interval {
            name: name(row),
            at: hundred(summary.net_mean?),
            bounds: summary.net_low.zip(summary.net_high).map(|(low, high)| (hundred(low), hundred(high))),
            band: row.placebo_low.zip(row.placebo_high).map(|(low, high)| (hundred(low), hundred(high))),
        })
    };
    rows.iter().filter_map(interval).collect()
}

/// The first column of a table of groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstColumn {
    /// All rows are of one rule: the horizon.
    Horizon,
    /// All are of one horizon: the rule and the value.
    Group,
}

fn group_table(rows: &[&GroupRow], first: FirstColumn, benchmark: Option<&str>) -> Markup {
    let is_group = first == FirstColumn::Group;
    html! {
        div.scroll { table.stick {
            thead { tr {
                @if is_group { th { "Rule, group" } } @else { th { "Horizon" } }
                th.n { "n" } th.n { "Mean" }
                @if benchmark.is_some() { th.n { "Less " (benchmark.unwrap_or_default()) } }
                th.n { "Median" } th.n { "Net mean" } th.n { "95 % interval" } th.n { "Without best" }
                th.n { "Hits" } th.n { "t" } th.n { "p" } th.n { "p, trials" } th.n { "Random moments" }
            } }
            tbody { @for row in rows { @let summary = &row.summary; tr {
                @if is_group { td { (row.rule) ", " b { (row.value) } } } @else { td { b { (span(row.horizon_ms)) } } }
                td.n { (summary.outcomes) "\u{a0}(" (summary.clusters) ")" }
                td.n { (percent(summary.mean)) }
                @if benchmark.is_some() { td.n { (percent(summary.adjusted_mean)) } }
                td.n { (percent(summary.median)) }
                td.n { b { (percent(summary.net_mean)) } }
                td.n { (range(summary.net_low, summary.net_high)) }
                td.n { (percent(summary.net_mean_without_best)) }
                td.n { (share(summary.hit_rate)) }
                td.n { (number(summary.t)) } td.n { (chance(summary.p)) } td.n { (chance(row.p_deflated)) }
                td.n { (range(row.placebo_low, row.placebo_high)) }
            } } }
        } }
    }
}

/// Authors, and whether following them by their past would have helped.
pub(super) fn scoreboard(statistics: &Statistics) -> Markup {
    let board = &statistics.scoreboard;
    html! {
        p {
            "Over " (span(board.horizon_ms)) ", all rules together. If you had followed only authors whose score "
            "was above 0 at the time, "
            @if board.followed == 0 { "you would have traded none of the " (board.passed_over) " outcomes." }
            @else {
                (board.followed) " outcomes would have had a net mean of " (percent(board.followed_net_mean))
                @if board.passed_over > 0 {
                    "; the other " (board.passed_over) " had " (percent(board.passed_over_net_mean))
                }
                "."
            }
        }
        div.scroll { table {
            thead { tr {
                th { "Author" } th.n { "Outcomes" } th.n { "Net mean" } th.n { "Shrunk to the mean" } th.n { "Hits" }
            } }
            tbody { @for row in board.authors.iter().take(AUTHORS) { tr {
                td { "@" (row.author) } td.n { (row.outcomes) } td.n { (percent(Some(row.net_mean))) }
                td.n { (percent(Some(row.net_mean_shrunk))) } td.n { (share(Some(row.hit_rate))) }
            } } }
        } }
        @if board.authors.len() > AUTHORS {
            p.note { "The first " (AUTHORS) " of " (board.authors.len()) "; all are in summary.json." }
        }
    }
}
