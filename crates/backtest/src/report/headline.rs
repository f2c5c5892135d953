//! The first screen: what was found, rule by rule, and how far it can be believed.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::lookup::{order, outcome, verdict};
use super::text::{chance, count, moment, percent, range, share, span};
use crate::findings::{Event, Findings};
use crate::outcome::Exclusion;
use crate::provenance::WARNING;
use crate::statistics::{GroupRow, RARE, Statistics, Verdict};

/// With fewer clusters than this an interval is rough.
const FEW: usize = 30;

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::MayBeLuck => "maybe",
        Verdict::MarketDidIt | Verdict::CostsTakeIt | Verdict::NoEdge => "none",
        Verdict::TooFew => "none few",
    }
}

fn sentence(row: &GroupRow, trials: usize) -> String {
    let better = "The rule earned more after costs than random moments did before costs";
    match verdict(row) {
        Verdict::Holds => format!("{better}, and the number of trials does not explain it."),
        Verdict::MayBeLuck if row.summary.net_low.is_some_and(|low| low <= 0.0) => {
            format!("{better}, but its interval reaches below 0.")
        }
        Verdict::MayBeLuck if trials > 1 => format!(
            "{better}, but the chance that the best of {trials} trials looks like this by luck is {}.",
            chance(row.p_deflated)
        ),
        Verdict::MayBeLuck => {
            format!("{better}, but the chance of that by luck alone is {}.", chance(row.summary.p))
        }
        Verdict::MarketDidIt => {
            "The rule earned more after costs than random moments, but less the benchmark's return nothing is left."
                .to_owned()
        }
        Verdict::CostsTakeIt => {
            "The price moved further in its favour than at random moments, but costs took the gain.".to_owned()
        }
        Verdict::NoEdge => "The rule did no better than random moments.".to_owned(),
        Verdict::TooFew if row.summary.clusters == 1 && row.summary.outcomes > 1 => {
            "All outcomes saw the same prices and count as one observation: that is too few to say anything.".to_owned()
        }
        Verdict::TooFew => "There are too few outcomes to say anything.".to_owned(),
    }
}

/// Title, what it rests on, what to be careful of, and a card for each rule.
pub(super) fn headline(findings: &Findings, statistics: &Statistics) -> Markup {
    let opens: Vec<&Event> = findings.events.iter().filter(|event| event.counts).collect();
    let entered = opens.iter().filter(|event| event.entry.is_some()).count();
    let order = order(findings, statistics);
    html! {
        h1 { "What the decisions were worth" }
        p.lead {
            (count(opens.len(), "open")) (period(&opens)) ", " (entered) " of which could be priced. Figures are over "
            b { (span(statistics.main_ms)) } " from the entry."
        }
        div.warning {
            p { b { "Read with care. " } (WARNING) }
            @if statistics.trials > 0 {
                p {
                    b { (count(statistics.trials, "trial")) } " (rules, latencies, horizons) so far on these frames. "
                    (expected(statistics.trials)) " of them would have p < 0.05 by luck alone. "
                    "Trials you ran elsewhere are not counted."
                }
            }
        }
        div.cards {
            @for (rule, row) in &order {
                @match row {
                    Some(row) => (card(row, findings, statistics)),
                    None => (nothing(findings, rule)),
                }
            }
        }
    }
}

/// How many trials look good by luck.
fn expected(trials: usize) -> String {
    let many = trials as f64 * RARE;
    if many < 1.5 { "Perhaps one".to_owned() } else { format!("About {many:.0}") }
}

fn period(opens: &[&Event]) -> String {
    let day = |at_ns: i64| moment(at_ns).get(..10).unwrap_or_default().to_owned();
    let times = || opens.iter().map(|event| event.decision.decided_ns);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if day(first) == day(last) => format!(", {}", day(first)),
        (Some(first), Some(last)) => format!(", {} to {}", day(first), day(last)),
        (_, _) => String::new(),
    }
}

fn card(row: &GroupRow, findings: &Findings, statistics: &Statistics) -> Markup {
    let trials = statistics.trials;
    let summary = &row.summary;
    let verdict = verdict(row);
    let interval = summary.net_low.zip(summary.net_high);
    html! {
        section class=(format!("card {}", class(verdict))) {
            h2 { (row.rule) span.tag { (verdict.as_str()) } }
            p.big { (percent(summary.net_mean)) }
            p.note {
                "mean after costs"
                @if let Some((low, high)) = interval {
                    ", 95 % interval " (percent(Some(low))) " to " (percent(Some(high)))
                }
            }
            p {
                (sentence(row, trials))
                @if verdict != Verdict::TooFew && summary.clusters < FEW {
                    " With only " (count(summary.clusters, "cluster")) ", the interval is rough."
                }
            }
            dl {
                (fact("Outcomes, clusters", &format!("{} in {}", summary.outcomes, summary.clusters)))
                (fact("Mean before costs", &percent(summary.mean)))
                @if let Some(benchmark) = &findings.settings.benchmark {
                    (fact(&format!("Mean before costs, less {benchmark}"), &percent(summary.adjusted_mean)))
                }
                @if verdict != Verdict::TooFew {
                    (fact("Random moments", &range(row.placebo_low, row.placebo_high)))
                    (fact("Net mean without the best", &percent(summary.net_mean_without_best)))
                    (fact("Hits after costs", &share(summary.hit_rate)))
                    (fact(if trials > 0 { "p; p among all trials" } else { "p" }, &chances(row, trials)))
                }
            }
        }
    }
}

fn chances(row: &GroupRow, trials: usize) -> String {
    let once = chance(row.summary.p);
    if trials > 0 { format!("{once}, {}", chance(row.p_deflated)) } else { once }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A rule without an outcome over the main horizon.
fn nothing(findings: &Findings, rule: &str) -> Markup {
    let opens: Vec<usize> = (0..findings.events.len())
        .filter(|place| findings.events[*place].counts && findings.events[*place].decision.rule.name == rule)
        .collect();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for place in &opens {
        let outcome = outcome(findings, *place, findings.main_ms);
        let reason = outcome.and_then(|outcome| outcome.excluded).map_or("unknown", Exclusion::as_str);
        *reasons.entry(reason).or_default() += 1;
    }
    html! {
        section.card.none {
            h2 { (rule) span.tag { "not measured" } }
            p {
                "None of " (count(opens.len(), "open")) " has an outcome:"
                @for (reason, number) in reasons { " " (number) " " code { (reason) } }
                ". See " a href="#left-out" { "what was left out" } "."
            }
        }
    }
}
