//! Checks the dials of an endpoint from outside the policy, by what the server has done.

use stoop_feed::{Cause, Event, Settings, Side, State};

use super::dice::MILLI;
use super::scenario::{STALL_NS, nanos};

/// Longest time a timer can be late: some of the client's stalls, one after the other.
const LATE_NS: i64 = 4 * STALL_NS;
/// Shortest delay of all.
const FLOOR_NS: i64 = 50 * MILLI;
/// This many waits in a row at the cap of the backoff lane are six caps long on average, and shorter than this part of
/// a cap once in fifty million times.
const TRIES: usize = 12;
const LEAST_PERCENT: i64 = 120;

/// How a dial or a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The connection limit.
    Limit,
    /// The key, the plan, the request.
    Refused,
    Restart,
    Other,
}

/// One endpoint's past.
pub(super) struct Watch {
    settings: Settings,
    may_refuse: bool,
    /// The endpoint has no trouble in this run.
    is_steady: bool,
    opened_ns: Option<i64>,
    ended: Option<(i64, End)>,
    last_dial_ns: Option<i64>,
    /// A connection has been open for long enough to count as stable.
    is_proven: bool,
    /// Ends since then.
    refusals: u32,
    restarts: u32,
    /// Waits in the backoff lane since then, ns.
    waits_ns: Vec<i64>,
    pub(super) is_fatal: bool,
    pub(super) dials: u64,
    pub(super) stables: u64,
    /// When each frame of the story was first read, by number.
    pub(super) frames: Vec<Option<i64>>,
}

impl Watch {
    pub(super) fn new(settings: Settings, may_refuse: bool, is_steady: bool, frames: usize) -> Self {
        Self {
            settings,
            may_refuse,
            is_steady,
            opened_ns: None,
            ended: None,
            last_dial_ns: None,
            is_proven: false,
            refusals: 0,
            restarts: 0,
            waits_ns: Vec::new(),
            is_fatal: false,
            dials: 0,
            stables: 0,
            frames: vec![None; frames],
        }
    }

    pub(super) fn received(&mut self, frame: usize, now_ns: i64) {
        self.frames[frame].get_or_insert(now_ns);
    }

    /// The policy is about to handle this event.
    pub(super) fn event(&mut self, event: Event, state: State, now_ns: i64) {
        let end = match event {
            Event::Opened => {
                self.opened_ns = Some(now_ns);
                return;
            }
            Event::Refused { status: 429 } | Event::Closed { code: Some(4029), by: Side::Remote } => {
                End::Limit
            }
            Event::Refused { status: 400 | 401 | 403 }
            | Event::Closed { code: Some(4001 | 4003), by: Side::Remote } => End::Refused,
            Event::Closed { code: Some(1012), by: Side::Remote } => End::Restart,
            Event::Refused { .. } | Event::Closed { .. } | Event::Failed { .. } => End::Other,
            Event::Start | Event::Pong | Event::Reached(_) | Event::ReadingHeld(_) | Event::Stop => return,
        };
        if state != State::Draining {
            self.end(end, now_ns);
        }
    }

    fn end(&mut self, end: End, now_ns: i64) {
        assert!(!self.is_steady, "a connection without trouble was lost");
        self.opened_ns = None;
        self.ended = Some((now_ns, end));
        self.refusals += u32::from(end == End::Refused);
        self.restarts += u32::from(end == End::Restart);
    }

    /// The pump says that it refused for good.
    pub(super) fn fatal(&mut self, cause: Cause, now_ns: i64) {
        assert!(!self.is_fatal, "refused for good twice");
        assert!(self.may_refuse && cause.is_refusal(), "fatal for no refusal: {cause}");
        assert_eq!(self.ended, Some((now_ns, End::Refused)));
        let is_key = cause.to_string().contains("4001");
        assert!(is_key || !self.is_proven || self.refusals == 4, "{} refusals", self.refusals);
        self.is_fatal = true;
    }

    /// The pump says that it dials again later.
    pub(super) fn retry(&mut self, now_ns: i64) {
        // Timeouts are the policy's own doing; everything else was reported to it.
        if self.ended.is_none_or(|(at_ns, _)| at_ns != now_ns) {
            self.end(End::Other, now_ns);
        }
    }

    /// The process has started again, and knows of nothing.
    pub(super) fn restart(&mut self) {
        self.opened_ns = None;
        self.ended = None;
        self.last_dial_ns = None;
        self.is_proven = false;
        (self.refusals, self.restarts, self.dials) = (0, 0, 0);
        self.waits_ns.clear();
        self.is_fatal = false;
    }

    pub(super) fn stable(&mut self, now_ns: i64) {
        let opened_ns = self.opened_ns.expect("stable is open");
        assert!(now_ns - opened_ns >= nanos(self.settings.stable_after), "stable before its time");
        self.is_proven = true;
        self.stables += 1;
        (self.refusals, self.restarts) = (0, 0);
        self.waits_ns.clear();
    }

    pub(super) fn dial(&mut self, now_ns: i64) {
        assert!(!self.is_fatal, "dials after it was refused for good");
        self.dials += 1;
        if let Some(last_ns) = self.last_dial_ns.replace(now_ns) {
            assert!(now_ns - last_ns >= FLOOR_NS, "two dials within {} ns", now_ns - last_ns);
        }
        let Some((ended_ns, end)) = self.ended else { return };
        let waited_ns = now_ns - ended_ns;
        let [shortest, longest] = self.settings.slow_lane.map(nanos);
        let cap = nanos(self.settings.backoff_cap);
        let (least, most) = match end {
            End::Limit => (shortest, longest),
            End::Refused => {
                assert!(self.is_proven && self.refusals <= 3, "dials on after a refusal");
                (shortest, longest)
            }
            End::Restart if self.restarts == 1 => (100 * MILLI, 100 * MILLI),
            End::Restart | End::Other => {
                self.back_off(waited_ns);
                (FLOOR_NS, cap)
            }
        };
        assert!(waited_ns >= least, "dials {waited_ns} ns after {end:?}");
        assert!(waited_ns <= most + LATE_NS, "dials as late as {waited_ns} ns after {end:?}");
    }

    /// A server that refuses everyone for long is not hammered.
    fn back_off(&mut self, waited_ns: i64) {
        self.waits_ns.push(waited_ns);
        let (base, cap) = (nanos(self.settings.backoff_base), nanos(self.settings.backoff_cap));
        let doublings = (0..62).find(|n| base << n >= cap).unwrap_or(62);
        if let Some(latest) = self.waits_ns.get(doublings..).filter(|waits| waits.len() >= TRIES) {
            let sum: i64 = latest[latest.len() - TRIES..].iter().sum();
            assert!(sum * 100 >= cap * LEAST_PERCENT, "{TRIES} tries in {sum} ns with a cap of {cap} ns");
        }
    }
}
