//! `allow_late`: whether the rule opens on posts that history brought after an outage.

use super::{Check, Facts, Stage};
use crate::syntax::{SyntaxError, Table};

/// The feed has brought the post, or the rule does not mind.
pub(crate) struct Late;

impl Check for Late {
    const KEYS: &'static [&'static str] = &["allow_late"];
    const STAGE: Stage = Stage::Late;

    fn holds(facts: &mut Facts<'_>) -> bool {
        facts.rule.allow_late || !facts.is_late
    }

    fn why(_facts: &mut Facts<'_>) -> String {
        "late: the feed has lost it, history brought it; allow_late is false".to_owned()
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<bool, SyntaxError> {
    Ok(table.bool("allow_late")?.unwrap_or(false))
}
