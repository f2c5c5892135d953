//! Whether the feed is connected, by one endpoint at least, and since when not.

use stoop_feed::Cause;

use crate::summary::{FeedCounters, Link};

/// Why the feed is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The cause is not known yet.
    Unknown,
    /// The run before this one has ended.
    Restart,
    /// The connection was lost for this cause.
    Lost(Cause),
}

impl Why {
    pub(super) fn cause(self) -> Option<Cause> {
        match self {
            Self::Unknown | Self::Restart => None,
            Self::Lost(cause) => Some(cause),
        }
    }

    pub(super) fn in_words(self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Restart => "restart".to_owned(),
            Self::Lost(cause) => cause.to_string(),
        }
    }
}

/// Keeps account of outages.
#[derive(Debug)]
pub(super) struct Outages {
    pub(super) link: Link,
    /// When the connection was lost, Unix ns, and why, until there is one again.
    lost: Option<(i64, Why)>,
    gaps: u64,
    gap_ns: i64,
}

impl Outages {
    pub(super) fn new(now_ns: i64) -> Self {
        Self { link: Link { since_ns: now_ns, ..Link::default() }, lost: None, gaps: 0, gap_ns: 0 }
    }

    /// The run before this one was connected until then, Unix ns.
    pub(super) fn restart(&mut self, up_ns: Option<i64>) {
        self.lost = up_ns.map(|up_ns| (up_ns, Why::Restart));
    }

    /// The feed is connected, or is not. Returns the outage that is over: since when, and why.
    ///
    /// The time before the first connection of all is not an outage.
    pub(super) fn set(&mut self, is_up: bool, now_ns: i64) -> Option<(i64, Why)> {
        if self.link.is_up == is_up {
            return None;
        }
        self.link.is_up = is_up;
        self.link.since_ns = now_ns;
        if !is_up {
            // The cause is not known yet: the policy changes its state first, and says why with the retry.
            self.lost = Some((now_ns, Why::Unknown));
            return None;
        }
        let (from_ns, why) = self.lost.take()?;
        self.gaps += 1;
        self.gap_ns += now_ns - from_ns;
        Some((from_ns, why))
    }

    /// A connection or a dial has ended for this cause; the first one explains the outage.
    pub(super) fn explain(&mut self, cause: Cause) {
        if let Some((_, why @ Why::Unknown)) = &mut self.lost {
            *why = Why::Lost(cause);
        }
    }

    /// Until when the feed was connected, Unix ns; none if it never was.
    pub(super) fn up_ns(&self, now_ns: i64) -> Option<i64> {
        match self.lost {
            Some((from_ns, _)) => Some(from_ns),
            None => self.link.is_up.then_some(now_ns),
        }
    }

    pub(super) fn count(&self, feed: &mut FeedCounters) {
        feed.gaps = self.gaps;
        feed.gap_ns = self.gap_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_from_the_last_connection_to_the_next_and_keeps_its_first_cause() {
        let mut outages = Outages::new(0);
        assert_eq!(outages.set(true, 5), None, "before the first connection nothing was lost");
        assert_eq!((outages.set(true, 6), outages.up_ns(7)), (None, Some(7)));
        assert_eq!(outages.set(false, 10), None);
        outages.explain(Cause::PongTimeout);
        outages.explain(Cause::HttpUnauthorized);
        assert_eq!(outages.up_ns(12), Some(10));
        assert_eq!(outages.set(true, 14), Some((10, Why::Lost(Cause::PongTimeout))));
        let mut feed = FeedCounters::default();
        outages.count(&mut feed);
        assert_eq!((feed.gaps, feed.gap_ns, outages.link.since_ns), (1, 4, 14));
    }

    #[test]
    fn a_restart_is_an_outage_from_the_end_of_the_run_before_it() {
        let mut outages = Outages::new(50);
        outages.restart(Some(40));
        outages.explain(Cause::PongTimeout);
        assert_eq!(outages.up_ns(60), Some(40), "a run that never connects hands on what it was given");
        assert_eq!(outages.set(true, 70), Some((40, Why::Restart)));
    }
}
