//! `stoop rules`: looks at rule files.

use std::path::Path;
use std::process::ExitCode;

use stoop::Config;

use crate::args::{RulesArgs, RulesCommand};
use crate::failure::Code;
use crate::output::{counted, note};

pub(crate) fn rules(args: &RulesArgs) -> ExitCode {
    let RulesCommand::Check { files } = &args.command;
    let good = files.iter().filter(|file| check(file)).count();
    if good == files.len() { ExitCode::SUCCESS } else { Code::Config.into() }
}

/// Shows what is wrong with a file, or what is in it.
fn check(path: &Path) -> bool {
    if path.is_dir() {
        let path = path.display();
        note(format_args!(
            "{path} is a folder: name its files, such as {}/*.toml",
            path.to_string().trim_end_matches('/')
        ));
        return false;
    }
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
            let (path, count) = (path.display(), rules.rules().len());
            if count == 0 {
                note(format_args!("{path}: there is no [[rule]] in it: nothing would ever open (warning)"));
            }
            let aliases = counted(rules.aliases().len(), "alias");
            note(format_args!("{path}: {}, {aliases}, no mistake", counted(count, "rule")));
            true
        }
        Err(error) => {
            note(format_args!("{error}"));
            false
        }
    }
}
