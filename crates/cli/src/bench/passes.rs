//! What is timed: ways to put all frames through once.

use std::hint::black_box;
use std::ops::ControlFlow;

use stoop::counters::{IntakeCounters, MergeCounters, SignalCounters};
use stoop::latency::{Clock, Recorder, Stopwatch};
use stoop::model::Decision;
use stoop::replay::{Digest, ReplayOptions};
use stoop::stages::{Intake, Origin, Pipeline, Probe, Receipt, Stamp};
use stoop::{Config, Placement, RuleSet};

use super::input::Input;
use crate::failure::{Code, Failure, OrFail};

/// One way to put all frames through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Frames to events, and nothing more.
    Decode,
    /// Decode, merge and signal, one call after the other.
    Stages,
    /// The same with a reading of the clock after each.
    Clocked,
    /// `stoop::replay::replay`: line by line, with a digest, in this placement.
    Replay(Placement),
}

/// What a pass has come to. All passes that go through the stages come to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) intake: IntakeCounters,
    pub(crate) merge: MergeCounters,
    pub(crate) signal: SignalCounters,
    /// How many decisions, and the digest over them; not in a pass that takes no digest.
    pub(crate) digest: Option<(u64, String)>,
}

/// One pass, timed.
pub(crate) struct Timed {
    pub(crate) nanos: u64,
    /// None if it only decodes.
    pub(crate) outcome: Option<Outcome>,
    /// Decisions of the deadlines that fire at the end of the input.
    late: Vec<Decision>,
}

impl Pass {
    /// In the order they are shown.
    pub(crate) const ALL: [Self; 6] = [
        Self::Decode,
        Self::Stages,
        Self::Clocked,
        Self::Replay(Placement::Fused),
        Self::Replay(Placement::OneArbiter),
        Self::Replay(Placement::PerActor),
    ];

    /// The name in the table and in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Stages => "stages",
            Self::Clocked => "stages-clocked",
            Self::Replay(Placement::Fused) => "replay-fused",
            Self::Replay(Placement::OneArbiter) => "replay-one-arbiter",
            Self::Replay(Placement::PerActor) => "replay-per-actor",
        }
    }

    /// What it is, for people.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Decode => "frames to events",
            Self::Stages => "decode, merge, signal in place",
            Self::Clocked => "the same, the clock read after each",
            Self::Replay(Placement::Fused) => "lines, stages in place, digest",
            Self::Replay(Placement::OneArbiter) => "the same through actors on one thread",
            Self::Replay(Placement::PerActor) => "the same through actors on four",
        }
    }

    /// Puts all frames through once. Everything begins anew: a frame that came twice would be a duplicate.
    ///
    /// `recorder` takes the times of the stages, if the pass measures them.
    pub(crate) fn run(
        self,
        config: &Config,
        input: &Input,
        recorder: &mut Recorder,
    ) -> Result<Timed, Failure> {
        let rules = config.rules().or_fail(Code::Config)?;
        match self {
            Self::Decode => Ok(decode(Intake::new(config.bounds, input.start_ns), input)),
            Self::Stages => {
                let pipeline = Pipeline::new(rules, config.bounds, input.start_ns);
                Ok(in_place(pipeline, input, |_| ()))
            }
            Self::Clocked => {
                let mut stopwatch = Stopwatch::with(recorder, Digesting::default());
                let pipeline = Pipeline::with_probe(rules, config.bounds, input.start_ns, &mut stopwatch);
                let mut timed = in_place(pipeline, input, |stopwatch| stopwatch.begin());
                stopwatch.then.add(&timed.late);
                let Digesting(digest) = &stopwatch.then;
                if let Some(outcome) = &mut timed.outcome {
                    outcome.digest = Some((digest.count(), digest.to_string()));
                }
                Ok(timed)
            }
            Self::Replay(placement) => replay(rules, placement, config, input),
        }
    }
}

fn decode(mut intake: Intake, input: &Input) -> Timed {
    let clock = Clock::anchored();
    let begin_ns = clock.now_ns();
    for frame in input.frames() {
        intake.frame(Origin::Endpoint(0), frame, Receipt::Sent, |_, element| {
            black_box(element);
        });
    }
    Timed { nanos: since(&clock, begin_ns), outcome: None, late: Vec::new() }
}

/// Puts all frames through the stages; `begin` is called before each.
fn in_place<P: Probe>(mut pipeline: Pipeline<P>, input: &Input, begin: impl Fn(&mut P)) -> Timed {
    let mut decisions = Vec::new();
    let clock = Clock::anchored();
    let begin_ns = clock.now_ns();
    for frame in input.frames() {
        begin(&mut pipeline.probe);
        pipeline.handle(&stoop::stages::Input::frame(frame, Receipt::Sent), &mut decisions);
        decisions.clear();
    }
    pipeline.handle(&stoop::stages::Input::end(), &mut decisions);
    let nanos = since(&clock, begin_ns);
    let outcome = Outcome {
        intake: *pipeline.intake.counters(),
        merge: pipeline.merge.counters(),
        signal: pipeline.signal.counters(),
        digest: None,
    };
    Timed { nanos, outcome: Some(outcome), late: decisions }
}

fn replay(rules: RuleSet, placement: Placement, config: &Config, input: &Input) -> Result<Timed, Failure> {
    let frames = input.open(config.bounds.limits).or_fail(Code::Failed)?;
    let options = ReplayOptions { placement, bounds: config.bounds, ..ReplayOptions::default() };
    let clock = Clock::anchored();
    let begin_ns = clock.now_ns();
    let summary = stoop::replay::replay(rules, frames, options, |_| ControlFlow::Continue(()));
    let nanos = since(&clock, begin_ns);
    let summary = summary.or_fail(Code::Internal)?;
    let outcome = Outcome {
        intake: summary.counters.intake,
        merge: summary.counters.merge,
        signal: summary.counters.signal,
        digest: Some((summary.digest.count(), summary.digest.to_string())),
    };
    Ok(Timed { nanos, outcome: Some(outcome), late: Vec::new() })
}

impl Outcome {
    /// Both have come to the same, as far as both can tell.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let counters = |outcome: &Self| (outcome.intake, outcome.merge, outcome.signal);
        let is_same_digest = match (&self.digest, &other.digest) {
            (Some(ours), Some(theirs)) => ours == theirs,
            (None, _) | (_, None) => true,
        };
        counters(self) == counters(other) && is_same_digest
    }
}

fn since(clock: &Clock, begin_ns: i64) -> u64 {
    u64::try_from(clock.now_ns() - begin_ns).unwrap_or(0).max(1)
}

/// Takes a digest of what is decided, once nothing is being timed.
#[derive(Default)]
struct Digesting(Digest);

impl Digesting {
    fn add(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            self.0.add(&decision.body);
        }
    }
}

impl Probe for Digesting {
    fn decided(&mut self, decisions: &mut [Decision], _: Stamp) {
        self.add(decisions);
    }
}
