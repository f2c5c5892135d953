//! Fills gaps of the feed from history: when to ask, and how the rows enter.
//!
//! A request takes seconds, and one that waits for its page a minute, so the owner of the pump asks on a thread of its
//! own; the rows enter between the frames of the feed.

use std::collections::VecDeque;

use stoop_wire::HistoryRow;

use super::action::{Action, Note};
use crate::notice::{BackfillEnd, News};
use crate::summary::FeedCounters;

const MILLI_NS: i64 = 1_000_000;
const SECOND_NS: i64 = 1_000_000_000;
/// Asked for before the gap: what was sent last may never have arrived, and the clocks of two machines differ.
const BEFORE_NS: i64 = 30 * SECOND_NS;
/// Asked for after it.
const BEHIND_NS: i64 = 2 * SECOND_NS;
/// Of a longer gap only the latest part is asked for.
const LONGEST_NS: i64 = 24 * 3600 * SECOND_NS;
/// How often one gap is asked for while no usable answer comes.
const TRIES: i64 = 3;
/// The wait before the second try; before the third it is twice that.
const AGAIN_NS: i64 = 10 * SECOND_NS;
/// Frames that enter between two looks at the feed: some 30 µs that a frame of it may wait.
pub(super) const BURST: usize = 8;
/// The wait after such a burst.
const PAUSE_NS: i64 = MILLI_NS;

/// Fills gaps, one after the other.
#[derive(Debug)]
pub(super) struct Backfill {
    /// There is a history to ask.
    is_on: bool,
    /// How long after the feed is there again, ns: what the server repeats by itself comes first.
    delay_ns: i64,
    /// The next one; gaps that come while one is filled become one.
    wanted: Option<Span>,
    /// The one whose answer is waited for.
    asked: Option<Span>,
    /// The one whose rows enter.
    filled: Option<Filled>,
    /// When the next rows may enter, Unix ns.
    next_ns: i64,
    backfills: u64,
    rows: u64,
    failed: u64,
}

/// The answer of history.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Rows, oldest first.
    Rows {
        /// The rows.
        rows: Vec<HistoryRow>,
        /// Why some may be missing; none: it has no more.
        missing: Option<String>,
    },
    /// The plan of the key has no history.
    NotInPlan,
    /// No usable answer, and why; the next try may bring one.
    Silent(String),
    /// Nothing, and why.
    Failed(String),
}

/// A gap to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    /// It was longer.
    is_cut: bool,
    /// When it may be asked for, Unix ns.
    due_ns: i64,
    /// How often it was.
    pub(super) tries: i64,
}

