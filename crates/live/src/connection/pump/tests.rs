//! What the simulation cannot see: how endpoints take turns, and how much is read in one go.

use std::time::Duration;

use super::*;

const SECOND_NS: i64 = 1_000_000_000;

/// Everything may enter.
fn around() -> Surroundings {
    Surroundings { has_room: true, is_idle: true, ..Surroundings::default() }
}

fn pump(settings: PumpSettings, endpoints: usize) -> Pump {
    let policy = || Policy::new(feed::Settings::default(), 7).expect("the defaults are valid");
    let endpoints = (0..endpoints).map(|at| Endpoint::new(at.to_string(), policy()));
    Pump::new(settings, endpoints.collect(), 0)
}

/// A pump whose endpoints are all open.
fn open(endpoints: usize) -> Pump {
    let mut pump = pump(PumpSettings::default(), endpoints);
    let mut out = Vec::new();
    pump.handle(Event::Begin, 0, &mut out);
    pump.handle(Event::Limit(None), 0, &mut out);
    turn(&mut pump, 0, &around());
    for at in 0..endpoints {
        pump.handle(Event::Endpoint { at, event: feed::Event::Opened }, 0, &mut out);
    }
    assert!(pump.states().all(State::is_open));
    pump
}

/// One turn without requests; returns what is to be done.
fn turn(pump: &mut Pump, now_ns: i64, around: &Surroundings) -> Vec<Action> {
    const CALLS: usize = 20;
    let mut out = Vec::new();
    for _ in 0..CALLS {
        if pump.wake(now_ns, around, &mut out) == Turn::Over {
            return out;
        }
    }
    panic!("the turn is not over after {CALLS} calls");
}

fn dials(out: &[Action]) -> Vec<usize> {
    let dial = |action: &Action| if let Action::Dial(at) = action { Some(*at) } else { None };
    out.iter().filter_map(dial).collect()
}

#[test]
fn each_endpoint_comes_first_in_its_turn() {
    let mut pump = open(3);
    let mut firsts = Vec::new();
    for _ in 0..6 {
        pump.wait(&around());
        let turns: Vec<_> = pump.turns().collect();
        assert!(turns.len() == 3 && turns.iter().all(|(_, is_read)| *is_read));
        firsts.push(turns[0].0);
    }
    assert_eq!(firsts, [1, 2, 0, 1, 2, 0]);
}

#[test]
fn nothing_is_read_while_it_may_not_enter_but_for_the_answer_to_a_close() {
    let mut pump = open(2);
    pump.wait(&Surroundings { is_blocking: true, ..around() });
    assert!(pump.turns().all(|(_, is_read)| !is_read));
    pump.wait(&Surroundings { has_room: false, ..around() });
    assert!(pump.turns().all(|(_, is_read)| !is_read));
    pump.handle(Event::End(End::Stopped), 1, &mut Vec::new());
    pump.wait(&around());
    assert!(pump.turns().all(|(_, is_read)| is_read), "both are closing");
    assert!(!pump.accepts(0, 1), "and what they send is not wanted");
}

#[test]
fn one_endpoint_is_read_for_a_while_and_no_longer() {
    let mut pump = open(1);
    pump.waited(true);
    let reads = (0..=BURST).take_while(|_| pump.reads_on(true)).count();
    assert_eq!(reads, BURST - 1, "the first message was read before");
    pump.waited(true);
    assert!(pump.reads_on(true) && !pump.reads_on(false));
}

#[test]
fn a_pong_is_missing_once_nothing_is_left_to_read_or_after_many_reads() {
    let settings = feed::Settings::default();
    let late_ns =
        i64::try_from((settings.ping_interval + settings.pong_timeout).as_nanos()).unwrap() + SECOND_NS;
    let is_given_up =
        |out: &[Action]| out.iter().any(|action| matches!(action, Action::Close { code: 1011, .. }));
    for (reads, is_missing) in [(0, true), (1, false), (BURSTS - 1, false), (BURSTS, true)] {
        let mut pump = open(1);
        pump.wait(&around());
        turn(
            &mut pump,
            late_ns - 2 * SECOND_NS - i64::try_from(settings.pong_timeout.as_nanos()).unwrap(),
            &around(),
        );
        turn(
            &mut pump,
            late_ns - SECOND_NS - i64::try_from(settings.pong_timeout.as_nanos()).unwrap(),
            &around(),
        );
        for _ in 0..reads {
            pump.waited(true);
        }
        assert_eq!(is_given_up(&turn(&mut pump, late_ns, &around())), is_missing, "after {reads} reads");
    }
}

#[test]
fn endpoints_wait_for_the_plan_and_those_it_has_no_room_for_are_left_out() {
    let mut pump = pump(PumpSettings::default(), 3);
    let mut out = Vec::new();
    pump.handle(Event::Begin, 0, &mut out);
    assert_eq!(dials(&out), [0]);
    assert!(out.iter().any(|action| matches!(action, Action::AskLimit)));
    assert_eq!(dials(&turn(&mut pump, 1, &around())), [0; 0]);
    pump.handle(Event::Limit(Some(2)), 2, &mut out);
    assert_eq!(dials(&turn(&mut pump, 2, &around())), [1]);
    assert_eq!(
        pump.reports().iter().map(|report| report.is_left_out).collect::<Vec<_>>(),
        [false, false, true]
    );
    // The key is refused at one of them.
    pump.handle(Event::Endpoint { at: 0, event: feed::Event::Refused { status: 401 } }, 3, &mut out);
    assert_eq!(dials(&turn(&mut pump, 3, &around())), [2], "its connection is free");
}

#[test]
fn one_tick_is_enough_for_a_deadline() {
    let mut pump = open(1);
    let due = Surroundings { deadline_ns: Some(5), is_idle: false, ..around() };
    let is_tick = |action: &&Action| matches!(action, Action::Enter(Input::Tick { .. }));
    let ticks = |out: Vec<Action>| out.iter().filter(is_tick).count();
    assert_eq!(ticks(turn(&mut pump, 4, &due)), 0);
    assert_eq!(ticks(turn(&mut pump, 6, &due)), 1);
    assert_eq!(ticks(turn(&mut pump, 7, &due)), 0, "the stages have not come to it");
    assert_eq!(ticks(turn(&mut pump, 8, &Surroundings { deadline_ns: Some(7), ..due })), 1);
}

#[test]
fn an_end_waits_for_what_is_held_back_and_not_for_ever() {
    let limit = Duration::from_secs(5);
    let settings = PumpSettings { drain_timeout_ns: 5 * SECOND_NS, ..PumpSettings::default() };
    for (holds_ns, over_ns) in
        [(0, 0), (SECOND_NS, SECOND_NS), (i64::MAX, i64::try_from(limit.as_nanos()).unwrap())]
    {
        let mut pump = pump(settings, 1);
        let mut out = Vec::new();
        pump.handle(Event::Begin, 0, &mut out);
        pump.handle(Event::End(End::Stopped), 0, &mut out);
        let mut now_ns = 0;
        while !pump.is_over() {
            let around = Surroundings { is_holding: now_ns < holds_ns, ..around() };
            out = turn(&mut pump, now_ns, &around);
            now_ns = pump.deadline(now_ns, &around).expect("it looks again");
        }
        assert!(out.iter().any(|action| matches!(action, Action::CloseTape)));
        assert_eq!(now_ns - DRAIN_EVERY_NS, over_ns, "held back for {holds_ns} ns");
        assert_eq!(pump.end(), Some(&End::Stopped));
    }
}
