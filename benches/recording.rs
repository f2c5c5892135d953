//! What it costs to record, and how fast a tape replays.
//!
//! A live engine reads the same frames from a mock server as fast as they come, with a recorder and without, in turns. Server,
//! engine and recorder each keep a core busy: on two cores the recorder takes its time from the others, which is shown, and
//! held against nothing; what it costs the engine's own thread is the goal. Then one of the tapes is replayed beside the
//! decoder alone on the same frames.

use std::path::Path;

use stoop::crossbeam_channel::Receiver;
use stoop::{
    Config, Decoder, Engine, Follower, Key, Limits, Record, Stage, Summary, Tape, TapeOutput,
    TapeReplayOptions, Tapes, replay_tapes,
};
use stoop_benches::clock::nanos;
use stoop_benches::environment;
use stoop_benches::report::{self, Goal, Ratio, Sorted, line};
use stoop_mock::synth::{Generator, Options};
use stoop_mock::{Input, Pace, Server};

/// Frames of a run, and those of one without `--bench`.
const FRAMES: u64 = 100_000;
const FEW: u64 = 3_000;
const ROUNDS: usize = 7;
/// Nothing in them depends on when frames come.
const RULES: &str = r#"
[[rule]]
name = "words"
settle = "1h"
any = ["token", "listing", "doge", "moon"]

[[rule]]
name = "assets"
settle = "1h"
assets = { tokens = true, cex = true }
"#;

const SELDOM: &str = r#"
[[rule]]
name = "seldom"
any = ["halving", "delist*", "bankrupt*"]
assets = { tokens = true, cex = true }
"#;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (frames, rounds) = if is_bench { (FRAMES, ROUNDS) } else { (FEW, 1) };
    environment::print();
    line(format_args!("input    stoop gen --frames {frames} --seed 1"));
    let made = Generator::new(Options { frames, seed: 1, ..Options::default() });
    let server = Server::start(stoop_mock::Config {
        input: Input::Frames(made.map(String::into_bytes).collect()),
        pace: Pace::AtOnce,
        ..stoop_mock::Config::default()
    });
    let server = server.expect("a port of loopback is free");
    let folder = tempfile::tempdir().expect("a folder");
    let (mut wall, mut stages) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let tapes = folder.path().join(round.to_string());
        let (off_ns, off) = live(&server.url(), frames, None);
        let (on_ns, on) = live(&server.url(), frames, Some(&tapes));
        assert_eq!(on.counters.decisions, off.counters.decisions, "a recorder changes nothing");
        assert_eq!((on.counters.tape.dropped, on.counters.tape.failed), (0, 0));
        assert!(on.counters.tape.records > frames);
        wall.push(off_ns as f64 / on_ns as f64);
        stages.push(busy(&off) / busy(&on));
    }
    server.stop();
    let replays = replay(&folder.path().join("0"), frames, rounds);
    report::ratios(&[
        Ratio {
            what: "frames/s live, recorder on / off, on the cores there are".to_owned(),
            goal: Goal::Open,
            values: Sorted::new(wall),
        },
        Ratio {
            what: "frames/s of the stages, recorder on / off".to_owned(),
            goal: Goal::AtLeast(0.95),
            values: Sorted::new(stages),
        },
        Ratio {
            what: "frames/s, replay of a tape / decode only".to_owned(),
            goal: Goal::AtLeast(0.7),
            values: Sorted::new(replays),
        },
    ]);
}

/// One run; its time from the start of the engine to its end, ns.
fn live(url: &str, frames: u64, tapes: Option<&Path>) -> (u64, Summary) {
    let text = format!("{RULES}\n[feed]\nurl = \"{url}\"\n[engine]\nplacement = \"fused\"\n");
    let mut config = Config::parse("recording", &text).expect("a configuration");
    config.tape = tapes.map(|tapes| TapeOutput::to(tapes.to_owned()));
    let mut summary = None;
    let ns = nanos(|| {
        let key = Key::new("bench").expect("a key");
        let engine =
            Engine::builder().config(config.clone()).key(key).max_frames(frames).start().expect("a thread");
        let decisions: Receiver<_> = engine.decisions();
        let taken = decisions.iter().count() as u64;
        let done = engine.join();
        assert_eq!((taken, done.counters.intake.frames), (done.counters.decisions, frames));
        summary = Some(done);
    });
    (ns, summary.expect("it has run"))
}

/// Time that the stages have taken for a frame at the middle, from the socket to the decision, ns.
fn busy(summary: &Summary) -> f64 {
    let table = summary.latency.snapshot();
    let p50 = |stage| table.rows().iter().find(|row| row.stage == stage).and_then(|row| row.p50).unwrap_or(0);
    [Stage::Decode, Stage::Merge, Stage::Signal].map(p50).iter().sum::<u64>() as f64
}

/// Replays of a tape beside the decoder alone.
fn replay(tapes: &Path, frames: u64, rounds: usize) -> Vec<f64> {
    let raw = frames_of(tapes);
    assert_eq!(raw.len() as u64, frames);
    // Rules that look at every post and seldom decide, as rules do: each decision is made into JSON and hashed.
    let config = Config::parse("replay", SELDOM).expect("a configuration");
    let round = |_| {
        let replay_ns = nanos(|| {
            let input = Tapes::open(&[tapes.to_owned()]).expect("tapes");
            let mut follower = Follower::with_config(config.clone());
            let each = |_: &_| std::ops::ControlFlow::Continue(());
            let replay =
                replay_tapes(input, &mut follower, TapeReplayOptions::default(), each).expect("it replays");
            assert_eq!(replay.summary.counters.intake.frames, frames);
        });
        let mut decoder = Decoder::new(Limits::default());
        let mut events = 0;
        let decode_ns = nanos(|| {
            for frame in &raw {
                decoder.decode(frame, |event| events += u64::from(event.is_ok()));
            }
        });
        assert!(events >= frames * 9 / 10);
        decode_ns as f64 / replay_ns as f64
    };
    (0..rounds).map(round).collect()
}

fn frames_of(tapes: &Path) -> Vec<Vec<u8>> {
    let files = stoop::tape_files(&[tapes.to_owned()]).expect("a folder");
    let mut frames = Vec::new();
    for file in files {
        let mut tape = Tape::open(&file).expect("a tape");
        while let Some(record) = tape.read().expect("it reads") {
            if let Record::Frame { bytes, .. } = record {
                frames.push(bytes.to_vec());
            }
        }
    }
    frames
}
