//! `any`: at least one of these terms, in some field.

use super::{Check, Facts, Stage};
use crate::rules::rule::{shown_fields, shown_terms};

/// A term of `any` is in some field.
pub(crate) struct AnyTerm;

impl Check for AnyTerm {
    const KEYS: &'static [&'static str] = &["any"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.reading.texts.any(&facts.set.matcher, facts.view, &facts.rule.terms)
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let terms = &facts.rule.terms;
        format!("none of {} in {}", shown_terms(&terms.any), shown_fields(&terms.fields))
    }
}
