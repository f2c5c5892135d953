//! The first screen: what was found, rule by rule, and how far it can be believed.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::text::{chance, count, percent, range, share, span};
use crate::statistics::{Dimension, GroupRow};
use crate::study::{Event, Findings};
use crate::summary::WARNING;

/// Below so many clusters an interval is rough.
const FEW: usize = 30;
/// A chance below this is taken for more than luck.
const RARE: f64 = 0.05;

/// What can be said of a rule, the strongest claim first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// Above random moments after costs, and no luck of so many trials.
    Holds,
    /// Above random moments after costs, and luck would do it.
    MayBeLuck,
    /// Above random moments before costs, and not after.
    CostsTakeIt,
    /// Within what random moments give, or below.
    NoBetter,
    /// One cluster, or nothing to hold it against.
    TooFew,
}

impl Verdict {
    fn of(row: &GroupRow) -> Self {
        let summary = &row.summary;
        let (Some(beats), Some(low)) = (row.beats_placebo, summary.net_low) else { return Self::TooFew };
        // Without trials counted the chance stands as it is.
        let is_rare = row.p_deflated.or(summary.p).is_some_and(|p| p < RARE);
        let moves = summary.mean.zip(row.placebo_high).is_some_and(|(mean, high)| mean > high);
        match (beats, moves) {
            (true, _) if low > 0.0 && is_rare => Self::Holds,
            (true, _) => Self::MayBeLuck,
            (false, true) => Self::CostsTakeIt,
            (false, false) => Self::NoBetter,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::MayBeLuck => "maybe",
            Self::CostsTakeIt | Self::NoBetter => "none",
            Self::TooFew => "none few",
        }
    }

    fn tag(self) -> &'static str {
        match self {
            Self::Holds => "beats random moments",
            Self::MayBeLuck => "may be luck",
            Self::CostsTakeIt => "costs take it",
            Self::NoBetter => "no edge",
            Self::TooFew => "too few to say",
        }
    }

    fn sentence(self, row: &GroupRow, trials: usize) -> String {
        let better = "It earned more after costs than random moments did before them";
        match self {
            Self::Holds => format!("{better}, and that is rarer than the trials explain."),
            Self::MayBeLuck if row.summary.net_low.is_some_and(|low| low <= 0.0) => {
                format!("{better}, but its interval reaches below 0.")
            }
            Self::MayBeLuck if trials > 1 => format!(
                "{better}, but the chance that the best of {trials} trials looks like this by luck is {}.",
                chance(row.p_deflated)
            ),
            Self::MayBeLuck => {
                format!("{better}, but the chance of that by luck is {}.", chance(row.summary.p))
            }
            Self::CostsTakeIt => {
                "The price went for it further than at random moments, and costs take what there was."
                    .to_owned()
            }
            Self::NoBetter => "It did no better than random moments.".to_owned(),
            Self::TooFew if row.summary.clusters == 1 && row.summary.outcomes > 1 => {
                "All of it saw the same prices and is one observation: nothing can be said.".to_owned()
            }
            Self::TooFew => "Nothing can be said of so few outcomes.".to_owned(),
        }
    }
}

/// Title, what it rests on, what to be careful of, and a card for each rule.
pub(super) fn headline(findings: &Findings) -> Markup {
    let statistics = &findings.statistics;
    let opens: Vec<&Event> = findings.events.iter().filter(|event| event.counts).collect();
    let entered = opens.iter().filter(|event| event.entry.is_some()).count();
    let order = order(findings);
    html! {
        h1 { "What the decisions were worth" }
        p.lead {
            (count(opens.len(), "open")) ", " (entered) " with prices" (period(&opens)) ". Figures are over "
            b { (span(statistics.main_ms)) } " from the entry."
        }
        div.warning {
            p { b { "Read with care. " } (WARNING) }
            @if statistics.trials > 0 {
                p {
                    b { (count(statistics.trials, "trial")) } " (rules, latencies, horizons) so far on these frames: by luck alone "
                    (expected(statistics.trials)) " of them would show a p below 0.05. What was tried elsewhere nobody counts."
                }
            }
        }
        div.cards {
            @for (rule, row) in &order {
                @match row {
                    Some(row) => (card(row, statistics.trials)),
                    None => (nothing(findings, rule)),
                }
            }
        }
    }
}

