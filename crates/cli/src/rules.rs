//! `stoop rules`: looks at rule files.

use std::path::Path;
use std::process::ExitCode;

use stoop::Config;

use crate::args::{RulesArgs, RulesCommand};
use crate::failure::Code;
use crate::output::note;

pub(crate) fn rules(args: &RulesArgs) -> ExitCode {
    let RulesCommand::Check { files } = &args.command;
    let good = files.iter().filter(|file| check(file)).count();
    if good == files.len() { ExitCode::SUCCESS } else { Code::Config.into() }
}

/// Shows what is wrong with a file, or what is in it.
fn check(path: &Path) -> bool {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => {
            note(format_args!("{error}"));
            return false;
        }
    };
    for warning in &config.warnings {
        note(format_args!("{warning} (warning)"));
    }
    match config.rules() {
        Ok(rules) => {
            let (rules, aliases) = (rules.rules().len(), rules.aliases().len());
            note(format_args!("{}: {rules} rules, {aliases} aliases, no mistake", path.display()));
            true
        }
        Err(error) => {
            note(format_args!("{error}"));
            false
        }
    }
}
