//! Charts and tables behind the events.

use maud::{Markup, PreEscaped, html};

use super::charts::{Area, BAND, Chart, Curve, MAIN, SECOND};
use super::text::{chance, moment, number, percent, span};
use crate::statistics::{Dimension, GroupRow, quantile};
use crate::study::Findings;
use crate::summary::Source;

/// Authors that are shown.
const AUTHORS: usize = 30;

/// Mean after costs over every horizon, with its interval and the band of random moments.
pub(super) fn fans(findings: &Findings) -> Markup {
    let rows = |rule: &str| -> Vec<&GroupRow> {
        let all = findings.statistics.groups.iter();
        all.filter(|row| row.by == Dimension::All && row.rule == rule).collect()
    };
    let mut rules: Vec<&str> = findings.statistics.groups.iter().map(|row| row.rule.as_str()).collect();
    rules.dedup();
    html! {
        p.note {
            span.key.main { "Mean after costs" } " with 95 % of a bootstrap by cluster; "
            span.key.second { "median after costs" } "; " span.key.band { "grey" }
            ": 95 % of the means of random moments, before costs."
        }
        @for rule in rules {
            // Over a day prices go so far that the minutes would be flat beside it.
            @for near in [&near(&rows(rule)), &rows(rule)] {
                @if near.len() > 1 { figure { (PreEscaped(fan(rule, near))) figcaption { (rule) } } }
            }
            (group_table(&rows(rule)))
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
pub(super) fn groups(findings: &Findings, by: Dimension) -> Markup {
    let main_ms = findings.statistics.main_ms;
    let rows = findings.statistics.groups.iter().filter(|row| row.by == by && row.horizon_ms == main_ms);
    let rows: Vec<&GroupRow> = rows.collect();
    html! { p.note { "Over " (span(main_ms)) "." } (group_table(&rows)) }
}

fn group_table(rows: &[&GroupRow]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Rule" } th { "Of" } th.n { "Horizon" } th.n { "Outcomes" } th.n { "Clusters" } th.n { "Mean" } th.n { "Median" }
                th.n { "Net mean" } th.n { "95 %" } th.n { "Without best" } th.n { "Hits" } th.n { "t" } th.n { "p" } th.n { "p deflated" }
                th.n { "Random moments" }
            } }
            tbody { @for row in rows { @let summary = &row.summary; tr {
                td { (row.rule) } td { (row.value) } td.n { (span(row.horizon_ms)) }
                td.n { (summary.outcomes) } td.n { (summary.clusters) }
                td.n { (percent(summary.mean)) } td.n { (percent(summary.median)) }
                td.n { (percent(summary.net_mean)) }
                td.n { (percent(summary.net_low)) " … " (percent(summary.net_high)) }
                td.n { (percent(summary.net_mean_without_best)) }
                td.n { (summary.hit_rate.map_or_else(String::new, |rate| format!("{:.0} %", rate * 100.0))) }
                td.n { (number(summary.t)) } td.n { (chance(summary.p)) } td.n { (chance(row.p_deflated)) }
                td.n { (percent(row.placebo_low)) " … " (percent(row.placebo_high)) }
            } } }
        } }
    }
}

/// Authors, and whether their past would have told.
pub(super) fn scoreboard(findings: &Findings) -> Markup {
    let board = &findings.statistics.scoreboard;
    html! {
        p {
            "Over " (span(board.horizon_ms)) ", all rules together. Had one followed only authors whose score was above 0 at the time, "
            (board.followed) " outcomes would have had a net mean of " (percent(board.followed_net_mean)) "; the other "
            (board.passed_over) " had " (percent(board.passed_over_net_mean)) "."
        }
        div.scroll { table {
            thead { tr { th { "Author" } th.n { "Outcomes" } th.n { "Net mean" } th.n { "Drawn to the mean" } th.n { "Hits" } } }
            tbody { @for row in board.authors.iter().take(AUTHORS) { tr {
                td { "@" (row.author) } td.n { (row.outcomes) } td.n { (percent(Some(row.net_mean))) }
                td.n { (percent(Some(row.net_mean_shrunk))) } td.n { (format!("{:.0} %", row.hit_rate * 100.0)) }
            } } }
        } }
        @if board.authors.len() > AUTHORS {
            p.note { "The first " (AUTHORS) " of " (board.authors.len()) "; all are in summary.json." }
        }
    }
}

