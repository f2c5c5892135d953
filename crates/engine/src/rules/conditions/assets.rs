//! `assets`: which assets, of which one must be there.

use super::{Check, Facts, Stage, listed};
use crate::rules::asset::{asset_key, emitted};
use crate::rules::rule::AssetFilter;
use crate::rules::written::Form;

/// Some asset passes, or the rule holds without one.
pub(crate) struct Assets;

impl Check for Assets {
    const KEYS: &'static [&'static str] = &["assets"];
    const STAGE: Stage = Stage::Assets;

    /// Finds what passes and lists what would open, for conditions on single assets.
    fn holds(facts: &mut Facts<'_>) -> bool {
        let Facts { set, rule, view, reading, found, .. } = facts;
        found.pass(set, rule, view, reading);
        let reader = reading.candidates.with(view, &set.aliases);
        let passing = found.passing.iter().filter_map(|index| reading.candidates.list().get(*index));
        found.opens.clear();
        if rule.emit.is_empty() {
            found.opens.extend(passing.map(|candidate| Some(reader.asset(candidate))));
        } else {
            found.opens.extend(rule.emit.iter().map(|market| Some(emitted(market))));
        }
        if found.opens.is_empty() {
            found.opens.push(None);
        }
        !found.passing.is_empty() || found.holds_without_asset || !rule.emit.is_empty()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let Facts { set, rule, view, reading, .. } = facts;
        let state = match (view.enriched_ns, rule.keeps_unnamed) {
            (None, _) => "no enrichment yet",
            (Some(_), false) => "enrichment has come: what it does not name does not count",
            (Some(_), true) => "enrichment has come; on_unnamed keeps what the text writes",
        };
        let reader = reading.candidates.with(view, &set.aliases);
        let there = listed(reading.candidates.list().iter().map(|candidate| {
            let asset = reader.asset(candidate);
            let mark = if candidate.is_ambiguous { " (several contracts)" } else { "" };
            format!("{}{mark}", asset_key(Some(&asset)))
        }));
        format!(
            "assets there: {there} ({state}); the rule takes {}",
            listed(rule.asset_filters().map(wanted))
        )
    }
}

fn wanted(filter: &AssetFilter) -> String {
    let mut parts = Vec::new();
    if filter.tokens {
        parts.push("tokens".to_owned());
    }
    if !filter.cex.is_empty() {
        parts.push(format!("cex of {}", filter.cex.join("/")));
    }
    if !filter.prediction.is_empty() {
        parts.push(format!("prediction of {}", filter.prediction.join("/")));
    }
    if filter.addresses {
        parts.push("addresses".to_owned());
    }
    let mut wanted = vec![parts.join(" or ")];
    if let Some(forms) = filter.written {
        let forms: Vec<_> = forms.iter().map(Form::as_str).collect();
        wanted.push(format!("written as {}", forms.join("/")));
    }
    if filter.is_first_line {
        wanted.push("in the first line".to_owned());
    }
    for (symbols, what) in [(&filter.only, "only"), (&filter.except, "except")] {
        if !symbols.is_empty() {
            wanted.push(format!("{what} {}", symbols.join("/")));
        }
    }
    wanted.join(", ")
}
