//! What must hold of gaps, history, commands and of what is kept, checked from outside the pump, by what it asks for.

use std::collections::VecDeque;

use stoop_engine::{Input, Origin};
use stoop_model::HashMap;

use super::dice::{MILLI, SECOND};
use super::driver::place;
use super::scenario::Scenario;
use crate::connection::pump::{Action, Answer, Note, Span};
use crate::notice::{BackfillEnd, News};

/// Frames of history that may enter within [`MILLI`].
const BURST: usize = 8;
/// Times one gap may be asked for.
const TRIES: usize = 3;

/// A backfill that has come to its end.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    pub(super) end: BackfillEnd,
}

/// What one process did.
pub(super) struct Ledger {
    delay_ns: Option<i64>,
    status_ns: Option<i64>,
    /// Whether an endpoint is connected, since when, and when the last one was lost.
    pub(super) is_up: bool,
    pub(super) since_ns: i64,
    lost_ns: Option<i64>,
    /// Outages that are over, as they were, as they entered, and as they were reported.
    pub(super) gaps: Vec<(i64, i64)>,
    entered: Vec<(i64, i64)>,
    told: Vec<(i64, i64)>,
    /// What history is asked for now, and how often each gap was.
    asked: Option<Span>,
    tries: HashMap<(i64, i64), usize>,
    /// Rows that history has brought and are to enter.
    rows: Option<usize>,
    /// Times of the last frames of history.
    recent: VecDeque<i64>,
    pub(super) filled: Vec<Filled>,
    /// Notes of the tape, to be the same as the notices.
    noted: usize,
    pub(super) is_refused: bool,
    /// How many connections the plan allows, once that is known.
    limit: Option<u64>,
    pub(super) left_out: Vec<bool>,
    told_ns: Option<i64>,
    pub(super) saves: u64,
    pub(super) statuses: u64,
    pub(super) commands: u64,
    pub(super) history_frames: u64,
}

impl Ledger {
    /// Of a process that goes on after one that was connected until `up_ns`.
    pub(super) fn new(scenario: &Scenario, up_ns: Option<i64>, now_ns: i64) -> Self {
        let count = scenario.endpoints.len();
        Self {
            delay_ns: scenario.backfill_ns,
            status_ns: scenario.status_ns,
            is_up: false,
            since_ns: now_ns,
            lost_ns: up_ns,
            gaps: Vec::new(),
            entered: Vec::new(),
            told: Vec::new(),
            asked: None,
            tries: HashMap::default(),
            rows: None,
            recent: VecDeque::new(),
            filled: Vec::new(),
            noted: 0,
            is_refused: false,
            limit: (count == 1).then_some(1),
            left_out: vec![false; count],
            told_ns: None,
            saves: 0,
            statuses: 0,
            commands: 0,
            history_frames: 0,
        }
    }

    /// An endpoint has connected, or is not connected any more.
    pub(super) fn set_up(&mut self, is_up: bool, now_ns: i64) {
        if is_up == self.is_up {
            return;
        }
        self.is_up = is_up;
        self.since_ns = now_ns;
        if is_up {
            self.gaps.extend(self.lost_ns.take().map(|lost_ns| (lost_ns, now_ns)));
        } else {
            self.lost_ns = Some(now_ns);
        }
    }

    /// How many connections the plan allows; none if it does not say.
    pub(super) fn set_limit(&mut self, limit: Option<u64>) {
        self.limit = Some(limit.unwrap_or(u64::MAX).max(1));
    }

    /// What the pump asks for.
    pub(super) fn action(&mut self, action: &Action, now_ns: i64) {
        match action {
            Action::Enter(input) => self.enter(input, now_ns),
            Action::Dial(at) => {
                assert!(!self.left_out[*at], "#{at} is left out and dialled");
                assert!(*at == 0 || self.limit.is_some(), "#{at} does not wait for the plan");
            }
            Action::AskHistory(gap) => self.ask(*gap, now_ns),
            Action::Notice(news) => self.notice(news),
            Action::Note(Note::Backfill { .. }) => self.noted += 1,
            Action::Save { up_ns } => {
                assert_eq!(*up_ns, if self.is_up { Some(now_ns) } else { self.lost_ns });
                self.saves += 1;
            }
            Action::Status => {
                let every_ns = self.status_ns.expect("the counters are asked for");
                let is_early = self.told_ns.is_some_and(|told_ns| now_ns - told_ns < every_ns);
                assert!(!is_early, "the counters are reported too often");
                self.told_ns = Some(now_ns);
                self.statuses += 1;
            }
            Action::Drain
            | Action::Ping(_)
            | Action::Close { .. }
            | Action::Abandon(_)
            | Action::StateChanged { .. }
            | Action::AskLimit
            | Action::AskPlan
            | Action::Note(_)
            | Action::CutTape { .. }
            | Action::CloseTape => {}
        }
    }

