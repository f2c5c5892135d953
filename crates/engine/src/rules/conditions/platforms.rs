//! `platforms`: from where.

use stoop_model::Platform;

use super::{Check, Facts, Stage, listed};
use crate::syntax::{SyntaxError, Table};

/// The tweet is from one of the rule's platforms.
pub(crate) struct Platforms;

impl Check for Platforms {
    const KEYS: &'static [&'static str] = &["platforms"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        // Old frames do not name a platform; there was only one then.
        let platform = facts.view.platform.as_ref().unwrap_or(&Platform::Twitter);
        facts.rule.platforms.as_ref().is_none_or(|known| known.contains(platform))
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let platform = facts.view.platform.as_ref().map_or("unknown", |platform| platform.as_str());
        let wanted = listed(facts.rule.platforms.iter().flatten().map(ToString::to_string));
        format!("platform {platform} is not in {wanted}")
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<Vec<Platform>>, SyntaxError> {
    let known = [("twitter", 0), ("truth_social", 1)];
    let list = table.choices("platforms", &known)?;
    let platform = |index| if index == 0 { Platform::Twitter } else { Platform::TruthSocial };
    Ok(list.map(|list| list.into_iter().map(platform).collect()))
}
