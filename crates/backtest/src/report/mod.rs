//! The report: one HTML file that needs nothing beside it.

mod charts;
mod events;
mod tables;
mod text;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::statistics::{Dimension, GroupRow};
use crate::study::Findings;
use crate::summary::{Source, WARNING};
use text::{percent, span};

const STYLE: &str = include_str!("style.css");

impl Findings {
    /// The report as HTML; `version` is the program's.
    pub fn report(&self, version: &str, sources: &[Source]) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "Event study" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { "What the decisions were worth" }
                    (verdict(self))
                    p.warning { (WARNING) }
                    h2 { "Events" }
                    p.note {
                        "The path runs from ten bars before the entry to sixty after it; the upright line is the entry. Returns are by \
                         side, net is after costs, gone before is from the last price known when the post was made to the entry."
                    }
                    (events::tables(self))
                    h2 { "Forward returns" }
                    (tables::fans(self))
                    h2 { "By kind of post" }
                    (tables::groups(self, Dimension::TweetKind))
                    h2 { "By everything else" }
                    @for (by, name) in [
                        (Dimension::Basis, "Basis"), (Dimension::Evidence, "Evidence"), (Dimension::AssetClass, "Class of asset"),
                        (Dimension::Hour, "Hour, UTC"),
                    ] {
                        details { summary { (name) } (tables::groups(self, by)) }
                    }
                    h2 { "Authors" }
                    (tables::scoreboard(self))
                    h2 { "Content against enrichment" }
                    (tables::enrichment(self))
                    h2 { "From the post to the decision" }
                    (tables::delays(self))
                    h2 { "Left out" }
                    (events::left_out(self))
                    h2 { "What it was made from" }
                    (tables::origin(self, version, sources))
                }
            }
        };
        page.into_string()
    }
}

/// A sentence for each rule.
fn verdict(findings: &Findings) -> Markup {
    let statistics = &findings.statistics;
    let is_main = |row: &&GroupRow| row.by == Dimension::All && row.horizon_ms == statistics.main_ms;
    let rows: Vec<&GroupRow> = statistics.groups.iter().filter(is_main).collect();
    html! {
        @if rows.is_empty() {
            p { "No decision has an outcome over " (span(statistics.main_ms)) "; see what was left out, below." }
        }
        @for row in rows {
            p {
                b { (row.rule) } ", over " (span(row.horizon_ms)) ": "
                (row.summary.outcomes) " outcomes in " (row.summary.clusters) " clusters; median "
                (percent(row.summary.median)) " before costs; mean " b { (percent(row.summary.net_mean)) } " after costs, 95 % interval "
                (percent(row.summary.net_low)) " to " (percent(row.summary.net_high)) ", without the best one "
                (percent(row.summary.net_mean_without_best)) ". Random moments give "
                (percent(row.placebo_low)) " to " (percent(row.placebo_high)) " before costs: the rule "
                b { (match row.beats_placebo {
                    Some(true) => "beats them after costs",
                    Some(false) => "does not beat them",
                    None => "has nothing to be held against",
                }) }
                ". Chance of such a mean by luck " (text::chance(row.summary.p)) ", after "
                (statistics.trials) " trials " (text::chance(row.p_deflated)) "."
            }
        }
    }
}

#[cfg(test)]
mod tests;
