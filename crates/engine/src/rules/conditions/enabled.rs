//! `enabled`: a rule that is switched off is checked and opens nothing.

use super::{Check, Facts, Stage};
use crate::syntax::{SyntaxError, Table};

/// The rule is enabled.
pub(crate) struct Enabled;

impl Check for Enabled {
    const KEYS: &'static [&'static str] = &["enabled"];
    const STAGE: Stage = Stage::Rule;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.rule.is_enabled
    }

    fn why(_facts: &mut Facts<'_>) -> String {
        "the rule is not enabled".to_owned()
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<bool, SyntaxError> {
    Ok(table.bool("enabled")?.unwrap_or(true))
}
