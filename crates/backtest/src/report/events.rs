//! The event table: posts, what was decided on them, and where the price went.

use std::borrow::Cow;

use maud::{Markup, PreEscaped, html};
use rust_decimal::prelude::ToPrimitive;

use super::charts;
use super::lookup::{order, outcome};
use super::series::shown;
use super::text::{moment, percent, range, span};
use crate::findings::{Event, Findings};
use crate::outcome::{Exclusion, by_side, change};
use crate::statistics::Statistics;
use crate::tally;

/// Events of a rule that are shown.
const SHOWN: usize = 60;
/// Of these, those that are seen without a click.
const SEEN: usize = 10;
/// Letters of a post that are shown.
const LETTERS: usize = 400;
/// Events without outcome that are shown.
const LEFT_OUT_SHOWN: usize = 200;

/// Events of each rule that have an outcome: those that moved most, in order of time.
pub(super) fn tables(findings: &Findings, statistics: &Statistics) -> Markup {
    let rules = order(findings, statistics);
    html! {
        @for (rule, _) in rules {
            (table(findings, rule))
        }
    }
}

fn table(findings: &Findings, rule: &str) -> Markup {
    let main_ms = findings.main_ms;
    let is_of = |event: &Event| event.counts && event.decision.rule.name == rule && event.entry.is_some();
    let mut places: Vec<usize> =
        (0..findings.events.len()).filter(|place| is_of(&findings.events[*place])).collect();
    let all = places.len();
    let size = |place: &usize| gross(findings, *place, main_ms).map_or(0.0, f64::abs);
    // Ties by place, so that the same study selects the same events.
    places.sort_by(|a, b| size(b).total_cmp(&size(a)).then(a.cmp(b)));
    places.truncate(SHOWN);
    let mut rest = places.split_off(places.len().min(SEEN));
    // In order of time again, after the largest moves have been chosen.
    places.sort_unstable();
    rest.sort_unstable();
    let horizons = shown_horizons(findings);
    html! {
        h3 { (rule) ": " @if all == 0 { "none" } @else { (all) } " could be priced" }
        @if all > SEEN {
            p.note { "The " (SEEN) " with the largest moves over " (span(main_ms)) ", in order of time." }
        }
        @if all > 0 { (rows(findings, &places, &horizons)) }
        @if !rest.is_empty() {
            details.more {
                summary { (rest.len()) " more events of " (rule) }
                @if all > SHOWN {
                    p.note { "The next largest moves, in order of time. All events are in outcomes.csv." }
                }
                (rows(findings, &rest, &horizons))
            }
        }
    }
}

fn rows(findings: &Findings, places: &[usize], horizons: &[i64]) -> Markup {
    let main_ms = findings.main_ms;
    html! {
        table.events {
            thead { tr {
                th { "When, UTC" } th { "Post" } th { "Price" }
                @for horizon_ms in horizons { th.n { (span(*horizon_ms)) } }
                th.n { "net " (span(main_ms)) } th.n { "gone before" }
            } }
            tbody { @for place in places { (row(findings, *place, horizons)) } }
        }
    }
}

fn row(findings: &Findings, place: usize, horizons: &[i64]) -> Markup {
    let event = &findings.events[place];
    let decision = &event.decision;
    let when = moment(decision.decided_ns);
    let text = shortened(&decision.text);
    let author = decision.author.as_deref().unwrap_or("unknown author");
    // The link comes from the feed: `javascript:` in it must not run in the reader's browser.
    let link = decision.link.as_deref().filter(|link| link.starts_with("https://"));
    let main_ms = findings.main_ms;
    let title = format!(
        "{} from ten bars before the entry to sixty after it",
        event.search.series().unwrap_or("price")
    );
    html! {
        tr {
            td.when { (when) }
            td.post {
                "@" (author) ", " (decision.tweet_kind.as_str()) ": "
                @if let Some(link) = link { a href=(link) { (text) } } @else { (text) }
            }
            td.path {
                (PreEscaped(charts::path(&event.path, &title)))
                span.note {
                    (event.search.series().unwrap_or_default())
                    @if let Some(by) = event.search.by() { " by " (by.as_str()) ", " }
                    (reach(&event.path))
                }
            }
            @for horizon_ms in horizons {
                (number(&span(*horizon_ms), gross(findings, place, *horizon_ms)))
            }
            (number("net", net(findings, place, main_ms)))
            (number("gone before", gone(event)))
        }
    }
}

/// How far the path goes below and above the entry.
fn reach(path: &[(f64, f64)]) -> String {
    let heights = || path.iter().filter(|(step, _)| *step >= 0.0).map(|(_, height)| height / 100.0);
    range(heights().min_by(f64::total_cmp), heights().max_by(f64::total_cmp))
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

fn number(name: &str, share: Option<f64>) -> Markup {
    let sign = share.map_or("", |share| match share {
        share if share <= -0.000_05 => "down",
        share if share >= 0.000_05 => "up",
        _ => "",
    });
    html! { td.n data-name=(name) { span class=(sign) { (percent(share)) } } }
}

/// Three horizons at most: a minute, the main one, an hour, or those next to them.
fn shown_horizons(findings: &Findings) -> Vec<i64> {
    let known = &findings.settings.horizons_ms;
    let mut shown: Vec<i64> = [60_000, findings.main_ms, 3_600_000].into();
    shown.retain(|horizon_ms| known.contains(horizon_ms));
    shown.sort_unstable();
    shown.dedup();
    shown
}

fn gross(findings: &Findings, event: usize, horizon_ms: i64) -> Option<f64> {
    let side = findings.events[event].decision.rule.side;
    by_side(outcome(findings, event, horizon_ms)?.gross?, side).to_f64()
}

fn net(findings: &Findings, event: usize, horizon_ms: i64) -> Option<f64> {
    outcome(findings, event, horizon_ms)?.net?.to_f64()
}

fn gone(event: &Event) -> Option<f64> {
    by_side(change(event.before?, event.entry?.price).ok()?, event.decision.rule.side).to_f64()
}

/// Opens that were never entered, with their reasons.
pub(super) fn left_out(findings: &Findings) -> Markup {
    let opens = findings.events.iter().filter(|event| event.counts);
    let without: Vec<&Event> = opens.filter(|event| event.excluded.is_some()).collect();
    html! {
        p { "Outcomes of opens that were left out, counted for each horizon: " (reasons(findings)) "." }
        @if !without.is_empty() {
            details {
                summary { (without.len()) " opens without an entry" }
                @if without.len() > LEFT_OUT_SHOWN {
                    p.note { "The first " (LEFT_OUT_SHOWN) "; all are in outcomes.csv." }
                }
                div.scroll { table {
                    thead { tr { th { "When, UTC" } th { "Rule" } th { "Series" } th { "Reason" } th { "Post" } } }
                    tbody { @for event in without.iter().take(LEFT_OUT_SHOWN) {
                        tr {
                            td.when { (moment(event.decision.decided_ns)) }
                            td { (event.decision.rule.name) }
                            td { (shown(&event.search)) }
                            td { (event.excluded.map_or("", Exclusion::as_str)) }
                            td.post { (shortened(&event.decision.text)) }
                        }
                    } }
                } }
            }
        }
    }
}

fn reasons(findings: &Findings) -> String {
    let counts = tally::left_out(findings).into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(reason, count)| format!("{count} {reason}")).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}
