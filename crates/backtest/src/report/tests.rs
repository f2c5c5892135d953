//! The report holds together, escapes what others wrote, and needs nothing from outside.

use crate::prices::Prices;
use crate::study::{Settings, Study};
use crate::trial::{MINUTE_NS, NOON_NS, decision, with};

fn report() -> String {
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
    study.add(&with(&decision(2, 1_200_000), |body| body.link = Some("https://x.com/a/status/1".to_owned())));
    study.add(&decision(3, 90_000_000));
    let names = crate::SeriesNames::new([("rule:test".to_owned(), "UPUSDT".to_owned())]);
    let settings = Settings { names, ..Settings::default() };
    let found = study.measure(settings, &Prices::open(folder.path()).expect("prices")).expect("findings");
    found.report("0.0.0", &[])
}

#[test]
fn the_report_stands_alone() {
    let page = report();
    for outside in ["<script", "<link", "<img", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert!(page.matches("<svg").count() >= 4, "{}", page.matches("<svg").count());
}

#[test]
fn what_others_wrote_is_escaped() {
    let page = report();
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"));
    assert!(!page.contains("javascript:"));
    assert!(page.contains("<a href=\"https://x.com/a/status/1\">"));
}

#[test]
fn the_events_come_first_and_what_is_left_out_is_told() {
    let page = report();
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("No figure here corrects").max(place(">Events<")) < place("Forward returns"));
    assert!(page.contains("no_price") && page.contains("coarse"));
}
