//! `stoop gen --planted`: a tape and prices with effects that are known.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use stoop::tape::{Follower, LineWriter, Record, TapeOptions, TapeWriteError, TapeWriter, state_events};
use stoop::{Config, write_decision};
use stoop_synth::{Planted, planted};

use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::output::{create_new, note};
use crate::unfinished::Unfinished;

/// The name of the configuration, beside the tape and on it.
const CONFIG: &str = "stoop.toml";

/// A tape as a run would have made it, its configuration, and prices.
pub(crate) fn plant(folder: &Path, seed: u64) -> Outcome {
    let planted = planted(seed);
    let prices = folder.join("prices");
    fs::create_dir_all(&prices).map_err(|error| failed(&prices, &error))?;
    let config = Config::parse(CONFIG, &planted.config).or_fail(Code::Internal)?;
    let mut unfinished = Unfinished::default();
    let tape = unfinished.make(&folder.join("tape.mcap"), Recorder::create)?;
    let decisions = tape.record(&config, &planted)?;
    write(&mut unfinished, &folder.join(CONFIG), &planted.config)?;
    for (name, text) in &planted.prices {
        write(&mut unfinished, &prices.join(format!("{name}.zst")), text)?;
    }
    unfinished.keep();
    let shown = folder.display();
    note(format_args!(
        "{shown}/tape.mcap: ten days of made-up posts with {decisions} decisions, of seed {seed}; \
         {shown}/prices: minute bars"
    ));
    note(format_args!("now: stoop backtest {shown}/tape.mcap"));
    Ok(ExitCode::SUCCESS)
}

/// Writes a text to a new file, compressed as its name says.
fn write(unfinished: &mut Unfinished, path: &Path, text: &str) -> Result<(), Failure> {
    let file: File = unfinished.make(path, create_new)?;
    let lines = LineWriter::small(path, file).and_then(|mut out| {
        text.lines().try_for_each(|line| out.line(line.as_bytes()))?;
        out.finish()
    });
    lines.map_err(|error| failed(path, &error))
}

/// Puts inputs on a tape, and what an engine decides on them. Nobody has measured how long it took: decisions have no
/// latency.
struct Recorder {
    tape: TapeWriter,
    follower: Follower,
    line: Vec<u8>,
    decisions: u64,
}

impl Recorder {
    fn create(path: &Path) -> Result<Self, Failure> {
        // Days in one file: a chunk for each second of them would be a chunk a record.
        let options = TapeOptions { chunk_ns: u64::MAX, level: 19, ..TapeOptions::default() };
        let tape = TapeWriter::create(path, options).map_err(|error| {
            let is_there = matches!(error, TapeWriteError::Exists { .. });
            Failure::new(if is_there { Code::Exists } else { Code::Failed }, error)
        })?;
        Ok(Self { tape, follower: Follower::default(), line: Vec::new(), decisions: 0 })
    }

    /// Begins with an engine that knows nothing. Returns the number of decisions.
    fn record(mut self, config: &Config, planted: &Planted) -> Result<u64, Failure> {
        let begin_ns = planted.begin_ns;
        self.put(&Record::Event { at_ns: begin_ns, json: &config.to_tape().to_event() })?;
        let state = self.follower.state(begin_ns).or_fail(Code::Internal)?;
        for json in state_events(&state) {
            self.put(&Record::Event { at_ns: begin_ns, json: &json })?;
        }
        for record in planted.records() {
            self.put(&record)?;
        }
        let end_ns = planted.end_ns;
        let close = format!("{{\"type\":\"clock\",\"now_ns\":{end_ns}}}");
        self.put(&Record::Event { at_ns: end_ns, json: close.as_bytes() })?;
        self.tape.seal().or_fail(Code::Failed)?;
        Ok(self.decisions)
    }

    fn put(&mut self, record: &Record<'_>) -> Result<(), Failure> {
        self.tape.copy(record).or_fail(Code::Failed)?;
        self.follower.follow(record).or_fail(Code::Internal)?;
        for decision in self.follower.decisions() {
            self.line.clear();
            write_decision(decision, &mut self.line);
            self.tape.decision(decision.decided_ns, &self.line).or_fail(Code::Failed)?;
            self.decisions += 1;
        }
        Ok(())
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::text(Code::Failed, format_args!("{}: {error}", path.display()))
}
