use std::num::NonZeroUsize;

use super::*;
use crate::config::Input;
use crate::fault::Fault;

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

const FIRST: Visit = Visit { number: 1, elapsed: Duration::ZERO };

fn script_of(input: Vec<Vec<u8>>, config: &Config) -> Script {
    let reel = Reel::load(Input::Frames(input), config.rebase).unwrap();
    Script::new(Arc::new(reel), config, FIRST, T0 + 1_000_000, None)
}

fn script(config: &Config) -> Script {
    script_of(frames(), config)
}

fn faults(specs: &[&str]) -> Vec<Fault> {
    specs.iter().map(|spec| spec.parse().unwrap()).collect()
}

/// Frames as a client reads them: first byte and payload. Only heads of short frames are understood.
fn read(bytes: &[u8]) -> Vec<(u8, String)> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while let Some((head, body)) = rest.split_first_chunk::<2>() {
        let (length, body) = match head[1] {
            126 => (usize::from(u16::from_be_bytes([body[0], body[1]])), &body[2..]),
            length => (usize::from(length), body),
        };
        found.push((head[0], String::from_utf8(body[..length].to_vec()).unwrap()));
        rest = &body[length..];
    }
    found
}

/// Plays a script on a clock that jumps to whatever is waited for: what happens and when, without the waiting. Ends
/// with the rest, the end, a wait without end, or after this many acts.
fn play(script: &mut Script, most: usize) -> Vec<(u128, Act)> {
    let mut elapsed = Duration::ZERO;
    let mut acts = Vec::new();
    while acts.len() < most {
        match script.next(elapsed) {
            Act::Wait(at) if at == Duration::MAX => break,
            Act::Wait(at) => {
                assert!(at > elapsed, "waits for the past: {at:?}");
                elapsed = at;
            }
            Act::Rest => break,
            act @ (Act::Send { .. } | Act::Hear(_) | Act::Slow(_) | Act::End(_) | Act::Struck(_)) => {
                let is_end = matches!(act, Act::End(_));
                acts.push((elapsed.as_millis(), act));
                if is_end {
                    break;
                }
            }
        }
    }
    acts
}

/// The bytes of an act that sends and the frames of the input in them.
fn sending(act: &Act) -> (&[u8], u64) {
    let Act::Send { bytes, frames, .. } = act else { panic!("{act:?}") };
    (bytes, *frames)
}

/// What is sent and when, and whether it was the last of the input.
fn sent(script: &mut Script, most: usize) -> Vec<(u128, Vec<String>, bool)> {
    let acts = play(script, most).into_iter();
    let sends = acts.filter_map(|(at, act)| match act {
        Act::Send { bytes, whole, .. } => {
            Some((at, read(&bytes).into_iter().map(|(_, text)| text).collect(), whole))
        }
        Act::Hear(_) | Act::Slow(_) | Act::End(_) | Act::Struck(_) | Act::Wait(_) | Act::Rest => None,
    });
    sends.collect()
}

/// The `n` of all frames sent, in order.
fn order(specs: &[&str], count: usize) -> Vec<i64> {
    let input = (0..count).map(|n| format!(r#"{{"n":{n}}}"#).into_bytes()).collect();
    let mut script = script_of(input, &Config { faults: faults(specs), ..Config::default() });
    let texts = sent(&mut script, 1_000).into_iter().flat_map(|(_, texts, _)| texts);
    texts
        .map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap()["n"].as_i64().unwrap())
        .collect()
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
        let times: Vec<u128> = play(&mut script(&config), 5).into_iter().map(|(at, _)| at).collect();
        assert_eq!(times, expect, "{pace:?}");
    }
}

#[test]
fn at_the_end_the_script_rests_or_ends_the_connection() {
    for (specs, expect) in [(&[][..], None), (&["end:close(1012)"], Some(End::Close(Some(1012))))] {
        let mut script = script(&Config { faults: faults(specs), ..Config::default() });
        let whole: Vec<bool> = sent(&mut script, 3).into_iter().map(|(_, _, whole)| whole).collect();
        assert_eq!(whole, [false, false, true]);
        let last = play(&mut script, 9).pop().map(|(_, act)| act);
        assert_eq!(last, expect.map(Act::End));
        assert_eq!(script.next(Duration::from_secs(9)), Act::Rest);
    }
}

