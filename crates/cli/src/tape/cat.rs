//! `stoop tape cat`: records as JSON lines.

use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use stoop::tape::{Record, TapesRead};

use super::reel::Reel;
use super::select::Wanted;
use crate::failure::{Code, Failure, Outcome};
use crate::output::Lines;

pub(super) fn cat(files: &[PathBuf], mut wanted: Wanted) -> Outcome {
    let mut reel = Reel::open(files)?;
    let mut out = Lines::stdout();
    let mut line = Vec::new();
    let mut is_found = false;
    while let Some(read) = reel.read()? {
        let TapesRead::Record(record) = read else { continue };
        if wanted.is_over(record.at_ns()) {
            break;
        }
        is_found |= wanted.is_of_topic(&record);
        if wanted.has(&record) {
            line.clear();
            write_record(&record, &mut line);
            if out.write_bytes(&line)?.is_break() {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    out.flush().map(drop)?;
    if let Some(topic) = wanted.foreign_topic().filter(|_| !is_found) {
        let why =
            format_args!("no topic {topic} on these tapes: the topics are frames, events and decisions");
        return Err(Failure::text(Code::Usage, why));
    }
    Ok(reel.code())
}

/// Appends the record as JSON, without a newline.
fn write_record(record: &Record<'_>, out: &mut Vec<u8>) {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let head = format!(r#"{{"topic":{},"log_time":{}"#, text(record.topic()), record.at_ns());
    out.extend_from_slice(head.as_bytes());
    let member = match record {
        Record::Frame { origin, sent_ns, .. } => {
            let (origin, endpoint) = (text(&origin.to_string()), text(origin.name()));
            let more = format!(r#","publish_time":{sent_ns},"origin":{origin},"endpoint":{endpoint}"#);
            out.extend_from_slice(more.as_bytes());
            "frame"
        }
        Record::Event { .. } => "event",
        Record::Decision { .. } => "decision",
        Record::Unknown { .. } => "record",
    };
    match json(record.bytes()) {
        Some(json) => write!(out, r#","{member}":{json}}}"#),
        None => write!(out, r#","base64":"{}"}}"#, STANDARD.encode(record.bytes())),
    }
    .expect("a Vec takes every byte");
}

/// The bytes as JSON on one line; none if they are no JSON.
pub(super) fn json(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    let json = raw.get();
    // Between tokens only: in a text a line break is written as \n.
    let has_breaks = json.contains(['\n', '\r']);
    Some(if has_breaks { json.replace(['\n', '\r'], " ").into() } else { json.into() })
}
