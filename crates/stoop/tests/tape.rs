//! A tape holds all that is needed to follow it.

use std::fs;
use std::ops::ControlFlow;

use stoop::model::{Decision, LatencyNs};
use stoop::replay::Digest;
use stoop::tape::{
    FollowError, Follower, Origin, Parity, Record, TapeConfig, TapeOptions, TapeReplayOptions, TapeStep,
    TapeWriter, Tapes, expected_event, parity, read_decision, replay_tapes, state_events,
};
use stoop::{Config, UniverseFile, write_decision};

const FRAME: &[u8] = br#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"2064689031777615872","text":"$EDGE"}}"#;
const RULE: &str = "[[rule]]\nname = \"token\"\nassets = { tokens = true }\n";
/// When the frame came.
const RECV_NS: i64 = 1_781_095_200_131_000_000;

fn event(follower: &mut Follower, json: &[u8]) -> Result<(), FollowError> {
    follower.follow(&Record::Event { at_ns: RECV_NS, json })
}

fn frame(follower: &mut Follower) -> Result<(), FollowError> {
    let origin = Origin::endpoint(0, "default").expect("the first of eight");
    follower.follow(&Record::Frame { origin: &origin, recv_ns: RECV_NS, sent_ns: RECV_NS, bytes: FRAME })
}

fn config() -> Vec<u8> {
    TapeConfig { text: RULE.to_owned(), ..TapeConfig::default() }.to_event()
}

#[test]
fn rule_files_go_onto_a_tape_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stoop.toml");
    fs::write(&path, "rules = [\"a.toml\", \"b.toml\"]\n[[rule]]\nname = \"mine\"\n").unwrap();
    for name in ["a", "b"] {
        let text = format!("[[rule]]\nname = \"{name}\"\nany = [\"{name}\"]\n");
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let loaded = Config::load(&path).unwrap();
    let mut tape = loaded.to_tape();
    drop(folder);
    let again = Config::from_tape(&tape).unwrap();
    assert_eq!(again.to_tape(), tape, "what is read off a tape goes onto the next one");
    let names = |config: &Config| {
        let sources = config.rule_sources.iter();
        sources.map(|source| (source.name.clone(), source.text.clone())).collect::<Vec<_>>()
    };
    assert_eq!(names(&again), names(&loaded));
    again.rules().unwrap();
    tape.files.pop();
    let error = Config::from_tape(&tape).unwrap_err().to_string();
    assert!(error.contains("stoop.toml:1:") && error.contains("the tape does not hold this file"), "{error}");
}

#[test]
fn the_universe_goes_onto_a_tape_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stoop.toml");
    fs::write(&path, format!("{RULE}[universe]\nfile = \"u.csv\"\n")).unwrap();
    let text = "# mine\nsymbol,venue,market\nEDGE,gateio,EDGE_USDT\n";
    fs::write(folder.path().join("u.csv"), text).unwrap();
    let mut tape = Config::load(&path).unwrap().to_tape();
    drop(folder);
    assert_eq!(tape.universe.as_ref().map(|universe| universe.text.as_str()), Some(text));
    tape = TapeConfig::from_event(&tape.to_event()).unwrap();
    let again = Config::from_tape(&tape).unwrap();
    assert_eq!(again.to_tape(), tape, "what is read off a tape goes onto the next one");
    assert!(again.rules().unwrap().universe().unwrap().lists("EDGE"));

    let mut follower = Follower::default();
    event(&mut follower, &tape.to_event()).unwrap();
    frame(&mut follower).unwrap();
    assert_eq!(follower.configs(), [tape.clone()], "the one on the tape is in force");

    let mut given = Config::parse("stoop.toml", RULE).unwrap();
    given.universe = Some(UniverseFile::parse("code", text).unwrap());
    let again = Config::from_tape(&given.to_tape()).unwrap();
    assert!(again.rules().unwrap().universe().unwrap().lists("EDGE"), "also one that no file named");

    tape.universe = None;
    let error = Config::from_tape(&tape).unwrap_err().to_string();
    assert!(error.contains("the tape does not hold this file"), "{error}");
}

