//! Which rules want an author's posts: one or two lookups per view instead of a comparison with every name of every
//! rule.

use stoop_model::HashMap;

use super::conditions::{Authors, Rule};
use super::rule::Fire;

/// The rules by the authors they name. Rules are indices; every list of them is in order, each once.
#[derive(Debug, Default)]
pub(crate) struct AuthorIndex {
    /// Rules for everyone's posts.
    everyone: Vec<usize>,
    by_handle: HashMap<String, Vec<usize>>,
    by_id: HashMap<String, Vec<usize>>,
    /// Rules that name handles and open when their wait is over: they begin to wait before the handle is known.
    before_handle: Vec<usize>,
    /// The same for ids.
    before_id: Vec<usize>,
}

impl AuthorIndex {
    /// The index of the rules of a set.
    pub(crate) fn new(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (rule, of) in rules.iter().enumerate() {
            let Some(Authors { handles, ids }) = &of.authors else {
                index.everyone.push(rule);
                continue;
            };
            for (names, by_name) in [(handles, &mut index.by_handle), (ids, &mut index.by_id)] {
                for name in names {
                    let named = by_name.entry(name.clone()).or_default();
                    // Rules come in order, so a name that a rule repeats can only repeat the last entry.
                    if named.last() != Some(&rule) {
                        named.push(rule);
                    }
                }
            }
            if let Fire::Enriched { opens_on_timeout: true, .. } = of.fire {
                index.before_handle.extend((!handles.is_empty()).then_some(rule));
                index.before_id.extend((!ids.is_empty()).then_some(rule));
            }
        }
        index
    }

    /// Appends the rules that want posts of this author. `handle` is in lower case.
    pub(crate) fn takers(&self, handle: Option<&str>, id: Option<&str>, out: &mut Vec<usize>) {
        out.extend(&self.everyone);
        let by_handle = handle.and_then(|handle| self.by_handle.get(handle));
        let by_id = id.and_then(|id| self.by_id.get(id));
        for rules in [by_handle, by_id].into_iter().flatten() {
            out.extend(rules);
        }
        in_order(out);
    }

    /// Appends the rules that wait, and may want posts of this author once its handle or id is known.
    pub(crate) fn hopeful(&self, handle: Option<&str>, id: Option<&str>, out: &mut Vec<usize>) {
        if handle.is_none() {
            out.extend(&self.before_handle);
        }
        if id.is_none() {
            out.extend(&self.before_id);
        }
    }
}

/// Sorts rules, each once. Mostly they come from one list and are sorted already.
pub(crate) fn in_order(rules: &mut Vec<usize>) {
    if !rules.is_sorted_by(|a, b| a < b) {
        rules.sort_unstable();
        rules.dedup();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RuleSet;

    /// A set with one rule for each list of names; an empty list is a rule for everyone.
    fn rules(lists: &[(Vec<String>, bool)]) -> RuleSet {
        let rules = lists.iter().enumerate().map(|(index, (names, waits))| {
            let authors = if names.is_empty() { String::new() } else { format!("authors = {names:?}\n") };
            let fire = if *waits { "fire = \"enriched\"\non_timeout = \"open\"\n" } else { "" };
            format!("[[rule]]\nname = \"{index}\"\n{authors}{fire}")
        });
        RuleSet::parse("rules.toml", &rules.collect::<String>()).unwrap()
    }

    fn takes(rule: &Rule, handle: Option<&str>, id: Option<&str>) -> bool {
        rule.authors.as_ref().is_none_or(|Authors { handles, ids }| {
            handle.is_some_and(|handle| handles.iter().any(|known| known == handle))
                || id.is_some_and(|id| ids.iter().any(|known| known == id))
        })
    }

    fn may_come_to_take(rule: &Rule, handle: Option<&str>, id: Option<&str>) -> bool {
        let waits = matches!(rule.fire, Fire::Enriched { opens_on_timeout: true, .. });
        waits
            && rule.authors.as_ref().is_some_and(|Authors { handles, ids }| {
                handle.is_none() && !handles.is_empty() || id.is_none() && !ids.is_empty()
            })
    }

    proptest! {
        #[test]
        fn a_lookup_finds_what_a_compare_with_every_name_finds(
            lists in prop::collection::vec(
                (prop::collection::vec("@?[aBé]{1,2}|id:[12]{1,2}", 0..4), any::<bool>()),
                0..12,
            ),
            handle in prop::option::of("[abé]{1,2}"),
            id in prop::option::of("[12]{1,2}"),
        ) {
            let set = rules(&lists);
            let (handle, id) = (handle.as_deref(), id.as_deref());
            let those = |holds: fn(&Rule, Option<&str>, Option<&str>) -> bool| {
                (0..set.rules.len()).filter(|rule| holds(&set.rules[*rule], handle, id)).collect::<Vec<_>>()
            };
            let mut found = Vec::new();
            set.authors.takers(handle, id, &mut found);
            prop_assert_eq!(&found, &those(takes));
            found.clear();
            set.authors.hopeful(handle, id, &mut found);
            in_order(&mut found);
            prop_assert_eq!(&found, &those(may_come_to_take));
        }
    }
}
