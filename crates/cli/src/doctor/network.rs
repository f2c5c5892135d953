//! What only the network can tell: whether the servers answer, and what they say of the key.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use stoop::feed::{Cause, ProbeError, probe_feed, probe_transport};
use stoop::latency::Clock;
use stoop::rest::{Client, RestError, Timeouts};
use stoop::wire::{Me, Quota};
use stoop::{Config, Endpoint, Key};

use super::{Check, Report};
use crate::failure::Failure;
use crate::rest::plain;

/// Asks the servers; opens a connection of the plan only if that `connects`.
pub(super) fn check(
    config: &Config,
    key: Option<&Key>,
    connects: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let timeout = config.feed.connect_timeout;
    let mut reached = Vec::new();
    for endpoint in &config.endpoints {
        if server(endpoint, timeout, report)? && tls(endpoint, timeout, report)? {
            reached.push(endpoint);
        }
    }
    let Some(key) = key else { return Ok(()) };
    account(config, key, report)?;
    for endpoint in reached.into_iter().filter(|_| connects) {
        feed(endpoint, config, key, report)?;
    }
    Ok(())
}

/// True if a run gets as far as to show its key.
fn tls(endpoint: &Endpoint, timeout: Duration, report: &mut Report) -> Result<bool, Failure> {
    if !endpoint.is_tls() {
        return Ok(true);
    }
    let shown = endpoint.shown();
    match probe_transport(endpoint, timeout) {
        Ok(()) => report.ok(Check::Tls, format!("{shown}: the certificate is good")).map(|()| true),
        Err(error) => {
            let advice = "check host and port in [feed] url, and the clock, which certificates are held against; a \
                          firewall that looks into TLS puts in a certificate of its own, which is never trusted";
            report.fix(Check::Tls, format!("{shown}: {error}"), advice).map(|()| false)
        }
    }
}

/// Asks who the key is. A run does without the answer, so most of what can go wrong here is a warning.
fn account(config: &Config, key: &Key, report: &mut Report) -> Result<(), Failure> {
    let timeouts = Timeouts { connect: config.feed.connect_timeout, ..Timeouts::default() };
    let clock = Clock::anchored();
    let asked_ns = clock.now_ns();
    match Client::new(config.api.clone(), key.clone(), timeouts).me_dated() {
        Ok((me, date_ms)) => {
            let answered_ns = clock.now_ns();
            plan(config, &me, report)?;
            match date_ms {
                Some(date_ms) => held_against(date_ms, asked_ns, answered_ns, report),
                None => Ok(()),
            }
        }
        Err(error @ RestError::Unauthorised { .. }) => {
            let advice =
                "copy the key from your account again, and check that no other is used: key_file comes first";
            report.fix(Check::Key, error.to_string(), advice)
        }
        Err(error @ RestError::Forbidden { .. }) => {
            let advice = "check that the subscription is active: a run may be refused too";
            report.warn(Check::Account, error.to_string(), advice)
        }
        Err(
            error @ (RestError::RateLimited { .. }
            | RestError::Server { .. }
            | RestError::Refused { .. }
            | RestError::Redirected { .. }
            | RestError::Transport { .. }
            | RestError::TimedOut { .. }
            | RestError::TooLong { .. }
            | RestError::Unreadable { .. }),
        ) => {
            let advice =
                "check [feed] api; a run works without it, `stoop accounts` and `stoop history` do not";
            report.warn(Check::Account, error.to_string(), advice)
        }
    }
}

/// Holds the clock against the server's, which tells whole seconds: within two of the answer nothing can be said.
fn held_against(date_ms: i64, asked_ns: i64, answered_ns: i64, report: &mut Report) -> Result<(), Failure> {
    const SECOND_NS: i64 = 1_000_000_000;
    let (from_ns, to_ns) = (date_ms * 1_000_000, date_ms * 1_000_000 + SECOND_NS);
    // By how much this clock is ahead at least; negative: behind.
    let offset_ns = if answered_ns < from_ns { answered_ns - from_ns } else { (asked_ns - to_ns).max(0) };
    let within = format!("within {} ms of the REST interface's", millis(answered_ns - asked_ns + SECOND_NS));
    if offset_ns.abs() < 2 * SECOND_NS {
        return report.ok(Check::Offset, within);
    }
    let way = if offset_ns > 0 { "ahead of" } else { "behind" };
    let detail = format!("{} ms or more {way} the REST interface's", millis(offset_ns.abs()));
    report.fix(Check::Offset, detail, OFFSET_ADVICE)
}

