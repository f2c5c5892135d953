//! The gain and the cost of acting before the enrichment, and how long the enrichment took.

use maud::{Markup, html};

use super::tables::AUTHORS;
use super::text::{percent, span, wait};
use crate::statistics::Statistics;

/// The gain and the cost of acting before the enrichment.
pub(super) fn enrichment(statistics: &Statistics) -> Markup {
    html! {
        @if statistics.enrichment.is_empty() {
            p { "No decision was opened on the content alone." }
        } @else {
            div.scroll { table {
                thead { tr {
                    th { "Rule" } th.n { "Opens" } th.n { "Held" } th.n { "Lapsed" } th.n { "Cancelled" } th { "Why" }
                    th.n { "Head start" } th.n { "Net, cancelled" }
                } }
                tbody { @for row in &statistics.enrichment { tr {
                    td { (row.rule) } td.n { (row.opens) } td.n { (row.held) } td.n { (row.lapsed) }
                    td.n { (row.cancelled) }
                    td { @for (reason, count) in &row.reasons { (count) " " (reason) " " } }
                    td.n { (percent(row.head_start_mean)) } td.n { (percent(row.cancelled_net_mean)) }
                } } }
            } }
            p.note {
                "Head start: how far the price moved in the rule's favour from the entry at the open to the entry "
                "at the confirm or revise, which is what acting at once gained. “Net, cancelled” is the net mean of "
                "the cancelled opens over "
                (span(statistics.main_ms)) ", which waiting would have avoided."
            }
        }
        @if !statistics.delays.is_empty() {
            div.scroll { table {
                thead { tr {
                    th { "Enrichment of" } th.n { "Posts" } th.n { "Half within" } th.n { "Nine in ten within" }
                    th.n { "Last after" }
                } }
                tbody { @for row in statistics.delays.iter().take(AUTHORS) { tr {
                    td { "@" (row.author) } td.n { (row.posts) } td.n { (wait(Some(row.delay_ms_p50))) }
                    td.n { (wait(Some(row.delay_ms_p90))) } td.n { (wait(Some(row.delay_ms_max))) }
                } } }
            } }
        }
        @for row in &statistics.moves {
            p.note {
                (row.rule) ": from the last price known when the post was made, the price moved "
                (percent(Some(row.whole_mean)))
                " over " (span(statistics.main_ms)) ", of which " (percent(Some(row.gone_mean)))
                " came before the entry. Half of the outcomes were at their best within "
                (wait(Some(row.peak_s_median * 1000.0))) " of the entry."
            }
        }
    }
}
