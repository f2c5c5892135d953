//! `none`: none of these terms, in any field.

use super::{Check, Facts, Stage};

/// No term of `none` is in any field.
pub(crate) struct NoTerm;

impl Check for NoTerm {
    const KEYS: &'static [&'static str] = &["none"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.reading.texts.vetoed(&facts.set.matcher, facts.view, &facts.rule.terms).is_none()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let vetoed = facts.reading.texts.vetoed(&facts.set.matcher, facts.view, &facts.rule.terms);
        let (term, field) = vetoed.map_or(("", ""), |(term, field)| (&term.written, field.as_str()));
        format!("\"{term}\" of `none` is in {field}")
    }
}
