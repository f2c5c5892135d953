//! The kit for tests of rules and strategies.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stoop::model::TweetId;
use stoop::replay::{Frames, ReplayOptions};
use stoop::{Case, Config, Harness, HarnessError, Judgement, Message, Strategy, brief};

const RULES: &str = "[[rule]]\nname = \"r\"\nassets = { tokens = true }\nsettle = \"3s\"\n";
const TOKEN: &str = r#"{"detected":{"tokens":[{"symbol":"DOGE","contract":"c1","chain":"solana"}]}}"#;

/// Judges by a function.
struct By<F>(F);

impl<F: FnMut(&Case<'_>) -> Judgement + Send> Strategy for By<F> {
    fn rule(&self) -> String {
        "name = \"s\"".to_owned()
    }

    fn judge(&mut self, case: &Case<'_>) -> Judgement {
        (self.0)(case)
    }
}

fn by(judge: impl FnMut(&Case<'_>) -> Judgement + Send + 'static) -> Vec<Box<dyn Strategy>> {
    vec![Box::new(By(judge))]
}

fn rules() -> Harness {
    Harness::new(RULES, Vec::new()).expect("the rule is right")
}

#[test]
fn every_operation_leads_to_what_it_does_live() {
    let mut harness = rules();
    assert_eq!(brief(&harness.post("1", "@Ab", "much \"$DOGE\"\n").unwrap()), ["open r ticker:DOGE content"]);
    assert_eq!(brief(&harness.meta("1", TOKEN).unwrap()), ["revise r token:solana:c1 meta"]);
    assert_eq!(brief(&harness.update("1", r#"{"urls":[]}"#).unwrap()), [""; 0]);
    assert_eq!(brief(&harness.delete("1").unwrap()), ["cancel r token:solana:c1 delete deleted"]);
    let members = r#"{"text":"$DOGE","author":{"handle":"@b","platform":"truth_social"}}"#;
    assert_eq!(brief(&harness.content("2", members).unwrap()), ["open r ticker:DOGE content"]);
    let frame = r#"{"v":1,"t":"tweet","op":"content","ts":1,"d":{"tweetId":"3","text":"$WIF"}}"#;
    assert_eq!(brief(&harness.frame(frame).unwrap()), ["open r ticker:WIF content"]);
    assert_eq!(brief(&harness.frame(frame).unwrap()), [""; 0], "a duplicate");
    assert_eq!(harness.decisions().len(), 5);
}

#[test]
fn time_passes_only_when_it_is_told_to() {
    let mut harness = rules();
    let open = harness.post("1", "@ab", "$DOGE").unwrap().remove(0);
    assert_eq!(open.decided_ns, Harness::START_MS * 1_000_000);
    assert_eq!((open.created_ms, open.received_ms), (Some(Harness::START_MS), Some(Harness::START_MS)));
    assert!(harness.after(Duration::from_millis(2999)).is_empty());
    assert!(harness.at(Duration::from_secs(1)).is_empty(), "that is over");
    assert_eq!(brief(&harness.at(Duration::from_secs(3))), ["lapse r ticker:DOGE timeout"]);
    assert_eq!(harness.now_ns(), (Harness::START_MS + 3000) * 1_000_000);
    harness.post("2", "@ab", "$DOGE").unwrap();
    assert_eq!(brief(&harness.finish()), ["lapse r ticker:DOGE timeout"]);
}

#[test]
fn a_frame_that_is_bad_is_an_error_that_says_why() {
    let mut harness = rules();
    let said = |result: Result<_, HarnessError>| result.map(|_: Vec<_>| ()).unwrap_err().to_string();
    let bad = said(harness.frame(r#"{"v":1,"t":"tweet","op":"content","d":{"text":"a"}}"#));
    assert!(bad.starts_with("the decoder refuses the frame: ") && bad.contains("\"text\":\"a\""), "{bad}");
    let bad = said(harness.meta("1", "[1]"));
    assert!(bad.starts_with("the members of the meta are not a JSON object"), "{bad}");
    let bad = said(harness.update("1", r#"{"text":7}"#));
    assert!(bad.contains("refuses"), "{bad}");
    let long = Message { text: "a".repeat(stoop::stages::MESSAGE_BYTES + 1), ..Message::default() };
    assert!(matches!(harness.message(long), Err(HarnessError::TooLong)));
    assert_eq!(brief(&harness.post("1", "@ab", "$DOGE").unwrap()).len(), 1, "it goes on");
}

#[test]
fn what_is_wrong_with_the_rules_is_told_with_its_place() {
    let error = Harness::new("[[rule]]\nname = 1\n", Vec::new()).unwrap_err();
    assert!(error.to_string().contains("harness:2:8"), "{error}");
    let error = Harness::new("[[rules]]\n", Vec::new()).unwrap_err();
    assert!(matches!(error, HarnessError::Config(_)), "{error}");
}

#[test]
fn strategies_are_told_asked_and_switched_off() {
    let mut harness = Harness::new(
        "",
        by(|case| if case.trigger.as_str() == "external" { Judgement::Take } else { Judgement::Refuse }),
    )
    .unwrap();
    assert!(harness.post("1", "@ab", "a").unwrap().is_empty());
    let tweet = |id| Message { tweet: Some(TweetId::parse(id)), ..Message::default() };
    assert_eq!(brief(&harness.message(tweet("1")).unwrap()), ["open s - external"]);
    assert!(harness.switch_off("s").is_empty());
    harness.post("2", "@ab", "b").unwrap();
    assert!(harness.message(tweet("2")).unwrap().is_empty());
    assert!(harness.incidents().is_empty());
    assert_eq!(
        harness.repeat(by(|_| Judgement::Refuse)).unwrap_err().to_string().lines().last(),
        Some("  nothing")
    );
}

#[test]
fn a_panic_is_an_incident_and_its_time_is_told() {
    let mut harness = Harness::new(RULES, by(|_| panic!("a mistake"))).unwrap();
    harness.after(Duration::from_millis(5));
    assert_eq!(brief(&harness.post("1", "@ab", "$DOGE").unwrap()), ["open r ticker:DOGE content"]);
    let [incident] = harness.incidents() else { panic!("{harness:?}") };
    assert_eq!((incident.strategy.as_str(), incident.message.as_str()), ("s", "a mistake"));
    assert_eq!(incident.at_ns, (Harness::START_MS + 5) * 1_000_000);
}

/// Takes everything, on tokens.
struct Taker;

impl Strategy for Taker {
    fn rule(&self) -> String {
        "name = \"t\"\nassets = { tokens = true }".to_owned()
    }

    fn judge(&mut self, _: &Case<'_>) -> Judgement {
        Judgement::Take
    }
}

#[test]
fn strategies_behind_one_that_panics_are_asked_all_the_same() {
    let mut strategies = by(|case| {
        assert_ne!(case.trigger.as_str(), "meta", "a mistake");
        Judgement::Take
    });
    strategies.push(Box::new(Taker));
    let mut harness = Harness::new("", strategies).unwrap();
    let open = ["open s - content", "open t ticker:DOGE content"];
    assert_eq!(brief(&harness.post("1", "@ab", "$DOGE").unwrap()), open);
    assert_eq!(brief(&harness.meta("1", TOKEN).unwrap()), ["revise t token:solana:c1 meta"]);
    assert_eq!(harness.incidents().len(), 1);
    assert_eq!(brief(&harness.post("2", "@ab", "$DOGE").unwrap()), ["open t ticker:DOGE content"]);
    let cancels = ["cancel s - delete deleted", "cancel t token:solana:c1 delete deleted"];
    assert_eq!(brief(&harness.delete("1").unwrap()), cancels);
}

#[test]
fn an_explanation_names_what_failed_and_knows_no_other_tweet() {
    let mut harness = rules();
    harness.post("1", "@ab", "no ticker").unwrap();
    harness.content("2", r#"{"text":"$DOGE","author":{"handle":"@b","platform":"truth_social"}}"#).unwrap();
    let why = harness.explain("1");
    assert_eq!((why.len(), why[0].failed), (1, Some(stoop::rules::Condition::Assets)), "{why:?}");
    assert_eq!(harness.explain("2")[0].failed, None);
    assert!(harness.explain("3").is_empty());
}

#[test]
fn the_same_told_again_decides_the_same_unless_a_strategy_looks_elsewhere() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let honest = || {
        let mut asked = 0;
        by(move |_| {
            asked += 1;
            if asked % 2 == 1 { Judgement::Take } else { Judgement::Refuse }
        })
    };
    // What it counts outlives it, as a clock or a random number would.
    let other = || {
        by(|_| {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            if asked.is_multiple_of(2) { Judgement::Take } else { Judgement::Refuse }
        })
    };
    let run = |strategies| {
        let mut harness = Harness::new(RULES, strategies).unwrap();
        for id in ["1", "2", "3"] {
            harness.post(id, "@ab", "$DOGE").unwrap();
            harness.after(Duration::from_secs(1));
        }
        harness.finish();
        harness
    };
    let harness = run(honest());
    let again = harness.repeat(honest()).unwrap();
    assert_eq!(again.digest().to_string(), harness.digest().to_string());
    assert_eq!(again.repeat(honest()).unwrap().decisions(), harness.decisions());
    let error = run(other()).repeat(other()).unwrap_err();
    assert!(matches!(error, HarnessError::Differs { place: 1, .. }), "{error}");
}

#[test]
fn a_trial_decides_what_a_replay_of_its_frames_does() {
    let frames: Vec<String> = [("1", 0), ("2", 700)]
        .map(|(id, at)| {
            let ts = Harness::START_MS + at;
            format!(
                r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}","text":"$DOGE"}}}}"#
            )
        })
        .to_vec();
    let mut harness = rules();
    harness.frame(&frames[0]).unwrap();
    harness.at(Duration::from_millis(700));
    harness.frame(&frames[1]).unwrap();
    harness.finish();
    let config = Config::parse("r", RULES).unwrap();
    let reader = std::io::Cursor::new(frames.join("\n"));
    let frames = Frames::from_reader("frames", reader, config.bounds.limits).unwrap();
    let each = |_: &_| std::ops::ControlFlow::Continue(());
    let summary =
        stoop::replay::replay(config.rules().unwrap(), frames, ReplayOptions::default(), each).unwrap();
    assert_eq!(summary.digest.to_string(), harness.digest().to_string());
    assert_eq!(summary.digest.count(), 4);
}

#[test]
fn what_history_brings_is_late_and_missed_unless_the_rule_takes_it() {
    let frame = r#"{"v":1,"t":"tweet","op":"content","d":{"tweetId":"1","text":"$DOGE"}}"#;
    let mut strict = rules();
    assert_eq!(brief(&strict.late(frame).unwrap()), [""; 0]);
    let missed: Vec<_> = strict.missed().iter().map(|missed| &*missed.rule.name).collect();
    assert_eq!(missed, ["r"]);
    let mut taking = Harness::new(&format!("{RULES}allow_late = true\n"), Vec::new()).unwrap();
    let opened = taking.late(frame).unwrap();
    assert_eq!((brief(&opened), opened[0].late), (vec!["open r ticker:DOGE content".to_owned()], true));
    assert!(taking.missed().is_empty());
    taking.repeat(Vec::new()).unwrap();
}
