//! The program `stoop`: a stream of posts to trading decisions.
//!
//! In three layers: what was typed (`args`), what it means (`stoop::Config` and options), what runs (one module a
//! command). Decisions go to stdout, and what `bench` and `doctor` have found; logs, tables of runs and errors go to
//! stderr.

mod accounts;
mod args;
mod backtest;
mod bench;
mod config;
mod consume;
mod demo;
mod doctor;
mod environment;
mod failure;
mod generate;
mod history;
mod init;
mod inputs;
mod key;
mod live;
mod mock;
mod news;
mod output;
mod parity;
mod plant;
mod pretty;
mod record;
mod replay;
mod report;
mod rest;
mod rules;
mod run;
mod signals;
mod status;
mod stderr;
mod tape;
mod unfinished;
mod universe;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Where decisions are made or fed, nobody's terminal or pager is waited for.
    let is_live =
        matches!(cli.command, Command::Run(_) | Command::Record(_) | Command::Mock(_) | Command::Demo(_));
    stderr::start(!is_live);
    // A panic has said on stderr what it is.
    let code = std::panic::catch_unwind(|| obey(cli)).unwrap_or_else(|_panic| failure::Code::Internal.into());
    stderr::finish();
    code
}

fn obey(cli: Cli) -> ExitCode {
    // What runs for long tells how it fares.
    let is_service = matches!(cli.command, Command::Run(_) | Command::Record(_) | Command::Mock(_));
    start_log(cli.verbose + u8::from(is_service), cli.quiet);
    let result = match cli.command {
        Command::Demo(args) => demo::demo(&args),
        Command::Init(args) => init::init(&args),
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Record(args) => record::record(&args),
        Command::Parity(args) => parity::check(&args),
        Command::Backtest(args) => backtest::backtest(&args),
        Command::Rules(args) => Ok(rules::rules(&args)),
        Command::Universe(args) => universe::universe(&args),
        Command::Accounts(args) => accounts::accounts(&args),
        Command::History(args) => history::history(&args),
        Command::Tape(args) => tape::tape(&args),
        Command::Gen(args) => generate::generate(&args),
        Command::Mock(args) => mock::mock(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Doctor(args) => doctor::doctor(&args),
    };
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// Logs to stderr: warnings and errors, more with each `-v`.
fn start_log(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => tracing::Level::ERROR,
        (false, 0) => tracing::Level::WARN,
        (false, 1) => tracing::Level::INFO,
        (false, 2) => tracing::Level::DEBUG,
        (false, _) => tracing::Level::TRACE,
    };
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_writer(|| stderr::Log)
        .log_internal_errors(false)
        .with_ansi(is_terminal)
        .with_max_level(level)
        .init();
}