#[test]
fn an_empty_input_is_at_its_end_even_when_repeated() {
    let config = Config { repeat: true, rebase: true, ..Config::default() };
    assert_eq!(script_of(Vec::new(), &config).next(Duration::ZERO), Act::Rest);
}

#[test]
fn a_fault_comes_after_its_frames_and_cuts_a_batch() {
    for encoding in [Encoding::Text, Encoding::Batch(NonZeroUsize::new(8).unwrap())] {
        let faults = faults(&["after=2:close(1012)"]);
        let acts = play(&mut script(&Config { faults, encoding, ..Config::default() }), 9);
        let count = |act: &Act| if let Act::Send { frames, .. } = act { *frames } else { 0 };
        assert_eq!(acts.iter().map(|(_, act)| count(act)).sum::<u64>(), 2);
        assert_eq!(acts.last(), Some(&(100, Act::End(End::Close(Some(1012))))), "{acts:?}");
    }
}

#[test]
fn a_batch_is_due_with_its_last_frame_and_leaves_rubbish_alone() {
    let mut input = frames();
    input.insert(2, b"rubbish".to_vec());
    let config = Config { encoding: Encoding::Batch(NonZeroUsize::new(8).unwrap()), ..Config::default() };
    let frames: Vec<String> = frames().into_iter().map(|frame| String::from_utf8(frame).unwrap()).collect();
    let expect = [
        (100, vec![format!("[{},{}]", frames[0], frames[1])], false),
        (100, vec!["rubbish".to_owned()], false),
        (250, vec![format!("[{}]", frames[2])], true),
    ];
    assert_eq!(sent(&mut script_of(input, &config), 9), expect);
}

