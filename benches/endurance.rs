//! Memory of a live engine over millions of frames while connections are lost all the time.
//!
//! A mock server in a process of its own sends as fast as it is read, and ends connections in order, by reset and by
//! close; the next connection shows some frames again. The engine runs in this process, and its decisions are taken all
//! along. Resident memory is read at every tenth of the frames; the last is held against the first, by which everything
//! that has a bound is full.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use stoop::crossbeam_channel::{Receiver, never, select};
use stoop::stages::Bounds;
use stoop::{Config, Counters, End, Engine, Key, News, Notice, Summary};
use stoop_benches::clock::nanos;
use stoop_benches::environment::{self, resident_bytes};
use stoop_benches::report::{self, Goal, Ratio, Sorted, line};
use stoop_mock::{Input, Pace, Server};
use stoop_synth::{Generator, Options};

/// Frames the goal is set for, and those of a run without `--bench`.
const FRAMES: u64 = 10_000_000;
const FEW: u64 = 20_000;
const GOAL: f64 = 1.05;
const SAMPLES: u64 = 10;
/// Frames of the input; every round of it is another day with other tweets.
const INPUT: u64 = 200_000;
/// How connections are lost: one in 33,000 frames on average.
const FAULTS: [&str; 4] =
    ["conn=2-:replay(50)", "every=5000,p=0.05:fin", "every=5000,p=0.05:rst", "every=5000,p=0.05:close(1012)"];
/// Of how many lines the queue is and what is held back may be: the bounds of docs/limits.md.
const CAPACITY: usize = 256;
const HELD: usize = 4_096;
/// Every post decides, so that what is kept for open decisions is full as early as the window is.
const RULES: &str = r#"
[[rule]]
name = "all"
fire = "content"
kinds = ["post", "quote", "reply", "self_reply", "retweet"]

[[rule]]
name = "follow"
assets = { tokens = true, cex = true, addresses = true }
"#;
const SERVE: &str = "--serve";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == SERVE) {
        return serve();
    }
    let frames = wanted(&arguments);
    environment::print();
    line(format_args!(
        "input    stoop gen --frames {INPUT} --seed 1, over and over until {frames} frames are read"
    ));
    let feed = Feed::start();
    Sample::show_heads();
    let mut run = None;
    let ns = nanos(|| run = Some(Run::over(frames, &feed.addr)));
    let run = run.expect("it has run");
    line(format_args!("took     {:.0} s", ns as f64 / 1e9));
    run.check(frames);
}

/// `--frames N`, or as many as the goal is set for.
fn wanted(arguments: &[String]) -> u64 {
    let place = arguments.iter().position(|argument| argument == "--frames");
    let given = place.map(|place| {
        let number = arguments.get(place + 1).and_then(|number| number.parse().ok());
        number.filter(|frames| *frames >= SAMPLES).expect("--frames is followed by a number of 10 or more")
    });
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    given.unwrap_or(if is_bench { FRAMES } else { FEW })
}

/// The server, until its stdin ends: when the engine's process does, whatever the reason.
fn serve() {
    let made = Generator::new(Options { frames: INPUT, seed: 1, ..Options::default() });
    let server = Server::start(stoop_mock::Config {
        input: Input::Frames(made.map(String::into_bytes).collect()),
        pace: Pace::AtOnce,
        repeat: true,
        rebase: true,
        faults: FAULTS.iter().map(|fault| fault.parse().expect("a fault")).collect(),
        ..stoop_mock::Config::default()
    });
    let server = server.expect("a port of loopback is free");
    line(format_args!("{}", server.url()));
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    server.stop();
}

/// The server's process; dropping it ends it.
struct Feed {
    child: Child,
    addr: String,
}

impl Feed {
    fn start() -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        let mut child =
            command.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut addr = String::new();
        let stdout = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout).read_line(&mut addr).expect("the server says where it is");
        Self { child, addr: addr.trim().to_owned() }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// What was seen at a tenth of the frames.
struct Sample {
    counters: Counters,
    /// None where the system does not tell.
    resident_bytes: Option<u64>,
}

impl Sample {
    fn show_heads() {
        line(format_args!(
            "{:>10} {:>12} {:>10} {:>9} {:>11} {:>8} {:>10}",
            "frames", "resident MiB", "decisions", "window", "pushed out", "gaps", "duplicates"
        ));
    }

