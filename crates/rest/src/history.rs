//! History page by page: there is no cursor, so the time window moves back from the oldest row.

use std::ops::ControlFlow;
use std::time::Duration;

use stoop_model::HashSet;
use stoop_wire::{HISTORY_ERRORS, HistoryPage, HistoryRow, Limits, MessageType, RowError, format_ms};

use super::{Client, RestError};

/// Rows the interface gives at most in one answer.
const PAGE_ROWS: usize = 1000;
/// Longest wait that a server may ask for between two pages.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// How often one page is asked for when the server says "too many requests".
const TRIES: u32 = 4;
/// The wait when it does not say how long.
const USUAL_WAIT: Duration = Duration::from_secs(5);

/// One page of history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Handles without `@`; empty: all tracked accounts.
    pub handles: Vec<String>,
    /// Which rows.
    pub message_type: MessageType,
    /// Not older, Unix ms.
    pub from_ms: Option<i64>,
    /// Not newer, Unix ms.
    pub to_ms: Option<i64>,
    /// Rows at most, 1 to 1,000; none: as many as the server likes.
    pub limit: Option<usize>,
}

impl HistoryQuery {
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("type", self.message_type.as_str().to_owned())];
        if !self.handles.is_empty() {
            pairs.push(("handles", self.handles.join(",")));
        }
        // A time that cannot be written is beyond every row.
        for (name, ms) in [("startDate", self.from_ms), ("endDate", self.to_ms)] {
            pairs.extend(ms.and_then(format_ms).map(|text| (name, text)));
        }
        pairs.extend(self.limit.map(|limit| ("limit", limit.clamp(1, PAGE_ROWS).to_string())));
        pairs
    }
}

/// A span of history, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySpan {
    /// Handles without `@`; empty: all tracked accounts.
    pub handles: Vec<String>,
    /// Which rows.
    pub message_type: MessageType,
    /// Begins here, Unix ms.
    pub from_ms: i64,
    /// Ends here, Unix ms.
    pub to_ms: i64,
    /// Rows that are kept at most: the newest.
    pub most_rows: usize,
    /// Pages that are asked for at most.
    pub most_pages: usize,
    /// Waited before every page but the first. The interface's limit is not documented.
    pub pause: Duration,
    /// Of the decoder that the rows are for.
    pub limits: Limits,
}

impl HistorySpan {
    /// All posts between two times, with bounds that suit a file: 100,000 rows (some 200 MB), 1,000 pages, half a
    /// second between them.
    pub fn between(from_ms: i64, to_ms: i64) -> Self {
        Self {
            handles: Vec::new(),
            message_type: MessageType::Tweet,
            from_ms,
            to_ms,
            most_rows: 100_000,
            most_pages: 1_000,
            pause: Duration::from_millis(500),
            limits: Limits::default(),
        }
    }
}

/// What a span held.
#[derive(Debug)]
pub struct History {
    /// Oldest first, each once.
    pub rows: Vec<HistoryRow>,
    /// Answers read.
    pub pages: usize,
    /// Rows that overlapping pages have brought again.
    pub repeated: usize,
    /// The first of what could not be read; rows are counted in the page they came with.
    pub errors: Vec<RowError>,
    /// How many there were. A bad row where two pages overlap counts in both.
    pub error_count: u64,
    /// Back to when it reaches, Unix ms; none if there was no row.
    pub oldest_ms: Option<i64>,
    /// Why it ended.
    pub end: HistoryEnd,
}

/// Why a span ended.
#[derive(Debug)]
pub enum HistoryEnd {
    /// There is nothing older in it.
    Whole,
    /// As many rows as were wanted.
    Rows,
    /// As many pages as were allowed.
    Pages,
    /// A full page brought nothing new: too many rows have one time for the window to move past them.
    Stuck,
    /// The visitor has had enough.
    Stopped,
    /// A page after the first failed. What came before is there.
    Failed(Box<RestError>),
}

