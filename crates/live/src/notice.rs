//! What the engine reports to its host besides decisions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use stoop_engine::Missed;
use stoop_feed::Cause;
use stoop_model::{Event, HandleRow, Op, Span};
use stoop_wire::Me;

use crate::summary::Counters;

/// How many notices wait for a host that does not read them; newer ones are dropped and counted.
pub const NOTICES: usize = 1024;

/// Something the host may want to know. None of it is an input: a host that ignores notices gets the same decisions.
#[derive(Clone, Debug)]
pub struct Notice {
    /// When, Unix ns.
    pub at_ns: i64,
    /// What.
    pub what: News,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum News {
    /// An endpoint is connected.
    Up {
        /// Its name.
        endpoint: String,
    },
    /// An endpoint is not connected any more, or a dial has come to nothing; the next dial comes by itself.
    Down {
        /// Its name.
        endpoint: String,
        /// Why.
        cause: Cause,
        /// How long until the next dial.
        retry_after: Duration,
    },
    /// No endpoint was connected, and one is again: what was posted in the meantime has not come, and may never.
    Gap {
        /// When the last connection was lost, Unix ns.
        from_ns: i64,
        /// When there was one again, Unix ns.
        to_ns: i64,
        /// Why it was lost, where that is known.
        cause: Option<Cause>,
    },
    /// A gap was asked for from history, and what came is in.
    Backfill {
        /// Where the gap began, Unix ns; of several that were asked for together, the first.
        from_ns: i64,
        /// Where it ended, Unix ns; of several the last.
        to_ns: i64,
        /// Rows put in, those among them that the feed had brought, too.
        rows: u64,
        /// How much of it that is.
        end: BackfillEnd,
    },
    /// A rule would have opened on a post that came late, and does not say `allow_late`.
    Missed(Box<Missed>),
    /// An endpoint refused for good. When the last one has, the engine ends.
    Refused {
        /// Its name.
        endpoint: String,
        /// Why.
        cause: Cause,
    },
    /// An endpoint is not dialled: the key's plan has fewer connections than there are endpoints.
    LeftOut {
        /// Its name.
        endpoint: String,
        /// Connections of the plan.
        limit: u64,
    },
    /// The usage of the key's plan, asked for when the server says that one of its limits is reached.
    Plan(Box<Me>),
    /// The result of a follow or unfollow command.
    Handles(HandleReport),
    /// The decision queue is full and decisions are held back: the consumer is too slow.
    QueueFull,
    /// Nothing is held back any more.
    QueueFree,
    /// A strategy has panicked and is no longer called.
    StrategyOff {
        /// The name in its rule.
        strategy: String,
        /// The message of the panic.
        message: String,
    },
    /// The store could not be written. The write is retried without further notices; until
    /// [`Self::StoreRecovered`] a crash forgets more.
    StoreFailed {
        /// The error of the operating system.
        message: String,
    },
    /// The store can be written again, and all that waited is in it.
    StoreRecovered {
        /// How long it could not be.
        failing: Duration,
    },
    /// A tape could not be written: nothing is recorded until a new one can be. The engine goes on. Reported once until
    /// then.
    TapeFailed {
        /// The error of the operating system.
        message: String,
    },
    /// The counters, as often as was asked for.
    Status(Box<Counters>),
}

/// How much of a gap history has filled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackfillEnd {
    /// All that history has of it.
    Whole,
    /// Some of it is missing: why.
    Part(String),
    /// Nothing: the plan of the key has no history. It is not asked again in this run.
    NotInPlan,
    /// Nothing: why.
    Failed(String),
}

/// A `twitter_handles_result` frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandleReport {
    /// `action`, such as `follow`.
    pub action: Option<String>,
    /// `requestId`.
    pub request_id: Option<String>,
    /// `error`.
    pub error: Option<String>,
    /// `results`.
    pub rows: Vec<HandleOutcome>,
}

/// What became of one handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandleOutcome {
    /// `input`: as it was asked for.
    pub input: Option<String>,
    /// `state`: `added`, `already_following`, `not_found` …
    pub state: Option<String>,
    /// `handle`.
    pub handle: Option<String>,
    /// `twitterId`.
    pub twitter_id: Option<String>,
    /// `message`.
    pub message: Option<String>,
}

/// The sending end. Never blocks.
#[derive(Clone, Debug)]
pub(crate) struct Notices {
    queue: Sender<Notice>,
    dropped: Arc<AtomicU64>,
}

impl Notices {
    pub(crate) fn new() -> (Self, Receiver<Notice>) {
        let (queue, taken) = bounded(NOTICES);
        (Self { queue, dropped: Arc::default() }, taken)
    }

    pub(crate) fn tell(&self, at_ns: i64, what: News) {
        if self.queue.try_send(Notice { at_ns, what }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Passes on the result of an account command.
    pub(crate) fn hear(&self, event: &Event, at_ns: i64) {
        if event.op == Op::HandlesResult {
            self.tell(at_ns, News::Handles(report(event)));
        }
    }
}

fn report(event: &Event) -> HandleReport {
    let text = |span: Option<Span>| span.map(|span| event.text(span).to_owned());
    let row = |row: &HandleRow| HandleOutcome {
        input: text(row.input),
        state: text(row.state),
        handle: text(row.handle),
        twitter_id: text(row.twitter_id),
        message: text(row.message),
    };
    let handles = &event.handles;
    HandleReport {
        action: text(handles.action),
        request_id: text(handles.request_id),
        error: text(handles.error),
        rows: handles.results.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_are_not_read_are_dropped_and_counted() {
        let (notices, taken) = Notices::new();
        for at_ns in 0..NOTICES as i64 + 5 {
            notices.tell(at_ns, News::QueueFree);
        }
        assert_eq!((taken.len(), notices.dropped()), (NOTICES, 5));
        assert_eq!(taken.recv().unwrap().at_ns, 0);
    }
}
