//! The groups whose outcomes are summed up: decisions of a rule that have something in common.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use stoop_model::{AssetClass, Evidence};

use crate::findings::{Dimension, Event, Group};

const DIMENSIONS: [Dimension; 7] = [
    Dimension::All,
    Dimension::TweetKind,
    Dimension::Basis,
    Dimension::Evidence,
    Dimension::AssetClass,
    Dimension::Hour,
    Dimension::Author,
];

/// Finds the groups of the events that count, and notes in each event which ones it is in.
pub(super) fn group(events: &mut [Event]) -> Vec<Group> {
    type Key = (String, Dimension, String);
    let keys = |event: &Event| -> [Key; DIMENSIONS.len()] {
        DIMENSIONS.map(|by| (event.decision.rule.name.clone(), by, value(by, event)))
    };
    // Sorted maps throughout: group order reaches the report and decides which groups draw.
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    for key in events.iter().filter(|event| event.counts).flat_map(keys) {
        *counts.entry(key).or_default() += 1;
    }
    // Only the first groups draw random moments. There may be any number of authors, so they come last, and of them
    // those with the most opens first.
    let mut order: Vec<(Key, usize)> = counts.into_iter().collect();
    order.sort_by_key(|((_, by, _), count)| (*by, Reverse(*count)));
    let places: BTreeMap<&Key, usize> = order.iter().map(|(key, _)| key).zip(0..).collect();
    for event in events.iter_mut().filter(|event| event.counts) {
        event.groups = keys(event).map(|key| places[&key]).to_vec();
    }
    let group = |((rule, by, value), _)| Group { rule, by, value, random_moments: None };
    order.into_iter().map(group).collect()
}

/// The value of an event in this dimension.
fn value(by: Dimension, event: &Event) -> String {
    let decision = &event.decision;
    match by {
        Dimension::All => "all".to_owned(),
        Dimension::TweetKind => decision.tweet_kind.as_str().to_owned(),
        Dimension::Basis => decision.basis.as_str().to_owned(),
        Dimension::Evidence => decision.evidence.map_or("none", Evidence::as_str).to_owned(),
        Dimension::AssetClass => {
            decision.asset.as_ref().map_or("none", |asset| AssetClass::as_str(asset.class)).to_owned()
        }
        Dimension::Hour => format!("{:02}", decision.decided_ns.div_euclid(3_600_000_000_000).rem_euclid(24)),
        Dimension::Author => decision.author.clone().unwrap_or_else(|| "none".to_owned()),
    }
}
