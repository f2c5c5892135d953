//! Without the feature `rest`, neither the plan nor history is asked for.

pub(super) mod plan {
    use std::sync::Arc;

    use crossbeam_channel::{Receiver, bounded};

    use crate::clock::Clock;
    use crate::notice::Notices;
    use crate::settings::{Api, Key};
    use crate::stages::gauge::Gauge;

    #[derive(Debug)]
    pub(crate) struct PlanWatch;

    #[expect(clippy::unused_self, reason = "called like the one that asks")]
    impl PlanWatch {
        pub(crate) fn new(_: Option<Api>, _: Key) -> Self {
            Self
        }

        /// A receiver that has ended.
        pub(crate) fn limit(&self, _: &Arc<Gauge>) -> Receiver<Option<u64>> {
            bounded(0).1
        }

        pub(crate) fn ask(&self, _: &Notices, _: Clock) {}
    }
}

pub(super) mod history {
    use std::sync::Arc;

    use super::super::pump::{Answer, Span};
    use crate::settings::Settings;
    use crate::stages::gauge::Gauge;

    pub(crate) enum Asker {}

    impl Asker {
        pub(crate) fn new(_: &Settings, _: &Arc<Gauge>) -> Option<Self> {
            None
        }

        pub(crate) fn ask(&mut self, _: Span) {
            match *self {}
        }

        pub(crate) fn answer(&mut self) -> Option<Answer> {
            match *self {}
        }
    }
}
