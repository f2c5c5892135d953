//! What the history of a rebased input holds.
//!
//! A connection sees the input moved to its own connect. When it is lost, its timeline goes on until the next one
//! begins: the frames due in between are what a client has missed, and what it may ask history for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_tungstenite::tungstenite::Bytes;

use crate::config::Config;
use crate::fault::Visit;
use crate::reel::Reel;
use crate::script::{Place, Script};

/// Timelines remembered; the oldest is forgotten.
const TIMELINES: usize = 64;
/// Frames of each timeline that history has: the last ones.
const FRAMES: usize = 20_000;

/// The timelines of a server, in the order they began.
#[derive(Debug, Default)]
pub(crate) struct Timelines(Mutex<Vec<Timeline>>);

#[derive(Debug)]
struct Timeline {
    number: u64,
    connect_ms: i64,
    begin: Option<(Place, u64)>,
    /// When it began, counted from the start of the server.
    from: Duration,
    is_lost: bool,
    /// When the next one began after it was lost.
    until: Option<Duration>,
}

impl Timelines {
    /// A client has connected; those that were lost end. Returns its number.
    pub(crate) fn begin(&self, connect_ms: i64, begin: Option<(Place, u64)>, elapsed: Duration) -> u64 {
        let mut timelines = self.lock();
        for lost in timelines.iter_mut().filter(|timeline| timeline.is_lost) {
            lost.until.get_or_insert(elapsed);
        }
        let number = timelines.last().map_or(0, |last| last.number + 1);
        if timelines.len() == TIMELINES {
            timelines.remove(0);
        }
        timelines.push(Timeline { number, connect_ms, begin, from: elapsed, is_lost: false, until: None });
        number
    }

    /// The client of this timeline has gone.
    pub(crate) fn end(&self, number: u64) {
        if let Some(timeline) = self.lock().iter_mut().find(|timeline| timeline.number == number) {
            timeline.is_lost = true;
        }
    }

    /// The frames of all timelines up to now, each once. Before the first connect these are the frames that a client
    /// would have been sent had it connected at the start.
    pub(crate) fn frames(
        &self,
        reel: &Arc<Reel>,
        config: &Config,
        started_ms: i64,
        elapsed: Duration,
    ) -> Vec<Bytes> {
        // Nothing goes wrong in history. The input is left out because the reel already holds it: a copy may be large.
        let config = Config { faults: Vec::new(), input: crate::Input::Frames(Vec::new()), ..config.clone() };
        let undisturbed = |connect_ms, begin, lasting| {
            let visit = Visit { number: 1, elapsed: Duration::ZERO };
            Script::new(Arc::clone(reel), &config, visit, connect_ms, begin).undisturbed(lasting, FRAMES)
        };
        let timelines = self.lock();
        if timelines.is_empty() {
            return undisturbed(started_ms, None, elapsed);
        }
        // Timelines of clients that are connected at once hold the same frames.
        let mut seen = BTreeSet::new();
        let of = |timeline: &Timeline| {
            let lasting = timeline.until.unwrap_or(elapsed).saturating_sub(timeline.from);
            undisturbed(timeline.connect_ms, timeline.begin, lasting)
        };
        timelines.iter().flat_map(of).filter(|frame| seen.insert(frame.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Timeline>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Pace};

    const T0: i64 = 1_781_095_200_000;
    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Times of the frames that history has this long after the start, counted from `T0`.
    fn times(timelines: &Timelines, repeat: bool, elapsed: Duration) -> Vec<i64> {
        let config = Config { rebase: true, repeat, pace: Pace::Own, ..Config::default() };
        let frames = (0..3).map(|n| format!(r#"{{"ts":{}}}"#, T0 + 100 * n).into_bytes()).collect();
        let reel = Arc::new(Reel::load(Input::Frames(frames), true).unwrap());
        let frames = timelines.frames(&reel, &config, T0 + 5_000, elapsed);
        let time = |frame: &Bytes| crate::scan::frame_ts(frame).unwrap() - T0;
        frames.iter().map(time).collect()
    }

    #[test]
    fn frames_due_while_no_client_was_connected_are_in_history() {
        let timelines = Timelines::default();
        assert_eq!(times(&timelines, false, ms(150)), [5_000, 5_100], "as if from the start");
        let first = timelines.begin(T0 + 6_000, None, ms(1_000));
        assert_eq!(times(&timelines, false, ms(1_050)), [6_000]);
        timelines.end(first);
        assert_eq!(times(&timelines, false, ms(1_100)), [6_000, 6_100], "it goes on");
        timelines.begin(T0 + 6_150, None, ms(1_150));
        assert_eq!(times(&timelines, false, ms(1_400)), [6_000, 6_100, 6_150, 6_250, 6_350]);
    }

    #[test]
    fn a_repeated_input_goes_on_and_old_timelines_are_forgotten() {
        let timelines = Timelines::default();
        timelines.begin(T0 + 6_000, None, ms(0));
        assert_eq!(times(&timelines, true, ms(450)), [6_000, 6_100, 6_200, 6_300, 6_400]);
        for _ in 0..2 * TIMELINES {
            timelines.begin(T0 + 7_000, None, ms(0));
        }
        assert_eq!(timelines.lock().len(), TIMELINES);
        assert_eq!(times(&timelines, false, ms(0)), [7_000], "each frame once");
    }
}
