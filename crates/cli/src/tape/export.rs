//! `stoop tape export`: frames off tapes.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use stoop::tape::{LineWriter, Record, TapesRead};

use super::args::SpanArgs;
use super::cat::json;
use super::reel::Reel;
use super::table::Table;
use crate::failure::{Code, Failure, Outcome};
use crate::output::{create_new, note};
use crate::unfinished::Unfinished;

pub(super) fn export(files: &[PathBuf], span: SpanArgs, output: &Path) -> Outcome {
    let name = output.to_string_lossy().to_lowercase();
    if [".jsonl", ".jsonl.gz", ".jsonl.zst"].iter().any(|ending| name.ends_with(ending)) {
        return lines(files, span, output);
    }
    if name.ends_with(".parquet") {
        return table(files, span, output);
    }
    Err(Failure::text(Code::Usage, "-o ends with .jsonl, .jsonl.gz, .jsonl.zst or .parquet"))
}

fn lines(files: &[PathBuf], span: SpanArgs, output: &Path) -> Outcome {
    let mut reel = Reel::open(files)?;
    let fail = |error: io::Error| Failure::text(Code::Failed, format_args!("{}: {error}", output.display()));
    let mut unfinished = Unfinished::default();
    let mut out = LineWriter::over(output, unfinished.make(output, create_new)?).map_err(fail)?;
    let (mut written, mut left_out) = (0_u64, 0_u64);
    while let Some(read) = reel.read()? {
        let TapesRead::Record(Record::Frame { recv_ns, bytes, .. }) = read else { continue };
        if !span.has(recv_ns) {
            continue;
        }
        if let Some(line) = line(bytes) {
            out.line(&line).map_err(fail)?;
            written += 1;
        } else {
            left_out += 1;
        }
    }
    out.finish().map_err(fail)?;
    unfinished.keep();
    note(format_args!("{written} frames written to {}", output.display()));
    if left_out > 0 {
        note(format_args!("stoop: warning: {left_out} frames left out: they are blank or have line breaks"));
    }
    Ok(reel.code())
}

fn table(files: &[PathBuf], span: SpanArgs, output: &Path) -> Outcome {
    let mut reel = Reel::open(files)?;
    let fail = |error: ParquetError| {
        Failure::text(Code::Failed, format_args!("cannot write {}: {error}", output.display()))
    };
    let mut unfinished = Unfinished::default();
    let mut table = Table::over(unfinished.make(output, create_new)?).map_err(fail)?;
    while let Some(read) = reel.read()? {
        let TapesRead::Record(record) = read else { continue };
        if span.has(record.at_ns()) {
            table.add(&record).map_err(fail)?;
        }
    }
    let rows = table.finish().map_err(fail)?;
    unfinished.keep();
    note(format_args!("{rows} frames written to {}", output.display()));
    Ok(reel.code())
}

/// The frame as one line; none for one that cannot be a line of its own.
fn line(frame: &[u8]) -> Option<Cow<'_, [u8]>> {
    if frame.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    // A line loses its last \r when it is read.
    if !frame.contains(&b'\n') && frame.last() != Some(&b'\r') {
        return Some(frame.into());
    }
    json(frame).map(|json| match json {
        Cow::Borrowed(json) => json.as_bytes().into(),
        Cow::Owned(json) => json.into_bytes().into(),
    })
}
