//! `verified`: how the author is verified.

use stoop_model::AuthorField;

use super::{Check, Facts, Stage, listed};
use crate::syntax::{SyntaxError, Table};

/// The author is known to have one of the rule's kinds of verification.
pub(crate) struct Verified;

impl Check for Verified {
    const KEYS: &'static [&'static str] = &["verified"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        let Some(kinds) = &facts.rule.verified else { return true };
        let kind = facts.view.post().author().field(AuthorField::VerifiedType);
        kind.is_some_and(|kind| kinds.iter().any(|known| known == kind))
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let kind = facts.view.post().author().field(AuthorField::VerifiedType).unwrap_or("unknown");
        let wanted = listed(facts.rule.verified.iter().flatten().cloned());
        format!("verified {kind} is not in {wanted}")
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<Vec<String>>, SyntaxError> {
    let known = ["blue", "business", "government", "none"].map(|name| (name, name));
    let list = table.choices("verified", &known)?;
    Ok(list.map(|list| list.into_iter().map(str::to_owned).collect()))
}
