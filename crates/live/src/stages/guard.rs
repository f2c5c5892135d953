//! Panics caught at the edge of an actor.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stoop_engine::panic_message;

use crate::stages::gauge::Gauge;

/// Runs a stage. A panic in it is reported to the gauge, and no stage is called again: its state is unknown, and a
/// wrong decision costs more than a restart.
pub(crate) fn guarded<T>(gauge: &Gauge, stage: &str, run: impl FnOnce() -> T) -> Option<T> {
    if gauge.is_tripped() {
        return None;
    }
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(panic) => {
            gauge.trip(format!("{stage}: {}", panic_message(panic.as_ref())));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_trips_the_gauge_with_its_message() {
        let gauge = Gauge::new();
        assert_eq!(guarded(&gauge, "merge", || 5), Some(5));
        assert_eq!(gauge.tripped(), None);
        assert_eq!(guarded(&gauge, "merge", || -> u8 { panic!("broken {}", 1) }), None);
        assert_eq!(gauge.tripped().as_deref(), Some("merge: broken 1"));
        assert_eq!(guarded(&gauge, "signal", || -> u8 { panic!("later") }), None);
        assert_eq!(gauge.tripped().as_deref(), Some("merge: broken 1"));
    }
}
