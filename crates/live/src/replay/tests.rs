use std::path::PathBuf;

use stoop_engine::RuleSet;

use super::*;

const BOTH: [Placement; 2] = [Placement::Fused, Placement::OneArbiter];

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

fn rules(name: &str) -> RuleSet {
    let path = fixture(&format!("rules/{name}.toml"));
    RuleSet::parse(name, &std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Frames of a fixture as they are, or by tens in arrays where the lines can stand in one.
fn text(name: &str, batched: bool) -> String {
    let bytes = std::fs::read(fixture(&format!("frames/{name}.jsonl"))).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if !batched {
        return text;
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.chunks(10).map(|lines| ["[", &lines.join(","), "]\n"].concat()).collect()
}

fn play(text: &str, rules_name: &str, options: ReplayOptions) -> (Vec<u64>, Summary) {
    let frames = Frames::from_reader("frames", std::io::Cursor::new(text.to_owned()), options.bounds.limits);
    let mut seqs = Vec::new();
    let summary = replay(rules(rules_name), frames.unwrap(), options, |decision| {
        assert!(decision.latency.is_none());
        seqs.push(decision.seq);
        ControlFlow::Continue(())
    });
    (seqs, summary.unwrap())
}

#[test]
fn actors_and_stages_called_in_place_decide_the_same() {
    for (name, rules) in [
        ("lifecycle", "lifecycle"),
        ("out_of_order", "lifecycle"),
        ("duplicates", "lifecycle"),
        ("odd", "lifecycle"),
        ("demo", "starter"),
        ("many_assets", "assets"),
        ("operations", "every-key"),
    ] {
        for batched in [false, true] {
            let text = text(name, batched);
            let [(fused, expect), (actors, found)] = BOTH
                .map(|placement| play(&text, rules, ReplayOptions { placement, ..ReplayOptions::default() }));
            let what = format!("{name}, batched: {batched}");
            assert_eq!(found.digest.to_string(), expect.digest.to_string(), "{what}");
            assert_eq!(actors, fused, "{what}");
            assert!(fused.iter().copied().eq(0..found.digest.count()), "{what}");
            assert_eq!(found.counters.intake, expect.counters.intake, "{what}");
            assert_eq!(found.counters.merge, expect.counters.merge, "{what}");
            assert_eq!(found.counters.signal, expect.counters.signal, "{what}");
            assert_eq!(found.counters.window_tweets, expect.counters.window_tweets, "{what}");
        }
    }
}

#[test]
fn pace_changes_no_decision() {
    let text = text("lifecycle", false);
    for placement in BOTH {
        let [slow, fast] = [Some(1e6), None].map(|speed| {
            play(&text, "lifecycle", ReplayOptions { placement, speed, ..ReplayOptions::default() }).1
        });
        assert_eq!(slow.digest.to_string(), fast.digest.to_string(), "{placement:?}");
    }
}

#[test]
fn a_limit_ends_a_replay_and_fires_no_deadline() {
    let text = text("lifecycle", false);
    for limit in [0, 1, 20, 70, 73] {
        let [fused, actors] = BOTH.map(|placement| {
            let options = ReplayOptions { placement, max_frames: Some(limit), ..ReplayOptions::default() };
            play(&text, "lifecycle", options).1
        });
        assert_eq!(fused.digest.to_string(), actors.digest.to_string(), "{limit}");
        assert_eq!(fused.counters.intake.frames, limit);
        assert_eq!(actors.counters.intake, fused.counters.intake, "{limit}");
    }
}

#[test]
fn a_stretch_of_input_time_ends_before_the_frame_beyond_it() {
    let frame = |ts: u64, id: u64| {
        format!(
            r#"{{"v":1,"t":"tweet","op":"content","ts":{ts},"d":{{"tweetId":"{id}","text":"token $EDGE"}}}}"#
        )
    };
    let text = format!(
        "{}\n{}\n{}\n",
        frame(1_781_095_200_000, 1),
        frame(1_781_095_201_000, 2),
        frame(1_781_095_201_001, 3)
    );
    for placement in BOTH {
        let options = ReplayOptions { placement, for_ns: Some(1_000_000_000), ..ReplayOptions::default() };
        assert_eq!(play(&text, "lifecycle", options).1.counters.intake.frames, 2, "{placement:?}");
    }
}

#[test]
fn whoever_takes_the_decisions_may_end_a_replay() {
    let text = text("demo", false);
    for placement in BOTH {
        let options = ReplayOptions { placement, ..ReplayOptions::default() };
        let frames =
            Frames::from_reader("frames", std::io::Cursor::new(text.clone()), options.bounds.limits).unwrap();
        let mut taken = 0;
        let result = replay(rules("starter"), frames, options, |_| {
            taken += 1;
            if taken == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(result.is_ok());
        assert_eq!(taken, 3, "{placement:?}");
    }
}