    fn enter(&mut self, input: &Input<Vec<u8>>, now_ns: i64) {
        match input {
            Input::Gap { gap, at_ns } => {
                assert_eq!((*at_ns, gap.to_ns), (now_ns, now_ns), "a gap ends when it enters");
                self.entered.push((gap.from_ns, gap.to_ns));
            }
            Input::Frame { origin, .. } => {
                assert_eq!(*origin, Origin::History);
                self.history_frames += 1;
                self.recent.push_back(now_ns);
                if self.recent.len() > BURST {
                    let first_ns = self.recent.pop_front().expect("there are some");
                    assert!(now_ns - first_ns >= MILLI, "history takes the feed's place");
                }
            }
            Input::Command { .. } => self.commands += 1,
            Input::Rejected { .. } | Input::Tick { .. } | Input::Restored(_) => {}
        }
    }

    fn ask(&mut self, gap: Span, now_ns: i64) {
        assert!(self.is_up, "asks history while the feed is away");
        assert!(self.asked.is_none() && self.rows.is_none(), "asks for two gaps at once");
        assert!(!self.is_refused, "asks again for what the plan does not have");
        let delay_ns = self.delay_ns.expect("history is asked for");
        let (first_ns, last_ns) = (gap.first_ms() * MILLI, gap.last_ms() * MILLI);
        // Thirty seconds before a gap, and two after it.
        let is_gap =
            |(from_ns, to_ns): &(i64, i64)| first_ns <= from_ns - 29 * SECOND && last_ns >= to_ns + SECOND;
        let latest_ns = self.gaps.iter().filter(|gap| is_gap(gap)).map(|(_, to_ns)| *to_ns).max();
        assert!(latest_ns.is_some_and(|to_ns| now_ns >= to_ns + delay_ns), "asks too early, or for no gap");
        let tries = self.tries.entry((first_ns, last_ns)).or_default();
        *tries += 1;
        assert!(*tries <= TRIES, "asks {tries} times for one gap");
        self.asked = Some(gap);
    }

    /// What history says to what it was asked.
    pub(super) fn answered(&mut self, answer: &Answer, first_ms: i64) {
        assert_eq!(self.asked.take().map(|gap| gap.first_ms()), Some(first_ms));
        if let Answer::Rows { rows, .. } = answer {
            self.rows = Some(rows.iter().filter(|row| row.time_ms >= first_ms).count());
        }
        self.is_refused |= matches!(answer, Answer::NotInPlan);
    }

    fn notice(&mut self, news: &News) {
        match news {
            News::Gap { from_ns, to_ns, .. } => self.told.push((*from_ns, *to_ns)),
            News::Backfill { from_ns, to_ns, rows, end } => {
                let expect = self.rows.take().unwrap_or(0);
                assert_eq!(*rows, expect as u64, "rows that history has brought have not entered");
                self.filled.push(Filled { from_ns: *from_ns, to_ns: *to_ns, end: end.clone() });
            }
            News::LeftOut { endpoint, limit } => {
                let at = place(endpoint);
                self.left_out[at] = true;
                let others = self.left_out.iter().filter(|is_left_out| !**is_left_out).count() as u64;
                assert!(others >= 1 && self.limit.is_some_and(|known| known >= *limit));
            }
            News::Refused { .. } => {
                if let Some(is_left_out) = self.left_out.iter_mut().find(|is_left_out| **is_left_out) {
                    *is_left_out = false;
                }
            }
            News::Up { .. }
            | News::Down { .. }
            | News::Missed(_)
            | News::Plan(_)
            | News::Handles(_)
            | News::QueueFull
            | News::QueueFree
            | News::StrategyOff { .. }
            | News::StoreFailed { .. }
            | News::StoreRecovered { .. }
            | News::TapeFailed { .. }
            | News::Status(_) => {}
        }
    }

    /// What must hold whenever the process ends.
    pub(super) fn check(&self, now_ns: i64) {
        assert_eq!(self.entered, self.gaps, "gaps are inputs");
        assert_eq!(self.told, self.gaps, "and notices");
        assert_eq!(self.noted, self.filled.len(), "each back-fill that is reported is on the tape");
        if let Some(delay_ns) = self.delay_ns {
            self.check_filled(delay_ns, now_ns);
        }
    }

    /// A gap that was over long ago, with a feed that was there ever since, is filled or given up.
    fn check_filled(&self, delay_ns: i64, now_ns: i64) {
        // Three questions of 20 s each with two waits between them, for this gap and for the one before it.
        let patience_ns = delay_ns + 2 * (3 * 20 + 30) * SECOND;
        let is_done = |gap: &(i64, i64)| {
            self.filled.iter().any(|filled| filled.from_ns <= gap.0 && filled.to_ns >= gap.1)
        };
        if self.is_refused || !self.is_up {
            return;
        }
        for gap in &self.gaps {
            let is_old = now_ns - gap.1.max(self.since_ns) > patience_ns;
            assert!(!is_old || is_done(gap), "nothing was reported of {gap:?}");
        }
    }
}