#[test]
fn a_follower_decides_and_remembers_as_the_engine_did() {
    let mut follower = Follower::default();
    event(&mut follower, &config()).unwrap();
    frame(&mut follower).unwrap();
    assert_eq!(follower.decisions().len(), 1);
    let state = follower.state(RECV_NS).unwrap();
    assert_eq!((state.head.decisions, state.views.len(), state.tweets.len()), (1, 1, 1));

    let mut next = Follower::default();
    event(&mut next, &config()).unwrap();
    state_events(&state).for_each(|json| event(&mut next, &json).unwrap());
    frame(&mut next).unwrap();
    assert!(next.decisions().is_empty(), "the frame is known");
    next.tick(RECV_NS + 60_000_000_000).unwrap();
    let kinds: Vec<_> =
        next.decisions().iter().map(|decision| (decision.seq, decision.kind.as_str())).collect();
    assert_eq!(kinds, [(1, "lapse")], "a deadline of the one before fires");
}

#[test]
fn the_series_of_several_configurations_are_one_table_and_the_last_counts() {
    let mut follower = Follower::default();
    for series in ["\"rule:token\" = \"A\"\n\"$EDGE\" = \"B\"", "\"rule:token\" = \"C\""] {
        let text = format!("{RULE}\n[series]\n{series}\n");
        event(&mut follower, &TapeConfig { text, ..TapeConfig::default() }.to_event()).unwrap();
        frame(&mut follower).unwrap();
    }
    let series: Vec<_> = follower.series().iter().map(|(key, name)| (key.as_str(), name.as_str())).collect();
    assert_eq!(series, [("$EDGE", "B"), ("rule:token", "C")]);
}

