//! Tables of events and what they lead to, in virtual time.

mod ends;
mod keepalive;
mod properties;

use std::time::Duration;

use super::*;
use crate::{Side, TransportError};

const MS: i64 = 1_000_000;

/// One line of a table.
enum Step {
    /// The event comes this many milliseconds after the step before.
    On(i64, Event),
    /// The owner wakes this many milliseconds after the step before.
    Wake(i64),
    /// The same, with messages in the socket that it has not read.
    WakeUnread(i64),
    /// The owner wakes at the deadline.
    Due,
}
use Step::{Due, On, Wake, WakeUnread};

fn refused(status: u16) -> Event {
    Event::Refused { status }
}

fn closed(code: u16) -> Event {
    Event::Closed { code: Some(code), by: Side::Remote }
}

fn failed(error: TransportError) -> Event {
    Event::Failed { error }
}

const RESET: Event = Event::Failed { error: TransportError::Reset };

/// Dialled, opened at once, and woken until stable; pings are answered.
fn stable() -> Policy {
    let mut policy = Policy::new(Settings::default(), 1).unwrap();
    let mut out = Vec::new();
    policy.handle(Event::Start, 0, &mut out);
    policy.handle(Event::Opened, 0, &mut out);
    policy.wake(20_000 * MS, &mut out);
    policy.handle(Event::Pong, 20_000 * MS, &mut out);
    policy.wake(30_000 * MS, &mut out);
    assert_eq!(policy.state(), State::Stable);
    policy
}

fn opened() -> Policy {
    let mut policy = Policy::new(Settings::default(), 1).unwrap();
    let mut out = Vec::new();
    policy.handle(Event::Start, 0, &mut out);
    policy.handle(Event::Opened, 0, &mut out);
    assert_eq!(policy.state(), State::Open);
    policy
}

fn idle() -> Policy {
    Policy::new(Settings::default(), 1).unwrap()
}

/// Runs the steps and compares the actions of each, as text.
///
/// The time of a retry is left out, since it is drawn; that it lies in its lane is checked.
#[track_caller]
fn check(mut policy: Policy, steps: &[(Step, &str)]) -> Policy {
    let mut now = policy.now.max(0);
    for (index, (step, expected)) in steps.iter().enumerate() {
        let mut out = Vec::new();
        match *step {
            On(after, event) => {
                now += after * MS;
                policy.handle(event, now, &mut out);
            }
            Wake(after) => {
                now += after * MS;
                policy.wake(now, &mut out);
            }
            WakeUnread(after) => {
                now += after * MS;
                policy.wake_unread(now, &mut out);
            }
            Due => {
                now = policy.deadline().unwrap_or_else(|| panic!("no deadline at step {index}"));
                policy.wake(now, &mut out);
            }
        }
        let actual: Vec<_> = out.iter().map(print).collect();
        assert_eq!(actual.join(", "), *expected, "step {index} at {} ms", now / MS);
    }
    policy
}

fn print(action: &Action) -> String {
    match *action {
        Action::Dial => "dial".into(),
        Action::SendPing => "ping".into(),
        Action::Close { code } => format!("close {code}"),
        Action::Abandon => "abandon".into(),
        Action::StateChanged { from, to } => format!("{from}>{to}"),
        Action::Retry { after, lane, cause, attempt } => {
            let (shortest, longest) = match lane {
                Lane::Fast => (100, 100),
                Lane::Backoff => (50, 30_000),
                Lane::Slow => (60_000, 180_000),
            };
            let lane_range = Duration::from_millis(shortest)..=Duration::from_millis(longest);
            assert!(lane_range.contains(&after), "{after:?} in the {lane} lane");
            format!("{lane} #{attempt} {cause:?}")
        }
        Action::Fatal { cause } => {
            assert!(cause.is_refusal(), "{cause}");
            format!("fatal {cause:?}")
        }
    }
}

