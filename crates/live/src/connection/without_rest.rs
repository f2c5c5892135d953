//! Without the feature `rest` nobody asks for the plan, nor for what the feed has lost.

#![expect(clippy::unused_self, reason = "called as what asks is")]

pub(super) mod plan {
    use std::sync::Arc;

    use crossbeam_channel::Receiver;

    use crate::clock::Clock;
    use crate::notice::Notices;
    use crate::settings::{Api, Key};
    use crate::stages::gauge::Gauge;

    #[derive(Debug)]
    pub(crate) struct PlanWatch;

    impl PlanWatch {
        pub(crate) fn new(_: Option<Api>, _: Key) -> Self {
            Self
        }

        pub(crate) fn limit(&self, _: &Arc<Gauge>) -> Option<Receiver<Option<u64>>> {
            None
        }

        pub(crate) fn ask(&self, _: &Notices, _: Clock) {}
    }
}

pub(super) mod backfill {
    use std::sync::Arc;

    use crate::notice::Notices;
    use crate::settings::Settings;
    use crate::stages::gauge::Gauge;
    use crate::summary::FeedCounters;

    pub(crate) const BURST: usize = 1;

    pub(crate) struct Backfill;

    impl Backfill {
        pub(crate) fn new(_: &Settings, _: Notices, _: Arc<Gauge>) -> Self {
            Self
        }

        pub(crate) fn take_told(&mut self) -> Option<(i64, i64, u64, String)> {
            None
        }

        pub(crate) fn want(&mut self, _: i64, _: i64) {}

        pub(crate) fn attend(&mut self, _: i64, _: bool) {}

        pub(crate) fn due_ns(&self, _: bool, _: bool) -> Option<i64> {
            None
        }

        pub(crate) fn has_frames(&self, _: i64) -> bool {
            false
        }

        pub(crate) fn next(&mut self, _: i64) -> Option<Vec<u8>> {
            None
        }

        pub(crate) fn count(&self, _: &mut FeedCounters) {}
    }
}
