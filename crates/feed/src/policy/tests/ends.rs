//! How connections end and what follows.

use super::*;

#[test]
fn refusals_at_the_first_connect_are_fatal() {
    let cases = [
        (refused(400), "dialling>fatal, fatal HttpBadRequest"),
        (refused(401), "dialling>fatal, fatal HttpUnauthorized"),
        (refused(403), "dialling>fatal, fatal HttpForbidden"),
        (closed(4001), "dialling>fatal, fatal CloseInvalidKey"),
        (closed(4003), "dialling>fatal, fatal ClosePlan"),
    ];
    for (event, expected) in cases {
        let policy = check(
            idle(),
            &[(On(0, Event::Start), "idle>dialling, dial"), (On(50, event), expected), (Wake(1_000_000), "")],
        );
        assert_eq!(policy.deadline(), None, "{event:?}");
        assert!(policy.state().is_final(), "{event:?}");
    }
}

#[test]
fn a_connection_that_opened_and_was_never_stable_proves_nothing() {
    check(
        opened(),
        &[
            (On(29_000, RESET), "open>waiting, backoff #1 Transport(Reset)"),
            (Due, "waiting>dialling, dial"),
            (On(10, refused(403)), "dialling>fatal, fatal HttpForbidden"),
        ],
    );
}

#[test]
fn a_refusal_after_stable_gets_three_slow_tries() {
    check(
        stable(),
        &[
            (On(0, RESET), "stable>waiting, backoff #1 Transport(Reset)"),
            (Due, "waiting>dialling, dial"),
            (On(10, refused(403)), "dialling>slow-lane, slow #2 HttpForbidden"),
            (Due, "slow-lane>dialling, dial"),
            (On(10, refused(401)), "dialling>slow-lane, slow #3 HttpUnauthorized"),
            (Due, "slow-lane>dialling, dial"),
            (On(10, Event::Opened), "dialling>open"),
            (On(10, closed(4003)), "open>slow-lane, slow #4 ClosePlan"),
            (Due, "slow-lane>dialling, dial"),
            (On(10, refused(403)), "dialling>fatal, fatal HttpForbidden"),
        ],
    );
}

#[test]
fn slow_tries_are_fresh_after_the_next_stable_connection() {
    let slow_once = check(
        stable(),
        &[
            (On(0, closed(4003)), "stable>slow-lane, slow #1 ClosePlan"),
            (Due, "slow-lane>dialling, dial"),
            (On(0, Event::Opened), "dialling>open"),
            (Due, "ping"),
            (On(0, Event::Pong), ""),
            (Due, "open>stable"),
        ],
    );
    assert_eq!((slow_once.snapshot().refusals, slow_once.snapshot().attempts), (0, 0));
}

#[test]
fn an_invalid_key_is_fatal_at_any_time() {
    check(stable(), &[(On(0, closed(4001)), "stable>fatal, fatal CloseInvalidKey")]);
}

#[test]
fn the_connection_limit_leads_to_the_slow_lane() {
    check(
        idle(),
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (On(10, refused(429)), "dialling>slow-lane, slow #1 HttpTooMany"),
            (Due, "slow-lane>dialling, dial"),
            (On(10, Event::Opened), "dialling>open"),
            (On(10, closed(4029)), "open>slow-lane, slow #2 CloseTooMany"),
            (Due, "slow-lane>dialling, dial"),
        ],
    );
}

#[test]
fn a_restart_is_followed_fast_once() {
    check(
        stable(),
        &[
            (On(0, closed(1012)), "stable>waiting, fast #1 CloseRestart"),
            (Wake(99), ""),
            (Wake(1), "waiting>dialling, dial"),
            (On(10, Event::Opened), "dialling>open"),
            (On(10, closed(1012)), "open>waiting, backoff #2 CloseRestart"),
            (Due, "waiting>dialling, dial"),
            (On(10, closed(1012)), "dialling>waiting, backoff #3 CloseRestart"),
        ],
    );
}

#[test]
fn everything_else_backs_off() {
    let cases = [
        (refused(302), "HttpRedirect(302)"),
        (refused(404), "HttpNotFound"),
        (refused(503), "HttpServerError(503)"),
        (closed(1000), "CloseNormal"),
        (closed(1001), "CloseOther(1001)"),
        (closed(1006), "CloseNoCode"),
        (Event::Closed { code: None, by: Side::Remote }, "CloseNoCode"),
        (Event::Closed { code: Some(1009), by: Side::Local }, "CloseLocal(Some(1009))"),
        (failed(TransportError::Dns), "Transport(Dns)"),
        (failed(TransportError::Tcp), "Transport(Tcp)"),
        (failed(TransportError::Tls), "Transport(Tls)"),
        (failed(TransportError::Handshake), "Transport(Handshake)"),
        (failed(TransportError::Protocol), "Transport(Protocol)"),
        (failed(TransportError::Timeout), "Transport(Timeout)"),
        (failed(TransportError::Eof), "Transport(Eof)"),
    ];
    for (event, cause) in cases {
        check(
            idle(),
            &[
                (On(0, Event::Start), "idle>dialling, dial"),
                (On(10, event), &format!("dialling>waiting, backoff #1 {cause}")),
                (Due, "waiting>dialling, dial"),
            ],
        );
    }
}

#[test]
fn a_server_that_accepts_and_closes_does_not_reset_the_backoff() {
    let mut policy = idle();
    let mut out = Vec::new();
    policy.handle(Event::Start, 0, &mut out);
    let mut now = 0;
    for attempt in 1..=20 {
        out.clear();
        policy.handle(Event::Opened, now, &mut out);
        policy.handle(closed(1000), now + 29_999 * MS, &mut out);
        assert!(matches!(out.last(), Some(Action::Retry { attempt: n, .. }) if *n == attempt), "{out:?}");
        now = policy.deadline().unwrap();
        policy.wake(now, &mut out);
    }
    assert_eq!(policy.retries.streak().backoffs, 20);
}

#[test]
fn a_dial_that_hangs_is_abandoned() {
    check(
        idle(),
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (Wake(10_000), "abandon, dialling>waiting, backoff #1 ConnectTimeout(Dns, 10s)"),
            (Due, "waiting>dialling, dial"),
        ],
    );
}

#[test]
fn each_step_of_a_dial_has_its_time_and_the_one_that_hangs_is_named() {
    check(
        idle(),
        &[
            (On(0, Event::Start), "idle>dialling, dial"),
            (On(9_999, Event::Reached(DialStep::Tcp)), ""),
            (On(9_999, Event::Reached(DialStep::Tls)), ""),
            (Wake(9_999), ""),
            (Wake(1), "abandon, dialling>waiting, backoff #1 ConnectTimeout(Tls, 10s)"),
            (On(0, Event::Reached(DialStep::Handshake)), ""),
            (Due, "waiting>dialling, dial"),
            (Due, "abandon, dialling>waiting, backoff #2 ConnectTimeout(Dns, 10s)"),
        ],
    );
}
