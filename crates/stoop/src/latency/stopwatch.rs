//! Measures the stages of a pipeline that is called in place.

use stoop_engine::{Merged, NoProbe, Probe, Stamp};
use stoop_latency::{Recorder, Stage};
use stoop_live::Clock;
use stoop_model::{Bad, Decision, Event};

/// A probe that reads the clock after each stage and records what each took, as `stoop bench` does.
///
/// Call [`Self::begin`] right before each frame. Each of the stages holds one reading of the clock.
///
/// ```
/// use stoop::Config;
/// use stoop::latency::{Recorder, Stage, Stopwatch};
/// use stoop::stages::{Input, Pipeline, Receipt};
///
/// let config = Config::parse("bench", "[[rule]]\nname = \"all\"")?;
/// let mut recorder = Recorder::new();
/// let stopwatch = Stopwatch::new(&mut recorder);
/// let mut pipeline = Pipeline::with_probe(config.rules()?, config.bounds, 0, stopwatch);
/// let mut decisions = Vec::new();
/// for frame in [r#"{"v":1,"t":"tweet","op":"content","d":{"tweetId":"1","text":"$EDGE"}}"#] {
///     pipeline.probe.begin();
///     pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
/// }
/// let histogram = recorder.histogram(Stage::Total);
/// assert_eq!((histogram.len(), decisions.len()), (1, 1));
/// println!("99 % took at most {} ns", histogram.value_at_quantile(0.99));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Stopwatch<'r, P = NoProbe> {
    clock: Clock,
    recorder: &'r mut Recorder,
    /// When the element at hand was begun, decoded, merged.
    at_ns: [i64; 3],
    /// What else looks on; its own time is not measured.
    pub then: P,
}

impl<'r> Stopwatch<'r> {
    /// Records into `recorder`, beside what is in it.
    pub fn new(recorder: &'r mut Recorder) -> Self {
        Self::with(recorder, NoProbe)
    }
}

impl<'r, P: Probe> Stopwatch<'r, P> {
    /// The same, with another probe that sees the decisions once they have been measured.
    pub fn with(recorder: &'r mut Recorder, then: P) -> Self {
        Self { clock: Clock::anchored(), recorder, at_ns: [0; 3], then }
    }

    /// A frame begins.
    pub fn begin(&mut self) {
        self.at_ns[0] = self.clock.now_ns();
    }
}

impl<P: Probe> Probe for Stopwatch<'_, P> {
    fn decoded(&mut self, _: &Event, _: Stamp) {
        self.at_ns[1] = self.clock.now_ns();
    }

    fn bad(&mut self, bad: Bad, stamp: Stamp) {
        self.then.bad(bad, stamp);
        self.begin();
    }

    fn merged(&mut self, _: &[Merged], _: Stamp) {
        self.at_ns[2] = self.clock.now_ns();
    }

    fn decided(&mut self, decisions: &mut [Decision], stamp: Stamp) {
        let decided_ns = self.clock.now_ns();
        let [begin_ns, event_ns, view_ns] = self.at_ns;
        self.recorder.record(Stage::Decode, event_ns - begin_ns);
        self.recorder.record(Stage::Merge, view_ns - event_ns);
        self.recorder.record(Stage::Signal, decided_ns - view_ns);
        self.recorder.record(Stage::Total, decided_ns - begin_ns);
        self.then.decided(decisions, stamp);
        // The next element of a batch begins here.
        self.begin();
    }
}
