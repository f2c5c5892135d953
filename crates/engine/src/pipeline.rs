//! The stages in one piece: frame in, decisions out.

use stoop_model::{Bad, Decision, Event};
use stoop_wire::Limits;

use crate::intake::{Element, Intake, Origin, Receipt, Stamp};
use crate::merge::{Merge, Merged, Window};
use crate::rules::RuleSet;
use crate::signal::{Command, Keeping, Signal};
use crate::state::{Scope, State};

/// Looks on while a frame goes through the stages. The engine has no clock; who has one measures here.
pub trait Probe {
    /// An element of a frame is decoded.
    fn decoded(&mut self, event: &Event, stamp: Stamp) {
        let _ = (event, stamp);
    }

    /// An element of a frame is a copy of one that another endpoint has brought, so long before.
    fn copied(&mut self, endpoint: u8, lag_ns: i64) {
        let _ = (endpoint, lag_ns);
    }

    /// An element of a frame cannot be decoded.
    fn bad(&mut self, bad: Bad, stamp: Stamp) {
        let _ = (bad, stamp);
    }

    /// It is joined.
    fn merged(&mut self, merged: &[Merged], stamp: Stamp) {
        let _ = (merged, stamp);
    }

    /// The rules are tested; `decisions` are those of this element.
    fn decided(&mut self, decisions: &mut [Decision], stamp: Stamp) {
        let _ = (decisions, stamp);
    }
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

/// Bounds of the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Of a frame.
    pub limits: Limits,
    /// Of the window.
    pub window: Window,
    /// Of what is remembered beyond it.
    pub keeping: Keeping,
    /// Frames come from several endpoints: the first copy of each counts.
    pub has_copies: bool,
}

/// Intake, merge and signal, called one after the other without a queue between them.
pub struct Pipeline {
    /// Frames to events.
    pub intake: Intake,
    /// Events to views.
    pub merge: Merge,
    /// Views to decisions.
    pub signal: Signal,
    merged: Vec<Merged>,
}

impl Pipeline {
    /// A pipeline that has seen nothing; its time begins at `start_ns`.
    pub fn new(rules: RuleSet, bounds: Bounds, start_ns: i64) -> Self {
        Self {
            intake: Intake::of(bounds, start_ns),
            merge: Merge::new(bounds.window),
            signal: Signal::new(rules, bounds.keeping),
            merged: Vec::with_capacity(8),
        }
    }

    /// What it remembers.
    pub fn save(&mut self, scope: Scope) -> State {
        let mut state = State::default();
        self.intake.save(&mut state);
        self.merge.save(scope, &mut state);
        self.signal.save(scope, &mut state);
        state
    }

    /// Remembers what an engine before this one did; for a pipeline that has seen nothing. Deadlines that have passed since
    /// fire before the next input, each with its own time.
    pub fn restore(&mut self, state: &State) {
        self.intake.restore(state);
        self.merge.restore(state);
        self.signal.restore(state);
    }

    /// Takes one frame; appends decisions to `out`.
    pub fn frame(&mut self, bytes: &[u8], receipt: Receipt, probe: &mut impl Probe, out: &mut Vec<Decision>) {
        self.frame_from(Origin::Endpoint(0), bytes, receipt, probe, out);
    }

    /// Takes one frame that comes from there; appends decisions to `out`.
    pub fn frame_from(
        &mut self,
        origin: Origin,
        bytes: &[u8],
        receipt: Receipt,
        probe: &mut impl Probe,
        out: &mut Vec<Decision>,
    ) {
        let Self { intake, merge, signal, merged } = self;
        intake.frame_from(origin, bytes, receipt, |stamp, element| {
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
            // The views must be let go of before their next frame, or they would be copied for it.
            merged.clear();
        });
    }

    /// Lets time pass up to `at_ns`: deadlines fire; appends decisions to `out`.
    pub fn tick(&mut self, at_ns: i64, out: &mut Vec<Decision>) {
        let stamp = self.intake.tick(at_ns);
        self.merge.wake(stamp.now_ns, &mut self.merged);
        self.signal.handle(&self.merged, stamp, out);
        self.merged.clear();
    }

    /// Takes a command at `at_ns`; appends decisions to `out`.
    pub fn command(&mut self, command: &Command, at_ns: i64, out: &mut Vec<Decision>) {
        let stamp = self.intake.tick(at_ns);
        self.merge.command(command, stamp.now_ns, &mut self.merged);
        self.signal.command(command, &self.merged, stamp, out);
        self.merged.clear();
    }

    /// The input has ended: every deadline fires, however far off.
    pub fn finish(&mut self, out: &mut Vec<Decision>) {
        self.tick(i64::MAX, out);
    }

    /// The next deadline of a rule, Unix ns.
    pub fn deadline(&self) -> Option<i64> {
        self.signal.deadline()
    }
}
