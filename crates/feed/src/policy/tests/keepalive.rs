//! Pings, pongs, silence and held reading.

use super::*;

#[test]
fn a_missing_pong_is_a_dead_link() {
    check(
        stable(),
        &[
            (Due, "ping"),
            (Wake(9_999), ""),
            (Wake(1), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
            (Due, "waiting>dialling, dial"),
        ],
    );
}

#[test]
fn a_link_that_never_answered_is_dead_before_it_is_stable() {
    check(
        opened(),
        &[
            (Wake(20_000), "ping"),
            (Wake(10_000), "close 1011, abandon, open>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn a_pong_that_may_lie_unread_is_not_missing_yet_and_pings_go_on() {
    check(
        stable(),
        &[
            (Due, "ping"),
            (WakeUnread(25_000), "ping"),
            (On(0, Event::Pong), ""),
            (Wake(0), ""),
            (WakeUnread(20_000), "ping"),
            (WakeUnread(11_000), ""),
            (Wake(0), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn silence_of_data_is_no_reason() {
    let mut policy = stable();
    for _ in 0..1_000 {
        policy = check(policy, &[(Due, "ping"), (On(30, Event::Pong), "")]);
    }
    assert_eq!(policy.state(), State::Stable);
}

#[test]
fn a_pong_timeout_over_the_ping_interval_is_not_put_off_by_later_pings() {
    let settings = Settings { pong_timeout: Duration::from_secs(50), ..Settings::default() };
    let policy = Policy::new(settings, 1).unwrap();
    check(
        policy,
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (On(0, Event::Opened), "dialling>open"),
            (Due, "ping"),
            (Due, "open>stable"),
            (Due, "ping"),
            (Due, "ping"),
            (Wake(10_000), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn while_reading_is_held_pings_go_on_and_no_pong_is_expected() {
    check(
        stable(),
        &[
            (Due, "ping"),
            (On(9_000, Event::ReadingHeld(true)), ""),
            (Due, "ping"),
            (Due, "ping"),
            (On(19_000, Event::ReadingHeld(false)), ""),
            (Due, "ping"),
            (Wake(8_999), ""),
            (Wake(1), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn a_dead_link_is_found_however_often_reading_is_held() {
    let mut policy = check(stable(), &[(Due, "ping")]);
    let mut out = Vec::new();
    // Held for a second and read for another, again and again; pings come in between.
    let mut read = 0;
    while policy.state() == State::Stable {
        policy = check(policy, &[(On(1_000, Event::ReadingHeld(true)), "")]);
        let now = policy.now + 1_000 * MS;
        policy.handle(Event::ReadingHeld(false), now, &mut out);
        policy.wake(now, &mut out);
        read += 1;
        assert!(read <= 20, "{:?}", policy.snapshot());
        if policy.deadline() <= Some(now + 1_000 * MS) {
            policy.wake(now + 1_000 * MS, &mut out);
        }
    }
    // One second before it was held first, then the whole timeout.
    assert_eq!((read, policy.snapshot().last_cause), (10, Some(Cause::PongTimeout)));
}

#[test]
fn a_pong_that_comes_gives_the_next_one_its_whole_time() {
    check(
        stable(),
        &[
            (Due, "ping"),
            (On(1_000, Event::ReadingHeld(true)), ""),
            (On(1_000, Event::ReadingHeld(false)), ""),
            (On(9_000, Event::ReadingHeld(true)), ""),
            (On(1_000, Event::ReadingHeld(false)), ""),
            (On(999, Event::Pong), ""),
            (Due, "ping"),
            (On(9_000, Event::ReadingHeld(true)), ""),
            (On(1_000, Event::ReadingHeld(false)), ""),
            (Wake(9_999), ""),
            (Wake(1), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn resuming_without_a_ping_out_expects_no_pong() {
    let policy = check(
        stable(),
        &[(On(1_000, Event::ReadingHeld(true)), ""), (On(1_000, Event::ReadingHeld(false)), "")],
    );
    assert_eq!(policy.snapshot().next.map(|(deadline, _)| deadline), Some(Deadline::Ping));
}

#[test]
fn repeating_that_reading_goes_on_does_not_put_off_the_pong() {
    check(
        stable(),
        &[
            (Due, "ping"),
            (On(9_000, Event::ReadingHeld(false)), ""),
            (Wake(1_000), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}

#[test]
fn holding_lasts_over_a_reconnect() {
    check(
        stable(),
        &[
            (On(0, Event::ReadingHeld(true)), ""),
            (On(0, RESET), "stable>waiting, backoff #1 Transport(Reset)"),
            (Due, "waiting>dialling, dial"),
            (On(0, Event::Opened), "dialling>open"),
            (Due, "ping"),
            (Due, "open>stable"),
            (On(0, Event::ReadingHeld(false)), ""),
            (Wake(9_999), ""),
            (Wake(1), "close 1011, abandon, stable>waiting, backoff #1 PongTimeout"),
        ],
    );
}
