//! `stoop tape verify`: whether a tape is what was written.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stoop::tape::{Record, StateReader, Tape, TapeConfig, TapesError, event_type, tape_files};

use super::reel::{Draft, failure};
use crate::failure::{Code, Failure, Outcome};
use crate::output::{Lines, note};

pub(super) fn verify(files: &[PathBuf]) -> Outcome {
    let mut out = Lines::stdout();
    let mut is_good = true;
    for file in tape_files(files).map_err(failure)? {
        let (line, is_whole) = match look(&file, None)? {
            Found { fault: Some(fault), records, .. } => {
                (format!("damaged {}: {fault}; {records} records before", file.display()), false)
            }
            Found { is_sealed: true, records, .. } => {
                (format!("ok      {}: sealed, {records} records", file.display()), true)
            }
            Found { is_sealed: false, records, .. } => {
                (format!("ok      {}: not sealed, {records} records", file.display()), true)
            }
        };
        is_good &= is_whole;
        if out.show(&[line])?.is_break() {
            break;
        }
    }
    Ok(if is_good { ExitCode::SUCCESS } else { Code::Failed.into() })
}

/// Writes what is whole to a new tape.
pub(super) fn seal(files: &[PathBuf], output: &Path) -> Outcome {
    let files = tape_files(files).map_err(failure)?;
    let [file] = &files[..] else {
        return Err(Failure::text(Code::Usage, "--seal works on one tape; `stoop tape merge` on several"));
    };
    let mut draft = Draft::create(output)?;
    let found = look(file, Some(&mut draft))?;
    let records = draft.finish()?;
    if let Some(fault) = &found.fault {
        note(format_args!("stoop: {}: {fault}", file.display()));
    }
    note(format_args!("{records} records written to {}", output.display()));
    // What could be saved was saved: that the rest is lost is told, and no failure of this command.
    Ok(ExitCode::SUCCESS)
}

struct Found {
    fault: Option<String>,
    is_sealed: bool,
    records: u64,
}

/// Reads a tape to its end.
fn look(file: &Path, mut copy: Option<&mut Draft>) -> Result<Found, Failure> {
    let failed = |error| failure(TapesError::Tape(error));
    let mut tape = Tape::open(file).map_err(failed)?;
    let mut fault: Option<String> = None;
    let mut state = StateReader::default();
    let mut last_ns = i64::MIN;
    while let Some(record) = tape.read().map_err(failed)? {
        if record.at_ns() < last_ns {
            fault.get_or_insert_with(|| format!("time runs backwards at {} ns", record.at_ns()));
        }
        last_ns = record.at_ns();
        if let Some(what) = wrong(&record, &mut state) {
            fault.get_or_insert(what);
        }
        if let Some(draft) = &mut copy {
            draft.write(|writer| writer.copy(&record))?;
        }
    }
    fault = fault.or_else(|| half(&state));
    let end = tape.end();
    let damage = end.damage.as_ref().map(|damage| format!("at byte {}: {}", damage.offset, damage.what));
    Ok(Found { fault: damage.or(fault), is_sealed: end.is_sealed, records: end.records })
}

/// What is wrong with a record that stands where it should.
fn wrong(record: &Record<'_>, state: &mut StateReader) -> Option<String> {
    let (at_ns, json) = match *record {
        Record::Event { at_ns, json } => (at_ns, json),
        Record::Frame { .. } => return half(state),
        Record::Decision { .. } | Record::Unknown { .. } => return None,
    };
    match event_type(json).as_deref() {
        Some("state") => state.event(json).err().map(|error| format!("state at {at_ns} ns: {error}")),
        Some("config") => match TapeConfig::from_event(json) {
            Ok(config) if config.universe.as_ref().is_some_and(|universe| !universe.is_whole()) => {
                Some(format!("configuration at {at_ns} ns: the text of the universe does not have its hash"))
            }
            Ok(_) => None,
            Err(error) => Some(format!("configuration at {at_ns} ns: {error}")),
        },
        Some(_) => None,
        None => Some(format!("an event at {at_ns} ns has no type")),
    }
}

fn half(state: &StateReader) -> Option<String> {
    let is_half = state.announced().is_some() && !state.is_complete();
    is_half.then(|| "a state is incomplete".to_owned())
}
