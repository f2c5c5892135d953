//! `max_age`: how old a post may be at its open.

use super::{Check, Facts, Stage};
use crate::rules::parse::positive;
use crate::syntax::{SyntaxError, Table};

const MILLI_NS: i64 = 1_000_000;

/// The post is young enough.
pub(crate) struct MaxAge;

impl Check for MaxAge {
    const KEYS: &'static [&'static str] = &["max_age"];
    const STAGE: Stage = Stage::Age;

    fn holds(facts: &mut Facts<'_>) -> bool {
        let Some(max_age_ns) = facts.rule.max_age_ns else { return true };
        // A server clock that runs ahead makes a negative age, which counts as young; an unknown age counts as old.
        facts.view.created_ms().is_some_and(|created_ms| {
            facts.now_ns.saturating_sub(created_ms.saturating_mul(MILLI_NS)) <= max_age_ns
        })
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let age = facts.view.created_ms().map(|created_ms| facts.now_ns / MILLI_NS - created_ms);
        let age = age.map_or("unknown".to_owned(), |age| format!("{age} ms"));
        let limit = facts.rule.max_age_ns.unwrap_or_default() / MILLI_NS;
        format!("its age is {age}, max_age {limit} ms")
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<i64>, SyntaxError> {
    positive(table, "max_age")
}