/// What acting before the enrichment gained and cost.
pub(super) fn enrichment(findings: &Findings) -> Markup {
    let statistics = &findings.statistics;
    html! {
        @if statistics.enrichment.is_empty() {
            p { "No decision was opened on the content alone." }
        } @else {
            div.scroll { table {
                thead { tr {
                    th { "Rule" } th.n { "Opens" } th.n { "Held" } th.n { "Lapsed" } th.n { "Cancelled" } th { "Why" } th.n { "Head start" }
                    th.n { "Net mean of the cancelled" }
                } }
                tbody { @for row in &statistics.enrichment { tr {
                    td { (row.rule) } td.n { (row.opens) } td.n { (row.held) } td.n { (row.lapsed) } td.n { (row.cancelled) }
                    td { @for (reason, count) in &row.reasons { (count) " " (reason) " " } }
                    td.n { (percent(row.head_start_mean)) } td.n { (percent(row.cancelled_net_mean)) }
                } } }
            } }
            p.note {
                "Head start: how far the price had gone for it from the entry at the open to that at the confirm or revise; what acting at \
                 once gained. Net mean of the cancelled, over " (span(statistics.main_ms)) ": what waiting would have kept away."
            }
        }
        @if !statistics.delays.is_empty() {
            div.scroll { table {
                thead { tr { th { "Enrichment of" } th.n { "Posts" } th.n { "Half within" } th.n { "Nine in ten within" } th.n { "Last after" } } }
                tbody { @for row in statistics.delays.iter().take(AUTHORS) { tr {
                    td { "@" (row.author) } td.n { (row.posts) } td.n { (format!("{:.0} ms", row.delay_ms_p50)) }
                    td.n { (format!("{:.0} ms", row.delay_ms_p90)) } td.n { (format!("{:.0} ms", row.delay_ms_max)) }
                } } }
            } }
        }
        @for row in &statistics.moves {
            p.note {
                (row.rule) ": from the last price known when the post was made the price went " (percent(Some(row.whole_mean)))
                " over " (span(statistics.main_ms)) ", " (percent(Some(row.gone_mean))) " of it before the entry; half of the outcomes were \
                 at their furthest within " (format!("{:.0} s", row.peak_s_median)) " of the entry."
            }
        }
    }
}

/// Percentiles on the way of a post to its decision.
pub(super) fn delays(findings: &Findings) -> Markup {
    let opens: Vec<_> =
        findings.events.iter().filter(|event| event.counts).map(|event| &event.decision).collect();
    let sorted = |of: &dyn Fn(&stoop_model::Decision) -> Option<f64>| {
        let mut values: Vec<f64> = opens.iter().filter_map(|decision| of(decision)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let received = sorted(&|decision| Some((decision.received_ms? - decision.created_ms?) as f64));
    let decided = sorted(&|decision| Some(decision.decided_ns as f64 / 1e6 - decision.created_ms? as f64));
    let shares = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];
    let curve = |colour, values: &[f64]| Curve {
        colour,
        points: (0..)
            .map(f64::from)
            .zip(shares)
            .filter_map(|(place, share)| Some((place, quantile(values, share)?)))
            .collect(),
    };
    let chart = Chart {
        title: "Milliseconds from the post to its receipt by the vendor and to the decision, by percentile",
        names: shares.iter().map(|share| format!("p{:.0}", share * 100.0)).collect(),
        areas: Vec::new(),
        curves: vec![curve(SECOND, &received), curve(MAIN, &decided)],
        unit: " ms",
    };
    html! {
        figure {
            (PreEscaped(chart.draw()))
            figcaption {
                span.key.second { "Created to received by the vendor" } " (" (received.len()) " opens), "
                span.key.main { "created to decided" } " (" (decided.len()) "). In a replay a decision is made at the time of its frame: what \
                 the engine itself takes is measured live."
            }
        }
    }
}

/// Files, settings, prices.
pub(super) fn origin(findings: &Findings, version: &str, sources: &[Source]) -> Markup {
    let settings = &findings.settings;
    let horizons: Vec<String> = settings.horizons_ms.iter().map(|ms| span(*ms)).collect();
    let costs = &settings.costs;
    html! {
        p {
            "stoop " (version) ". Latency " (format!("{} ms", settings.latency_ns as f64 / 1e6)) "; horizons " (horizons.join(", "))
            "; benchmark " (settings.benchmark.as_deref().unwrap_or("none")) "; costs a side: fee " (costs.taker_bps)
            " bps, slippage " (costs.slippage_major_bps) " bps on BTC and ETH, " (costs.slippage_bps) " bps on all else."
        }
        div.scroll { table {
            thead { tr { th { "File" } th { "What" } th { "SHA-256" } } }
            tbody { @for source in sources { tr { td { (source.name) } td { (source.role) } td.hash { (source.sha256) } } } }
        } }
        h3 { "Prices" }
        div.scroll { table {
            thead { tr { th { "Series" } th.n { "Rows" } th { "From" } th { "To" } th.n { "Missing bars" } th.n { "Bars without trades" } th { "Longest gaps" } } }
            tbody { @for series in &findings.series { tr {
                td { (series.name) " " (series.layout.as_str()) } td.n { (series.rows) }
                td { (moment(series.first_ns)) } td { (moment(series.last_ns)) }
                td.n { (series.holes.missing_bars) } td.n { (series.holes.silent_bars) }
                td { @for hole in series.holes.longest.iter().filter(|hole| hole.is_missing) {
                    (moment(hole.from_ns)) " to " (moment(hole.to_ns)) ". "
                } }
            } } }
        } }
    }
}
