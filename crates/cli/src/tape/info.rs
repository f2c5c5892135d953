//! `stoop tape info`: what is on a tape.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use stoop::rules::Universe;
use stoop::tape::{
    Record, StateParts, StateReader, TapeConfig, TapeEnd, TapeUniverse, TapesRead, event_type, tape_files,
};

use super::reel::{Reel, failure, shown_ns};
use crate::failure::{Code, Outcome};
use crate::output::{self, Lines};

/// Types of events that are told apart; more are counted together.
const MOST_TYPES: usize = 256;

pub(super) fn info(files: &[PathBuf], as_json: bool) -> Outcome {
    let mut out = Lines::stdout();
    let (mut all, mut told) = (Tally::default(), Vec::new());
    let mut is_damaged = false;
    // One by one: what is asked of each does not depend on the others, which may be of the same time.
    for file in tape_files(files).map_err(failure)? {
        let mut tally = Tally::default();
        let mut reel = Reel::open(&[file])?;
        while let Some(read) = reel.read()? {
            match read {
                TapesRead::Begin(_) => {}
                TapesRead::Record(record) => {
                    tally.add(&record);
                    all.add(&record);
                }
                TapesRead::End(path, end) if as_json => told.push(tally.json(Some((path, end)))),
                TapesRead::End(path, end) => {
                    if out.show(&tally.text(path, end))?.is_break() {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
            }
        }
        is_damaged |= reel.is_damaged();
    }
    if as_json {
        let object = json!({"files": told, "total": all.json(None)});
        out.show(&[object.to_string()]).map(drop)?;
    }
    Ok(if is_damaged { Code::Failed.into() } else { ExitCode::SUCCESS })
}

/// What was seen of a file.
#[derive(Default)]
struct Tally {
    topics: BTreeMap<String, u64>,
    events: BTreeMap<String, u64>,
    /// By number and name.
    origins: BTreeMap<(String, String), u64>,
    bytes: u64,
    span: Option<(i64, i64)>,
    config: Option<TapeConfig>,
    state: StateReader,
    state_error: Option<String>,
    /// Inputs that were not recorded, as far as events say how many.
    dropped: u64,
}

impl Tally {
    fn add(&mut self, record: &Record<'_>) {
        let at_ns = record.at_ns();
        let (from_ns, to_ns) = self.span.unwrap_or((at_ns, at_ns));
        self.span = Some((from_ns.min(at_ns), to_ns.max(at_ns)));
        bump(&mut self.topics, record.topic());
        self.bytes += record.bytes().len() as u64;
        match *record {
            Record::Frame { origin, .. } => {
                let key = (origin.to_string(), origin.name().to_owned());
                *self.origins.entry(key).or_default() += 1;
            }
            Record::Event { json, .. } => self.event(json),
            Record::Decision { .. } | Record::Unknown { .. } => {}
        }
    }

    fn event(&mut self, json: &[u8]) {
        let kind = event_type(json);
        bump(&mut self.events, kind.as_deref().unwrap_or("no type"));
        match kind.as_deref() {
            Some("config") => {
                if let Ok(config) = TapeConfig::from_event(json) {
                    self.config.get_or_insert(config);
                }
            }
            Some("state") => {
                if let Err(error) = self.state.event(json) {
                    self.state_error.get_or_insert(error.to_string());
                }
            }
            Some("dropped") => {
                let event = serde_json::from_slice::<Value>(json).unwrap_or_default();
                let count =
                    ["count", "frames", "records"].iter().find_map(|member| event.get(member)?.as_u64());
                self.dropped += count.unwrap_or(1);
            }
            Some(_) | None => {}
        }
    }

    fn text(&self, path: &Path, end: &TapeEnd) -> Vec<String> {
        let state = match (&end.damage, end.is_sealed) {
            (Some(damage), _) => format!("damaged at byte {}", damage.offset),
            (None, true) => "sealed".to_owned(),
            (None, false) => "not sealed".to_owned(),
        };
        let mut lines = vec![format!("{}: {state}, {} bytes", path.display(), end.bytes)];
        if let Some((from_ns, to_ns)) = self.span {
            let ms = to_ns.saturating_sub(from_ns) / 1_000_000;
            let (from, to) = (shown_ns(from_ns), shown_ns(to_ns));
            lines.push(format!("  from {from} to {to}, {}.{:03} s", ms / 1000, ms % 1000));
        }
        let mut counted = |name: &str, counts: Vec<(String, u64)>| {
            if !counts.is_empty() {
                let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
                lines.push(format!("  {name}: {}", counts.join(", ")));
            }
        };
        let pairs = |counts: &BTreeMap<String, u64>| counts.clone().into_iter().collect::<Vec<_>>();
        counted("records", pairs(&self.topics));
        counted("events", pairs(&self.events));
        let origins = self.origins.iter().map(|((number, name), count)| {
            (if number == name { name.clone() } else { format!("{number} {name}") }, *count)
        });
        counted("origins", origins.collect());
        lines.push(match &self.config {
            Some(config) => {
                format!("  configuration: of version {}, {} rule files", config.version, config.files.len())
            }
            None => "  configuration: none".to_owned(),
        });
        if let Some(universe) = self.universe() {
            let symbols =
                symbols(universe).map_or("damaged".to_owned(), |count| output::counted(count, "symbol"));
            lines.push(format!("  universe: {symbols}, sha256:{}", universe.sha256));
        }
        lines.push(format!("  state: {}", self.state_text()));
        let gaps = self.events.get("gap").copied().unwrap_or_default();
        lines.push(format!("  gaps {gaps}, dropped {}", self.dropped));
        lines
    }

    fn universe(&self) -> Option<&TapeUniverse> {
        self.config.as_ref()?.universe.as_ref()
    }

    fn state_text(&self) -> String {
        let StateParts { views, tweets, ids, cooldowns } = self.state.found();
        if let Some(error) = &self.state_error {
            return format!("damaged: {error}");
        }
        if self.state.announced().is_none() {
            return "none".to_owned();
        }
        let what = if self.state.is_complete() { "" } else { "incomplete: " };
        format!(
            "{what}{views} tweets in the window, {tweets} with decisions, {cooldowns} cooldowns, {ids} event ids"
        )
    }

    fn json(&self, file: Option<(&Path, &TapeEnd)>) -> Value {
        let StateParts { views, tweets, ids, cooldowns } = self.state.found();
        let origins = self
            .origins
            .iter()
            .map(|((number, name), count)| json!({"origin": number, "endpoint": name, "frames": count}));
        let state = self.state.announced().map(|_| {
            let is_complete = self.state.is_complete() && self.state_error.is_none();
            json!({"complete": is_complete, "views": views, "tweets": tweets, "cooldowns": cooldowns, "ids": ids})
        });
        let mut object = json!({
            "from_ns": self.span.map(|(from_ns, _)| from_ns),
            "to_ns": self.span.map(|(_, to_ns)| to_ns),
            "records": self.topics,
            "record_bytes": self.bytes,
            "events": self.events,
            "origins": origins.collect::<Vec<_>>(),
            "config_version": self.config.as_ref().map(|config| &config.version),
            "universe": self.universe().map(|it| json!({"symbols": symbols(it), "sha256": it.sha256})),
            "state": state,
            "gaps": self.events.get("gap").copied().unwrap_or_default(),
            "dropped": self.dropped,
        });
        if let (Some((path, end)), Some(object)) = (file, object.as_object_mut()) {
            let damage =
                end.damage.as_ref().map(|damage| json!({"offset": damage.offset, "what": damage.what}));
            let about = [
                ("file", json!(path.display().to_string())),
                ("sealed", json!(end.is_sealed)),
                ("damage", json!(damage)),
                ("bytes", json!(end.bytes)),
            ];
            object.extend(about.map(|(key, value)| (key.to_owned(), value)));
        }
        object
    }
}

/// How many symbols it has; none if it cannot be read.
fn symbols(TapeUniverse { name, text, .. }: &TapeUniverse) -> Option<usize> {
    Universe::parse(name, text).ok().map(|universe| universe.symbols())
}

fn bump(counts: &mut BTreeMap<String, u64>, name: &str) {
    let name = if counts.len() >= MOST_TYPES && !counts.contains_key(name) { "others" } else { name };
    *counts.entry(name.to_owned()).or_default() += 1;
}
