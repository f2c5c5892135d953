//! The report: one HTML file that needs nothing beside it.

mod charts;
mod enrichment;
mod events;
mod headline;
mod latency;
mod lookup;
mod missed;
mod provenance;
mod series;
mod tables;
mod text;

use maud::{DOCTYPE, PreEscaped, html};

use crate::findings::{Dimension, Findings};
use crate::provenance::Source;
use crate::statistics::Statistics;

const STYLE: &str = include_str!("style.css");
const SECTIONS: [(&str, &str); 10] = [
    ("events", "Events"),
    ("returns", "Forward returns"),
    ("kinds", "Posts and replies"),
    ("authors", "Authors"),
    ("enrichment", "Enrichment"),
    ("missed", "Missed"),
    ("latency", "Latency"),
    ("series", "Series"),
    ("left-out", "Left out"),
    ("provenance", "Made from"),
];

/// The report as HTML; `version` is the program's, `texts` are configuration and rules by name.
pub fn report(
    findings: &Findings,
    statistics: &Statistics,
    version: &str,
    sources: &[Source],
    texts: &[(String, String)],
) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Event study" }
                // Inline: the page is sent around as one file and opened without a network.
                style { (PreEscaped(STYLE)) }
            }
            body {
                (headline::headline(findings, statistics))
                nav {
                    @for (id, name) in SECTIONS { a href=(format!("#{id}")) { (name) } " " }
                }
                h2 id="events" { "Events" }
                p.note {
                    "Each path runs from ten bars before the entry to sixty after it. The vertical line is the "
                    "entry, and the range below the path shows how far the price went down and up from there. "
                    "Returns are by side; “net” is after costs; “gone before” is the move from the last price known "
                    "when the post was made to the entry."
                }
                (events::tables(findings, statistics))
                h2 id="returns" { "Forward returns" }
                (tables::fans(findings, statistics))
                h2 id="kinds" { "Posts and replies" }
                (tables::groups(findings, statistics, Dimension::TweetKind))
                h2 id="groups" { "By other groups" }
                @for (by, name) in [
                    (Dimension::Basis, "Basis"), (Dimension::Evidence, "Evidence"),
                    (Dimension::AssetClass, "Class of asset"), (Dimension::Hour, "Hour, UTC"),
                ] {
                    details { summary { (name) } (tables::groups(findings, statistics, by)) }
                }
                h2 id="authors" { "Authors" }
                (tables::scoreboard(statistics))
                h2 id="enrichment" { "Content and enrichment" }
                (enrichment::enrichment(statistics))
                h2 id="missed" { "Missed" }
                (missed::missed(findings, statistics))
                h2 id="latency" { "Latency by stage" }
                (latency::stages(findings))
                h3 { "From the post to the decision" }
                (latency::opens(findings))
                h2 id="series" { "Which series, and why" }
                (series::series(findings))
                h2 id="left-out" { "Left out" }
                (events::left_out(findings))
                h2 id="provenance" { "What it was made from" }
                (provenance::provenance(findings, version, sources, texts))
            }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use stoop_engine::Missed;
    use stoop_model::{Decision, LatencyNs};

    use super::*;
    use crate::findings::Settings;
    use crate::made_up::{MINUTE_NS, NOON_NS, decision, with};
    use crate::prices::Prices;
    use crate::study::Study;

    fn page() -> String {
        page_of(|_| {})
    }

    fn page_of(more: impl FnOnce(&mut Study)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let rows = (-30..90).map(|minute| {
            let at_ms = (NOON_NS + minute * MINUTE_NS) / 1_000_000;
            let price = 1000 + minute;
            format!("{at_ms},{price},{price},{price},{price},1,{},0,0,0,0,0\n", at_ms + 59_999)
        });
        std::fs::write(folder.path().join("UPUSDT.csv"), rows.collect::<String>()).expect("a file");
        let mut study = Study::default();
        study.add(&with(&decision(1, 0), |body| {
            body.text = "<script>alert(1)</script> & more".to_owned();
            body.link = Some("javascript:alert(1)".to_owned());
        }));
        study.add(&with(&decision(2, 1_200_000), |body| {
            body.link = Some("https://x.com/a/status/1".to_owned());
        }));
        study.add(&decision(3, 90_000_000));
        more(&mut study);
        let names = crate::SeriesNames::new([("rule:test".to_owned(), "UPUSDT".to_owned())]);
        let settings = Settings { names, ..Settings::default() };
        let found = study.measure(settings, &Prices::open(folder.path()).expect("prices")).expect("findings");
        report(
            &found,
            &Statistics::of(&found, 0),
            "0.0.0",
            &[],
            &[("stoop.toml".to_owned(), "# <rules>".to_owned())],
        )
    }

    #[test]
    fn the_report_stands_alone() {
        let page = page();
        for outside in ["<script", "<link", "<img", "src=", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
        assert!(page.matches("<svg").count() >= 4, "{}", page.matches("<svg").count());
    }

    #[test]
    fn what_others_wrote_is_escaped() {
        let page = page();
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
        assert!(!page.contains("javascript:"));
        assert!(page.contains("<a href=\"https://x.com/a/status/1\">"));
        assert!(page.contains("<summary>stoop.toml</summary><pre># &lt;rules&gt;</pre>"));
    }

    #[test]
    fn the_events_come_first_and_what_is_left_out_is_told() {
        let page = page();
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
        let order = [
            "Read with care",
            "No figure here corrects",
            "mean after costs",
            ">Events</h2>",
            ">Forward returns</h2>",
        ];
        assert!(order.is_sorted_by_key(|text| place(text)), "{order:?}");
        assert!(page.contains("no_price") && page.contains("coarse"));
    }

    #[test]
    fn every_section_that_is_pointed_at_is_there() {
        let page = page();
        for (id, _) in SECTIONS {
            assert!(
                page.contains(&format!("href=\"#{id}\"")) && page.contains(&format!("id=\"{id}\"")),
                "{id}"
            );
        }
    }

    #[test]
    fn stages_are_shown_where_a_run_has_measured_them_and_else_it_is_said_why_not() {
        let without = page();
        assert!(without.contains("JSONL has frames alone") && !without.contains("recv→decided"));
        let with_stages = page_of(|study| {
            let latency = Some(LatencyNs { decode: 50_000, merge: 900, signal: 2_000_000, total: 2_050_900 });
            study.record(&Decision { latency, ..decision(1, 0) });
        });
        assert!(with_stages.contains("on 1\u{a0}decision it recorded there"));
        for text in ["recv→decided", "50.0\u{a0}µs", "2.05\u{a0}ms", "p99.9", "\n1 ms\n"] {
            assert!(with_stages.contains(text), "{text}");
        }
    }

    #[test]
    fn missed_signals_are_listed_with_their_delay_and_what_others_wrote_is_no_link() {
        assert!(page().contains("Only tapes record what an outage lost"));
        let page = page_of(|study| {
            let open = decision(1, 60_000);
            for (number, link) in [(3, "javascript:alert(1)"), (4, "https://x.com/a/status/4")] {
                study.miss(&Missed {
                    rule: std::sync::Arc::clone(&open.rule),
                    platform: open.platform.clone(),
                    tweet_id: stoop_model::TweetId::parse(&number.to_string()),
                    author: Some("<b>somebody".to_owned()),
                    link: Some(link.to_owned()),
                    asset: None,
                    created_ms: open.created_ms,
                    decided_ns: open.decided_ns + 95_000_000_000,
                });
            }
        });
        for text in [
            "2\u{a0}signals came late",
            "1\u{a0}m 35\u{a0}s",
            "@&lt;b&gt;somebody",
            "<a href=\"https://x.com/a/status/4\">",
        ] {
            assert!(page.contains(text), "{text}");
        }
        assert!(!page.contains("javascript:"));
    }
}
