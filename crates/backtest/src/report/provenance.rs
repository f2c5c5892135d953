//! Files, settings, rules and prices: everything that is needed to make the report again.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::text::{moment, span, wait};
use crate::findings::Findings;
use crate::provenance::Source;

/// Files, settings, prices.
pub(super) fn provenance(
    findings: &Findings,
    version: &str,
    sources: &[Source],
    texts: &[(String, String)],
) -> Markup {
    let settings = &findings.settings;
    let horizons: Vec<String> = settings.horizons_ms.iter().map(|ms| span(*ms)).collect();
    let costs = &settings.costs;
    html! {
        p {
            "stoop " (version) ". From the decision to the order: " (wait(Some(settings.latency_ns as f64 / 1e6)))
            "; horizons: " (horizons.join(", "))
            "; benchmark: " (settings.benchmark.as_deref().unwrap_or("none"))
            "; costs of each side: fee " (costs.taker_bps) " bps, slippage "
            (costs.slippage_major_bps) " bps on BTC and ETH, " (costs.slippage_bps)
            " bps on everything else."
        }
        div.scroll { table {
            thead { tr { th { "File" } th { "What" } th { "SHA-256" } } }
            tbody { @for source in sources { tr {
                td { (source.name) } td { (source.role) } td.hash { (source.sha256) }
            } } }
        } }
        h3 { "Rules" }
        div.scroll { table {
            thead { tr { th { "Rule" } th { "Side" } th { "Hash" } th.n { "Opens" } } }
            tbody { @for ((name, side, hash), opens) in rules(findings) { tr {
                td { (name) } td { (side) } td.hash { (hash) } td.n { (opens) }
            } } }
        } }
        @if settings.names.iter().next().is_some() {
            p.note {
                "Series that are named: " @for (place, (key, series)) in settings.names.iter().enumerate() {
                    @if place > 0 { ", " } code { (key) } " on " (series)
                } "."
            }
        }
        @for (name, text) in texts {
            details { summary { (name) } pre { (text) } }
        }
        h3 { "Prices" }
        div.scroll { table {
            thead { tr {
                th { "Series" } th.n { "Rows" } th { "From" } th { "To" } th.n { "Missing bars" }
                th.n { "Bars without trades" } th { "Longest gaps" }
            } }
            tbody { @for series in &findings.series { tr {
                td { (series.name) " " (series.layout.as_str()) } td.n { (series.rows) }
                td.when { (moment(series.first_ns)) } td.when { (moment(series.last_ns)) }
                td.n { (series.holes.missing_bars) } td.n { (series.holes.silent_bars) }
                td { @for hole in series.holes.longest.iter().filter(|hole| hole.is_missing) {
                    (moment(hole.from_ns)) " to " (moment(hole.to_ns)) ". "
                } }
            } } }
        } }
    }
}

/// Name, side and hash of each rule, with its opens; a rule that was changed has two hashes.
fn rules(findings: &Findings) -> BTreeMap<(&str, &str, String), usize> {
    let mut rules = BTreeMap::new();
    for event in findings.events.iter().filter(|event| event.counts) {
        let rule = &event.decision.rule;
        let hash = format!("{:016x}", u64::from_be_bytes(rule.hash));
        *rules.entry((rule.name.as_str(), rule.side.as_str(), hash)).or_default() += 1;
    }
    rules
}
