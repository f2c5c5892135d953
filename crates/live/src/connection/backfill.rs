//! What the feed has lost, asked for from the vendor's history.
//!
//! A request takes seconds, and a page that is waited for a minute, so a thread of its own asks; the connection looks for
//! its answer between two frames, and puts the rows in behind what the feed brings.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, bounded};
use stoop_wire::{HistoryRow, Limits};

use crate::notice::{BackfillEnd, News, Notices};
use crate::rest::{Client, History, HistoryEnd, HistorySpan, RestError, Timeouts};
use crate::settings::{Api, Key, Settings};
use crate::stages::gauge::Gauge;
use crate::summary::FeedCounters;

const MILLI_NS: i64 = 1_000_000;
const SECOND_NS: i64 = 1_000_000_000;
/// Asked for before the gap: what was sent last may never have arrived, and the clocks of two machines differ.
const BEFORE_NS: i64 = 30 * SECOND_NS;
/// Asked for behind it.
const BEHIND_NS: i64 = 2 * SECOND_NS;
/// Of a longer gap only the latest part is asked for.
const LONGEST_NS: i64 = 24 * 3600 * SECOND_NS;
/// Rows of one gap that are kept, the newest; some 2 KB each.
const ROWS: usize = 20_000;
/// Pages of one gap.
const PAGES: usize = 200;
/// How often one gap is asked for when no answer comes that says anything.
const TRIES: i64 = 3;
/// The wait before the second try; before the third it is twice that.
const AGAIN_NS: i64 = 10 * SECOND_NS;
/// Frames put in between two looks at the feed: some 30 µs that a frame of it may wait.
pub(crate) const BURST: usize = 8;
/// The wait behind such a burst.
const PAUSE_NS: i64 = MILLI_NS;

/// Fills gaps, one after the other.
pub(crate) struct Backfill {
    asker: Option<Asker>,
    notices: Notices,
    /// How long after the feed is there again, ns: what the server repeats by itself comes first.
    delay_ns: i64,
    /// The next one; gaps that come while one is filled become one.
    wanted: Option<Span>,
    /// The one whose answer is waited for, and where it comes.
    asked: Option<(Span, Receiver<Answer>)>,
    /// The one whose rows are put in.
    filled: Option<Filled>,
    /// When the next rows may go in, Unix ns.
    next_ns: i64,
    backfills: u64,
    rows: u64,
    failed: u64,
    /// The last one that has come to its end: when the gap was, rows, and how it ended.
    told: Option<(i64, i64, u64, String)>,
}

type Answer = Result<History, RestError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from_ns: i64,
    to_ns: i64,
    /// It was longer.
    is_cut: bool,
    /// When it may be asked for, Unix ns.
    due_ns: i64,
    /// How often it was.
    tries: i64,
}

struct Filled {
    gap: Span,
    /// Oldest first.
    rows: VecDeque<HistoryRow>,
    /// Of the row that is in.
    meta: Option<Vec<u8>>,
    count: u64,
    end: BackfillEnd,
}

