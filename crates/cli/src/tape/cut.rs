//! `stoop tape cut` and `merge`: tapes of tapes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stoop::replay::Digest;
use stoop::tape::{FollowError, Follower, Record, TapesRead, expected_event, state_events};

use super::args::SpanArgs;
use super::reel::{Draft, Reel};
use crate::failure::{Code, Failure, Outcome};
use crate::output::note;

/// How long after the end of the span a decision of it may stand on the tape: it is written when it is made, not when
/// it was due.
const LATE_NS: i64 = 10_000_000_000;

pub(super) fn merge(files: &[PathBuf], output: &Path) -> Outcome {
    let mut reel = Reel::open(files)?;
    let mut draft = Draft::create(output)?;
    while let Some(read) = reel.read()? {
        if let TapesRead::Record(record) = read {
            draft.write(|writer| writer.copy(&record))?;
        }
    }
    let records = draft.finish()?;
    note(format_args!("{records} records written to {}", output.display()));
    Ok(reel.code())
}

pub(super) fn cut(files: &[PathBuf], span: SpanArgs, is_bundle: bool, output: &Path) -> Outcome {
    if span.from_ns.zip(span.to_ns).is_some_and(|(from_ns, to_ns)| from_ns >= to_ns) {
        return Err(Failure::text(Code::Usage, "--from must be before --to"));
    }
    let mut reel = Reel::open(files)?;
    let mut cut = Cut {
        span,
        expected: is_bundle.then(Digest::default),
        follower: None,
        has_begun: false,
        is_over: false,
        begin_seq: None,
        last_ns: 0,
        inputs: 0,
    };
    let mut draft = Draft::create(output)?;
    while let Some(read) = reel.read()? {
        let TapesRead::Record(record) = read else { continue };
        if span.to_ns.is_some_and(|to_ns| record.at_ns() >= to_ns.saturating_add(LATE_NS)) {
            cut.is_over = true;
            break;
        }
        cut.take(&record, &mut draft)?;
    }
    if !cut.has_begun {
        return Err(Failure::text(Code::Failed, "there is nothing on the tape in this span"));
    }
    cut.end(&mut draft)?;
    let inputs = cut.inputs;
    let records = draft.finish()?;
    note(format_args!("{records} records, {inputs} frames among them, written to {}", output.display()));
    if let Some(digest) = &cut.expected {
        let (output, count) = (output.display(), digest.count());
        note(format_args!("{count} decisions, digest {digest}; run it again with: stoop parity {output}"));
    }
    Ok(reel.code())
}

struct Cut {
    span: SpanArgs,
    /// Over what the engine decides in the span, if that is asked for.
    expected: Option<Digest>,
    /// The engine up to the span, and in it if its decisions are asked for; none if the tape begins in it.
    follower: Option<Follower>,
    has_begun: bool,
    /// There is something on the tape behind the span.
    is_over: bool,
    /// Of the first decision of the span.
    begin_seq: Option<u64>,
    /// Of the last record that was written.
    last_ns: i64,
    inputs: u64,
}

impl Cut {
    fn take(&mut self, record: &Record<'_>, draft: &mut Draft) -> Result<(), Failure> {
        let at_ns = record.at_ns();
        if self.span.from_ns.is_some_and(|from_ns| at_ns < from_ns) {
            let follower = self.follower.get_or_insert_default();
            return follower.follow(record).map_err(follow_failure);
        }
        self.is_over |= self.span.is_over(at_ns);
        // When it was due says which span a decision belongs to; its place on the tape may be later.
        let is_wanted = match *record {
            Record::Decision { line, .. } => self.has_decision(line),
            Record::Frame { .. } | Record::Event { .. } | Record::Unknown { .. } => !self.span.is_over(at_ns),
        };
        if !is_wanted {
            return Ok(());
        }
        if self.expected.is_some() && !matches!(record, Record::Decision { .. }) && self.has_begun {
            self.follow(record)?;
        }
        if !self.has_begun {
            self.begin(draft)?;
            if self.expected.is_some() {
                self.follow(record)?;
            }
            // What the state says of decisions is known only now.
            if let Record::Decision { line, .. } = *record
                && !self.has_decision(line)
            {
                return Ok(());
            }
        }
        self.inputs += u64::from(matches!(record, Record::Frame { .. }));
        if let Record::Decision { line, .. } = *record {
            let at_ns = self.span.to_ns.map_or(at_ns, |to_ns| at_ns.min(to_ns.saturating_sub(1)));
            return draft.write(|writer| writer.decision(at_ns, line));
        }
        self.last_ns = self.last_ns.max(at_ns);
        draft.write(|writer| writer.copy(record))
    }

