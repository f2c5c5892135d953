//! What the user has set up: configuration, rules, key.

use std::path::Path;

use stoop::{Config, ConfigError, Key, RuleSetError};

use super::{Check, Report};
use crate::config::NO_CONFIG;
use crate::failure::Failure;
use crate::key::{self, Origin};
use crate::output::counted;

const THEN: &str = "rules, key and server are checked after that";
const RULES_HELP: &str = "docs/rules.md describes the language; `stoop init` writes rules to start from";

/// Looks at the configuration, the rules and the key; returns the first and the last if they can be read.
pub(super) fn check(path: &Path, report: &mut Report) -> Result<Option<(Config, Option<Key>)>, Failure> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => {
            let advice = match error {
                ConfigError::Read { .. } => format!("{NO_CONFIG}; {THEN}"),
                ConfigError::Syntax(_)
                | ConfigError::Universe(_)
                | ConfigError::Endpoint(_)
                | ConfigError::Key { .. } => format!("correct it at this location; {THEN}"),
                _ => THEN.to_owned(),
            };
            report.fix(Check::Configuration, error.to_string(), &advice)?;
            return Ok(None);
        }
    };
    for warning in &config.warnings {
        report.warn(Check::Configuration, warning.to_string(), "it is valid; check that you mean it")?;
    }
    let shown = path.display();
    report.ok(
        Check::Configuration,
        format!("{shown}: no mistake, {}", counted(config.warnings.len(), "warning")),
    )?;
    rules(&config, report)?;
    let key = key(&config, report)?;
    Ok(Some((config, key)))
}

fn rules(config: &Config, report: &mut Report) -> Result<(), Failure> {
    match config.rules() {
        Ok(rules) if rules.rules().is_empty() => {
            report.fix(Check::Rules, "there is no rule, so nothing would ever be decided", RULES_HELP)
        }
        Ok(rules) => {
            let (rules, aliases) = (rules.rules().len(), rules.aliases().len());
            let universe = config.universe.as_ref().map(stoop::UniverseFile::universe);
            let universe = universe.map_or(String::new(), |it| {
                format!(", a universe of {} symbols in {} rows", it.symbols(), it.len())
            });
            report.ok(
                Check::Rules,
                format!("{}, {}{universe}", counted(rules, "rule"), counted(aliases, "alias")),
            )
        }
        Err(RuleSetError::Syntax(errors)) => errors
            .iter()
            .try_for_each(|error| report.fix(Check::Rules, error.to_string(), "correct it at this location")),
        Err(error @ RuleSetError::TooManyTerms(_)) => {
            report.fix(Check::Rules, error.to_string(), "split the rules over two configurations")
        }
    }
}

fn key(config: &Config, report: &mut Report) -> Result<Option<Key>, Failure> {
    let (key, origin) = match key::find(config) {
        Ok(found) => found,
        Err(failure) => {
            let advice = "put only the key into a file that only you can read and name it in [feed] key_file, or \
                          export the variable where stoop is started";
            return report.fix(Check::Key, failure.to_string(), advice).map(|()| None);
        }
    };
    if let Origin::File(path) = &origin
        && is_open_to_others(path)
    {
        let detail = format!("from {origin}, which other users can read");
        report.warn(Check::Key, detail, &format!("chmod 600 {}", path.display()))?;
    } else {
        report.ok(Check::Key, format!("from {origin}; only the server knows whether it is valid"))?;
    }
    Ok(Some(key))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const READ_BY_GROUP_OR_OTHERS: u32 = 0o044;
    std::fs::metadata(path).is_ok_and(|file| file.mode() & READ_BY_GROUP_OR_OTHERS != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
