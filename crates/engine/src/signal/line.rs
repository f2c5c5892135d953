//! The parts of a decision line that describe its tweet and its cause.

use stoop_model::{DecisionBody, DecisionKind, Trigger};

use crate::merge::{Change, View};
use crate::rules::Reading;

/// Unicode scalar values of the body that a decision shows.
const TEXT_CHARS: usize = 280;
pub(super) const MILLI_NS: i64 = 1_000_000;

/// Why rules are tested now, and the times a decision made now carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) trigger: Trigger,
    pub(super) sent_ms: Option<i64>,
    pub(super) recv_ns: i64,
    pub(super) decided_ns: i64,
    /// It is the first content of the tweet.
    pub(super) is_first_content: bool,
    /// History has brought it.
    pub(super) is_late: bool,
}

impl Cause {
    /// A frame.
    pub(super) fn frame(change: &Change, is_first_content: bool) -> Self {
        let arrival = change.arrival;
        Self {
            trigger: Trigger::Op(change.op),
            sent_ms: arrival.sent_ms,
            recv_ns: arrival.recv_ns,
            // Engine time and not the time after the evaluation: a replay has to decide at the same moment.
            decided_ns: arrival.recv_ns,
            is_first_content,
            is_late: arrival.is_late,
        }
    }

    /// A message from the host at `now_ns`; no server has sent it.
    pub(super) fn message(now_ns: i64) -> Self {
        Self {
            trigger: Trigger::Message,
            sent_ms: None,
            recv_ns: now_ns,
            decided_ns: now_ns,
            is_first_content: false,
            is_late: false,
        }
    }

    /// A deadline; the times of receipt are the content's.
    pub(super) fn timeout(view: &View, deadline_ns: i64) -> Self {
        let content = view.content;
        Self {
            trigger: Trigger::Timeout,
            sent_ms: content.and_then(|content| content.sent_ms),
            recv_ns: content.map_or(deadline_ns, |content| content.recv_ns),
            decided_ns: deadline_ns,
            is_first_content: false,
            is_late: false,
        }
    }
}

/// Fills in the tweet.
pub(super) fn describe(line: &mut DecisionBody, reading: &mut Reading, view: &View) {
    let post = view.post();
    // As it came: a consumer may want to match it against other sources, and plain text is for rules.
    let body = post.text().unwrap_or_default();
    let end = body.char_indices().nth(TEXT_CHARS).map_or(body.len(), |(end, _)| end);
    body[..end].clone_into(&mut line.text);
    line.tweet_kind = reading.kind(view).clone();
    line.author = reading.handle().map(str::to_owned);
    line.author_id = post.author().id().map(str::to_owned);
    line.link = post.field(stoop_model::PostField::Link).map(str::to_owned);
    line.created_ms = view.created_ms();
    line.received_ms = view.received_ms();
}

/// Fills in the cause.
pub(super) fn stamp(line: &mut DecisionBody, kind: DecisionKind, cause: &Cause) {
    line.kind = kind;
    line.trigger = cause.trigger;
    line.sent_ms = cause.sent_ms;
    line.recv_ns = cause.recv_ns;
    line.decided_ns = cause.decided_ns;
    line.late = cause.is_late;
}