    fn show(&self) {
        let Self { counters, resident_bytes } = self;
        line(format_args!(
            "{:>10} {:>12.1} {:>10} {:>9} {:>11} {:>8} {:>10}",
            counters.intake.frames,
            resident_bytes.unwrap_or_default() as f64 / f64::from(1 << 20),
            counters.decisions,
            counters.window_tweets,
            counters.merge.pushed_out + counters.signal.pushed_out,
            counters.feed.gaps,
            counters.merge.duplicates,
        ));
    }
}

/// A run and what was seen of it.
struct Run {
    samples: Vec<Sample>,
    taken: u64,
    queue_longest: usize,
    held_most: usize,
    summary: Summary,
}

impl Run {
    fn over(frames: u64, url: &str) -> Self {
        let text = format!(
            "{RULES}\n[feed]\nurl = \"{url}\"\nbackoff_base = \"1ms\"\nbackoff_cap = \"10ms\"\n\
             [queue]\ncapacity = {CAPACITY}\n"
        );
        let engine = Engine::builder()
            .config(Config::parse("endurance", &text).expect("a configuration"))
            .key(Key::new("bench").expect("a key"))
            .status_every(std::time::Duration::from_millis(10))
            .start()
            .expect("a thread");
        let (decisions, mut notices): (_, Receiver<Notice>) = (engine.decisions(), engine.notices());
        let (mut samples, mut taken, mut queue_longest, mut held_most) = (Vec::new(), 0, 0, 0);
        loop {
            select! {
                recv(decisions) -> decision => {
                    let Ok(decision) = decision else { break };
                    queue_longest = queue_longest.max(decisions.len() + 1);
                    assert_eq!(decision.seq, taken, "no number is left out");
                    taken += 1;
                }
                recv(notices) -> notice => match notice {
                    Ok(Notice { what: News::Status(counters), .. }) => {
                        held_most = held_most.max(counters.held);
                        let due = frames * (samples.len() as u64 + 1) / SAMPLES;
                        if counters.intake.frames >= due && samples.len() < SAMPLES as usize {
                            let sample = Sample { counters: *counters, resident_bytes: resident_bytes() };
                            sample.show();
                            samples.push(sample);
                        }
                        if samples.len() == SAMPLES as usize {
                            engine.stop();
                        }
                    }
                    Ok(_) => {}
                    Err(_) => notices = never(),
                },
            }
        }
        Self { samples, taken, queue_longest, held_most, summary: engine.join() }
    }

    /// Shows what was seen, and asserts what must be so whatever the machine.
    fn check(&self, frames: u64) {
        let counters = &self.summary.counters;
        let queue = &counters.queue;
        line(format_args!(
            "queue    longest {} of {CAPACITY}, full {} times, held back {} of {HELD}, dropped {}",
            self.queue_longest.min(CAPACITY),
            queue.full,
            self.held_most,
            queue.dropped_opens + queue.dropped_followers + queue.expired
        ));
        assert_eq!(self.summary.end, End::Stopped);
        assert_eq!((self.taken, self.taken), (counters.decisions, queue.queued), "every decision was taken");
        let lost = [queue.expired, queue.dropped_opens, queue.dropped_followers, queue.undelivered];
        assert_eq!(lost, [0; 4], "nothing was dropped");
        assert!(self.queue_longest <= CAPACITY + 1, "the queue, and one that has just been taken");
        assert!(self.held_most <= HELD);
        assert_eq!(counters.intake.bad_frames(), 0);
        let bounds = Bounds::default();
        assert!(self.samples.iter().all(|sample| sample.counters.window_tweets <= bounds.window.tweets));
        if frames < FRAMES {
            return line(format_args!("goal     not held against: it is set for {FRAMES} frames"));
        }
        let first = &self.samples[0].counters;
        assert_eq!(first.window_tweets, bounds.window.tweets, "the window is full from the first sample on");
        assert!(first.signal.pushed_out > 0, "and so is what is kept for open decisions");
        assert!(counters.feed.gaps > 100 && counters.merge.duplicates > 0, "connections were lost");
        let resident: Option<Vec<u64>> = self.samples.iter().map(|sample| sample.resident_bytes).collect();
        let Some(resident) = resident else {
            return line(format_args!("goal     not held against: this system does not tell VmRSS"));
        };
        let grown = resident[resident.len() - 1] as f64 / resident[0] as f64;
        let what = format!("resident memory after {frames} frames / after {}", frames / SAMPLES);
        report::ratios(&[Ratio { what, goal: Goal::AtMost(GOAL), values: Sorted::new([grown]) }]);
        assert!(grown <= GOAL, "memory grows: {grown:.3}");
    }
}
