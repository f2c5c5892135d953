//! Which of two values of a field wins.

use stoop_model::{Event, Op};

/// Standing of a frame: the higher operation, then send time, then payload hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// 2 of an update, 1 of any other operation, 0 of none.
    pub op: u8,
    /// Send time, Unix ms.
    pub ts_ms: i64,
    /// Of the payload.
    pub fingerprint: u64,
    /// The frame is for the tweets of its id on every platform. Decides nothing: frames that are alike up to here are
    /// the same bytes.
    pub is_shared: bool,
}

/// The frame names no platform and belongs to the tweets of its id on all of them. A content without author is X's.
pub(super) fn is_shared(event: &Event) -> bool {
    event.platform.is_none() && event.op != Op::Content
}

impl Rank {
    /// The rank of what `event` carries.
    pub(super) fn of(event: &Event) -> Self {
        // Operation before time: an update corrects the content, even if the server stamped it earlier.
        let op = if event.op == Op::Update { 2 } else { 1 };
        Self {
            op,
            ts_ms: event.ts_ms.unwrap_or(0),
            fingerprint: event.fingerprint,
            is_shared: is_shared(event),
        }
    }
}
