//! Signals that came late.

use maud::{Markup, html};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::series::shown;
use super::text::{count, moment, percent, span, wait};
use crate::findings::{Findings, MissedSignal};
use crate::statistics::Statistics;

/// Signals that are shown.
const SHOWN: usize = 60;

/// Signals that rules without `allow_late` would have opened on, if the feed had brought the posts.
pub(super) fn missed(findings: &Findings, statistics: &Statistics) -> Markup {
    let (missed, main) = (&findings.missed, span(findings.main_ms));
    if missed.is_empty() {
        return html! { p {
            "None: no post came late to a rule without " code { "allow_late" }
            ". Only tapes record what an outage lost and history brought."
        } };
    }
    html! {
        p {
            (count(missed.len(), "signal")) " came late: the feed was down, and history brought the post to a rule "
            "without " code { "allow_late" } ". You could not have entered at the time of the post, so these signals "
            "are not in any other figure. Returns are by side, before costs, over " (main) ": " b { "from the post" }
            " is the most that the outage can have cost, "
            b { "from when seen" } " is what was left when history brought it."
        }
        div.scroll { table {
            thead { tr {
                th { "Rule" } th.n { "Signals" } th.n { "Late by, half" } th.n { "Nine in ten" }
                th.n { "The last" } th.n { "Priced" }
                th.n { "From the post" } th.n { "From when seen" }
            } }
            tbody { @for row in &statistics.missed { tr {
                td { (row.rule) } td.n { (row.signals) }
                td.n { (wait(row.delay_ms_p50)) } td.n { (wait(row.delay_ms_p90)) } td.n { (wait(row.delay_ms_max)) }
                td.n { (row.priced) } td.n { (percent(row.from_post_mean)) } td.n { (percent(row.from_seen_mean)) }
            } } }
        } }
        details open[missed.len() <= 10] {
            summary { "Signal by signal" }
            @if missed.len() > SHOWN { p.note { "The first " (SHOWN) "; all are in summary.json." } }
            div.scroll { table {
                thead { tr {
                    th { "Posted, UTC" } th.n { "Late by" } th { "Rule" } th { "Author" } th { "Asset" } th { "Series" }
                    th.n { "From the post" } th.n { "From when seen" }
                } }
                tbody { @for signal in missed.iter().take(SHOWN) { (row(signal)) } }
            } }
        }
    }
}

fn row(missed: &MissedSignal) -> Markup {
    let signal = &missed.signal;
    let author = signal.author.as_deref().unwrap_or("unknown author");
    let link = signal.link.as_deref().filter(|link| link.starts_with("https://"));
    let posted = signal.created_ms.and_then(|ms| ms.checked_mul(1_000_000)).map(moment);
    let of = |value: Option<Decimal>| percent(value.and_then(|value| value.to_f64()));
    html! { tr {
        td.when { (posted.as_deref().unwrap_or("–")) }
        td.n { (wait(missed.delay_ms)) }
        td { (signal.rule.name) }
        td { @if let Some(link) = link { a href=(link) { "@" (author) } } @else { "@" (author) } }
        td { (asset(missed)) }
        td { (shown(&missed.search)) @if let Some(why) = missed.excluded { " " code { (why.as_str()) } } }
        td.n { (of(missed.from_post)) } td.n { (of(missed.from_seen)) }
    } }
}

fn asset(missed: &MissedSignal) -> String {
    let symbol =
        missed.signal.asset.as_ref().and_then(|asset| asset.symbol.clone().or_else(|| asset.market.clone()));
    let key = || stoop_engine::asset_key(missed.signal.asset.as_ref());
    symbol.unwrap_or_else(|| if missed.signal.asset.is_some() { key() } else { "–".to_owned() })
}
