//! A state on a tape is the same state, or known to be incomplete.

use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet, Scope, State};

use super::super::{ConfigFile, StateReader, TapeConfig, TapeUniverse, event_type, state_events};

fn state() -> State {
    let rules = RuleSet::parse("rules.toml", "[[rule]]\nname = \"all\"\n").unwrap();
    let mut pipeline = Pipeline::new(rules, Bounds::default(), 0);
    let frames =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/frames/operations.jsonl");
    for line in std::fs::read_to_string(frames).unwrap().lines() {
        pipeline.handle(&Input::frame(line, Receipt::Sent), &mut Vec::new());
    }
    let mut state = pipeline.save(Scope::All);
    // More than one event holds.
    state.events.extend((0..3000).map(|place| (1_000_000 + place, u128::MAX - u128::from(place))));
    state
}

fn shown(state: &State) -> String {
    let views: Vec<_> = state.views.iter().map(|of| (of.serial, &of.seen, of.view.save())).collect();
    let tweets: Vec<_> =
        state.tweets.iter().map(|of| (of.serial, &of.id, &of.lives, &of.deadlines)).collect();
    format!("{:?} {views:?} {tweets:?} {:?}", state.head, state.events)
}

#[test]
fn a_state_reads_back_as_it_was_written() {
    let state = state();
    assert!(!state.views.is_empty() && !state.tweets.is_empty());
    let mut reader = StateReader::default();
    for event in state_events(&state) {
        assert!(!reader.is_complete());
        assert_eq!(event_type(&event).as_deref(), Some("state"));
        reader.event(&event).unwrap();
    }
    assert_eq!(shown(&reader.finish().expect("it is complete")), shown(&state));
}

#[test]
fn a_state_of_which_a_part_is_missing_or_too_much_is_none() {
    let state = state();
    let events: Vec<_> = state_events(&state).collect();
    for missing in 0..events.len() {
        let mut reader = StateReader::default();
        let mut read = || {
            let mut kept = events.iter().enumerate().filter(|(place, _)| *place != missing);
            kept.try_for_each(|(_, event)| reader.event(event))
        };
        let result = read();
        assert_eq!(result.is_err(), missing == 0, "without its head a part is none");
        assert!(reader.finish().is_none(), "without part {missing}");
    }
    let mut reader = StateReader::default();
    for event in &events {
        reader.event(event).unwrap();
    }
    assert!(reader.event(&events[1]).is_err(), "one too many");
    assert!(reader.event(br#"{"type":"gap"}"#).is_err());
}

#[test]
fn a_configuration_reads_back_as_it_was_written() {
    let config = TapeConfig {
        version: "0.1.0".to_owned(),
        name: "stoop.toml".to_owned(),
        text: "rules = [\"a.toml\"]\n".to_owned(),
        files: vec![ConfigFile { name: "a.toml".to_owned(), text: "[[rule]]\n\"\u{1f680}".to_owned() }],
        universe: Some(TapeUniverse::new("u.csv".to_owned(), "symbol,venue,market\n".to_owned())),
    };
    let event = config.to_event();
    assert!(event.starts_with(br#"{"type":"config","version":"0.1.0""#));
    assert_eq!(TapeConfig::from_event(&event).unwrap(), config);
    let universe = config.universe.expect("it has one");
    assert_eq!(
        universe.sha256, "6094a86a8170fd522c9e7bc332ccdd38510e19174370c716abcfe50d7fc87dcf",
        "as sha256sum says"
    );
    assert!(universe.is_whole());
    assert!(!TapeUniverse { text: String::new(), ..universe }.is_whole());
    let older = br#"{"type":"config","version":"0.1.0","name":"a","text":"","files":[]}"#;
    let read = TapeConfig::from_event(older).unwrap();
    assert_eq!(
        (&read.universe, read.to_event()),
        (&None, older.to_vec()),
        "it reads and is written as before"
    );
    assert!(TapeConfig::from_event(br#"{"type":"state","version":"","text":""}"#).is_err());
}
