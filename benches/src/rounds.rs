//! The same frames through one pipeline again and again, each round later than the one before.

use stoop_engine::{Bounds, Intake, NoProbe, Origin, Pipeline, Probe, Receipt, RuleSet};
use stoop_model::Decision;

use crate::input::{Input, rules};

/// Longer than a decision is remembered by default, so that a round begins with nothing from the one before.
const PAUSE_NS: i64 = 25 * 3_600_000_000_000;

/// Frames with the time of their receipt.
#[derive(Clone, Debug)]
pub struct Stream {
    frames: Vec<(i64, Box<[u8]>)>,
    is_known: bool,
    /// From the beginning of one round to that of the next, ns.
    step_ns: i64,
}

impl Stream {
    /// Frames at the times a replay gives them, with a pause of 25 hours after each round.
    pub fn new(input: &Input) -> Self {
        let mut intake = Intake::new(Bounds::default(), 0);
        let mut frames: Vec<(i64, Box<[u8]>)> = Vec::with_capacity(input.frames.len());
        for frame in &input.frames {
            intake.frame(Origin::Endpoint(0), frame, Receipt::Sent, |_, _| {});
            frames.push((intake.now_ns(), frame.clone()));
        }
        let first_ns = frames.iter().map(|(at_ns, _)| *at_ns).find(|at_ns| *at_ns > 0).unwrap_or(0);
        for (at_ns, _) in &mut frames {
            *at_ns = first_ns.max(*at_ns);
        }
        let last_ns = frames.last().map_or(0, |(at_ns, _)| *at_ns);
        Self { frames, is_known: input.is_known, step_ns: last_ns - first_ns + PAUSE_NS }
    }

    /// The same frames within `span_ns` and without a pause: the window is as full as it gets, round after round.
    ///
    /// For rules that decide nothing: a decision of one round would be remembered in the next.
    #[must_use]
    pub fn squeezed(mut self, span_ns: i64) -> Self {
        let first_ns = self.start_ns();
        let long_ns = (self.step_ns - PAUSE_NS).max(1);
        for (at_ns, _) in &mut self.frames {
            let offset = i128::from(*at_ns - first_ns) * i128::from(span_ns) / i128::from(long_ns);
            *at_ns = first_ns + offset as i64;
        }
        self.step_ns = span_ns;
        self
    }

    /// The frames.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|(_, frame)| &**frame)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// There is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn start_ns(&self) -> i64 {
        self.frames.first().map_or(0, |(at_ns, _)| *at_ns)
    }
}

/// A pipeline at work on a stream.
///
/// What decides on a time in the frame itself (`max_age`) sees posts that are older with every round: such rules are
/// tested to their end and open nothing. Frames with an `eventId`, a fiftieth of the generated ones, are duplicates
/// from the second round on.
pub struct Rounds<'s, P = NoProbe> {
    stream: &'s Stream,
    pipeline: Pipeline<P>,
    decisions: Vec<Decision>,
    shift_ns: i64,
}

impl<'s> Rounds<'s> {
    /// A pipeline with the starter rules, of which none matches a generated post: no decision.
    ///
    /// # Panics
    ///
    /// If two rounds differ, or a known stream leads to a decision.
    pub fn without_match(stream: &'s Stream) -> Self {
        let rounds = Self::new(stream, rules("starter"), NoProbe);
        assert!(rounds.decided() == 0 || !stream.is_known, "{} decisions", rounds.decided());
        rounds
    }

    /// A pipeline with the vendor's sample rule, which matches every third generated post or so.
    ///
    /// # Panics
    ///
    /// If two rounds differ, or a known stream leads to no decision.
    pub fn with_match(stream: &'s Stream) -> Self {
        let rounds = Self::new(stream, rules("vendor-routing"), NoProbe);
        assert!(rounds.decided() > 0 || !stream.is_known, "the rule matches nothing");
        rounds
    }
}

impl<'s, P: Probe> Rounds<'s, P> {
    /// As [`Rounds::without_match`], with a probe that watches the frames.
    ///
    /// # Panics
    ///
    /// If two rounds differ.
    pub fn probed(stream: &'s Stream, probe: P) -> Self {
        Self::new(stream, rules("starter"), probe)
    }

    /// Buffers have grown to the stream when this returns.
    fn new(stream: &'s Stream, rules: RuleSet, probe: P) -> Self {
        let pipeline = Pipeline::with_probe(rules, Bounds::default(), stream.start_ns(), probe);
        let mut rounds = Self { stream, pipeline, decisions: Vec::new(), shift_ns: 0 };
        // The first round is the only one whose posts are fresh, the second the first that meets known event ids.
        rounds.round();
        rounds.round();
        let alike = [(); 2].map(|()| {
            let before = rounds.pipeline.merge.counters().joined;
            let decided = rounds.round();
            (rounds.pipeline.merge.counters().joined - before, decided)
        });
        assert_eq!(alike[0], alike[1], "frames joined and decisions of two rounds");
        assert!(alike[0].0 > 0, "nothing was joined");
        rounds
    }

    /// All frames once. Returns the number of decisions.
    pub fn round(&mut self) -> usize {
        self.each(|frame| frame());
        self.decided()
    }

    /// All frames once, each handed to `around` as a call that puts it through.
    pub fn each(&mut self, mut around: impl FnMut(&mut dyn FnMut())) {
        let Self { stream, pipeline, decisions, shift_ns } = self;
        decisions.clear();
        for (at_ns, frame) in &stream.frames {
            let receipt = Receipt::At(at_ns + *shift_ns);
            let input = stoop_engine::Input::frame(frame, receipt);
            around(&mut || pipeline.handle(&input, decisions));
        }
        *shift_ns += stream.step_ns;
    }

    /// Decisions of the last round.
    pub fn decided(&self) -> usize {
        self.decisions.len()
    }

    /// What the pipeline has counted.
    pub fn pipeline(&self) -> &Pipeline<P> {
        &self.pipeline
    }
}