#[test]
fn a_connection_is_dialled_opens_and_becomes_stable() {
    let policy = check(
        idle(),
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (Wake(9_999), ""),
            (On(0, Event::Opened), "dialling>open"),
            (Wake(19_999), ""),
            (Wake(1), "ping"),
            (On(40, Event::Pong), ""),
            (Wake(9_959), ""),
            (Wake(1), "open>stable"),
            (Wake(10_000), "ping"),
        ],
    );
    let snapshot = policy.snapshot();
    assert_eq!((snapshot.dials, snapshot.opens, snapshot.pings, snapshot.pongs), (1, 1, 2, 1));
    assert_eq!((snapshot.proven, snapshot.strays), (true, 0));
}

#[test]
fn stopping_closes_and_waits_for_the_answer() {
    check(
        stable(),
        &[
            (On(0, Event::Stop), "close 1000, stable>draining"),
            (On(0, Event::Stop), ""),
            (On(20, closed(1000)), "draining>stopped"),
            (Wake(1_000_000), ""),
        ],
    );
}

#[test]
fn stopping_does_not_wait_for_ever() {
    check(
        opened(),
        &[
            (On(0, Event::Stop), "close 1000, open>draining"),
            (Wake(4_999), ""),
            (Wake(1), "abandon, draining>stopped"),
        ],
    );
}

#[test]
fn stopping_without_a_connection_is_immediate() {
    check(idle(), &[(On(0, Event::Stop), "idle>stopped"), (On(0, Event::Start), "")]);
    check(
        idle(),
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (On(0, Event::Stop), "abandon, dialling>stopped"),
            (On(0, Event::Opened), "abandon"),
        ],
    );
    check(
        opened(),
        &[
            (On(0, RESET), "open>waiting, backoff #1 Transport(Reset)"),
            (On(0, Event::Stop), "waiting>stopped"),
            (Wake(1_000_000), ""),
        ],
    );
    check(
        opened(),
        &[
            (On(0, closed(4029)), "open>slow-lane, slow #1 CloseTooMany"),
            (On(0, Event::Stop), "slow-lane>stopped"),
        ],
    );
}

#[test]
fn a_refusal_while_stopping_is_not_fatal() {
    check(
        opened(),
        &[(On(0, Event::Stop), "close 1000, open>draining"), (On(0, closed(4001)), "draining>stopped")],
    );
}

#[test]
fn events_that_do_not_fit_are_counted_and_change_nothing() {
    let policy = check(
        stable(),
        &[
            (On(0, Event::Start), ""),
            (On(0, Event::Opened), ""),
            (On(0, refused(401)), ""),
            (On(0, RESET), "stable>waiting, backoff #1 Transport(Reset)"),
            (On(0, RESET), ""),
            (On(0, Event::Pong), ""),
            (On(0, Event::Opened), "abandon"),
            (Due, "waiting>dialling, dial"),
        ],
    );
    assert_eq!(policy.snapshot().strays, 6);
}

#[test]
fn a_late_wake_makes_nothing_up() {
    check(
        opened(),
        &[(Wake(3_600_000), "ping, open>stable"), (Wake(0), ""), (Wake(9_999), ""), (On(0, Event::Pong), "")],
    );
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut policy = stable();
    let before = policy.deadline();
    policy.wake(i64::MIN, &mut Vec::new());
    policy.handle(Event::Pong, 0, &mut Vec::new());
    assert_eq!(policy.deadline(), before);
    policy.handle(RESET, 0, &mut Vec::new());
    assert_eq!(policy.snapshot().since_ns, 30_000 * MS);
}

#[test]
fn a_reset_policy_is_like_a_new_one() {
    let mut reset = stable();
    reset.reset();
    assert_eq!(reset.snapshot(), idle().snapshot());
    let actions = |policy: &mut Policy| {
        let mut out = Vec::new();
        policy.handle(Event::Start, 0, &mut out);
        policy.handle(RESET, 0, &mut out);
        out
    };
    assert_eq!(actions(&mut reset), actions(&mut idle()));
}

#[test]
fn nonsense_settings_make_no_policy() {
    let settings = Settings { ping_interval: Duration::ZERO, ..Settings::default() };
    assert_eq!(Policy::new(settings, 1).map(|_| ()), Err(SettingsError::Zero { name: "ping_interval" }));
}
