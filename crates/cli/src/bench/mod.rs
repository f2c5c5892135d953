//! `stoop bench`: how fast the engine is on this machine.
//!
//! Passes over the same frames take turns, round by round, so that a neighbour's load meets all of them. No speed is
//! good or bad here; the one thing that is asserted is that every pass decides the same.

mod input;
mod passes;
mod report;

use std::process::ExitCode;

use stoop::Config;
use stoop::latency::{Recorder, Table};

use crate::args::BenchArgs;
use crate::environment::Environment;
use crate::failure::{Code, Failure, OrFail, Outcome as Ended};
use crate::output::{Lines, Progress};
use crate::{config, init};
use input::Input;
use passes::{Outcome, Pass};

/// Rounds that count, after one that does not; odd, so that the median is one of them.
const ROUNDS: usize = 5;

/// What is measured, and where.
struct Subject {
    environment: Environment,
    config: Config,
    input: Input,
    /// Name of the rules.
    rules: String,
    rule_count: usize,
    alias_count: usize,
}

/// What was found.
struct Found {
    /// Time of each pass in each round, ns; in the order of [`Pass::ALL`].
    nanos: [Vec<u64>; Pass::ALL.len()],
    /// What all passes came to.
    outcome: Outcome,
    /// Times of the stages over all rounds.
    stages: Table,
}

pub(crate) fn bench(args: &BenchArgs) -> Ended {
    let subject = subject(args)?;
    let mut out = Lines::stdout();
    if !args.json && out.show(&report::head(&subject))?.is_break() {
        return Ok(ExitCode::SUCCESS);
    }
    let found = measure(&subject, &Progress::new())?;
    let lines = if args.json {
        vec![report::json(&subject, &found).to_string()]
    } else {
        report::body(&subject, &found)
    };
    out.show(&lines).map(|_| ExitCode::SUCCESS)
}

fn subject(args: &BenchArgs) -> Result<Subject, Failure> {
    let config = match &args.config {
        Some(path) => config::load(path)?,
        None => Config::parse("starter.toml", init::STARTER).or_fail(Code::Internal)?,
    };
    let name =
        args.config.as_ref().map_or_else(|| "the starter set".to_owned(), |path| path.display().to_string());
    let rules = config.rules().or_fail(Code::Config)?;
    let limits = config.bounds.limits;
    let input = if args.inputs.is_empty() {
        Input::generated(args.frames, args.seed, limits)
    } else {
        Input::read(&args.inputs, args.frames, limits)
    };
    let input = input.or_fail(Code::Failed)?;
    if input.len() == 0 {
        return Err(Failure::text(Code::Failed, format_args!("{}: no frame to measure with", input.name)));
    }
    let (rule_count, alias_count) = (rules.rules().len(), rules.aliases().len());
    Ok(Subject { environment: Environment::look(), config, input, rules: name, rule_count, alias_count })
}

fn measure(subject: &Subject, progress: &Progress) -> Result<Found, Failure> {
    let mut nanos = Pass::ALL.map(|_| Vec::with_capacity(ROUNDS));
    let mut known: Option<Outcome> = None;
    let mut recorder = Recorder::new();
    for round in 0..=ROUNDS {
        // Each round begins with another pass: what comes first meets a machine that has rested.
        for turn in 0..Pass::ALL.len() {
            let place = (round + turn) % Pass::ALL.len();
            let pass = Pass::ALL[place];
            progress.show(format_args!("round {round} of {ROUNDS}: {}", pass.name()));
            let timed = pass.run(&subject.config, &subject.input, &mut recorder)?;
            if round > 0 {
                nanos[place].push(timed.nanos);
            }
            if let Some(outcome) = timed.outcome {
                known = Some(agreed(known, outcome, pass)?);
            }
        }
        if round == 0 {
            recorder.reset();
        }
    }
    let outcome = known.ok_or_else(|| Failure::text(Code::Internal, "no pass made a decision"))?;
    Ok(Found { nanos, outcome, stages: recorder.snapshot() })
}

/// The fuller of two outcomes that agree.
fn agreed(known: Option<Outcome>, outcome: Outcome, pass: Pass) -> Result<Outcome, Failure> {
    let Some(known) = known else { return Ok(outcome) };
    if !known.agrees(&outcome) {
        return Err(Failure::text(
            Code::Failed,
            format_args!(
                "{} decided differently from the passes before it; this is a fault of stoop, please report it\n  \
                 before: {known:?}\n  now:    {outcome:?}",
                pass.name()
            ),
        ));
    }
    Ok(if known.digest.is_some() { known } else { outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(digest: Option<&str>, tested: u64) -> Outcome {
        let mut outcome = Outcome {
            intake: stoop::counters::IntakeCounters::default(),
            merge: stoop::counters::MergeCounters::default(),
            signal: stoop::counters::SignalCounters::default(),
            digest: digest.map(|digest| (1, digest.to_owned())),
        };
        outcome.signal.tested = tested;
        outcome
    }

    #[test]
    fn passes_that_decide_differently_end_the_bench() {
        let known = outcome(Some("sha256:a"), 5);
        for other in [outcome(Some("sha256:b"), 5), outcome(Some("sha256:a"), 6), outcome(None, 6)] {
            let failure = agreed(Some(known.clone()), other, Pass::Stages).expect_err("they differ");
            assert!(failure.to_string().starts_with("stages decided differently"), "{failure}");
        }
    }

    #[test]
    fn a_pass_without_a_digest_agrees_with_either() {
        let (none, some) = (outcome(None, 5), outcome(Some("sha256:a"), 5));
        for (known, next) in [(&none, &some), (&some, &none)] {
            let kept = agreed(Some(known.clone()), next.clone(), Pass::Stages).expect("they agree");
            assert_eq!(kept, some);
        }
    }
}
