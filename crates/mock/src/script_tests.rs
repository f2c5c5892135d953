use std::num::NonZeroUsize;

use super::*;
use crate::config::Input;

const T0: i64 = 1_781_095_200_000;

fn frames() -> Vec<Vec<u8>> {
    [0, 100, 250]
        .iter()
        .enumerate()
        .map(|(index, offset)| {
            let id = 2_064_689_031_777_615_872_u64 + index as u64;
            format!(r#"{{"id":"{id}","ts":{},"d":{{"tweetId":"{id}","n":{index}}}}}"#, T0 + offset)
                .into_bytes()
        })
        .collect()
}

fn script(config: &Config) -> Script {
    let reel = Reel::load(Input::Frames(frames()), config.rebase).unwrap();
    Script::new(Arc::new(reel), config, T0 + 1_000_000)
}

fn text(message: &Message) -> String {
    let Message::Frame(frame) = message else { panic!("{message:?}") };
    String::from_utf8(frame.payload().to_vec()).unwrap()
}

fn sent(step: &Step) -> (u128, Vec<String>, bool) {
    let Act::Send { messages, whole, .. } = &step.act else { panic!("{step:?}") };
    (step.at.as_millis(), messages.iter().map(text).collect(), *whole)
}

fn times(config: &Config, steps: usize) -> Vec<u128> {
    let mut script = script(config);
    (0..steps).map(|_| script.next().at.as_millis()).collect()
}

#[test]
fn each_pace_has_its_schedule() {
    for (pace, expect) in [
        (Pace::Own, [0, 100, 250, 375, 475]),
        (Pace::Speed(0.5), [0, 200, 500, 750, 950]),
        (Pace::Rate(10.0), [0, 100, 200, 300, 400]),
        (Pace::AtOnce, [0; 5]),
    ] {
        let config = Config { pace, repeat: true, ..Config::default() };
        assert_eq!(times(&config, 5), expect, "{pace:?}");
    }
}

#[test]
fn at_the_end_the_script_rests_or_closes() {
    for (close_at_end, expect) in [(None, Act::Rest), (Some(1012), Act::Close(1012))] {
        let mut script = script(&Config { close_at_end, ..Config::default() });
        let whole: Vec<bool> = (0..3).map(|_| sent(&script.next()).2).collect();
        assert_eq!(whole, [false, false, true]);
        assert_eq!(script.next(), Step { at: Duration::from_millis(250), act: expect });
    }
}

#[test]
fn an_empty_input_is_at_its_end_even_when_repeated() {
    let reel = Arc::new(Reel::load(Input::Frames(Vec::new()), true).unwrap());
    let config = Config { repeat: true, rebase: true, ..Config::default() };
    assert_eq!(Script::new(reel, &config, T0).next().act, Act::Rest);
}

#[test]
fn a_close_comes_after_so_many_frames_and_cuts_a_batch() {
    for encoding in [Encoding::Text, Encoding::Batch(NonZeroUsize::new(8).unwrap())] {
        let close = Some(CloseAfter { frames: 2, code: 1012 });
        let mut script = script(&Config { close, encoding, ..Config::default() });
        let mut frames_sent = 0;
        loop {
            match script.next().act {
                Act::Send { frames, .. } => frames_sent += frames,
                Act::Close(code) => break assert_eq!((frames_sent, code), (2, 1012)),
                Act::Rest => panic!("the close is missing"),
            }
        }
    }
}

#[test]
fn a_batch_is_due_with_its_last_frame_and_leaves_rubbish_alone() {
    let mut input = frames();
    input.insert(2, b"rubbish".to_vec());
    let reel = Arc::new(Reel::load(Input::Frames(input), false).unwrap());
    let config = Config { encoding: Encoding::Batch(NonZeroUsize::new(8).unwrap()), ..Config::default() };
    let mut script = Script::new(reel, &config, T0);
    let frames: Vec<String> = frames().into_iter().map(|frame| String::from_utf8(frame).unwrap()).collect();
    assert_eq!(sent(&script.next()), (100, vec![format!("[{},{}]", frames[0], frames[1])], false));
    assert_eq!(sent(&script.next()), (100, vec!["rubbish".to_owned()], false));
    assert_eq!(sent(&script.next()), (250, vec![format!("[{}]", frames[2])], true));
}

#[test]
fn fragments_add_up_to_the_frame() {
    for pieces in [1, 2, 3, 1_000] {
        let encoding = Encoding::Fragments(NonZeroUsize::new(pieces).unwrap());
        let mut script = script(&Config { encoding, ..Config::default() });
        let (_, parts, _) = sent(&script.next());
        assert_eq!(parts.concat().into_bytes(), frames()[0]);
        assert_eq!(parts.len(), pieces.min(frames()[0].len()));
    }
}

#[test]
fn every_rebased_round_has_later_times_and_new_ids() {
    for pace in [Pace::Own, Pace::Speed(1e6), Pace::Rate(0.001), Pace::AtOnce] {
        let config = Config { pace, repeat: true, rebase: true, ..Config::default() };
        let mut script = script(&config);
        let mut last_ms = T0 + 1_000_000 - 1;
        let mut ids = std::collections::BTreeSet::new();
        for step in 0..12 {
            let (_, parts, _) = sent(&script.next());
            let frame: serde_json::Value = serde_json::from_str(&parts[0]).unwrap();
            let ts = frame["ts"].as_i64().unwrap();
            assert!(ts > last_ms, "{pace:?}, frame {step}: {ts} after {last_ms}");
            last_ms = ts;
            assert_eq!(frame["id"], frame["d"]["tweetId"]);
            assert!(ids.insert(frame["id"].as_str().unwrap().to_owned()), "{pace:?}, frame {step}");
        }
    }
}

#[test]
fn a_repeated_round_without_rebase_is_the_same_bytes() {
    let config = Config { repeat: true, ..Config::default() };
    let mut script = script(&config);
    let rounds: Vec<Vec<String>> = (0..6).map(|_| sent(&script.next()).1).collect();
    assert_eq!(rounds[..3], rounds[3..]);
}
