//! `any_of`: branches, of which one must hold.

use super::{Check, Facts, Stage};

/// The terms of some branch hold. Whether its assets are there is looked at with the assets of the rule.
pub(crate) struct AnyOf;

impl Check for AnyOf {
    const KEYS: &'static [&'static str] = &["any_of"];
    const STAGE: Stage = Stage::View;

    /// Leaves the branches that hold in `found`, for the assets and for the decision's `matched`.
    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.found.branches.clear();
        let (texts, matcher, view) = (&mut facts.reading.texts, &facts.set.matcher, facts.view);
        for (index, branch) in facts.rule.any_of.iter().enumerate() {
            let terms = &branch.terms;
            // All branches are tried: a later one may accept assets that an earlier one does not.
            if texts.any(matcher, view, terms)
                && texts.all(matcher, view, terms)
                && texts.vetoed(matcher, view, terms).is_none()
            {
                facts.found.branches.push(index);
            }
        }
        facts.rule.any_of.is_empty() || !facts.found.branches.is_empty()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        format!("the terms of none of {} branches of `any_of` hold", facts.rule.any_of.len())
    }
}
