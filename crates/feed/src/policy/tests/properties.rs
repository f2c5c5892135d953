//! What holds for every sequence of events, times and seeds.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{DialStep, Side, TransportError};

const MS: i64 = 1_000_000;
const HOUR: i64 = 3_600_000 * MS;
/// No two dials are closer than the floor of the backoff.
const DIAL_GAP: i64 = 50 * MS;

#[derive(Debug, Clone, Copy)]
enum Input {
    Event(Event),
    Wake,
    /// Wakes at the deadline, if that lies ahead.
    Due,
}

fn transport_error() -> impl Strategy<Value = TransportError> {
    prop::sample::select(vec![
        TransportError::Dns,
        TransportError::Tcp,
        TransportError::Tls,
        TransportError::Handshake,
        TransportError::Protocol,
        TransportError::Timeout,
        TransportError::Reset,
        TransportError::Eof,
    ])
}

fn code() -> impl Strategy<Value = Option<u16>> {
    let known = prop::sample::select(vec![1000, 1001, 1006, 1012, 4001, 4003, 4029]);
    prop_oneof![8 => known.prop_map(Some), 1 => any::<Option<u16>>()]
}

fn status() -> impl Strategy<Value = u16> {
    let known = prop::sample::select(vec![302, 400, 401, 403, 404, 429, 500, 503]);
    prop_oneof![8 => known, 1 => any::<u16>()]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Start),
        2 => Just(Event::Reached(DialStep::Handshake)),
        8 => Just(Event::Opened),
        1 => status().prop_map(|status| Event::Refused { status }),
        2 => (code(), any::<bool>()).prop_map(|(code, local)| Event::Closed {
            code,
            by: if local { Side::Local } else { Side::Remote },
        }),
        3 => transport_error().prop_map(|error| Event::Failed { error }),
        6 => Just(Event::Pong),
        3 => any::<bool>().prop_map(Event::ReadingHeld),
        1 => prop::bool::weighted(0.2).prop_map(|stop| if stop { Event::Stop } else { Event::Pong }),
    ]
}

/// Steps of (nanoseconds since the step before, input), times even and odd.
fn inputs() -> impl Strategy<Value = Vec<(i64, Input)>> {
    let after = prop_oneof![
        3 => Just(0),
        4 => (0..2_000_i64).prop_map(|ms| ms * MS),
        2 => 0..40_000 * MS,
        1 => 0..HOUR,
    ];
    let input = prop_oneof![
        3 => event().prop_map(Input::Event),
        1 => Just(Input::Wake),
        3 => Just(Input::Due),
    ];
    vec((after, input), 0..200).prop_map(|mut steps| {
        steps.insert(0, (0, Input::Event(Event::Start)));
        steps
    })
}

/// Runs the inputs, checks each step, and returns every action with its time.
fn run(policy: &mut Policy, inputs: &[(i64, Input)]) -> Result<Vec<(i64, Action)>, TestCaseError> {
    let mut now = 0;
    let mut all = Vec::new();
    let mut out = Vec::new();
    for &(after, input) in inputs {
        out.clear();
        let before = policy.state();
        match input {
            Input::Event(event) => {
                now += after;
                policy.handle(event, now, &mut out);
            }
            Input::Wake => {
                now += after;
                policy.wake(now, &mut out);
            }
            Input::Due => {
                now = policy.deadline().map_or(now, |at| at.max(now));
                policy.wake(now, &mut out);
            }
        }
        prop_assert!(out.len() <= Policy::MAX_ACTIONS, "{out:?}");
        if !matches!(input, Input::Event(_)) {
            prop_assert!(policy.deadline().is_none_or(|at| at > now), "{:?} at {now}", policy.snapshot());
        }
        let waits = policy.state() != State::Idle && !policy.state().is_final();
        prop_assert_eq!(policy.deadline().is_some(), waits, "{:?}", policy.snapshot());
        check_announcements(before, policy.state(), &out)?;
        all.extend(out.iter().map(|&action| (now, action)));
    }
    Ok(all)
}

