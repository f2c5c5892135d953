//! Tapes through the engine: a replay of what was recorded, and whether it decides what was decided.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use stoop_engine::Missed;
use stoop_live::{Clock, Summary, TapeVerdict};
use stoop_model::Decision;
use stoop_tape::{
    Damage, Digest, Record, Tape, TapeError, Tapes, TapesError, TapesRead, event_type, is_same_decision,
    write_decision,
};

use super::{FollowError, Follower};

/// How to replay tapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct TapeReplayOptions {
    /// Multiple of real time; none: as fast as can be.
    pub speed: Option<f64>,
    /// Stop after this many frames.
    pub max_frames: Option<u64>,
    /// What is from before this time, Unix ns, is decided and not handed out.
    pub from_ns: Option<i64>,
    /// Stop at the first record from this time on, Unix ns.
    pub to_ns: Option<i64>,
}

/// What a replay of tapes tells, in the order in which it comes about.
#[derive(Clone, Copy, Debug)]
pub enum TapeStep<'a> {
    /// It has decided.
    Decided(&'a Decision),
    /// It would have decided, had the post not come late: history brought it.
    Missed(&'a Missed),
    /// The run that wrote the tape has decided: its line, with its latency. What the replay decides may be another
    /// thing.
    Recorded(&'a [u8]),
}

/// What a replay of tapes came to.
#[derive(Debug, Default)]
pub struct TapeReplay {
    /// Counters and digest; the digest is over what was handed out.
    pub summary: Summary,
    /// Files, in order, that end early, and where.
    pub damaged: Vec<(PathBuf, Damage)>,
    /// Inputs and decisions that the recorder had no room for.
    pub dropped: u64,
}

/// Why tapes could not be replayed to their end.
#[derive(Debug, thiserror::Error)]
pub enum TapeReplayError {
    /// They cannot be read as one input.
    #[error(transparent)]
    Tapes(#[from] TapesError),
    /// An input on one cannot be given to the engine.
    #[error("{}: {source}", path.display())]
    Follow {
        /// The tape.
        path: PathBuf,
        /// What is wrong.
        source: FollowError,
    },
}

/// Replays tapes through a follower; `each` takes every step in order and may end the replay.
///
/// A file that ends without saying until when time has passed ends with its last record.
pub fn replay_tapes(
    mut tapes: Tapes,
    follower: &mut Follower,
    options: TapeReplayOptions,
    mut each: impl FnMut(TapeStep<'_>) -> ControlFlow<()>,
) -> Result<TapeReplay, TapeReplayError> {
    let mut replay = TapeReplay::default();
    let mut pace = Pace { speed: options.speed, clock: Clock::anchored(), start_ns: None };
    let (mut path, mut last_ns, mut frames) = (PathBuf::new(), i64::MIN, 0);
    let is_asked_for = |at_ns: i64| options.from_ns.is_none_or(|from_ns| at_ns >= from_ns);
    let mut hand_out = |recorded: Option<&[u8]>, follower: &mut Follower, summary: &mut Summary| {
        if let Some(line) = recorded {
            each(TapeStep::Recorded(line))?;
        }
        for decision in follower.decisions() {
            if is_asked_for(decision.decided_ns) {
                summary.digest.add(&decision.body);
                each(TapeStep::Decided(decision))?;
            }
        }
        for missed in follower.take_missed() {
            if is_asked_for(missed.decided_ns) {
                each(TapeStep::Missed(&missed))?;
            }
        }
        ControlFlow::Continue(())
    };
    while let Some(read) = tapes.read()? {
        let mut recorded = None;
        match read {
            TapesRead::Begin(file) => file.clone_into(&mut path),
            TapesRead::Record(record) => {
                let is_frame = matches!(record, Record::Frame { .. });
                if options.to_ns.is_some_and(|to_ns| record.at_ns() >= to_ns)
                    || is_frame && options.max_frames.is_some_and(|limit| frames >= limit)
                {
                    break;
                }
                frames += u64::from(is_frame);
                last_ns = record.at_ns();
                if is_frame {
                    pace.wait(last_ns);
                }
                replay.dropped += dropped(&record);
                if let Record::Decision { line, .. } = record {
                    recorded = Some(line).filter(|_| is_asked_for(last_ns));
                }
                let follow = |source| TapeReplayError::Follow { path: path.clone(), source };
                follower.follow(&record).map_err(follow)?;
            }
            TapesRead::End(file, end) => {
                replay.damaged.extend(end.damage.clone().map(|damage| (file.to_owned(), damage)));
                if follower.has_begun() {
                    match follower.tick(last_ns) {
                        // It ends within its head: there is nothing to replay.
                        Ok(()) | Err(FollowError::HalfState) => {}
                        Err(source) => return Err(TapeReplayError::Follow { path: path.clone(), source }),
                    }
                }
            }
        }
        if hand_out(recorded, follower, &mut replay.summary).is_break() {
            break;
        }
    }
    replay.summary.counters = follower.counters();
    replay.summary.counters.decisions = replay.summary.digest.count();
    Ok(replay)
}

/// Waits for frames to be due.
struct Pace {
    speed: Option<f64>,
    clock: Clock,
    start_ns: Option<i64>,
}

impl Pace {
    fn wait(&mut self, at_ns: i64) {
        let Some(speed) = self.speed else { return };
        let passed_ns = (at_ns - *self.start_ns.get_or_insert(at_ns)) as f64;
        self.clock.wait_until(self.clock.anchor_ns().saturating_add((passed_ns / speed) as i64));
    }
}

/// What a record says the recorder had no room for.
fn dropped(record: &Record<'_>) -> u64 {
    let Record::Event { json, .. } = record else { return 0 };
    if event_type(json).as_deref() != Some("dropped") {
        return 0;
    }
    let parsed: Option<Value> = serde_json::from_slice(json).ok();
    parsed.and_then(|event| event["count"].as_u64()).unwrap_or(1)
}

/// What must be decided on a tape, as an event at its end: the digest, and how many decisions there are.
pub fn expected_event(digest: &Digest) -> Vec<u8> {
    let event = json!({"type": "expected", "digest": digest.to_string(), "decisions": digest.count()});
    event.to_string().into_bytes()
}

/// The digest that a record says must come of the tape.
fn expected(record: &Record<'_>) -> Option<String> {
    let Record::Event { json, .. } = record else { return None };
    if event_type(json).as_deref() != Some("expected") {
        return None;
    }
    let parsed: Value = serde_json::from_slice(json).ok()?;
    parsed["digest"].as_str().map(str::to_owned)
}

/// Whether a tape's inputs lead to the tape's decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parity {
    /// They do.
    Same {
        /// So many.
        decisions: u64,
        /// What was decided behind the last of them and is not on the tape, because it was never ended in order.
        beyond: u64,
    },
    /// They lead to others.
    Differs(Box<Difference>),
    /// It cannot be said.
    Incomplete {
        /// Why.
        why: String,
        /// Decisions that were compared before, and are the same.
        decisions: u64,
    },
}

/// The first decision that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Decisions before it, which are the same.
    pub decisions: u64,
    /// The line on the tape; none: there is none.
    pub tape: Option<String>,
    /// The line of the replay; none: there is none.
    pub replay: Option<String>,
    /// The input that led to the latter, as text; of the former none is known.
    pub input: Option<String>,
}

/// Replays one tape against its own decisions.
///
/// Latencies are left out of account, and so are members that the tape's own lines lack because an older version wrote
/// them. Decisions of strategies cannot be made again: strategies are not on a tape.
pub fn parity(path: &Path) -> Result<Parity, TapeReplayError> {
    parity_until(path, &AtomicBool::new(false))
}

/// The check of a run that records: parity in words.
pub(crate) fn check(path: &Path, stop: &AtomicBool) -> TapeVerdict {
    match parity_until(path, stop) {
        Ok(Parity::Same { .. }) => TapeVerdict::Same,
        Ok(Parity::Incomplete { why, .. }) => TapeVerdict::Incomplete(why),
        Ok(Parity::Differs(difference)) => {
            let Difference { decisions, tape, replay, .. } = *difference;
            let shown = |line: Option<String>| line.unwrap_or_else(|| "none".to_owned());
            let (tape, replay) = (shown(tape), shown(replay));
            TapeVerdict::Differs(format!("after {decisions} decisions: tape {tape}, replay {replay}"))
        }
        Err(error) => TapeVerdict::Incomplete(error.to_string()),
    }
}

fn parity_until(path: &Path, stop: &AtomicBool) -> Result<Parity, TapeReplayError> {
    let fail = |error: TapeError| TapeReplayError::Tapes(TapesError::from(error));
    let follow = |source| TapeReplayError::Follow { path: path.to_owned(), source };
    let mut tape = Tape::open(path).map_err(fail)?;
    let mut follower = Follower::default();
    let mut check = Check::default();
    let (mut dropped_count, mut last_ns) = (0, i64::MIN);
    while let Some(record) = tape.read().map_err(fail)? {
        if stop.load(Ordering::Acquire) {
            return Ok(Parity::Incomplete { why: "the run has ended".to_owned(), decisions: check.same });
        }
        last_ns = record.at_ns();
        check.digest_expected = expected(&record).or(check.digest_expected);
        dropped_count += dropped(&record);
        if let Record::Decision { line, .. } = record {
            check.found.push_back(without_latency(&String::from_utf8_lossy(line)));
        } else {
            match follower.follow(&record) {
                Ok(()) => check.expect(&follower, || shown(&record)),
                Err(FollowError::HalfState) => return Ok(half_state(check.same)),
                Err(error) => return Err(follow(error)),
            }
        }
        if let Some(difference) = check.compare(dropped_count == 0) {
            return Ok(Parity::Differs(Box::new(difference)));
        }
    }
    if follower.has_begun() {
        match follower.tick(last_ns) {
            Ok(()) => check.expect(&follower, || "the end of the tape".to_owned()),
            Err(FollowError::HalfState) => return Ok(half_state(check.same)),
            Err(error) => return Err(follow(error)),
        }
    }
    let end = tape.end().clone();
    let is_whole = end.is_sealed && end.damage.is_none();
    Ok(check.finish(dropped_count, is_whole, end.damage))
}

fn half_state(decisions: u64) -> Parity {
    Parity::Incomplete { why: "it ends before the whole state of the engine".to_owned(), decisions }
}

/// Decisions of both sides that are not compared yet.
#[derive(Default)]
struct Check {
    /// Of the replay, each with the input that led to it.
    expected: VecDeque<(String, String)>,
    /// Of the tape.
    found: VecDeque<String>,
    /// Over all that the replay has decided.
    digest: Digest,
    /// Over the tape's own lines that are the same.
    digest_told: Digest,
    /// What that must be, if the tape says so.
    digest_expected: Option<String>,
    same: u64,
}

impl Check {
    fn expect(&mut self, follower: &Follower, input: impl Fn() -> String) {
        for decision in follower.decisions() {
            self.digest.add(&decision.body);
            let mut line = Vec::new();
            write_decision(decision, &mut line);
            let line = without_latency(&String::from_utf8_lossy(&line));
            self.expected.push_back((line, input()));
        }
    }

    /// The first that differs. Once something was dropped, what follows is not comparable.
    fn compare(&mut self, is_comparable: bool) -> Option<Difference> {
        while is_comparable
            && let (Some((replay, input)), Some(tape)) = (self.expected.front(), self.found.front())
        {
            if !is_same_decision(tape, replay) {
                return Some(Difference {
                    decisions: self.same,
                    tape: Some(tape.clone()),
                    replay: Some(replay.clone()),
                    input: Some(input.clone()),
                });
            }
            self.same += 1;
            self.digest_told.add_line(tape.as_bytes());
            self.expected.pop_front();
            self.found.pop_front();
        }
        None
    }

    fn finish(mut self, dropped: u64, is_whole: bool, damage: Option<Damage>) -> Parity {
        let decisions = self.same;
        if dropped > 0 {
            let why = format!("the recorder had no room for {dropped} inputs or decisions");
            return Parity::Incomplete { why, decisions };
        }
        if let Some(damage) = damage {
            let Damage { offset, what } = damage;
            return Parity::Incomplete { why: format!("it is damaged at byte {offset}: {what}"), decisions };
        }
        if let Some(tape) = self.found.pop_front() {
            let difference = Difference { decisions, tape: Some(tape), replay: None, input: None };
            return Parity::Differs(Box::new(difference));
        }
        if is_whole && let Some((replay, input)) = self.expected.pop_front() {
            let difference = Difference { decisions, tape: None, replay: Some(replay), input: Some(input) };
            return Parity::Differs(Box::new(difference));
        }
        // A version that wrote other members has other bytes for the same decisions.
        let digests = [self.digest.to_string(), self.digest_told.to_string()];
        if let Some(expected) = self.digest_expected.filter(|expected| !digests.contains(expected)) {
            let difference = Difference {
                decisions,
                tape: Some(format!("digest {expected}")),
                replay: Some(format!("digest {}", digests[0])),
                input: None,
            };
            return Parity::Differs(Box::new(difference));
        }
        Parity::Same { decisions, beyond: self.expected.len() as u64 }
    }
}

/// A line but for its last member.
fn without_latency(line: &str) -> String {
    let body = line.rsplit_once(r#","latency_ns":"#).map_or(line, |(body, _)| body);
    format!("{body}}}")
}

/// An input as text.
fn shown(record: &Record<'_>) -> String {
    format!("{} at {}: {}", record.topic(), record.at_ns(), String::from_utf8_lossy(record.bytes()))
}