/// Holds the clock against the `ts` of a frame: it cannot have been sent after it came, nor long before.
fn held_against_frame(age_ns: i64, report: &mut Report) -> Result<(), Failure> {
    const FAR_NS: i64 = 500_000_000;
    let detail = format!("the first frame came {} ms after its `ts`", millis(age_ns));
    if (-FAR_NS..FAR_NS).contains(&age_ns) {
        return report.ok(Check::Offset, detail);
    }
    // A frame shown again after the connect is old with every clock right.
    if age_ns > 0 {
        let advice =
            "fine if the server shows what was sent before; else the clocks differ: see `sent→recv` of a run";
        return report.warn(Check::Offset, detail, advice);
    }
    report.fix(Check::Offset, detail, OFFSET_ADVICE)
}

const OFFSET_ADVICE: &str =
    "set the clock of this machine (`timedatectl`, `chronyc tracking`): `max_age` is measured with it";

fn plan(config: &Config, me: &Me, report: &mut Report) -> Result<(), Failure> {
    let name = plain(me.plan.as_deref().unwrap_or("unknown"));
    let (accounts, sockets) = (of(me.accounts), of(me.sockets));
    let detail = format!("plan {name}: {accounts} accounts, {sockets} connections in use");
    let endpoints = config.endpoints.len() as u64;
    if me.accounts.count == Some(0) {
        report.warn(
            Check::Account,
            detail,
            "no account is followed, so nothing will arrive: `stoop accounts add`",
        )
    } else if let (Some(count), Some(limit)) = (me.sockets.count, me.sockets.limit)
        && limit.saturating_sub(count) < endpoints
    {
        let detail = format!("{detail}; a run needs {endpoints}");
        let advice = "end what uses the key already, unless that is the run itself; a slot is freed 1 to 3 minutes \
                      after its socket died. Or take fewer endpoints";
        report.warn(Check::Account, detail, advice)
    } else {
        report.ok(Check::Account, detail)
    }
}

fn of(quota: Quota) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    format!("{} of {}", number(quota.count), number(quota.limit))
}

/// Goes all the way, as a run does.
fn feed(endpoint: &Endpoint, config: &Config, key: &Key, report: &mut Report) -> Result<(), Failure> {
    let shown = endpoint.shown();
    match probe_feed(endpoint, config.auth, key, config.feed.connect_timeout) {
        Ok(age_ns) => {
            report.ok(Check::Feed, format!("{shown}: the key is accepted; closed again"))?;
            match age_ns {
                Some(age_ns) => held_against_frame(age_ns, report),
                None => Ok(()),
            }
        }
        Err(ProbeError::Refused(cause @ (Cause::HttpTooMany | Cause::CloseTooMany))) => {
            let advice = "a run waits in its slow lane until there is one";
            report.warn(Check::Feed, format!("{shown}: {cause}"), advice)
        }
        Err(
            error @ (ProbeError::Refused(_)
            | ProbeError::Failed { .. }
            | ProbeError::TimedOut(..)
            | ProbeError::Runtime(_)),
        ) => {
            let advice =
                "docs/operating.md says what refusals mean; check [feed] url and auth, the key and its plan";
            report.fix(Check::Feed, format!("{shown}: {error}"), advice)
        }
    }
}

/// Connects as a run would: address after address, until one answers or the time is over.
///
/// True if one did.
fn server(endpoint: &Endpoint, timeout: Duration, report: &mut Report) -> Result<bool, Failure> {
    let shown = endpoint.shown();
    let host = endpoint.host().trim_start_matches('[').trim_end_matches(']');
    let clock = Clock::anchored();
    let begin_ns = clock.now_ns();
    // The system's resolver bounds its own time.
    let addresses: Vec<SocketAddr> = match (host, endpoint.port()).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let advice = "check the host name in [feed] url, and that this machine can look up names";
            let detail = format!("{shown}: cannot look up {host}: {error}");
            return report.fix(Check::Server, detail, advice).map(|()| false);
        }
    };
    let looked_up_ns = clock.now_ns();
    let mut failed = Vec::new();
    for address in &addresses {
        let from_ns = clock.now_ns();
        let spent = Duration::from_nanos((from_ns - looked_up_ns).unsigned_abs());
        let left = timeout.saturating_sub(spent);
        if left.is_zero() {
            failed.push(format!("{address}: not tried: out of time"));
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
                    return report.ok(Check::Server, detail).map(|()| true);
                }
                let detail = format!("{detail}, but before it {}", failed.join(", "));
                let advice = "a run tries these first at every dial; check the routes of this machine";
                return report.warn(Check::Server, detail, advice).map(|()| true);
            }
            Err(error) => failed.push(format!("{address}: {error}")),
        }
    }
    let advice =
        "check host and port in [feed] url, that the server is up, and that no firewall is in the way";
    let detail = format!("{shown}: no connection: {}", failed.join(", "));
    report.fix(Check::Server, detail, advice).map(|()| false)
}

fn millis(nanos: i64) -> String {
    format!("{:.1}", nanos as f64 / 1e6)
}
