//! What exchanges write: the starter rules open what each post says they do, and need every term they have.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet};
use stoop_model::DecisionKind;
use stoop_tape::Frames;
use stoop_tests::{fixture, read_text};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::replay::rules;

const RULES: &str = "rules/starter.toml";
/// Rules on what exchanges announce begin with this.
const PREFIX: &str = "exchange-";
/// A term that no post holds, and no symbol of any coin.
const NOWHERE: &str = "\"NOWHERE\"";

/// Posts and the symbols they open on, by rule.
type Opens = BTreeMap<String, BTreeSet<(String, String)>>;

/// What the rules open on the wordings. These are more than a day apart, so that no cooldown joins them.
fn opens(rules: RuleSet) -> Opens {
    let bounds = Bounds::default();
    let mut frames =
        Frames::open([fixture("frames/wordings.jsonl")], bounds.limits).expect("the fixture opens");
    let mut pipeline = Pipeline::new(rules, bounds, frames.start_ns());
    let (mut line, mut decisions) = (Vec::new(), Vec::new());
    while frames.next(&mut line).expect("the fixture reads").is_some() {
        pipeline.handle(&Input::frame(&line, Receipt::Sent), &mut decisions);
    }
    let mut opens = Opens::new();
    for body in decisions.iter().map(|decision| &decision.body) {
        if body.kind == DecisionKind::Open {
            let symbol = body.asset.as_ref().and_then(|asset| asset.symbol.clone()).unwrap_or_default();
            opens.entry(body.rule.name.clone()).or_default().insert((headline(&body.text), symbol));
        }
    }
    opens
}

fn headline(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// What the second lines say: `Stoop opens exchange-listing: EDGE, FOO.` or `Stoop opens nothing.`
fn said() -> Opens {
    let mut said = Opens::new();
    for line in read_text("frames/wordings.jsonl").lines() {
        let frame: serde_json::Value = serde_json::from_str(line).expect("a frame is JSON");
        let text = frame["d"]["text"].as_str().expect("a post has a text");
        let outcome =
            text.lines().nth(1).and_then(|line| line.strip_prefix("Stoop opens ")?.strip_suffix('.'));
        let outcome = outcome.unwrap_or_else(|| panic!("{text:?} does not say what it opens"));
        if outcome == "nothing" {
            continue;
        }
        let (rule, symbols) = outcome.split_once(": ").unwrap_or_else(|| panic!("{text:?}: no symbols"));
        let symbols = symbols.split(", ").map(|symbol| (headline(text), symbol.to_owned()));
        said.entry(rule.to_owned()).or_default().extend(symbols);
    }
    said
}

#[test]
fn every_wording_opens_what_its_second_line_says() {
    let (found, said) = (opens(rules("starter")), said());
    let names: BTreeSet<_> = found.keys().chain(said.keys()).collect();
    assert!(names.len() >= 4, "{names:?}");
    let none = BTreeSet::new();
    for name in names {
        let (found, said) = (found.get(name).unwrap_or(&none), said.get(name).unwrap_or(&none));
        let (missing, extra): (Vec<_>, Vec<_>) =
            (said.difference(found).collect(), found.difference(said).collect());
        assert!(missing.is_empty() && extra.is_empty(), "{name}: missing {missing:#?}, extra {extra:#?}");
    }
}

/// One entry of a list of a rule.
struct Entry {
    rule: String,
    key: &'static str,
    written: String,
    span: Range<usize>,
}

/// Lists that let coins pass, and lists that hold them back.
const LISTS: [(&str, bool); 4] = [("any", true), ("only", true), ("none", false), ("except", false)];

fn entries_of(rule: &str, table: &DeTable<'_>, entries: &mut Vec<Entry>) {
    for (key, _) in LISTS {
        let list = table.get(key).and_then(|list| list.get_ref().as_array());
        for item in list.into_iter().flat_map(|list| list.iter()) {
            let written = item.get_ref().as_str().unwrap_or_default().to_owned();
            entries.push(Entry { rule: rule.to_owned(), key, written, span: item.span() });
        }
    }
    if let Some(assets) = table.get("assets").and_then(|assets| assets.get_ref().as_table()) {
        entries_of(rule, assets, entries);
    }
    for branch in tables(table, "any_of") {
        entries_of(rule, branch, entries);
    }
}

fn tables<'t>(table: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
    let list = table.get(key).and_then(|list| list.get_ref().as_array());
    list.into_iter()
        .flat_map(|list| list.iter())
        .filter_map(|item: &Spanned<DeValue<'_>>| item.get_ref().as_table())
}

#[test]
fn every_term_of_the_listing_rules_is_needed_by_a_wording() {
    let text = read_text(RULES);
    let parsed = DeTable::parse(&text).expect("the starter rules are TOML");
    let mut entries = Vec::new();
    for rule in tables(parsed.get_ref(), "rule") {
        let name = rule.get("name").and_then(|name| name.get_ref().as_str()).expect("a rule has a name");
        if name.starts_with(PREFIX) {
            entries_of(name, rule, &mut entries);
        }
    }
    assert!(entries.len() >= 200, "{} entries", entries.len());

    // One copy of the rule for each entry, without it, so that one replay asks about all.
    let headers: Vec<usize> = text.match_indices("\n[[rule]]").map(|(at, _)| at).collect();
    let mut copies = String::new();
    for (index, entry) in entries.iter().enumerate() {
        let start =
            headers.iter().rfind(|at| **at < entry.span.start).copied().expect("an entry is in a rule");
        let end = headers.iter().find(|at| **at > start).copied().unwrap_or(text.len());
        let copy = [&text[start..entry.span.start], NOWHERE, &text[entry.span.end..end]].concat();
        let name = |name: &str| format!("\nname = \"{name}\"\n");
        let copy = copy.replacen(&name(&entry.rule), &name(&copied(entry, index)), 1);
        copies.push_str(&copy);
    }
    let without = opens(RuleSet::parse("copies", &copies).unwrap_or_else(|error| panic!("{error}")));

    let whole = opens(rules("starter"));
    let none = BTreeSet::new();
    let mut idle = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let whole = whole.get(&entry.rule).unwrap_or(&none);
        let without = without.get(&copied(entry, index)).unwrap_or(&none);
        let lets_pass = LISTS.iter().any(|(key, lets_pass)| *key == entry.key && *lets_pass);
        let (more, fewer) = if lets_pass { (whole, without) } else { (without, whole) };
        if more.is_subset(fewer) {
            idle.push(format!("{}: {} {:?}", entry.rule, entry.key, entry.written));
        }
    }
    assert!(idle.is_empty(), "no post in wordings.jsonl needs these: {idle:#?}");
}

fn copied(entry: &Entry, index: usize) -> String {
    format!("{} {index}", entry.rule)
}