#[derive(Debug)]
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
    /// Asks this long after a gap, ns; never if none.
    pub(super) fn new(delay_ns: Option<i64>) -> Self {
        Self {
            is_on: delay_ns.is_some(),
            delay_ns: delay_ns.unwrap_or_default(),
            wanted: None,
            asked: None,
            filled: None,
            next_ns: 0,
            backfills: 0,
            rows: 0,
            failed: 0,
        }
    }

    /// The feed was away and is there again.
    pub(super) fn want(&mut self, from_ns: i64, to_ns: i64) {
        if !self.is_on {
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

    /// Asks for what is due. Called while the feed is up.
    pub(super) fn ask(&mut self, now_ns: i64) -> Option<Span> {
        if !self.is_idle() {
            return None;
        }
        self.asked = self.wanted.take_if(|gap| gap.due_ns <= now_ns);
        self.asked
    }

    /// History has answered.
    pub(super) fn answer(&mut self, answer: Answer, now_ns: i64, out: &mut Vec<Action>) {
        let Some(gap) = self.asked.take() else { return };
        match answer {
            Answer::Rows { mut rows, missing } => {
                // A server that does not keep to the span must not bring back what was decided long ago.
                rows.retain(|row| row.time_ms >= gap.first_ms());
                let end = end_of(gap, missing);
                self.filled = Some(Filled { gap, rows: rows.into(), meta: None, count: 0, end });
            }
            Answer::NotInPlan => {
                self.is_on = false;
                self.wanted = None;
                self.failed += 1;
                tell(gap, 0, BackfillEnd::NotInPlan, out);
            }
            // Limits, server errors and timeouts pass; a refusal does not, and is not asked about again.
            Answer::Silent(error) if gap.tries + 1 < TRIES => {
                let tries = gap.tries + 1;
                tracing::info!(target: "stoop_live::backfill", %error, tries, "history does not answer yet");
                // Put back as wanted, not retried in place: a gap that came in between is asked for with it, in one
                // request.
                self.want_again(Span { tries, due_ns: now_ns.saturating_add(tries * AGAIN_NS), ..gap });
            }
            Answer::Silent(why) | Answer::Failed(why) => {
                self.failed += 1;
                tell(gap, 0, BackfillEnd::Failed(why), out);
            }
        }
    }

    /// When [`Self::ask`] or [`Self::next`] has something to do by itself, Unix ns.
    pub(super) fn due_ns(&self, is_up: bool, can_enter: bool) -> Option<i64> {
        let wanted_ns = self.wanted.filter(|_| is_up && self.is_idle()).map(|gap| gap.due_ns);
        let rows_ns = (can_enter && self.filled.is_some()).then_some(self.next_ns);
        [wanted_ns, rows_ns].into_iter().flatten().min()
    }

    /// Frames may enter now: at most [`BURST`] of them a millisecond.
    pub(super) fn has_frames(&self, now_ns: i64) -> bool {
        self.filled.is_some() && self.next_ns <= now_ns
    }

    /// The next frame, oldest row first; none if all are in, which is then reported.
    pub(super) fn next(&mut self, now_ns: i64, out: &mut Vec<Action>) -> Option<Vec<u8>> {
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
        tell(gap, count, end, out);
        None
    }

    pub(super) fn count(&self, feed: &mut FeedCounters) {
        feed.backfills = self.backfills;
        feed.backfill_rows = self.rows;
        feed.backfill_failed = self.failed;
    }

    /// Rows that have not entered, while there is anything left to do.
    pub(super) fn left(&self) -> Option<usize> {
        let rows = self.filled.as_ref().map_or(0, |filled| filled.rows.len());
        (!self.is_idle() || self.wanted.is_some()).then_some(rows)
    }

    fn is_idle(&self) -> bool {
        self.asked.is_none() && self.filled.is_none()
    }

    fn want_again(&mut self, gap: Span) {
        match &mut self.wanted {
            // Another gap came in between; both are asked for together.
            Some(later) => {
                let from_ns = gap.from_ns.max(later.to_ns.saturating_sub(LONGEST_NS));
                later.is_cut |= gap.is_cut || from_ns > gap.from_ns;
                later.from_ns = later.from_ns.min(from_ns);
                later.due_ns = later.due_ns.max(gap.due_ns);
            }
            None => self.wanted = Some(gap),
        }
    }
}

impl Span {
    /// Where what is asked for begins, Unix ms.
    pub(crate) fn first_ms(&self) -> i64 {
        self.from_ns.saturating_sub(BEFORE_NS).div_euclid(MILLI_NS)
    }

    /// Where it ends, Unix ms.
    pub(crate) fn last_ms(&self) -> i64 {
        self.to_ns.saturating_add(BEHIND_NS).div_euclid(MILLI_NS)
    }

    /// How long the feed was away, ms.
    pub(crate) fn gap_ms(&self) -> i64 {
        (self.to_ns - self.from_ns) / MILLI_NS
    }
}

fn tell(gap: Span, rows: u64, end: BackfillEnd, out: &mut Vec<Action>) {
    let Span { from_ns, to_ns, .. } = gap;
    let note = Note::Backfill { from_ns, to_ns, rows, end: format!("{end:?}") };
    out.push(Action::Notice(News::Backfill { from_ns, to_ns, rows, end }));
    out.push(Action::Note(note));
}

fn end_of(gap: Span, missing: Option<String>) -> BackfillEnd {
    match missing {
        Some(why) => BackfillEnd::Part(why),
        None if gap.is_cut => {
            BackfillEnd::Part(format!("the gap was longer than {} h", LONGEST_NS / 3600 / SECOND_NS))
        }
        None => BackfillEnd::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backfill() -> Backfill {
        Backfill::new(Some(5 * SECOND_NS))
    }

    fn span(from: i64, to: i64) -> Span {
        let [from_ns, to_ns] = [from, to].map(|at| at * SECOND_NS);
        Span { from_ns, to_ns, is_cut: false, due_ns: to_ns, tries: 0 }
    }

    fn rows(times_ms: &[i64]) -> Answer {
        let row = |time_ms: &i64| HistoryRow {
            index: 0,
            message_type: stoop_wire::MessageType::Tweet,
            time_ms: *time_ms,
            content: format!("content {time_ms}").into_bytes(),
            meta: (time_ms % 2 == 0).then(|| format!("meta {time_ms}").into_bytes()),
            fingerprint: 0,
        };
        Answer::Rows { rows: times_ms.iter().map(row).collect(), missing: None }
    }

    /// Answers what was asked for; returns how the backfill ended, if it did.
    fn answered(
        backfill: &mut Backfill,
        gap: Span,
        answer: Answer,
        now_ns: i64,
    ) -> Option<(u64, BackfillEnd)> {
        backfill.asked = Some(gap);
        let mut out = Vec::new();
        backfill.answer(answer, now_ns, &mut out);
        ended(&out)
    }

    fn ended(out: &[Action]) -> Option<(u64, BackfillEnd)> {
        match out {
            [] => None,
            [Action::Notice(News::Backfill { rows, end, .. }), Action::Note(Note::Backfill { .. })] => {
                Some((*rows, end.clone()))
            }
            _ => panic!("something else: {out:?}"),
        }
    }

    #[test]
    fn gaps_that_come_meanwhile_become_one_and_a_long_one_is_cut() {
        let mut backfill = backfill();
        backfill.want(10 * SECOND_NS, 20 * SECOND_NS);
        assert_eq!(backfill.due_ns(true, true), Some(25 * SECOND_NS));
        assert_eq!(backfill.due_ns(false, true), None, "not while the feed is down");
        backfill.want(40 * SECOND_NS, 50 * SECOND_NS);
        let expect = Span { due_ns: 55 * SECOND_NS, ..span(10, 50) };
        assert_eq!(backfill.wanted, Some(expect));
        assert_eq!((expect.first_ms(), expect.last_ms()), (-20_000, 52_000));
        assert_eq!(backfill.ask(54 * SECOND_NS), None);
        backfill.want(60 * SECOND_NS, LONGEST_NS + 30 * SECOND_NS);
        let cut = backfill.wanted.unwrap();
        assert_eq!((cut.from_ns, cut.is_cut), (30 * SECOND_NS, true));
        // The gap of a failed request joins the one that has come since.
        backfill.want_again(span(0, 5));
        assert_eq!(backfill.wanted.map(|gap| gap.from_ns), Some(30 * SECOND_NS));
    }

    #[test]
    fn one_gap_is_asked_for_at_a_time() {
        let mut backfill = backfill();
        backfill.want(0, SECOND_NS);
        assert_eq!(backfill.ask(6 * SECOND_NS).map(|gap| gap.to_ns), Some(SECOND_NS));
        backfill.want(7 * SECOND_NS, 8 * SECOND_NS);
        assert_eq!((backfill.ask(i64::MAX), backfill.due_ns(true, true)), (None, None));
        let mut out = Vec::new();
        backfill.answer(rows(&[]), 20 * SECOND_NS, &mut out);
        assert_eq!(backfill.ask(i64::MAX), None, "its rows enter first");
        assert_eq!(backfill.next(20 * SECOND_NS, &mut out), None);
        assert_eq!(ended(&out), Some((0, BackfillEnd::Whole)));
        assert_eq!(backfill.ask(i64::MAX).map(|gap| gap.from_ns), Some(7 * SECOND_NS));
    }

    #[test]
    fn rows_go_in_oldest_first_with_their_enrichment_and_those_from_before_are_left_out() {
        let mut backfill = backfill();
        let end = answered(&mut backfill, span(100, 110), rows(&[69_999, 70_000, 70_001]), 0);
        assert_eq!(end, None);
        assert!(backfill.has_frames(0));
        let (mut frames, mut out) = (Vec::new(), Vec::new());
        while let Some(frame) = backfill.next(7, &mut out) {
            frames.push(String::from_utf8(frame).unwrap());
        }
        assert_eq!(frames, ["content 70000", "meta 70000", "content 70001"]);
        assert!(!backfill.has_frames(i64::MAX));
        assert_eq!(ended(&out), Some((2, BackfillEnd::Whole)));
        let mut feed = FeedCounters::default();
        backfill.count(&mut feed);
        assert_eq!((feed.backfills, feed.backfill_rows, feed.backfill_failed), (1, 2, 0));
    }

    #[test]
    fn there_is_a_pause_behind_each_frame_and_none_enters_while_nothing_may() {
        let mut backfill = backfill();
        answered(&mut backfill, span(100, 110), rows(&[70_000]), 0);
        backfill.next(1_000, &mut Vec::new()).unwrap();
        assert!(!backfill.has_frames(1_000 + PAUSE_NS - 1) && backfill.has_frames(1_000 + PAUSE_NS));
        assert_eq!(backfill.due_ns(true, true), Some(1_000 + PAUSE_NS));
        assert_eq!(backfill.due_ns(true, false), None);
        assert_eq!(backfill.left(), Some(0), "its enrichment");
    }

    #[test]
    fn what_does_not_answer_is_tried_again_and_what_refuses_is_not() {
        let mut backfill = backfill();
        let silent = || Answer::Silent("503".to_owned());
        let failed = Some((0, BackfillEnd::Failed("503".to_owned())));
        assert_eq!(answered(&mut backfill, span(0, 1), silent(), 9), None);
        assert_eq!(backfill.wanted.map(|gap| (gap.tries, gap.due_ns)), Some((1, 9 + AGAIN_NS)));
        let last = Span { tries: TRIES - 1, ..span(0, 1) };
        backfill.wanted = None;
        assert_eq!(answered(&mut backfill, last, silent(), 9), failed);
        assert_eq!(answered(&mut backfill, span(0, 1), Answer::Failed("503".to_owned()), 9), failed);
        backfill.want(0, 1);
        let refused = answered(&mut backfill, span(0, 1), Answer::NotInPlan, 9);
        assert_eq!(refused, Some((0, BackfillEnd::NotInPlan)));
        backfill.want(0, 1);
        assert_eq!((backfill.wanted, backfill.failed), (None, 3), "nobody is asked any more");
    }

    #[test]
    fn what_is_missing_is_said() {
        let (whole, cut) = (span(0, 1), Span { is_cut: true, ..span(0, 1) });
        let part = |why: &str| BackfillEnd::Part(why.to_owned());
        for (gap, missing, expect) in [
            (whole, None, BackfillEnd::Whole),
            (whole, Some("more than 200 pages"), part("more than 200 pages")),
            (cut, Some("more than 200 pages"), part("more than 200 pages")),
            (cut, None, part("the gap was longer than 24 h")),
        ] {
            assert_eq!(end_of(gap, missing.map(str::to_owned)), expect);
        }
    }
}