impl Backfill {
    pub(crate) fn new(settings: &Settings, notices: Notices, gauge: Arc<Gauge>) -> Self {
        let delay = settings.backfill.unwrap_or_default();
        let asker = settings.backfill.and(settings.api.clone()).map(|api| Asker {
            api,
            key: settings.key.clone(),
            limits: settings.bounds.limits,
            gauge,
            is_over: Arc::default(),
        });
        Self {
            asker,
            notices,
            delay_ns: i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX),
            wanted: None,
            asked: None,
            filled: None,
            next_ns: 0,
            backfills: 0,
            rows: 0,
            failed: 0,
            told: None,
        }
    }

    /// The one that has come to its end since the last call.
    pub(crate) fn take_told(&mut self) -> Option<(i64, i64, u64, String)> {
        self.told.take()
    }

    /// The feed was away and is there again.
    pub(crate) fn want(&mut self, from_ns: i64, to_ns: i64) {
        if self.asker.is_none() {
            return;
        }
        let from_ns = self.wanted.map_or(from_ns, |before| before.from_ns.min(from_ns));
        let is_cut = self.wanted.is_some_and(|before| before.is_cut) || to_ns - from_ns > LONGEST_NS;
        self.wanted = Some(Span {
            from_ns: from_ns.max(to_ns.saturating_sub(LONGEST_NS)),
            to_ns,
            is_cut,
            due_ns: to_ns.saturating_add(self.delay_ns),
            tries: 0,
        });
    }

    /// Asks for what is due, if the feed is up, and takes the answer that has come.
    pub(crate) fn attend(&mut self, now_ns: i64, is_up: bool) {
        if let Some((gap, answer)) = &self.asked {
            let gap = *gap;
            match answer.try_recv() {
                Ok(answer) => {
                    self.asked = None;
                    self.take(gap, answer, now_ns);
                }
                // Its thread has panicked.
                Err(TryRecvError::Disconnected) => {
                    self.asked = None;
                    self.fail(gap, "the request broke off".to_owned(), now_ns);
                }
                Err(TryRecvError::Empty) => {}
            }
        }
        if self.is_idle()
            && is_up
            && let Some(gap) = self.wanted.take_if(|gap| gap.due_ns <= now_ns)
            && let Some(asker) = &self.asker
        {
            match asker.ask(gap) {
                Ok(answer) => self.asked = Some((gap, answer)),
                Err(error) => self.fail(gap, format!("no thread to ask on: {error}"), now_ns),
            }
        }
    }

    /// When [`Self::attend`] or [`Self::next`] has something to do by itself, Unix ns.
    pub(crate) fn due_ns(&self, is_up: bool, can_take: bool) -> Option<i64> {
        let wanted_ns = self.wanted.filter(|_| is_up && self.is_idle()).map(|gap| gap.due_ns);
        let rows_ns = (can_take && self.filled.is_some()).then_some(self.next_ns);
        [wanted_ns, rows_ns].into_iter().flatten().min()
    }

    /// Frames may go in now: at most [`BURST`] of them a millisecond.
    pub(crate) fn has_frames(&self, now_ns: i64) -> bool {
        self.filled.is_some() && self.next_ns <= now_ns
    }

    /// The next frame, oldest row first; none if all are in, which is told.
    pub(crate) fn next(&mut self, now_ns: i64) -> Option<Vec<u8>> {
        self.next_ns = now_ns.saturating_add(PAUSE_NS);
        let filled = self.filled.as_mut()?;
        if let Some(meta) = filled.meta.take() {
            return Some(meta);
        }
        if let Some(row) = filled.rows.pop_front() {
            filled.count += 1;
            self.rows += 1;
            filled.meta = row.meta;
            return Some(row.content);
        }
        let Filled { gap, count, end, .. } = self.filled.take()?;
        self.backfills += 1;
        self.tell(gap, count, end, now_ns);
        None
    }

    pub(crate) fn count(&self, feed: &mut FeedCounters) {
        feed.backfills = self.backfills;
        feed.backfill_rows = self.rows;
        feed.backfill_failed = self.failed;
    }

    fn is_idle(&self) -> bool {
        self.asked.is_none() && self.filled.is_none()
    }

    fn take(&mut self, gap: Span, answer: Answer, now_ns: i64) {
        match answer {
            Ok(history) => {
                let (mut rows, end) = (history.rows, end_of(gap, &history.end, history.error_count));
                // A server that does not keep to the span must not bring back what was decided long ago.
                rows.retain(|row| row.time_ms >= gap.first_ms());
                self.filled = Some(Filled { gap, rows: rows.into(), meta: None, count: 0, end });
            }
            Err(RestError::Forbidden { .. }) => {
                self.asker = None;
                self.wanted = None;
                self.failed += 1;
                self.tell(gap, 0, BackfillEnd::NotInPlan, now_ns);
            }
            Err(
                error @ (RestError::RateLimited { .. }
                | RestError::Server { .. }
                | RestError::Transport { .. }
                | RestError::TimedOut { .. }),
            ) if gap.tries + 1 < TRIES => {
                let tries = gap.tries + 1;
                tracing::info!(%error, tries, "history does not answer yet");
                self.want_again(Span { tries, due_ns: now_ns.saturating_add(tries * AGAIN_NS), ..gap });
            }
            Err(error) => self.fail(gap, error.to_string(), now_ns),
        }
    }

    fn want_again(&mut self, gap: Span) {
        match &mut self.wanted {
            // There was another one meanwhile; both are asked for together.
            Some(later) => {
                let from_ns = gap.from_ns.max(later.to_ns.saturating_sub(LONGEST_NS));
                later.is_cut |= gap.is_cut || from_ns > gap.from_ns;
                later.from_ns = later.from_ns.min(from_ns);
                later.due_ns = later.due_ns.max(gap.due_ns);
            }
            None => self.wanted = Some(gap),
        }
    }

    fn fail(&mut self, gap: Span, why: String, now_ns: i64) {
        self.failed += 1;
        self.tell(gap, 0, BackfillEnd::Failed(why), now_ns);
    }

    fn tell(&mut self, gap: Span, rows: u64, end: BackfillEnd, now_ns: i64) {
        let Span { from_ns, to_ns, .. } = gap;
        self.told = Some((from_ns, to_ns, rows, format!("{end:?}")));
        self.notices.tell(now_ns, News::Backfill { from_ns, to_ns, rows, end });
    }
}

