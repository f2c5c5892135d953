//! The stages in one piece: an input in, decisions out.

use stoop_model::{Bad, Decision, Event};

use crate::bounds::Bounds;
use crate::input::{Input, Origin, Receipt, Stamp};
use crate::intake::{Element, Intake};
use crate::merge::{Merge, Merged};
use crate::rules::RuleSet;
use crate::signal::Signal;
use crate::state::{Scope, State};

/// Watches a frame on its way through the stages. The engine has no clock: callers that have one take their
/// measurements here.
pub trait Probe {
    /// An element of a frame is decoded.
    fn decoded(&mut self, event: &Event, stamp: Stamp) {
        let _ = (event, stamp);
    }

    /// An element of a frame is a copy of one that another endpoint brought `lag_ns` earlier.
    fn copied(&mut self, endpoint: u8, lag_ns: i64) {
        let _ = (endpoint, lag_ns);
    }

    /// An element of a frame cannot be decoded.
    fn bad(&mut self, bad: Bad, stamp: Stamp) {
        let _ = (bad, stamp);
    }

    /// The element is joined.
    fn merged(&mut self, merged: &[Merged], stamp: Stamp) {
        let _ = (merged, stamp);
    }

    /// The rules are tested; `decisions` are those of this element.
    fn decided(&mut self, decisions: &mut [Decision], stamp: Stamp) {
        let _ = (decisions, stamp);
    }
}

impl<P: Probe> Probe for &mut P {
    fn decoded(&mut self, event: &Event, stamp: Stamp) {
        (**self).decoded(event, stamp);
    }

    fn copied(&mut self, endpoint: u8, lag_ns: i64) {
        (**self).copied(endpoint, lag_ns);
    }

    fn bad(&mut self, bad: Bad, stamp: Stamp) {
        (**self).bad(bad, stamp);
    }

    fn merged(&mut self, merged: &[Merged], stamp: Stamp) {
        (**self).merged(merged, stamp);
    }

    fn decided(&mut self, decisions: &mut [Decision], stamp: Stamp) {
        (**self).decided(decisions, stamp);
    }
}

/// Ignores everything; for replays that are not measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

/// Intake, merge and signal, called one after the other without a queue between them.
pub struct Pipeline<P = NoProbe> {
    /// Frames to events.
    pub intake: Intake,
    /// Events to views.
    pub merge: Merge,
    /// Views to decisions.
    pub signal: Signal,
    /// Watches the frames.
    pub probe: P,
    merged: Vec<Merged>,
}

impl Pipeline {
    /// A pipeline that has seen nothing; its time begins at `start_ns`.
    pub fn new(rules: RuleSet, bounds: Bounds, start_ns: i64) -> Self {
        Self::with_probe(rules, bounds, start_ns, NoProbe)
    }
}

impl<P: Probe> Pipeline<P> {
    /// A pipeline that has seen nothing, whose frames `probe` watches; its time begins at `start_ns`.
    pub fn with_probe(rules: RuleSet, bounds: Bounds, start_ns: i64, probe: P) -> Self {
        Self {
            intake: Intake::new(bounds, start_ns),
            merge: Merge::new(bounds.window),
            signal: Signal::new(rules, bounds.keeping),
            probe,
            merged: Vec::with_capacity(8),
        }
    }

    /// Handles one input; appends decisions to `out`.
    pub fn handle<B: AsRef<[u8]>>(&mut self, input: &Input<B>, out: &mut Vec<Decision>) {
        match input {
            Input::Frame { origin, bytes, receipt } => self.frame(*origin, bytes.as_ref(), *receipt, out),
            Input::Rejected { reason, bytes } => self.intake.rejected(*reason, *bytes),
            Input::Tick { at_ns } => {
                let stamp = self.intake.stamp(*at_ns);
                // First what leaves the window: signal fires deadlines up to each of these moments itself.
                self.merge.wake(stamp.now_ns, &mut self.merged);
                self.signal.handle(&self.merged, stamp, out);
            }
            Input::Command { command, at_ns } => {
                let stamp = self.intake.stamp(*at_ns);
                self.merge.command(command, stamp.now_ns, &mut self.merged);
                self.signal.command(command, &self.merged, stamp, out);
            }
            Input::Gap { at_ns, .. } => {
                let stamp = self.intake.stamp(*at_ns);
                self.merge.wake(stamp.now_ns, &mut self.merged);
                self.signal.gap(&self.merged, stamp, out);
            }
            // Not stamped: the counters that stamp the next input are part of the state.
            Input::Restored(state) => {
                self.intake.restore(state);
                self.merge.restore(state);
                self.signal.restore(state);
            }
        }
        self.merged.clear();
    }

    fn frame(&mut self, origin: Origin, bytes: &[u8], receipt: Receipt, out: &mut Vec<Decision>) {
        let Self { intake, merge, signal, probe, merged } = self;
        intake.frame(origin, bytes, receipt, |stamp, element| {
            let event = match element {
                Element::Event(event) => event,
                Element::Bad(bad) => return probe.bad(bad, stamp),
                Element::Copy { endpoint, lag_ns } => return probe.copied(endpoint, lag_ns),
            };
            probe.decoded(event, stamp);
            merge.handle(event, stamp, merged);
            probe.merged(merged, stamp);
            let before = out.len();
            signal.handle(merged, stamp, out);
            probe.decided(out.get_mut(before..).unwrap_or_default(), stamp);
            // The views must be let go of before their next frame, or merge would have to copy them for it.
            merged.clear();
        });
    }

    /// Saves the state of the stages.
    pub fn save(&mut self, scope: Scope) -> State {
        let mut state = State::default();
        self.intake.save(&mut state);
        self.merge.save(scope, &mut state);
        self.signal.save(scope, &mut state);
        state
    }

    /// The next deadline of a rule, Unix ns.
    pub fn deadline(&self) -> Option<i64> {
        self.signal.deadline()
    }
}