/// Every rule with its outcomes over the main horizon, those of which the most can be said first, else by name.
pub(super) fn order(findings: &Findings) -> Vec<(&str, Option<&GroupRow>)> {
    let statistics = &findings.statistics;
    let is_main = |row: &&GroupRow| row.by == Dimension::All && row.horizon_ms == statistics.main_ms;
    let mut measured: Vec<&GroupRow> = statistics.groups.iter().filter(is_main).collect();
    measured.sort_by_key(|row| Verdict::of(row));
    let opens = findings.events.iter().filter(|event| event.counts);
    let mut others: BTreeSet<&str> = opens.map(|event| event.decision.rule.name.as_str()).collect();
    others.retain(|rule| measured.iter().all(|row| row.rule != *rule));
    let measured = measured.into_iter().map(|row| (row.rule.as_str(), Some(row)));
    measured.chain(others.into_iter().map(|rule| (rule, None))).collect()
}

/// How many of so many trials luck lets through.
fn expected(trials: usize) -> String {
    let many = trials as f64 * RARE;
    if many < 1.5 { "perhaps one".to_owned() } else { format!("about {many:.0}") }
}

fn period(opens: &[&Event]) -> String {
    let day = |at_ns: i64| super::text::moment(at_ns).get(..10).unwrap_or_default().to_owned();
    let times = || opens.iter().map(|event| event.decision.decided_ns);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if day(first) == day(last) => format!(", {}", day(first)),
        (Some(first), Some(last)) => format!(", {} to {}", day(first), day(last)),
        (_, _) => String::new(),
    }
}

fn card(row: &GroupRow, trials: usize) -> Markup {
    let summary = &row.summary;
    let verdict = Verdict::of(row);
    let interval = summary.net_low.zip(summary.net_high);
    html! {
        section class=(format!("card {}", verdict.class())) {
            h2 { (row.rule) span.tag { (verdict.tag()) } }
            p.big { (percent(summary.net_mean)) }
            p.note {
                "mean after costs"
                @if let Some((low, high)) = interval { ", 95 % interval " (percent(Some(low))) " to " (percent(Some(high))) }
            }
            p {
                (verdict.sentence(row, trials))
                @if verdict != Verdict::TooFew && summary.clusters < FEW {
                    " " (count(summary.clusters, "cluster")) " " @if summary.clusters == 1 { "is" } @else { "are" } " few: the interval is rough."
                }
            }
            dl {
                (fact("Outcomes, clusters", &format!("{} in {}", summary.outcomes, summary.clusters)))
                (fact("Mean before costs", &percent(summary.mean)))
                @if verdict != Verdict::TooFew {
                    (fact("Random moments", &range(row.placebo_low, row.placebo_high)))
                    (fact("Without the best", &percent(summary.net_mean_without_best)))
                    (fact("Hits after costs", &share(summary.hit_rate)))
                    (fact(if trials > 0 { "p, after the trials" } else { "p" }, &chances(row, trials)))
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
        let outcome = findings.outcome(*place, findings.statistics.main_ms);
        let reason = outcome.and_then(|outcome| outcome.excluded).map_or("unknown", crate::Exclusion::as_str);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Summary;

    fn verdict(mean: f64, net: f64, low: f64, p_deflated: f64, clusters: usize) -> Verdict {
        let is_one = clusters < 2;
        let summary = Summary {
            outcomes: clusters,
            clusters,
            mean: Some(mean),
            net_mean: Some(net),
            net_low: (!is_one).then_some(low),
            net_high: (!is_one).then_some(net + 0.01),
            p: (!is_one).then_some(p_deflated / 2.0),
            ..Summary::default()
        };
        Verdict::of(&GroupRow {
            rule: "test".to_owned(),
            by: Dimension::All,
            value: "all".to_owned(),
            horizon_ms: 300_000,
            summary,
            placebo_mean: Some(0.0),
            placebo_low: Some(-0.01),
            placebo_high: Some(0.01),
            beats_placebo: Some(net > 0.01),
            p_deflated: Some(p_deflated),
        })
    }

    #[test]
    fn a_claim_is_no_stronger_than_its_weakest_ground() {
        assert_eq!(verdict(0.03, 0.02, 0.01, 0.01, 40), Verdict::Holds);
        assert_eq!(verdict(0.03, 0.02, 0.01, 0.49, 40), Verdict::MayBeLuck, "so many trials");
        assert_eq!(verdict(0.03, 0.02, -0.01, 0.01, 40), Verdict::MayBeLuck, "an interval around 0");
        assert_eq!(verdict(0.015, 0.004, 0.001, 0.01, 40), Verdict::CostsTakeIt);
        assert_eq!(verdict(0.0, -0.011, -0.02, 0.01, 40), Verdict::NoBetter);
        assert_eq!(verdict(0.5, 0.4, 0.0, 0.01, 1), Verdict::TooFew);
    }
}