/// The announced changes lead from one state to the other, and final states are final.
fn check_announcements(before: State, after: State, out: &[Action]) -> Result<(), TestCaseError> {
    let mut state = before;
    for action in out {
        match *action {
            Action::StateChanged { from, to } => {
                prop_assert_eq!(from, state);
                prop_assert!(!from.is_final(), "{from} left for {to}");
                state = to;
            }
            Action::Dial => prop_assert_eq!(state, State::Dialling),
            Action::SendPing => prop_assert!(state.is_open()),
            Action::Retry { .. } => prop_assert!(matches!(state, State::Waiting | State::SlowLane)),
            Action::Fatal { .. } => prop_assert_eq!(state, State::Fatal),
            Action::Close { .. } | Action::Abandon => {}
        }
    }
    prop_assert_eq!(state, after);
    Ok(())
}

/// Times of the dials in an hour against a server that ends every dial the same way at once.
fn dials_in_an_hour(seed: u64, answers: &[Event]) -> Vec<i64> {
    let mut policy = Policy::new(Settings::default(), seed).unwrap();
    let mut out = Vec::new();
    let mut dials = Vec::new();
    let mut now = 0;
    policy.handle(Event::Start, now, &mut out);
    while now < HOUR {
        if out.contains(&Action::Dial) {
            dials.push(now);
            out.clear();
            for &answer in answers {
                policy.handle(answer, now, &mut out);
            }
        }
        out.clear();
        let next = policy.deadline().expect("a hopeless server is not a fatal one");
        assert!(next > now, "time stands still at {now} ns");
        now = next;
        policy.wake(now, &mut out);
    }
    dials
}

proptest! {
    #[test]
    fn no_sequence_breaks_the_invariants_and_dials_keep_their_distance(
        seed: u64,
        inputs in inputs(),
    ) {
        let mut policy = Policy::new(Settings::default(), seed).unwrap();
        let actions = run(&mut policy, &inputs)?;
        let dials: Vec<_> =
            actions.iter().filter(|(_, action)| *action == Action::Dial).map(|&(at, _)| at).collect();
        for pair in dials.windows(2) {
            prop_assert!(pair[1] - pair[0] >= DIAL_GAP, "{pair:?}");
        }
    }

    #[test]
    fn the_same_seed_and_inputs_give_the_same_actions(seed: u64, inputs in inputs()) {
        let mut policy = Policy::new(Settings::default(), seed).unwrap();
        let first = run(&mut policy, &inputs)?;
        policy.reset();
        let after_reset = run(&mut policy, &inputs)?;
        let again = run(&mut Policy::new(Settings::default(), seed).unwrap(), &inputs)?;
        prop_assert_eq!(&first, &after_reset);
        prop_assert_eq!(&first, &again);
    }

    #[test]
    fn left_alone_it_dials_again_unless_it_has_ended(seed: u64, inputs in inputs()) {
        let mut policy = Policy::new(Settings::default(), seed).unwrap();
        run(&mut policy, &inputs)?;
        let mut out = Vec::new();
        policy.handle(Event::ReadingHeld(false), i64::MIN, &mut out);
        // At most: ping, stable, pong missing, retry.
        for _ in 0..4 {
            let Some(at) = policy.deadline() else { break };
            policy.wake(at, &mut out);
        }
        let dialled = out.contains(&Action::Dial);
        prop_assert!(dialled || policy.state().is_final(), "{:?}", policy.snapshot());
    }

    #[test]
    fn a_hopeless_server_is_not_hammered(seed: u64, error in transport_error()) {
        let hopeless = [
            vec![Event::Failed { error }],
            vec![Event::Refused { status: 404 }],
            vec![Event::Opened, Event::Closed { code: Some(1000), by: Side::Remote }],
            vec![Event::Opened, Event::Closed { code: Some(1012), by: Side::Remote }],
        ];
        for answers in hopeless {
            // One in 15 s on average once the ceiling is reached, standard deviation about 10 in the hour.
            let dials = dials_in_an_hour(seed, &answers);
            prop_assert!((180..=310).contains(&dials.len()), "{} dials, {answers:?}", dials.len());
        }
    }

    #[test]
    fn a_full_plan_is_tried_in_minutes(seed: u64) {
        for answers in [
            vec![Event::Refused { status: 429 }],
            vec![Event::Opened, Event::Closed { code: Some(4029), by: Side::Remote }],
        ] {
            let dials = dials_in_an_hour(seed, &answers);
            for pair in dials.windows(2) {
                prop_assert!((60_000 * MS..=180_000 * MS).contains(&(pair[1] - pair[0])), "{pair:?}");
            }
        }
    }
}
