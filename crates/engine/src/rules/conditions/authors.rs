//! `authors`: whose posts.

use super::{Check, Facts, Stage, listed};
use crate::rules::plain;
use crate::syntax::{SyntaxError, Table};

/// Accounts by handle or id.
#[derive(Clone, Debug, Default)]
pub struct Authors {
    /// Handles without `@`, in lower case.
    pub handles: Vec<String>,
    /// Ids.
    pub ids: Vec<String>,
}

impl Check for Authors {
    const KEYS: &'static [&'static str] = &["authors"];
    const STAGE: Stage = Stage::View;

    #[inline]
    fn holds(facts: &mut Facts<'_>) -> bool {
        // Looked up once a view for all rules; a rule need not compare its own names.
        facts.reading.takers(facts.set, facts.view).binary_search(&facts.index).is_ok()
    }

    fn why(facts: &mut Facts<'_>) -> String {
        let who = facts.reading.handle().map_or("unknown".to_owned(), |handle| format!("@{handle}"));
        let id = facts.view.post().author().id().map_or(String::new(), |id| format!(" (id:{id})"));
        let wanted = facts.rule.authors.as_ref().map(|authors| {
            let handles = authors.handles.iter().map(|handle| format!("@{handle}"));
            listed(handles.chain(authors.ids.iter().map(|id| format!("id:{id}"))))
        });
        format!("author {who}{id} is not in {}", wanted.unwrap_or_default())
    }
}

pub(in crate::rules) fn read(table: &Table<'_>) -> Result<Option<Authors>, SyntaxError> {
    let Some(list) = table.strings("authors")? else { return Ok(None) };
    if list.is_empty() {
        return Err(table.empty("authors"));
    }
    let mut authors = Authors::default();
    for at in &list {
        let name = at.value.trim();
        let handle = name.strip_prefix('@').unwrap_or(name);
        match name.strip_prefix("id:") {
            Some(id) if !id.is_empty() => authors.ids.push(id.to_owned()),
            None if !handle.is_empty() && !handle.contains(char::is_whitespace) => {
                let mut lower = String::new();
                plain::lower(handle, &mut lower);
                authors.handles.push(lower);
            }
            Some(_) | None => {
                return Err(
                    at.error("an author is a handle such as \"@binance\" or an id such as \"id:44196397\"")
                );
            }
        }
    }
    Ok(Some(authors))
}