impl Drop for Backfill {
    fn drop(&mut self) {
        let left = self.filled.as_ref().map_or(0, |filled| filled.rows.len());
        if !self.is_idle() || self.wanted.is_some() {
            tracing::warn!(rows_left = left, "the run ends before a gap is filled");
        }
        if let Some(asker) = &self.asker {
            asker.is_over.store(true, Ordering::Release);
        }
    }
}

impl Span {
    /// Where what is asked for begins, Unix ms.
    fn first_ms(&self) -> i64 {
        self.from_ns.saturating_sub(BEFORE_NS).div_euclid(MILLI_NS)
    }

    /// Where it ends, Unix ms.
    fn last_ms(&self) -> i64 {
        self.to_ns.saturating_add(BEHIND_NS).div_euclid(MILLI_NS)
    }
}

fn end_of(gap: Span, end: &HistoryEnd, unread: u64) -> BackfillEnd {
    let why = match end {
        HistoryEnd::Whole | HistoryEnd::Stopped if unread > 0 => format!("{unread} rows could not be read"),
        HistoryEnd::Whole | HistoryEnd::Stopped if gap.is_cut => {
            format!("the gap was longer than {} h", LONGEST_NS / 3600 / SECOND_NS)
        }
        HistoryEnd::Whole | HistoryEnd::Stopped => return BackfillEnd::Whole,
        HistoryEnd::Rows => format!("more than {ROWS} rows"),
        HistoryEnd::Pages => format!("more than {PAGES} pages"),
        HistoryEnd::Stuck => "more rows of one time than the server gives in one answer".to_owned(),
        HistoryEnd::Failed(error) => error.to_string(),
    };
    BackfillEnd::Part(why)
}

/// Asks on a thread of its own.
struct Asker {
    api: Api,
    key: Key,
    limits: Limits,
    gauge: Arc<Gauge>,
    /// Nobody waits for an answer any more.
    is_over: Arc<AtomicBool>,
}