#[test]
fn fragments_add_up_to_the_frame() {
    for pieces in [1, 2, 3, 1_000] {
        let faults = faults(&[&format!("fragment({pieces})")]);
        let mut script = script(&Config { faults, ..Config::default() });
        let parts = sent(&mut script, 2).swap_remove(0).1;
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
        for (step, (_, parts, _)) in sent(&mut script, 12).into_iter().enumerate() {
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
    let rounds: Vec<Vec<String>> =
        sent(&mut script(&config), 6).into_iter().map(|(_, texts, _)| texts).collect();
    assert_eq!(rounds[..3], rounds[3..]);
}

#[test]
fn a_stall_holds_data_back_and_then_sends_what_is_overdue() {
    let faults = faults(&["after=1:stall(180ms)", "after=1:rubbish(json)", "at=120ms:no-pong"]);
    let acts = play(&mut script(&Config { faults, ..Config::default() }), 99);
    let found: Vec<(u128, &str)> = acts
        .iter()
        .map(|(at, act)| {
            let kind = match act {
                Act::Send { frames: 0, .. } => "rubbish",
                Act::Send { .. } => "frame",
                Act::Hear(Ear::NoPings) => "deaf",
                Act::Struck(text) => text,
                Act::Hear(_) | Act::Slow(_) | Act::End(_) | Act::Wait(_) | Act::Rest => "else",
            };
            (*at, kind)
        })
        .collect();
    let expect = [
        (0, "frame"),
        (0, "after=1:stall(180ms)"),
        (120, "at=120ms:no-pong"),
        (120, "deaf"),
        (180, "after=1:rubbish(json)"),
        (180, "rubbish"),
        (180, "frame"),
        (250, "frame"),
    ];
    assert_eq!(found, expect);
}

#[test]
fn a_frozen_connection_thaws_or_stays_so() {
    let config = |spec| Config { faults: faults(&[spec]), pace: Pace::AtOnce, ..Config::default() };
    let acts = play(&mut script(&config("after=2:freeze(1s)")), 99);
    let ears: Vec<(u128, &Act)> =
        acts.iter().filter(|(_, act)| matches!(act, Act::Hear(_))).map(|(at, act)| (*at, act)).collect();
    assert_eq!(ears, [(0, &Act::Hear(Ear::Nothing)), (1000, &Act::Hear(Ear::All))]);
    assert!(matches!(acts.last(), Some((1000, Act::Send { whole: true, .. }))), "{acts:?}");
    for spec in ["after=2:freeze", "after=2:claim(1G)", "after=2:half"] {
        let mut script = script(&config(spec));
        let acts = play(&mut script, 99);
        let sends = acts.iter().filter(|(_, act)| matches!(act, Act::Send { frames: 1, .. }));
        assert_eq!(sends.count(), 2, "{spec}: {acts:?}");
        let deaf = acts.iter().position(|(_, act)| matches!(act, Act::Hear(_)));
        let cut = acts.iter().position(|(_, act)| matches!(act, Act::Send { frames: 0, .. }));
        assert!(deaf.is_some() && (cut.is_none() || deaf < cut), "{spec}: {acts:?}");
        assert_eq!(script.next(Duration::from_hours(9)), Act::Wait(Duration::MAX), "{spec}");
    }
}

#[test]
fn half_a_frame_is_half_of_the_next() {
    let whole = play(&mut script(&Config::default()), 2);
    let half = play(&mut script(&Config { faults: faults(&["after=1:half"]), ..Config::default() }), 9);
    let (whole, half) = (sending(&whole[1].1).0, sending(&half[3].1).0);
    assert_eq!(half, &whole[..whole.len() / 2]);
}

#[test]
fn frames_are_doubled_and_come_out_of_order() {
    assert_eq!(order(&["every=2:dup"], 4), [0, 1, 1, 2, 3, 3]);
    assert_eq!(order(&["after=1:dup(3)"], 3), [0, 1, 1, 1, 1, 2]);
    assert_eq!(order(&["after=0:late(2)"], 4), [1, 2, 0, 3]);
    assert_eq!(order(&["late(1)", "every=4:dup"], 4), [0, 1, 2, 3, 3]);
    assert_eq!(order(&["after=1:late(9)", "after=2:late(5)"], 4), [0, 3, 2, 1], "the end brings all");
    assert_eq!(order(&["after=1:late(9)", "end:fin"], 3), [0, 2, 1], "before the end");
    let shuffled = order(&["p=0.3:late(4)"], 200);
    assert!(!shuffled.is_sorted());
    for (place, n) in shuffled.iter().enumerate() {
        assert!((place as i64 - n).abs() <= 5, "{n} at {place}");
    }
    let mut sorted = shuffled.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..200).collect::<Vec<i64>>());
}

