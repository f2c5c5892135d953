//! How often the same inputs have been tried: the more trials, the more likely a good result is luck.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::findings::Findings;

/// The trials on all inputs, as a file keeps them: a line each, `INPUTS RULE_HASH LATENCY_NS HORIZON_MS`, sorted.
///
/// A trial that is repeated does not count again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trials {
    lines: BTreeSet<String>,
}

/// Why the file of trials could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct TrialsError {
    /// The file.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

impl Trials {
    /// Reads a file; one that is not there holds none.
    pub fn load(path: &Path) -> Result<Self, TrialsError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                Ok(Self { lines: text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(TrialsError { path: path.to_owned(), source }),
        }
    }

    /// Adds what a study has tried: each of its rules that opened, with its latency, over each horizon.
    pub fn add_study(&mut self, inputs: &str, findings: &Findings) {
        let settings = &findings.settings;
        for event in findings.events.iter().filter(|event| event.counts) {
            for horizon_ms in &settings.horizons_ms {
                self.add(inputs, event.decision.rule.hash, settings.latency_ns, *horizon_ms);
            }
        }
    }

    /// Adds a trial.
    pub fn add(&mut self, inputs: &str, rule_hash: [u8; 8], latency_ns: i64, horizon_ms: i64) {
        // By hash and not by name: a changed rule is a new trial, a renamed file is not.
        let rule_hash = u64::from_be_bytes(rule_hash);
        self.lines.insert(format!("{inputs} {rule_hash:016x} {latency_ns} {horizon_ms}"));
    }

    /// Trials on these inputs.
    pub fn count(&self, inputs: &str) -> usize {
        let is_of = |line: &&String| line.split(' ').next() == Some(inputs);
        self.lines.iter().filter(is_of).count()
    }

    /// Writes the file in place of the one that is there, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), TrialsError> {
        let fail = |source| TrialsError { path: path.to_owned(), source };
        let text: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        // Beside the file and not in a temporary folder: a rename is atomic only within one file system.
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path)).map_err(fail)
    }
}

/// The chance that the best of `trials` looks like this by luck, after Šidák. It assumes independent trials, which
/// horizons of one rule are not, and so errs to the cautious side.
pub(super) fn deflated(p: f64, trials: usize) -> f64 {
    // 1 - (1 - p)^trials, written so that a small p does not vanish in the subtraction.
    -(trials as f64 * (-p).ln_1p()).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_done_again_is_no_new_trial() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("trials.txt");
        for (rule, horizon_ms, known) in [(1, 1000, 1), (1, 1000, 1), (2, 1000, 2), (2, 5000, 3)] {
            let mut trials = Trials::load(&path).expect("trials");
            trials.add("tape", [rule; 8], 0, horizon_ms);
            trials.add("other", [rule; 8], 0, 1000);
            trials.save(&path).expect("a file");
            assert_eq!(Trials::load(&path).expect("trials").count("tape"), known);
        }
        assert_eq!(Trials::load(&path).expect("trials").count("nothing"), 0);
    }

    #[test]
    fn what_many_trials_find_is_likely_luck() {
        assert!((deflated(0.01, 1) - 0.01).abs() < 1e-12);
        assert!((deflated(0.01, 100) - 0.633_967_658_7).abs() < 1e-9);
        assert!((deflated(1.0, 3) - 1.0).abs() < 1e-12);
    }
}
