//! `stoop doctor`: whether everything a run needs is in place.

mod machine;
mod network;
mod setup;

use std::fmt::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::args::DoctorArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::output::Lines;

/// What one check has found.
#[derive(Debug)]
struct Finding {
    /// What was checked.
    check: Check,
    status: Status,
    /// What is so.
    detail: String,
    /// What to do about it; none if nothing need be done.
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Configuration,
    Rules,
    Key,
    Server,
    Tls,
    Account,
    Feed,
    Offset,
    Wall,
    Monotonic,
    Synchronised,
    Files,
    Cores,
    Memory,
    Disk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// As it should be.
    Ok,
    /// A run works, but not as well as it could, or this cannot be told.
    Warn,
    /// A run does not work so.
    Fix,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Outcome {
    let mut report = Report { out: (!args.json).then(Lines::stdout), findings: Vec::new() };
    let found = setup::check(&args.config, &mut report)?;
    if let Some((config, key)) = &found
        && !args.offline
    {
        network::check(config, key.as_ref(), args.connect, &mut report)?;
    }
    machine::check(found.as_ref().map(|(config, _)| config), &mut report)?;
    let code = report.code();
    if args.json {
        let all: Vec<Value> = report.findings.iter().map(Finding::json).collect();
        Lines::stdout().show(&[Value::Array(all).to_string()]).map(|_| code)
    } else {
        Ok(code)
    }
}

/// Findings in the order of the checks. People see each as soon as it is made: the server may take its time.
struct Report {
    /// None if they are shown all at once in the end.
    out: Option<Lines>,
    findings: Vec<Finding>,
}

impl Report {
    fn ok(&mut self, check: Check, detail: impl Into<String>) -> Result<(), Failure> {
        self.add(Finding { check, status: Status::Ok, detail: detail.into(), advice: None })
    }

    fn warn(&mut self, check: Check, detail: impl Into<String>, advice: &str) -> Result<(), Failure> {
        let advice = Some(advice.to_owned());
        self.add(Finding { check, status: Status::Warn, detail: detail.into(), advice })
    }

    fn fix(&mut self, check: Check, detail: impl Into<String>, advice: &str) -> Result<(), Failure> {
        let advice = Some(advice.to_owned());
        self.add(Finding { check, status: Status::Fix, detail: detail.into(), advice })
    }

    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        if let Some(out) = &mut self.out
            && out.show(&[finding.line()])?.is_break()
        {
            // Nobody reads on; the exit code tells all the same.
            self.out = None;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn code(&self) -> ExitCode {
        let mut to_fix = self.findings.iter().filter(|finding| finding.status == Status::Fix).peekable();
        if to_fix.peek().is_none() {
            return ExitCode::SUCCESS;
        }
        if to_fix.any(|finding| finding.check.is_setup()) { Code::Config.into() } else { Code::Failed.into() }
    }
}

impl Finding {
    fn line(&self) -> String {
        // One line, whatever an error message looks like.
        let detail = self.detail.replace('\n', "; ");
        let mut line = format!("{:<4}  {:<13}  {detail}", self.status.name(), self.check.name());
        if let Some(advice) = &self.advice {
            write!(line, " → {advice}").expect("a String takes every text");
        }
        line
    }

    fn json(&self) -> Value {
        json!({"status": self.status.name(), "check": self.check.name(), "detail": self.detail,
               "advice": self.advice})
    }
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Rules => "rules",
            Self::Key => "key",
            Self::Server => "server",
            Self::Tls => "tls",
            Self::Account => "account",
            Self::Feed => "feed",
            Self::Offset => "clock offset",
            Self::Wall => "wall clock",
            Self::Monotonic => "fine clock",
            Self::Synchronised => "clock sync",
            Self::Files => "open files",
            Self::Cores => "cores",
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }

    /// What the user writes, and `run` refuses with the same exit code.
    fn is_setup(self) -> bool {
        match self {
            Self::Configuration | Self::Rules | Self::Key => true,
            Self::Server
            | Self::Tls
            | Self::Account
            | Self::Feed
            | Self::Offset
            | Self::Wall
            | Self::Monotonic
            | Self::Synchronised
            | Self::Files
            | Self::Cores
            | Self::Memory
            | Self::Disk => false,
        }
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fix => "fix",
        }
    }
}
