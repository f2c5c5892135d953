//! Which series each rule's assets were measured on, and why.

use maud::{Markup, html};

use super::text::count;
use crate::findings::Findings;
use crate::search::Search;
use crate::tally::{AssignedRow, assigned_series};

/// Rows that are shown.
const SHOWN: usize = 200;

/// The series of the opens by rule and asset, and what was looked for where there is none.
pub(super) fn series(findings: &Findings) -> Markup {
    let rows: Vec<AssignedRow> = assigned_series(findings).into_iter().filter(|row| row.opens > 0).collect();
    let alone: usize = rows.iter().filter(|row| row.by_symbol_alone).map(|row| row.opens).sum();
    html! {
        p.note {
            "Series are searched for in this order: " code { "series" } ", what " code { "[series]" } " names; "
            code { "market" } ", the decision's own market; "
            code { "universe" } ", the markets that the universe lists; " code { "symbol" }
            ", the symbol and USDT; " code { "thousand" }
            ", 1000, the symbol and USDT, whose prices are of 1000 coins. The first that has files in the folder of "
            "prices counts."
        }
        @if alone > 0 {
            p {
                b {
                    (count(alone, "open")) " on a contract " @if alone == 1 { "is" } @else { "are" }
                    " measured by symbol alone."
                }
                " Another coin may have the same symbol: check the rows marked " code { "?" }
                ", and name the right series in "
                code { "[series]" } " where one is wrong."
            }
        }
        @if rows.len() > SHOWN { p.note { "The first " (SHOWN) " of " (rows.len()) "; all are in summary.json." } }
        div.scroll { table {
            thead { tr { th { "Rule" } th { "Asset" } th { "Series" } th { "Found by" } th.n { "Opens" } } }
            tbody { @for row in rows.iter().take(SHOWN) { tr {
                td { (row.rule) }
                td { @if row.asset.is_empty() { "–" } @else { (row.asset) } }
                td { (series_of(row)) }
                td {
                    @if let Some(by) = row.series_by { code { (by) } } @else { "–" }
                    @if row.by_symbol_alone { " " code { "?" } }
                }
                td.n { (row.opens) }
            } } }
        } }
    }
}

fn series_of(row: &AssignedRow) -> String {
    row.series.clone().unwrap_or_else(|| looked_for(&row.looked_for))
}

/// A series, or what was looked for.
pub(super) fn shown(search: &Search) -> String {
    let names = || search.looked_for.iter().map(ToString::to_string).collect::<Vec<_>>();
    search.series().map_or_else(|| looked_for(&names()), str::to_owned)
}

/// The names that were searched for without success.
fn looked_for(names: &[String]) -> String {
    if names.is_empty() { "–".to_owned() } else { format!("none; looked for {}", names.join(", ")) }
}
