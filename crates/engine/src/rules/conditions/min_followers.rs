//! `min_followers`: how many the author has at least.

use stoop_model::AuthorField;

use super::{Check, Facts, Stage};
use crate::syntax::{SyntaxError, Table};

/// The author is known to have enough followers.
pub(crate) struct MinFollowers;

impl Check for MinFollowers {
    const KEYS: &'static [&'static str] = &["min_followers"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        let Some(least) = facts.rule.min_followers else { return true };
        let followers = facts.view.post().author().number(AuthorField::Followers);
        followers.is_some_and(|count| u64::try_from(count).is_ok_and(|count| count >= least))
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let followers = facts.view.post().author().number(AuthorField::Followers);
        let count = followers.map_or("unknown".to_owned(), |count| count.to_string());
        format!("followers {count}, min_followers {}", facts.rule.min_followers.unwrap_or_default())
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<u64>, SyntaxError> {
    Ok(table.count("min_followers")?.map(|at| at.value))
}
