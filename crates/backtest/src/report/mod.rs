//! The report: one HTML file that needs nothing beside it.

mod charts;
mod enrichment;
mod events;
mod headline;
mod latency;
mod missed;
mod provenance;
mod series;
mod tables;
mod text;

use maud::{DOCTYPE, PreEscaped, html};

use crate::statistics::Dimension;
use crate::study::Findings;
use crate::summary::Source;

const STYLE: &str = include_str!("style.css");
const SECTIONS: [(&str, &str); 10] = [
    ("events", "Events"),
    ("returns", "Forward returns"),
    ("kinds", "Post against reply"),
    ("authors", "Authors"),
    ("enrichment", "Enrichment"),
    ("missed", "Missed"),
    ("latency", "Latency"),
    ("series", "Series"),
    ("left-out", "Left out"),
    ("origin", "Made from"),
];

impl Findings {
    /// The report as HTML; `version` is the program's, `texts` are configuration and rules by name.
    pub fn report(&self, version: &str, sources: &[Source], texts: &[(String, String)]) -> String {
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
                    (headline::headline(self))
                    nav {
                        @for (id, name) in SECTIONS { a href=(format!("#{id}")) { (name) } " " }
                    }
                    h2 id="events" { "Events" }
                    p.note {
                        "The path runs from ten bars before the entry to sixty after it; the upright line is the entry, and beside it stands how \
                         far the price went down and up from there. Returns are by side, net is after costs, gone before is from the last \
                         price known when the post was made to the entry."
                    }
                    (events::tables(self))
                    h2 id="returns" { "Forward returns" }
                    (tables::fans(self))
                    h2 id="kinds" { "Post against reply" }
                    (tables::groups(self, Dimension::TweetKind))
                    h2 id="groups" { "By everything else" }
                    @for (by, name) in [
                        (Dimension::Basis, "Basis"), (Dimension::Evidence, "Evidence"), (Dimension::AssetClass, "Class of asset"),
                        (Dimension::Hour, "Hour, UTC"),
                    ] {
                        details { summary { (name) } (tables::groups(self, by)) }
                    }
                    h2 id="authors" { "Authors" }
                    (tables::scoreboard(self))
                    h2 id="enrichment" { "Content against enrichment" }
                    (enrichment::enrichment(self))
                    h2 id="missed" { "Missed" }
                    (missed::missed(self))
                    h2 id="latency" { "Latency by stage" }
                    (latency::stages(self))
                    h3 { "From the post to the decision" }
                    (latency::opens(self))
                    h2 id="series" { "Which series, and why" }
                    (series::series(self))
                    h2 id="left-out" { "Left out" }
                    (events::left_out(self))
                    h2 id="origin" { "What it was made from" }
                    (provenance::provenance(self, version, sources, texts))
                }
            }
        };
        page.into_string()
    }
}

#[cfg(test)]
mod tests;
