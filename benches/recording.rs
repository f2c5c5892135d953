//! What it costs to record, and how fast a tape replays.
//!
//! A live engine reads the same frames from a mock server as fast as they come, with a recorder and without, in
//! turns. Server, engine and recorder each keep a core busy: on two cores the recorder takes its time from the
//! others, which is shown, and held against nothing; what it costs the engine's own thread is the goal. Then two
//! tapes are replayed beside the decoder alone, on frames in memory and on the same tape: one of those recordings,
//! all of whose tweets are in the window at once, and a day on which frames come one by one. At last, memory of the
//! replay of a long tape.

use std::ops::ControlFlow;
use std::path::Path;

use stoop::crossbeam_channel::Receiver;
use stoop::latency::Stage;
use stoop::model::Decision;
use stoop::tape::{
    Follower, Origin, Record, Tape, TapeOptions, TapeReplayOptions, TapeStep, TapeWriter, Tapes, replay_tapes,
};
use stoop::wire::{Decoder, Limits};
use stoop::{Config, Engine, Key, Summary, TapeOutput};
use stoop_benches::clock::nanos;
use stoop_benches::environment::{self, resident_bytes};
use stoop_benches::report::{self, Goal, Ratio, Sorted, line};
use stoop_mock::{Input, Pace, Server};
use stoop_synth::{Generator, Options};

/// Frames of a run, and those of one without `--bench`.
const FRAMES: u64 = 100_000;
const FEW: u64 = 3_000;
const ROUNDS: usize = 7;
/// Frames of the long tape.
const LONG: u64 = 600_000;
const GROWTH: f64 = 1.05;
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
    let burst = Replays::of(&folder.path().join("0"), frames, rounds);
    let day = folder.path().join("day");
    record(&day, Options { frames, seed: 2, ..Options::default() });
    let day = Replays::of(&day, frames, rounds);
    let mut rows = vec![
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
    ];
    rows.extend(burst.ratios("a burst"));
    rows.extend(day.ratios("a day"));
    rows.extend(memory(folder.path(), if is_bench { LONG } else { FEW }, is_bench));
    report::ratios(&rows);
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

/// Replays of a tape beside the decoder alone: on frames in memory, and on the frames of the tape as they are read.
struct Replays {
    decode: Vec<f64>,
    read: Vec<f64>,
}

impl Replays {
    fn of(tapes: &Path, frames: u64, rounds: usize) -> Self {
        let mut raw = Vec::new();
        each_frame(tapes, |frame| raw.push(frame.to_vec()));
        assert_eq!(raw.len() as u64, frames);
        let mut done = Self { decode: Vec::new(), read: Vec::new() };
        for _ in 0..rounds {
            let replay_ns = nanos(|| replay(tapes, frames, |_| {})) as f64;
            let decode_ns = decoded(frames, |decode| raw.iter().for_each(|frame| decode(frame)));
            let read_ns = decoded(frames, |decode| each_frame(tapes, decode));
            done.decode.push(decode_ns / replay_ns);
            done.read.push(read_ns / replay_ns);
        }
        done
    }

    fn ratios(self, tape: &str) -> [Ratio; 2] {
        let row = |what, values| Ratio { what, goal: Goal::AtLeast(0.7), values: Sorted::new(values) };
        [
            row(format!("frames/s, replay of {tape} / decode only, frames in memory"), self.decode),
            row(format!("frames/s, replay of {tape} / decode only, off the tape"), self.read),
        ]
    }
}

/// Time to decode frames and nothing more, ns.
fn decoded(frames: u64, pass: impl Fn(&mut dyn FnMut(&[u8]))) -> f64 {
    let mut decoder = Decoder::new(Limits::default());
    let mut events = 0;
    let ns = nanos(|| pass(&mut |frame| decoder.decode(frame, |event| events += u64::from(event.is_ok()))));
    assert!(events >= frames * 9 / 10);
    ns as f64
}

fn replay(tapes: &Path, frames: u64, mut each: impl FnMut(&Decision)) -> Summary {
    // Rules that look at every post and seldom decide, as rules do: each decision is made into JSON and hashed.
    let config = Config::parse("replay", SELDOM).expect("a configuration");
    let input = Tapes::open(&[tapes.to_owned()]).expect("tapes");
    let mut follower = Follower::with_config(config);
    let replay = replay_tapes(input, &mut follower, TapeReplayOptions::default(), |step| {
        if let TapeStep::Decided(decision) = step {
            each(decision);
        }
        ControlFlow::Continue(())
    });
    let summary = replay.expect("it replays").summary;
    assert_eq!(summary.counters.intake.frames, frames);
    summary
}

fn each_frame(tapes: &Path, mut each: impl FnMut(&[u8])) {
    for file in stoop::tape::tape_files(&[tapes.to_owned()]).expect("a folder") {
        let mut tape = Tape::open(&file).expect("a tape");
        while let Some(record) = tape.read().expect("it reads") {
            if let Record::Frame { bytes, .. } = record {
                each(bytes);
            }
        }
    }
}

/// Records made-up frames at an even pace.
fn record(folder: &Path, options: Options) {
    std::fs::create_dir(folder).expect("a folder of its own");
    let mut tape = TapeWriter::create(&folder.join("made.mcap"), TapeOptions::default()).expect("a file");
    let origin = Origin::endpoint(0, "default").expect("the first of eight");
    for (place, frame) in (0..).zip(Generator::new(options)) {
        let recv_ns = (options.start_ms + place * options.span_ms / options.frames) as i64 * 1_000_000;
        tape.frame(&origin, recv_ns, Some(recv_ns), frame.as_bytes()).expect("room on the disk");
    }
    tape.seal().expect("room on the disk");
}

/// Resident memory at the end of a replay over that when its window had just been full.
fn memory(folder: &Path, frames: u64, is_bench: bool) -> Option<Ratio> {
    let folder = folder.join("long");
    // Ten minutes, the window, hold a sixth of the frames.
    let options = Options { frames, seed: 3, span_ms: 3_600_000, ..Options::default() };
    record(&folder, options);
    let full_ns = (options.start_ms as i64 + 900_000) * 1_000_000;
    let mut first = None;
    let summary = replay(&folder, frames, |decision| {
        if first.is_none() && decision.body.decided_ns >= full_ns {
            first = Some(resident_bytes());
        }
    });
    let counters = summary.counters;
    assert!(counters.merge.left > counters.window_tweets as u64, "most tweets have left the window");
    let grown = resident_bytes()? as f64 / first.expect("a decision after the window was full")? as f64;
    let tweets = counters.window_tweets;
    let what =
        format!("resident memory, {frames} frames of a tape replayed / a quarter, {tweets} in the window");
    assert!(!is_bench || grown <= GROWTH, "memory of a replay grows with the tape: {grown:.3}");
    Some(Ratio { what, goal: Goal::AtMost(GROWTH), values: Sorted::new([grown]) })
}
