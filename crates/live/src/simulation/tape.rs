//! What the tap notes, replayed: each tape decides what was decided while it was written.

use crossbeam_channel::Receiver;
use std::sync::Arc;

use stoop_engine::{Input, Pipeline, Receipt, State};
use stoop_model::Decision;
use stoop_tape::{Digest, StateReader, event_type, read_event, state_events};

use super::check::assert_same;
use super::path::rules;
use super::scenario::{START_NS, Scenario};
use crate::recording::Entry;

/// A state as it comes back from where it was written.
pub(super) fn written_and_read(state: &State) -> State {
    let mut reader = StateReader::default();
    for event in state_events(state) {
        reader.event(&event).expect("what was written can be read");
    }
    reader.finish().expect("all of it was written")
}

/// One tape being replayed.
struct Replay {
    pipeline: Pipeline,
    decided: Vec<Decision>,
    /// The `seq` of its first decision.
    first_seq: usize,
    /// Time has passed up to its end.
    is_closed: bool,
    /// It begins where another one ended.
    has_state: bool,
}

impl Replay {
    fn new(scenario: &Scenario, state: &State) -> Self {
        let mut pipeline = Pipeline::new(rules(), scenario.bounds, START_NS);
        pipeline.handle(&Input::restored(Arc::new(written_and_read(state))), &mut Vec::new());
        let first_seq = state.head.decisions as usize;
        let has_state = state.head.inputs > 0;
        Self { pipeline, decided: Vec::new(), first_seq, is_closed: false, has_state }
    }

    fn close(&mut self, at_ns: i64) {
        self.pipeline.handle(&Input::tick(at_ns), &mut self.decided);
        self.is_closed = true;
    }

    fn event(&mut self, at_ns: i64, json: &[u8]) {
        if let Some(input) = read_event(json, at_ns).expect("what was written can be read") {
            self.pipeline.handle(&input, &mut self.decided);
        } else if event_type(json).as_deref() == Some("clock") {
            self.close(at_ns);
        }
    }
}

/// Replays what a process has noted; returns how many tapes there were. A process that crashed may have decided less
/// than its last tape does. If copies `may_begin_anew`, tapes that begin with a state are not compared: the memory of
/// copies is not part of a state, so a copy of a tweet that merge has forgotten opens again in the replay.
pub(super) fn check(
    scenario: &Scenario,
    noted: &Receiver<Entry>,
    process: &[Decision],
    base: usize,
    may_begin_anew: bool,
    crashed_ns: Option<i64>,
) -> u64 {
    let mut tape: Option<Replay> = None;
    let mut recorded = Vec::new();
    let mut tapes = 0;
    for entry in noted.try_iter() {
        match entry {
            Entry::Frame { origin, recv_ns, bytes } => {
                let tape = tape.as_mut().expect("a tape begins with a state");
                let input = Input::Frame { origin, bytes, receipt: Receipt::At(recv_ns) };
                tape.pipeline.handle(&input, &mut tape.decided);
            }
            Entry::Event { at_ns, json } => {
                tape.as_mut().expect("a tape begins with a state").event(at_ns, &json);
            }
            Entry::Decision(decision) => recorded.push(decision),
            Entry::Cut { at_ns, state } => {
                if let Some(tape) = &mut tape {
                    tape.close(at_ns);
                }
                // The stages had not come to it when the process broke off.
                let Ok(save) = state.try_recv() else { break };
                if let Some(tape) = tape.as_ref().filter(|tape| !(tape.has_state && may_begin_anew)) {
                    compare(tape, process, base, Some(save.state.head.decisions as usize));
                }
                tapes += 1;
                tape = Some(Replay::new(scenario, &save.state));
            }
        }
    }
    if let Some(mut tape) = tape.filter(|tape| !(tape.has_state && may_begin_anew)) {
        assert!(tape.is_closed || crashed_ns.is_some(), "the last tape has no end");
        if let Some(crashed_ns) = crashed_ns {
            // Deadlines that fired since the last input are on no tape.
            tape.pipeline.handle(&Input::tick(crashed_ns), &mut tape.decided);
        }
        compare(&tape, process, base, None);
    }
    assert_same(&recorded, &process[..recorded.len()]);
    tapes
}

/// A tape decides what was decided from its first decision on, up to that of the next one.
fn compare(tape: &Replay, process: &[Decision], base: usize, next_seq: Option<usize>) {
    let end = next_seq.map_or(process.len(), |seq| seq - base);
    let expect = &process[tape.first_seq - base..end];
    if next_seq.is_some() || tape.is_closed {
        assert_same(&tape.decided, expect);
        assert_eq!(digest(&tape.decided), digest(expect));
    } else {
        assert!(tape.decided.len() >= expect.len(), "the tape decides less than was decided");
        assert_same(&tape.decided[..expect.len()], expect);
    }
}

fn digest(decisions: &[Decision]) -> String {
    let mut digest = Digest::default();
    for decision in decisions {
        digest.add(&decision.body);
    }
    digest.to_string()
}