#[test]
fn a_meta_overtakes_its_content_if_it_is_near() {
    let frame = |op: &str, id: u64| format!(r#"{{"op":"{op}","d":{{"tweetId":"{id}"}}}}"#).into_bytes();
    let input = [("content", 1), ("content", 2), ("meta", 2), ("meta", 1), ("update", 2)];
    let run = |distance: u64| {
        let faults = faults(&[&format!("meta-first({distance})")]);
        let input = input.iter().map(|(op, id)| frame(op, *id)).collect();
        let found = sent(&mut script_of(input, &Config { faults, ..Config::default() }), 99);
        let texts = found.into_iter().flat_map(|(_, texts, _)| texts);
        texts
            .map(|text| {
                if text.contains("content") { 'c' } else { 'm' }.to_string() + &text[text.len() - 4..][..1]
            })
            .collect::<Vec<String>>()
    };
    assert_eq!(run(1), ["c1", "m2", "c2", "m1", "m2"]);
    assert_eq!(run(3), ["m2", "c2", "m1", "c1", "m2"]);
}

#[test]
fn a_wrong_clock_shows_in_times_of_sending() {
    let faults = faults(&["after=1:skew(-1h)", "after=2:skew(1s)"]);
    let found = sent(&mut script(&Config { faults, ..Config::default() }), 99);
    let times = found.iter().map(|(_, texts, _)| {
        let frame: serde_json::Value = serde_json::from_str(&texts[0]).unwrap();
        frame["ts"].as_i64().unwrap() - T0
    });
    assert_eq!(times.collect::<Vec<i64>>(), [0, 100 - 3_600_000, 250 - 3_599_000]);
}

#[test]
fn a_message_is_as_long_as_it_was_asked_to_be() {
    for bytes in [100, 125, 60_000] {
        let faults = faults(&[&format!("long({bytes})")]);
        let found = sent(&mut script(&Config { faults, ..Config::default() }), 2);
        assert_eq!(found[0].1[0].len(), bytes);
        serde_json::from_str::<serde_json::Value>(&found[0].1[0]).unwrap();
    }
}

#[test]
fn an_endless_message_goes_on_in_fragments() {
    let faults = faults(&["after=1:endless"]);
    let acts = play(&mut script(&Config { faults, ..Config::default() }), 50);
    let heads = acts[2..].iter().map(|(_, act)| {
        let (bytes, frames) = sending(act);
        assert_eq!(frames, 0);
        bytes[0]
    });
    assert_eq!(heads.collect::<Vec<u8>>(), [&[1][..], &[0; 47]].concat());
}

#[test]
fn a_hollow_message_goes_on_in_fragments_that_hold_nothing() {
    let faults = faults(&["after=1:hollow"]);
    let acts = play(&mut script(&Config { faults, ..Config::default() }), 5);
    let bytes: Vec<u8> = acts[2..].iter().flat_map(|(_, act)| sending(act).0.to_vec()).collect();
    assert_eq!(bytes[..2], [1, 0]);
    assert!(bytes.len() > 1_000 && bytes[2..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_connection_may_begin_before_the_end_of_the_last() {
    let input: Vec<Vec<u8>> = (0..6).map(|n| format!(r#"{{"ts":{}}}"#, T0 + 100 * n).into_bytes()).collect();
    for rebase in [false, true] {
        let config = Config { rebase, ..Config::default() };
        let reel = Arc::new(Reel::load(Input::Frames(input.clone()), rebase).unwrap());
        let mut first = Script::new(Arc::clone(&reel), &config, FIRST, T0 + 1_000_000, None);
        let shown = sent(&mut first, 4);
        for (back, expect) in [(0, 2), (1, 3), (4, 6), (99, 6)] {
            let begin = Some((first.place(), back));
            let mut next = Script::new(Arc::clone(&reel), &config, FIRST, T0 + 2_000_000, begin);
            let again = sent(&mut next, 99);
            assert_eq!(again.len(), expect, "{back} back");
            assert_eq!((again[0].0, again[1].0), (0, 100), "due from its connect on");
            for (frame, same) in again.iter().zip(&shown[6 - expect.max(2)..]) {
                assert_eq!(frame.1, same.1, "the same bytes again");
            }
        }
    }
}

#[test]
fn frames_before_a_place_may_be_those_of_earlier_rounds() {
    for (place, back, expect) in [
        (Place::at(3), 2, Place::at(1)),
        (Place::at(3), 4, Place::at(0)),
        (Place::at(5), 0, Place::at(5)),
        (Place::in_round(1, 0), 0, Place::in_round(1, 0)),
        (Place::in_round(1, 2), 2, Place::in_round(1, 0)),
        (Place::in_round(1, 2), 3, Place::in_round(0, 4)),
        (Place::in_round(3, 2), 9, Place::in_round(1, 3)),
        (Place::in_round(3, 2), 99, Place::at(0)),
    ] {
        assert_eq!(place.before(back, 5), expect, "{back} before {place:?}");
    }
}

#[test]
fn same_seed_same_script() {
    let run = |fault_seed| {
        let faults = faults(&["p=0.4:dup", "p=0.4:late(2)", "p=0.3:rubbish(binary)"]);
        play(&mut script(&Config { faults, fault_seed, repeat: true, ..Config::default() }), 300)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