impl Client {
    /// Reads a span of history, newest page first, and tells `visit` after each page how many rows there are.
    ///
    /// Pages overlap by a millisecond, and rows that come twice are dropped: whether the interface counts its bounds in
    /// is not documented. It ends with the first page that brings nothing new. A server that says 429 is asked again,
    /// up to four times a page, when it wants to be, at the latest after 90 s.
    ///
    /// An error of the first page is an error; of a later one an [`HistoryEnd`], so that what has come is kept.
    pub fn history_between(
        &self,
        span: &HistorySpan,
        mut visit: impl FnMut(&History) -> ControlFlow<()>,
    ) -> Result<History, RestError> {
        let mut history = History {
            rows: Vec::new(),
            pages: 0,
            repeated: 0,
            errors: Vec::new(),
            error_count: 0,
            oldest_ms: None,
            end: HistoryEnd::Whole,
        };
        let mut seen = HashSet::default();
        let limit = span.most_rows.clamp(1, PAGE_ROWS);
        let mut query = HistoryQuery {
            handles: span.handles.clone(),
            message_type: span.message_type,
            from_ms: Some(span.from_ms),
            to_ms: Some(span.to_ms),
            limit: Some(limit),
        };
        let end = loop {
            if history.pages > 0 {
                wait(span.pause);
            }
            let page = match self.patiently(&query, span.limits) {
                Ok(page) => page,
                Err(error) if history.pages == 0 => return Err(error),
                Err(error) => break HistoryEnd::Failed(Box::new(error)),
            };
            let is_full = page.total >= limit;
            let oldest_ms = page.oldest_ms;
            let new = history.take(page, &mut seen);
            if visit(&history).is_break() {
                break HistoryEnd::Stopped;
            }
            if history.rows.len() >= span.most_rows {
                break HistoryEnd::Rows;
            }
            // A millisecond beyond the oldest row: no row is missed whether bounds count in or not.
            let next_ms = oldest_ms.map(|oldest_ms| oldest_ms.saturating_add(1));
            match next_ms {
                Some(next_ms) if new > 0 && next_ms > span.from_ms => {
                    if query.to_ms.is_some_and(|to_ms| next_ms >= to_ms) && is_full {
                        break HistoryEnd::Stuck;
                    }
                    query.to_ms = Some(next_ms);
                }
                Some(_) | None if is_full && new == 0 => break HistoryEnd::Stuck,
                Some(_) | None => break HistoryEnd::Whole,
            }
            if history.pages >= span.most_pages {
                break HistoryEnd::Pages;
            }
        };
        history.end = end;
        // Of one moment, the later page has the older rows.
        history.rows.reverse();
        history.rows.sort_by_key(|row| row.time_ms);
        let over = history.rows.len().saturating_sub(span.most_rows);
        history.rows.drain(..over);
        Ok(history)
    }

    /// Asks for a page until the server no longer says "too many requests".
    fn patiently(&self, query: &HistoryQuery, limits: Limits) -> Result<HistoryPage, RestError> {
        let mut tries = 1;
        loop {
            match self.history(query, limits) {
                Err(RestError::RateLimited { retry_after, .. })
                    if tries < TRIES && retry_after.is_none_or(|wait| wait <= LONGEST_WAIT) =>
                {
                    let pause = retry_after.unwrap_or(USUAL_WAIT);
                    tracing::info!(seconds = pause.as_secs(), "the server asks to wait");
                    wait(pause);
                    tries += 1;
                }
                page => return page,
            }
        }
    }
}

impl History {
    /// Keeps the rows that are new; says how many.
    fn take(&mut self, page: HistoryPage, seen: &mut HashSet<u64>) -> usize {
        self.pages += 1;
        let before = self.rows.len();
        let total = page.rows.len();
        // Newest first, as the pages come; turned round at the end.
        self.rows.extend(page.rows.into_iter().rev().filter(|row| seen.insert(row.fingerprint)));
        let new = self.rows.len() - before;
        self.repeated += total - new;
        self.error_count += page.error_count;
        let room = HISTORY_ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(page.errors.into_iter().take(room));
        self.oldest_ms = match (self.oldest_ms, page.oldest_ms) {
            (Some(before), Some(now)) => Some(before.min(now)),
            (before, now) => before.or(now),
        };
        new
    }
}

/// Waits between two requests.
#[expect(
    clippy::disallowed_methods,
    reason = "the server asks a blocking client to wait, and nothing else can come"
)]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}
