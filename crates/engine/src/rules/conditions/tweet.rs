//! There is a tweet to decide on.

use super::{Check, Facts, Stage};
use crate::merge::View;

/// The content has come and was not deleted.
pub(crate) struct Tweet;

impl Check for Tweet {
    const KEYS: &'static [&'static str] = &[];
    const STAGE: Stage = Stage::Tweet;

    fn holds(facts: &mut Facts<'_>) -> bool {
        is_there(facts.view)
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let what = if facts.view.deleted { "the tweet was deleted" } else { "its content has not come" };
        what.to_owned()
    }
}

/// The content has come and was not deleted.
pub(crate) fn is_there(view: &View) -> bool {
    view.content.is_some() && !view.deleted
}
