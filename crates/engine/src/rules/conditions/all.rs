//! `all`: all of these terms, in one field.

use super::{Check, Facts, Stage};
use crate::rules::rule::{shown_fields, shown_terms};

/// One field holds every term of `all`.
pub(crate) struct AllTerms;

impl Check for AllTerms {
    const KEYS: &'static [&'static str] = &["all"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.reading.texts.all(&facts.set.matcher, facts.view, &facts.rule.terms)
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let terms = &facts.rule.terms;
        format!("not all of {} in one of {}", shown_terms(&terms.all), shown_fields(&terms.fields))
    }
}
