//! `stoop history`: what was posted before, as frames that `stoop replay` reads.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use stoop::Config;
use stoop::latency::Clock;
use stoop::rest::{Client, History, HistoryEnd, HistorySpan, RestError, Timeouts};
use stoop::tape::LineWriter;
use stoop::wire::{HistoryRow, MessageType, format_ms};

use crate::args::{HistoryArgs, HistoryType};
use crate::failure::{Code, Failure, Outcome};
use crate::output::{OUTPUT, Progress, create_new, exists, note};
use crate::{key, rest};

/// Errors of rows that are shown.
const SHOWN_ERRORS: usize = 10;

pub(crate) fn history(args: &HistoryArgs) -> Outcome {
    let path = &args.output;
    // Before anything is asked for.
    if !is_stdout(path) && path.exists() {
        return Err(exists(path, OUTPUT));
    }
    let now_ms = Clock::anchored().now_ns() / 1_000_000;
    let (from_ms, to_ms) = (args.from.at_ms(now_ms), args.to.at_ms(now_ms));
    if from_ms >= to_ms {
        return Err(Failure::text(Code::Usage, "--from must be before --to"));
    }
    let config = rest::load(&args.config)?;
    let client = client(&config)?;
    let handles = args.handles.iter().map(|handle| handle.trim().trim_start_matches('@').to_lowercase());
    let handles: Vec<String> = handles.filter(|handle| !handle.is_empty()).collect();
    let mut rows = Vec::new();
    let mut is_whole = true;
    let progress = Progress::new();
    for message_type in types(args.message_type) {
        let span = HistorySpan {
            handles: handles.clone(),
            message_type,
            most_rows: args.limit,
            limits: config.bounds.limits,
            ..HistorySpan::between(from_ms, to_ms)
        };
        let history = client.history_between(&span, |history| {
            let back = history.oldest_ms.and_then(format_ms).unwrap_or_default();
            let (rows, pages) = (history.rows.len(), history.pages);
            progress
                .show(format_args!("{}: {rows} rows, {pages} pages, back to {back}", message_type.as_str()));
            ControlFlow::Continue(())
        });
        let history = history.map_err(failure)?;
        is_whole &= tell(message_type, &history);
        rows.extend(history.rows);
    }
    rows.sort_by_key(|row| row.time_ms);
    let over = rows.len().saturating_sub(args.limit);
    rows.drain(..over);
    let frames = write(path, &rows)?;
    note(format_args!("{frames} frames of {} rows written to {}", rows.len(), path.display()));
    if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
        let shown = |row: &HistoryRow| format_ms(row.time_ms).unwrap_or_default();
        note(format_args!("from {} to {}", shown(first), shown(last)));
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { Code::Failed.into() })
}

fn client(config: &Config) -> Result<Client, Failure> {
    let key = key::key(config)?;
    let timeouts = Timeouts { connect: config.feed.connect_timeout, ..Timeouts::default() };
    Ok(Client::new(config.api.clone(), key, timeouts))
}

fn types(asked: HistoryType) -> Vec<MessageType> {
    match asked {
        HistoryType::Tweet => vec![MessageType::Tweet],
        HistoryType::Profile => vec![MessageType::Profile],
        HistoryType::Follow => vec![MessageType::Follow],
        // The interface takes one type a request.
        HistoryType::All => vec![MessageType::Tweet, MessageType::Profile, MessageType::Follow],
    }
}

fn failure(error: RestError) -> Failure {
    if let RestError::Forbidden { explanation } = &error {
        let what =
            format!("the plan of this key has no history (403{explanation}); `stoop run` works without");
        return Failure::text(Code::Refused, what);
    }
    rest::failure(error)
}

/// Says what is missing; whether nothing is that was asked for.
fn tell(message_type: MessageType, history: &History) -> bool {
    let name = message_type.as_str();
    for error in history.errors.iter().take(SHOWN_ERRORS) {
        note(format_args!("stoop: warning: {name}: left out: {error}"));
    }
    if history.error_count > SHOWN_ERRORS as u64 {
        note(format_args!("stoop: warning: {name}: {} left out in all", history.error_count));
    }
    let back = history.oldest_ms.and_then(format_ms).unwrap_or_else(|| "the beginning".to_owned());
    match &history.end {
        HistoryEnd::Whole | HistoryEnd::Stopped => return true,
        HistoryEnd::Rows => {
            note(format_args!("{name}: only the newest rows; --limit sets their number"));
            return true;
        }
        HistoryEnd::Pages => {
            note(format_args!("stoop: {name}: too many pages: older than {back} is missing"));
        }
        HistoryEnd::Stuck => note(format_args!(
            "stoop: {name}: more rows at {back} than the server gives in one answer: older ones are missing"
        )),
        HistoryEnd::Failed(error) => {
            note(format_args!("stoop: {name}: older than {back} is missing: {error}"));
        }
    }
    false
}

fn write(path: &Path, rows: &[HistoryRow]) -> Result<usize, Failure> {
    let frames = || rows.iter().flat_map(|row| [Some(&row.content), row.meta.as_ref()]).flatten();
    let written = if is_stdout(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut put = |frame: &Vec<u8>| out.write_all(frame).and_then(|()| out.write_all(b"\n"));
        frames().try_for_each(&mut put).and_then(|()| out.flush())
    } else {
        let out = LineWriter::over(path, create_new(path)?);
        out.and_then(|mut out| {
            frames().try_for_each(|frame| out.line(frame))?;
            out.finish()
        })
    };
    match written {
        Ok(()) => Ok(frames().count()),
        // A reader that has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(frames().count()),
        Err(error) => Err(Failure::text(Code::Failed, format_args!("{}: {error}", path.display()))),
    }
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}