impl Asker {
    /// Returns at once. The thread ends with the answer. If the engine ends first, it ends with the page it is at: after
    /// a minute, or the longest wait that a server may ask for; nobody waits for it.
    fn ask(&self, gap: Span) -> std::io::Result<Receiver<Answer>> {
        let (sender, answer) = bounded(1);
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
            gap_ms = (gap.to_ns - gap.from_ns) / MILLI_NS,
            "asking history for what the feed has lost"
        );
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
            drop(sender.try_send(answer));
            gauge.wake();
        };
        #[expect(clippy::disallowed_methods, reason = "one at a time; ends with its answer")]
        let started = std::thread::Builder::new().name("stoop-backfill".to_owned()).spawn(ask);
        started.map(|_| answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where nobody listens.
    fn backfill() -> (Backfill, Receiver<crate::notice::Notice>) {
        let (notices, told) = Notices::new();
        let api = Api::new("http://127.0.0.1:1").unwrap();
        let asker = Asker {
            api,
            key: Key::new("k").unwrap(),
            limits: Limits::default(),
            gauge: Arc::new(Gauge::new()),
            is_over: Arc::default(),
        };
        let backfill = Backfill {
            asker: Some(asker),
            notices,
            delay_ns: 5 * SECOND_NS,
            wanted: None,
            asked: None,
            filled: None,
            next_ns: 0,
            backfills: 0,
            rows: 0,
            failed: 0,
            told: None,
        };
        (backfill, told)
    }

    fn span(from: i64, to: i64) -> Span {
        let [from_ns, to_ns] = [from, to].map(|at| at * SECOND_NS);
        Span { from_ns, to_ns, is_cut: false, due_ns: to_ns, tries: 0 }
    }

    fn history(times_ms: &[i64], end: HistoryEnd) -> History {
        let row = |time_ms: &i64| HistoryRow {
            index: 0,
            message_type: stoop_wire::MessageType::Tweet,
            time_ms: *time_ms,
            content: format!("content {time_ms}").into_bytes(),
            meta: (time_ms % 2 == 0).then(|| format!("meta {time_ms}").into_bytes()),
            fingerprint: 0,
        };
        History {
            rows: times_ms.iter().map(row).collect(),
            pages: 1,
            repeated: 0,
            errors: Vec::new(),
            error_count: 0,
            oldest_ms: None,
            end,
        }
    }

    #[test]
    fn gaps_that_come_meanwhile_become_one_and_a_long_one_is_cut() {
        let (mut backfill, _told) = backfill();
        backfill.want(10 * SECOND_NS, 20 * SECOND_NS);
        assert_eq!(backfill.due_ns(true, true), Some(25 * SECOND_NS));
        assert_eq!(backfill.due_ns(false, true), None, "not while the feed is down");
        backfill.want(40 * SECOND_NS, 50 * SECOND_NS);
        let expect = Span { due_ns: 55 * SECOND_NS, ..span(10, 50) };
        assert_eq!(backfill.wanted, Some(expect));
        assert_eq!((expect.first_ms(), expect.last_ms()), (-20_000, 52_000));
        backfill.want(60 * SECOND_NS, LONGEST_NS + 30 * SECOND_NS);
        let cut = backfill.wanted.unwrap();
        assert_eq!((cut.from_ns, cut.is_cut), (30 * SECOND_NS, true));
        // What a refused request wanted joins what has come since.
        backfill.want_again(span(0, 5));
        assert_eq!(backfill.wanted.map(|gap| gap.from_ns), Some(30 * SECOND_NS));
    }

    #[test]
    fn rows_go_in_oldest_first_with_their_enrichment_and_those_from_before_are_left_out() {
        let (mut backfill, told) = backfill();
        backfill.take(span(100, 110), Ok(history(&[69_999, 70_000, 70_001], HistoryEnd::Whole)), 0);
        assert!(backfill.has_frames(0));
        let mut frames = Vec::new();
        while let Some(frame) = backfill.next(7) {
            frames.push(String::from_utf8(frame).unwrap());
        }
        assert_eq!(frames, ["content 70000", "meta 70000", "content 70001"]);
        assert!(!backfill.has_frames(i64::MAX));
        let News::Backfill { rows: 2, end: BackfillEnd::Whole, .. } = told.try_recv().unwrap().what else {
            panic!("another notice");
        };
        let mut feed = FeedCounters::default();
        backfill.count(&mut feed);
        assert_eq!((feed.backfills, feed.backfill_rows, feed.backfill_failed), (1, 2, 0));
    }

    #[test]
    fn there_is_a_pause_behind_each_frame_put_in_and_none_goes_in_while_nothing_may() {
        let (mut backfill, _told) = backfill();
        backfill.take(span(100, 110), Ok(history(&[70_000], HistoryEnd::Whole)), 0);
        backfill.next(1_000).unwrap();
        assert!(!backfill.has_frames(1_000 + PAUSE_NS - 1) && backfill.has_frames(1_000 + PAUSE_NS));
        assert_eq!(backfill.due_ns(true, true), Some(1_000 + PAUSE_NS));
        assert_eq!(backfill.due_ns(true, false), None);
    }

    #[test]
    fn what_does_not_answer_is_tried_again_and_what_refuses_is_not() {
        let (mut backfill, told) = backfill();
        let failed = |status| Err(RestError::Server { status, said: crate::Said::default() });
        backfill.take(span(0, 1), failed(503), 9);
        assert_eq!(backfill.wanted.map(|gap| (gap.tries, gap.due_ns)), Some((1, 9 + AGAIN_NS)));
        let last = Span { tries: TRIES - 1, ..span(0, 1) };
        backfill.wanted = None;
        backfill.take(last, failed(503), 9);
        let News::Backfill { rows: 0, end: BackfillEnd::Failed(_), .. } = told.try_recv().unwrap().what
        else {
            panic!("another notice");
        };
        backfill.want(0, 1);
        backfill.take(span(0, 1), Err(RestError::Forbidden { said: crate::Said::default() }), 9);
        let News::Backfill { end: BackfillEnd::NotInPlan, .. } = told.try_recv().unwrap().what else {
            panic!("another notice");
        };
        backfill.want(0, 1);
        assert_eq!((backfill.wanted, backfill.failed), (None, 2), "nobody is asked any more");
    }

    #[test]
    fn what_is_missing_is_said() {
        let (whole, cut) = (span(0, 1), Span { is_cut: true, ..span(0, 1) });
        let part = |why: &str| BackfillEnd::Part(why.to_owned());
        for (gap, end, unread, expect) in [
            (whole, HistoryEnd::Whole, 0, BackfillEnd::Whole),
            (whole, HistoryEnd::Whole, 3, part("3 rows could not be read")),
            (cut, HistoryEnd::Whole, 0, part("the gap was longer than 24 h")),
            (whole, HistoryEnd::Rows, 0, part("more than 20000 rows")),
            (whole, HistoryEnd::Pages, 0, part("more than 200 pages")),
        ] {
            assert_eq!(end_of(gap, &end, unread), expect);
        }
    }
}
