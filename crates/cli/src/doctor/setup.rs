//! What the user has set up: configuration, rules, key, server.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use stoop::{Clock, Config, ConfigError, Endpoint, RuleSetError};

use super::{Check, Report};
use crate::failure::Failure;
use crate::key::{self, Origin};

const RULES_HELP: &str = "docs/rules.md has the language; `stoop init` writes rules to begin with";

/// Looks at everything the configuration leads to; returns it if it can be read.
pub(super) fn check(path: &Path, report: &mut Report) -> Result<Option<Config>, Failure> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => {
            let advice = match error {
                ConfigError::Read { .. } => {
                    "name another file with -c, or let `stoop init` write one; rules, key and server are checked then"
                }
                ConfigError::Syntax(_) | ConfigError::Endpoint(_) | ConfigError::Key { .. } => {
                    "correct it at this place; rules, key and server are checked then"
                }
            };
            report.fix(Check::Configuration, error.to_string(), advice)?;
            return Ok(None);
        }
    };
    for warning in &config.warnings {
        report.warn(Check::Configuration, warning.to_string(), "it is valid; make sure that you mean it")?;
    }
    let shown = path.display();
    report.ok(Check::Configuration, format!("{shown}: no mistake, {} warnings", config.warnings.len()))?;
    rules(&config, report)?;
    key(&config, report)?;
    for endpoint in &config.endpoints {
        server(endpoint, config.feed.connect_timeout, report)?;
    }
    Ok(Some(config))
}

fn rules(config: &Config, report: &mut Report) -> Result<(), Failure> {
    match config.rules() {
        Ok(rules) if rules.rules().is_empty() => {
            report.fix(Check::Rules, "there is no rule: without one nothing is ever decided", RULES_HELP)
        }
        Ok(rules) => {
            let (rules, aliases) = (rules.rules().len(), rules.aliases().len());
            report.ok(Check::Rules, format!("{rules} rules, {aliases} aliases"))
        }
        Err(RuleSetError::Syntax(errors)) => errors
            .iter()
            .try_for_each(|error| report.fix(Check::Rules, error.to_string(), "correct it at this place")),
        Err(error @ RuleSetError::TooManyTerms(_)) => {
            report.fix(Check::Rules, error.to_string(), "split the rules over two configurations")
        }
    }
}

fn key(config: &Config, report: &mut Report) -> Result<(), Failure> {
    let origin = match key::find(config) {
        Ok((_, origin)) => origin,
        Err(failure) => {
            let advice = "put the key alone into a file that only you may read and name it in [feed] key_file, or \
                          export the variable where stoop is started";
            return report.fix(Check::Key, failure.to_string(), advice);
        }
    };
    if let Origin::File(path) = &origin
        && is_open_to_others(path)
    {
        let detail = format!("from {origin}, which others than its owner may read");
        return report.warn(Check::Key, detail, &format!("chmod 600 {}", path.display()));
    }
    report.ok(Check::Key, format!("from {origin}; only the server can tell whether it is good"))
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

/// Connects as a run would: address after address, until one answers or the time is over.
fn server(endpoint: &Endpoint, timeout: Duration, report: &mut Report) -> Result<(), Failure> {
    let shown = endpoint.shown();
    let host = endpoint.host().trim_start_matches('[').trim_end_matches(']');
    let clock = Clock::anchored();
    let begin_ns = clock.now_ns();
    // The system's resolver bounds its own time.
    let addresses: Vec<SocketAddr> = match (host, endpoint.port()).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let advice = "check the host name in [feed] url, and that this machine can look up names";
            return report.fix(Check::Server, format!("{shown}: cannot look up {host}: {error}"), advice);
        }
    };
    let looked_up_ns = clock.now_ns();
    let mut failed = Vec::new();
    for address in &addresses {
        let from_ns = clock.now_ns();
        let spent = Duration::from_nanos((from_ns - looked_up_ns).unsigned_abs());
        let left = timeout.saturating_sub(spent);
        if left.is_zero() {
            failed.push(format!("{address}: not tried, the time is over"));
            break;
        }
        match TcpStream::connect_timeout(address, left) {
            Ok(_) => {
                let detail = format!(
                    "{shown}: {address} answers in {} ms, looked up in {} ms",
                    millis(clock.now_ns() - from_ns),
                    millis(looked_up_ns - begin_ns)
                );
                if failed.is_empty() {
                    return report.ok(Check::Server, detail);
                }
                let detail = format!("{detail}, but before it {}", failed.join(", "));
                let advice = "a run tries these first at every dial; check the routes of this machine";
                return report.warn(Check::Server, detail, advice);
            }
            Err(error) => failed.push(format!("{address}: {error}")),
        }
    }
    let advice =
        "check host and port in [feed] url, that the server is up, and that no firewall is in the way";
    report.fix(Check::Server, format!("{shown}: no connection: {}", failed.join(", ")), advice)
}

fn millis(nanos: i64) -> String {
    format!("{:.1}", nanos as f64 / 1e6)
}
