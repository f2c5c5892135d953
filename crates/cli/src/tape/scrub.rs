//! `stoop tape scrub`: a tape without what must not be passed on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;
use stoop::model::{Bad, Event, Op};
use stoop::stages::State;
use stoop::tape::{Record, StateReader, TapesRead, event_type, state_events};
use stoop::wire::Decoder;

use super::args::ScrubField;
use super::reel::{Draft, Reel};
use super::rewrite::Rewriter;
use super::select::decoder;
use crate::failure::{Code, Failure, Outcome};
use crate::output::note;

/// Events that hold nothing of posts.
const HARMLESS: [&str; 9] =
    ["config", "opened", "closed", "gap", "backfill", "clock", "generation", "dropped", "cut"];

/// What is asked for.
pub(super) struct Scrubbing<'a> {
    pub(super) fields: &'a [ScrubField],
    pub(super) deleted: bool,
    pub(super) salt: &'a str,
}

pub(super) fn scrub(file: &Path, output: &Path, asked: &Scrubbing<'_>) -> Outcome {
    let files = [file.to_owned()];
    if file.as_os_str() == "-" && asked.deleted {
        return Err(Failure::text(Code::Usage, "--deleted reads the tape twice, which - does not allow"));
    }
    let gone = if asked.deleted { deleted(&files)? } else { BTreeSet::new() };
    let mut reel = Reel::open(&files)?;
    let mut draft = Draft::create(output)?;
    let rewriter = Rewriter { fields: asked.fields, salt: asked.salt, gone: &gone };
    let mut scrubber = Scrubber { rewriter, decoder: decoder(), counts: Counts::default() };
    while let Some(read) = reel.read()? {
        if let TapesRead::Record(record) = read {
            scrubber.take(&record, &mut draft)?;
        }
    }
    let records = draft.finish()?;
    let Counts { deleted, undecodable, states, other } = scrubber.counts;
    note(format_args!("{records} records written to {}", output.display()));
    note(format_args!(
        "left out: {deleted} frames and decisions of deleted tweets, {undecodable} frames that cannot be decoded, \
         {states} parts of states, {other} other records"
    ));
    note(format_args!("the configuration is kept as it is: look through its rules before you pass it on"));
    Ok(reel.code())
}

/// Tweets whose deletion is on the tape.
fn deleted(files: &[PathBuf]) -> Result<BTreeSet<String>, Failure> {
    let mut gone = BTreeSet::new();
    let mut decoder = decoder();
    let mut reel = Reel::open(files)?;
    while let Some(read) = reel.read()? {
        let TapesRead::Record(Record::Frame { bytes, .. }) = read else { continue };
        decoder.decode(bytes, |element: Result<&mut Event, Bad>| {
            if let Ok(event) = element
                && event.op == Op::Delete
            {
                gone.insert(event.tweet_id.to_string());
            }
        });
    }
    Ok(gone)
}

#[derive(Default)]
struct Counts {
    deleted: u64,
    undecodable: u64,
    states: u64,
    other: u64,
}

struct Scrubber<'a> {
    rewriter: Rewriter<'a>,
    decoder: Decoder,
    counts: Counts,
}

impl Scrubber<'_> {
    fn take(&mut self, record: &Record<'_>, draft: &mut Draft) -> Result<(), Failure> {
        match *record {
            Record::Frame { origin, recv_ns, sent_ns, bytes } => match self.frame(bytes) {
                Some(frame) => {
                    draft.write(|writer| writer.frame(origin, recv_ns, Some(sent_ns), frame.as_bytes()))
                }
                None => Ok(()),
            },
            Record::Event { at_ns, json } => self.event(at_ns, json, draft),
            Record::Decision { at_ns, line } => match self.decision(line) {
                Some(line) => draft.write(|writer| writer.decision(at_ns, line.as_bytes())),
                None => Ok(()),
            },
            Record::Unknown { .. } => {
                self.counts.other += 1;
                Ok(())
            }
        }
    }

    /// What is left of a frame.
    fn frame(&mut self, bytes: &[u8]) -> Option<String> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.counts.undecodable += 1;
            return None;
        };
        let Ok(batch) = serde_json::from_str::<Vec<&RawValue>>(text) else { return self.element(text) };
        let left: Vec<String> = batch.iter().filter_map(|element| self.element(element.get())).collect();
        (!left.is_empty()).then(|| format!("[{}]", left.join(",")))
    }

    fn element(&mut self, text: &str) -> Option<String> {
        let (mut is_bad, mut is_gone) = (false, false);
        let gone = self.rewriter.gone;
        self.decoder.decode(text.as_bytes(), |element: Result<&mut Event, Bad>| match element {
            Ok(event) => is_gone |= event.op.is_tweet() && gone.contains(&event.tweet_id.to_string()),
            Err(_) => is_bad = true,
        });
        let left = if is_bad { None } else { self.rewriter.frame(text) };
        self.counts.deleted += u64::from(is_gone);
        self.counts.undecodable += u64::from(left.is_none());
        left.filter(|_| !is_gone)
    }

    fn decision(&mut self, line: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(line).ok();
        let tweet = serde_json::from_slice::<Value>(line).unwrap_or_default();
        let tweet = tweet.get("tweet_id").and_then(Value::as_str);
        if tweet.is_some_and(|tweet| self.rewriter.gone.contains(tweet)) {
            self.counts.deleted += 1;
            return None;
        }
        let left = text.and_then(|text| self.rewriter.decision(text));
        self.counts.other += u64::from(left.is_none());
        left
    }

    fn event(&mut self, at_ns: i64, json: &[u8], draft: &mut Draft) -> Result<(), Failure> {
        match event_type(json).as_deref() {
            Some("state") => {
                let mut reader = StateReader::default();
                // Of its parts the head alone can be read by itself.
                if reader.event(json).is_err() {
                    self.counts.states += 1;
                    return Ok(());
                }
                let state = State { head: reader.head().clone(), ..State::default() };
                draft.write(|writer| state_events(&state).try_for_each(|event| writer.event(at_ns, &event)))
            }
            Some(kind) if HARMLESS.contains(&kind) => draft.write(|writer| writer.event(at_ns, json)),
            Some(_) | None => {
                self.counts.other += 1;
                Ok(())
            }
        }
    }
}
