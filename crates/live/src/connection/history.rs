//! Asks the vendor's history for what the feed has lost, on a thread of its own.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use stoop_rest::{Client, History, HistoryEnd, HistorySpan, RestError, Timeouts};
use stoop_wire::Limits;

use super::pump::{Answer, Span};
use crate::settings::{Api, Key, Settings};
use crate::stages::gauge::Gauge;

/// Rows of one gap that are kept, the newest; some 2 KB each.
const ROWS: usize = 20_000;
/// Pages of one gap.
const PAGES: usize = 200;

/// Asks, one question at a time.
pub(super) struct Asker {
    api: Api,
    key: Key,
    limits: Limits,
    gauge: Arc<Gauge>,
    /// Where the answer comes.
    answer: Option<Receiver<Answer>>,
    /// The answer is no longer waited for.
    is_over: Arc<AtomicBool>,
}

impl Asker {
    /// None if there is no REST interface to ask, or back-fill is off.
    pub(super) fn new(settings: &Settings, gauge: &Arc<Gauge>) -> Option<Self> {
        settings.backfill.and(settings.api.clone()).map(|api| Self {
            api,
            key: settings.key.clone(),
            limits: settings.bounds.limits,
            gauge: Arc::clone(gauge),
            answer: None,
            is_over: Arc::default(),
        })
    }

    /// Returns at once. The thread ends with the answer. If the engine ends first, the thread ends with the page it is
    /// at: after a minute, or the longest wait that a server may ask for. The engine does not wait for it.
    pub(super) fn ask(&mut self, gap: Span) {
        let (sender, answer) = bounded(1);
        self.answer = Some(answer);
        let (api, key) = (self.api.clone(), self.key.clone());
        let (gauge, is_over) = (Arc::clone(&self.gauge), Arc::clone(&self.is_over));
        let span = HistorySpan {
            most_rows: ROWS,
            most_pages: PAGES,
            limits: self.limits,
            pause: Duration::from_millis(500),
            ..HistorySpan::between(gap.first_ms(), gap.last_ms())
        };
        tracing::info!(
            target: "stoop_live::backfill",
            gap_ms = gap.gap_ms(),
            "asking history for what the feed has lost"
        );
        let failing = sender.clone();
        let ask = move || {
            // Made here: it reads certificates, and most runs never ask.
            let client = Client::new(api, key, Timeouts::default());
            let answer = client.history_between(&span, |_| {
                if is_over.load(Ordering::Acquire) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            // The engine may have ended.
            drop(sender.try_send(read(answer)));
            gauge.wake();
        };
        #[expect(clippy::disallowed_methods, reason = "one at a time; ends with its answer")]
        let started = std::thread::Builder::new().name("stoop-backfill".to_owned()).spawn(ask);
        if let Err(error) = started {
            drop(failing.try_send(Answer::Failed(format!("no thread to ask on: {error}"))));
            self.gauge.wake();
        }
    }

    /// The answer, once it has come.
    pub(super) fn answer(&mut self) -> Option<Answer> {
        let answer = match self.answer.as_ref()?.try_recv() {
            Ok(answer) => answer,
            // Its thread has panicked.
            Err(TryRecvError::Disconnected) => Answer::Failed("the request broke off".to_owned()),
            Err(TryRecvError::Empty) => return None,
        };
        self.answer = None;
        Some(answer)
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
    }
}

fn read(answer: Result<History, RestError>) -> Answer {
    match answer {
        Ok(history) => Answer::Rows { missing: missing(&history), rows: history.rows },
        // A plan without history stays without it for this run; asking again after each gap would only fail again.
        Err(RestError::Forbidden { .. }) => Answer::NotInPlan,
        Err(
            error @ (RestError::RateLimited { .. }
            | RestError::Server { .. }
            | RestError::Transport { .. }
            | RestError::TimedOut { .. }),
        ) => Answer::Silent(error.to_string()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

fn missing(history: &History) -> Option<String> {
    match &history.end {
        HistoryEnd::Whole | HistoryEnd::Stopped if history.error_count > 0 => {
            Some(format!("{} rows could not be read", history.error_count))
        }
        HistoryEnd::Whole | HistoryEnd::Stopped => None,
        HistoryEnd::Rows => Some(format!("more than {ROWS} rows")),
        HistoryEnd::Pages => Some(format!("more than {PAGES} pages")),
        // There is no cursor: a page can only begin at a time, so rows of one time beyond a full page cannot be asked
        // for.
        HistoryEnd::Stuck => Some("more rows of one time than the server gives in one answer".to_owned()),
        HistoryEnd::Failed(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stoop_rest::ErrorText;

    #[test]
    fn missing_rows_are_named() {
        for (end, error_count, expect) in [
            (HistoryEnd::Whole, 0, None),
            (HistoryEnd::Whole, 3, Some("3 rows could not be read")),
            (HistoryEnd::Rows, 0, Some("more than 20000 rows")),
            (HistoryEnd::Pages, 3, Some("more than 200 pages")),
        ] {
            let history = History {
                rows: Vec::new(),
                pages: 1,
                repeated: 0,
                errors: Vec::new(),
                error_count,
                oldest_ms: None,
                end,
            };
            assert_eq!(missing(&history).as_deref(), expect);
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_a_refusal_is_not() {
        let explanation = ErrorText::default;
        assert!(matches!(
            read(Err(RestError::Server { status: 503, explanation: explanation() })),
            Answer::Silent(_)
        ));
        assert!(matches!(read(Err(RestError::Forbidden { explanation: explanation() })), Answer::NotInPlan));
        assert!(matches!(
            read(Err(RestError::Unauthorised { explanation: explanation() })),
            Answer::Failed(_)
        ));
    }
}