#[test]
fn what_cannot_be_followed_is_refused_rather_than_guessed() {
    let mut follower = Follower::default();
    assert!(matches!(frame(&mut follower), Err(FollowError::NoConfig)));
    event(&mut follower, &config()).unwrap();
    frame(&mut follower).unwrap();
    let state = follower.state(RECV_NS).unwrap();

    let mut half = Follower::default();
    event(&mut half, &config()).unwrap();
    event(&mut half, &state_events(&state).next().unwrap()).unwrap();
    assert!(matches!(frame(&mut half), Err(FollowError::HalfState)));
    for (json, is_known) in [
        (&br#"{"type":"external","text":"x"}"#[..], true),
        (br#"{"type":"gap","from_ns":1,"to_ns":2,"cause":"restart"}"#, true),
        (br#"{"type":"gap"}"#, false),
        (br#"{"type":"generation"}"#, false),
        (br#"{"type":"of the future"}"#, true),
        (b"[]", true),
    ] {
        let mut follower = Follower::default();
        event(&mut follower, &config()).unwrap();
        assert_eq!(event(&mut follower, json).is_ok(), is_known, "{}", String::from_utf8_lossy(json));
    }
    let mut wrong = Follower::default();
    event(&mut wrong, br#"{"type":"config","version":"","text":"[[rule]]"}"#).unwrap();
    assert!(matches!(frame(&mut wrong), Err(FollowError::Rules(_) | FollowError::Config(_))));
}

#[test]
fn a_decision_line_is_read_back_with_its_latency() {
    let mut follower = Follower::default();
    event(&mut follower, &config()).unwrap();
    frame(&mut follower).unwrap();
    let latency = LatencyNs { decode: 1, merge: 2, signal: 3, total: 7 };
    for latency in [Some(latency), None] {
        let decision = Decision { latency, ..follower.decisions()[0].clone() };
        let mut line = Vec::new();
        write_decision(&decision, &mut line);
        let read = read_decision(&line).unwrap();
        assert_eq!((read.body, read.latency), (decision.body, latency));
    }
}

#[test]
fn a_replay_tells_what_was_missed_and_what_the_run_decided_in_the_order_it_came_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mcap");
    let mut follower = Follower::default();
    event(&mut follower, &config()).unwrap();
    frame(&mut follower).unwrap();
    let mut line = Vec::new();
    write_decision(&follower.decisions()[0], &mut line);
    let late = String::from_utf8_lossy(FRAME).replace("15872", "15873").replace("EDGE", "LATE");
    let feed = Origin::endpoint(0, "default").expect("the first of eight");
    let frame = |origin, bytes| Record::Frame { origin, recv_ns: RECV_NS, sent_ns: RECV_NS, bytes };
    let mut tape = TapeWriter::create(&path, TapeOptions::default()).unwrap();
    tape.copy(&Record::Event { at_ns: RECV_NS, json: &config() }).unwrap();
    tape.copy(&frame(&feed, FRAME)).unwrap();
    tape.decision(RECV_NS, &line).unwrap();
    tape.copy(&frame(&Origin::History, late.as_bytes())).unwrap();
    tape.seal().unwrap();

    let mut told = Vec::new();
    let mut follower = Follower::default();
    let each = |step: TapeStep<'_>| {
        told.push(match step {
            TapeStep::Decided(decision) => format!("decided {}", decision.tweet_id),
            TapeStep::Missed(missed) => format!("missed {} by {}", missed.tweet_id, missed.rule.name),
            TapeStep::Recorded(line) => format!("recorded {}", read_decision(line).unwrap().tweet_id),
        });
        ControlFlow::Continue(())
    };
    let tapes = Tapes::open(&[path]).unwrap();
    replay_tapes(tapes, &mut follower, TapeReplayOptions::default(), each).unwrap();
    let expect = [
        "decided 2064689031777615872",
        "recorded 2064689031777615872",
        "missed 2064689031777615873 by token",
    ];
    assert_eq!(told, expect);
    assert!(follower.take_missed().is_empty(), "each is told once");
}

/// A tape of one frame, with what its run has decided as `change` makes it, and the digest of these lines.
fn tape_of(text: &str, change: impl Fn(String) -> String) -> Parity {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.mcap");
    let bytes = String::from_utf8_lossy(FRAME).replace("$EDGE", text);
    let origin = Origin::endpoint(0, "default").expect("the first of eight");
    let frame =
        Record::Frame { origin: &origin, recv_ns: RECV_NS, sent_ns: RECV_NS, bytes: bytes.as_bytes() };
    let mut follower = Follower::default();
    event(&mut follower, &config()).expect("a configuration");
    follower.follow(&frame).expect("an input");
    let mut line = Vec::new();
    write_decision(&follower.decisions()[0], &mut line);
    let line = change(String::from_utf8(line).expect("UTF-8"));
    let mut digest = Digest::default();
    digest.add_line(line.replace(r#","latency_ns":null"#, "").as_bytes());
    let mut tape = TapeWriter::create(&path, TapeOptions::default()).expect("the tape is written");
    tape.copy(&Record::Event { at_ns: RECV_NS, json: &config() }).expect("the tape is written");
    tape.copy(&frame).expect("the tape is written");
    tape.decision(RECV_NS, line.as_bytes()).expect("the tape is written");
    tape.copy(&Record::Event { at_ns: RECV_NS, json: &expected_event(&digest) })
        .expect("the tape is written");
    tape.seal().expect("the tape is written");
    parity(&path).expect("the tape is read")
}

#[test]
fn a_tape_of_an_older_version_is_held_to_what_its_lines_say() {
    let same = Parity::Same { decisions: 1, beyond: 0 };
    assert_eq!(tape_of("$EDGE", |line| line), same);
    let without = |line: String| {
        let less = line.replace(r#""link":null,"#, "").replace(r#""evidence":"ticker","#, "");
        assert_ne!(less, line);
        less
    };
    assert_eq!(tape_of("$EDGE", without), same, "members that came later");
    let raw = |line: String| {
        let raw = line.replace("\\u2028", "\u{2028}").replace("\\u0085", "\u{85}");
        assert_ne!(raw, line);
        raw
    };
    assert_eq!(tape_of("$EDGE \u{2028} \u{85}", raw), same, "characters that were not escaped");
    let other = |line: String| line.replace(r#""evidence":"ticker""#, r#""evidence":"contract""#);
    assert!(matches!(tape_of("$EDGE", other), Parity::Differs(_)));
}