    /// The decision was made in the span.
    fn has_decision(&self, line: &[u8]) -> bool {
        let line = serde_json::from_slice::<Value>(line).unwrap_or_default();
        let number = |member: &str| line.get(member).and_then(Value::as_i64);
        let is_early =
            number("seq").zip(self.begin_seq).is_some_and(|(seq, begin)| seq < begin.cast_signed());
        !is_early && number("decided_ns").is_none_or(|decided_ns| !self.span.is_over(decided_ns))
    }

    /// Writes the head: the configuration, and what the engine remembered when the span began.
    fn begin(&mut self, draft: &mut Draft) -> Result<(), Failure> {
        self.has_begun = true;
        let (Some(from_ns), Some(follower)) = (self.span.from_ns, &mut self.follower) else {
            return Ok(());
        };
        // Deadlines before the span have fired before it.
        follower.tick(from_ns.saturating_sub(1)).map_err(follow_failure)?;
        let state = follower.state(from_ns).map_err(follow_failure)?;
        self.begin_seq = Some(state.head.decisions);
        let config = follower.config().ok_or(FollowError::NoConfig).map_err(follow_failure)?;
        let config = config.to_event();
        draft.write(|writer| {
            writer.event(from_ns, &config)?;
            state_events(&state).try_for_each(|event| writer.event(from_ns, &event))
        })
    }

    /// Says at the end what it is, and when the span was over: until then deadlines fire in a replay.
    fn end(&mut self, draft: &mut Draft) -> Result<(), Failure> {
        let end_ns = self.span.to_ns.filter(|_| self.is_over).map(|to_ns| to_ns.saturating_sub(1));
        let end_ns = end_ns.unwrap_or(self.last_ns);
        let event =
            json!({"type": "cut", "from_ns": self.span.from_ns, "to_ns": self.span.to_ns}).to_string();
        draft.write(|writer| writer.event(end_ns, event.as_bytes()))?;
        if let (Some(digest), Some(follower)) = (&mut self.expected, &mut self.follower) {
            follower.tick(end_ns).map_err(follow_failure)?;
            follower.decisions().iter().for_each(|decision| digest.add(&decision.body));
            let event = expected_event(digest);
            draft.write(|writer| writer.event(end_ns, &event))?;
        }
        Ok(())
    }

    /// Leads the engine on by a record of the span.
    fn follow(&mut self, record: &Record<'_>) -> Result<(), Failure> {
        let Some(digest) = &mut self.expected else { return Ok(()) };
        let follower = self.follower.get_or_insert_default();
        follower.follow(record).map_err(follow_failure)?;
        follower.decisions().iter().for_each(|decision| digest.add(&decision.body));
        Ok(())
    }
}

fn follow_failure(error: FollowError) -> Failure {
    let code = match &error {
        FollowError::Config(_) | FollowError::Rules(_) => Code::Config,
        FollowError::ConfigEvent(_)
        | FollowError::Command(_)
        | FollowError::NoConfig
        | FollowError::State(_)
        | FollowError::HalfState
        | FollowError::Unknown(_) => Code::Failed,
    };
    Failure::new(code, error)
}
