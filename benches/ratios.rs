//! The ratios the engine is held to, each taken side by side in one run: what is compared takes turns, round by round.
//!
//! Not criterion: it measures one thing after the other, and on a shared machine the second may meet other neighbours.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

use stoop::latency::{Clock, Recorder, Stage};
use stoop::replay::{Frames, ReplayOptions};
use stoop::{Placement, Summary};
use stoop_benches::allocations::{self, Counting};
use stoop_benches::clock::nanos;
use stoop_benches::decoders::{SimdJson, is_read_alike, ours, serde_structs, sonic_structs, value_lookups};
use stoop_benches::environment;
use stoop_benches::frame::Frame;
use stoop_benches::input::{Input, rules};
use stoop_benches::paced::recv_to_queued_ns;
use stoop_benches::report::{self, Goal, Ratio, Sorted};
use stoop_benches::rounds::{Rounds, Stream};
use stoop_engine::{Merged, Probe, Stamp};
use stoop_model::{Decision, Event};
use stoop_wire::{Decoder, Limits};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Twice the window: half of the day's tweets are in it at any time.
const BUSY_NS: i64 = 20 * 60 * 1_000_000_000;

fn main() {
    environment::print();
    let is_short = !std::env::args().any(|argument| argument == "--bench");
    let rounds = |count: usize| if is_short { 1 } else { count };
    let day = Input::day().only("read alike by every decoder", is_read_alike).announced();
    let contents = day.contents().announced();
    let long = Input::long(if is_short { 500 } else { 20_000 }).announced();

    let mut rows = one_frame(&contents, rounds(300));
    rows.extend(stages("contents", &Stream::new(&contents), CONTENT_PASSES, rounds(100)));
    rows.extend(stages("day", &Stream::new(&day), 1, rounds(60)));
    rows.extend(fullness(&Stream::new(&day), rounds(60)));
    rows.extend(histograms(&Stream::new(&day), rounds(60)));
    rows.extend(replays(&long, rounds(15)));
    rows.extend(paced(&long, if is_short { 20 } else { 1_000 }, rounds(7)));
    rows.extend(allocated(&Stream::new(&day)));
    report::ratios(&rows);
    report::line(format_args!(""));
    report::times(&frame_times(&Stream::new(&day), rounds(20)));
}

/// Passes over the contents in a round: what is timed is then mostly what finds its own code and tables in the caches.
const CONTENT_PASSES: usize = 5;

/// Something that is timed as a whole, once a round. What it returns is of no interest but to the optimiser.
type Contender<'c> = Box<dyn FnMut() -> usize + 'c>;

/// One that goes over frames.
fn over<'c>(frames: &'c [&[u8]], mut takes: impl FnMut(&[u8]) -> bool + 'c) -> Contender<'c> {
    Box::new(move || frames.iter().filter(|frame| takes(frame)).count())
}

/// One that puts a stream through a pipeline so many times.
fn through<'c>(rounds: &'c mut Rounds<'_>, passes: usize) -> Contender<'c> {
    Box::new(move || (0..passes).map(|_| rounds.round()).sum())
}

/// Times each contender once a round, each round beginning with another one. Returns ns by contender and round.
fn in_turns<const N: usize>(mut contenders: [Contender<'_>; N], rounds: usize) -> [Vec<f64>; N] {
    let mut taken = [(); N].map(|()| Vec::with_capacity(rounds));
    for round in 0..rounds {
        for turn in 0..N {
            let index = (round + turn) % N;
            taken[index].push(nanos(&mut contenders[index]) as f64);
        }
    }
    taken
}

fn ratio(what: String, goal: Goal, over: &[f64], under: &[f64]) -> Ratio {
    Ratio { what, goal, values: Sorted::new(over.iter().zip(under).map(|(over, under)| over / under)) }
}

/// The same content frame again and again, which is how decoders are mostly compared: every branch is foreseen.
fn one_frame(contents: &Input, rounds: usize) -> Vec<Ratio> {
    let longest = contents.frames.iter().max_by_key(|frame| frame.len()).expect("there are contents");
    let frames = vec![&**longest; 200];
    let mut decoder = Decoder::new(Limits::default());
    let mut tape = SimdJson::default();
    assert!(ours(&mut decoder, longest) && tape.fill(longest).is_some_and(|nodes| nodes > 1));
    let [tape, ours, value] = in_turns(
        [
            over(&frames, |frame| tape.fill(frame).is_some()),
            over(&frames, |frame| ours(&mut decoder, frame)),
            over(&frames, |frame| value_lookups(frame).is_some()),
        ],
        rounds,
    );
    let row = |what: &str, goal, over, under| {
        ratio(format!("one content, {} bytes: {what}", longest.len()), goal, over, under)
    };
    vec![
        row("decode / fill_tape", Goal::AtMost(1.2), &ours, &tape),
        row("serde_json::Value + lookups / decode", Goal::AtLeast(3.0), &value, &ours),
    ]
}

/// Decoders and the fused stages on the same frames, `passes` times a round.
fn stages(case: &str, stream: &Stream, passes: usize, rounds: usize) -> Vec<Ratio> {
    let frames: Vec<&[u8]> = stream.frames().collect();
    let all = frames.repeat(passes);
    let mut decoder = Decoder::new(Limits::default());
    let (mut tape, mut structs) = (SimdJson::default(), SimdJson::default());
    let (mut starter, mut routing) = (Rounds::without_match(stream), Rounds::with_match(stream));
    let [tape, ours, starter, routing, value, by_simd, by_serde, by_sonic] = in_turns(
        [
            over(&all, |frame| tape.fill(frame).is_some()),
            over(&all, |frame| ours(&mut decoder, frame)),
            through(&mut starter, passes),
            through(&mut routing, passes),
            over(&all, |frame| value_lookups(frame).is_some()),
            over(&all, |frame| structs.structs(frame, look).is_some()),
            over(&all, |frame| serde_structs(frame, look).is_some()),
            over(&all, |frame| sonic_structs(frame, look).is_some()),
        ],
        rounds,
    );
    let row = |what: &str, goal, over, under| ratio(format!("{case}: {what}"), goal, over, under);
    vec![
        row("decode / fill_tape", Goal::AtMost(1.2), &ours, &tape),
        row("decode+merge+signal, starter rules / fill_tape", Goal::AtMost(1.6), &starter, &tape),
        row("decode+merge+signal, rule that matches / fill_tape", Goal::Open, &routing, &tape),
        row("serde_json::Value + lookups / decode", Goal::AtLeast(3.0), &value, &ours),
        row("simd-json into structs / decode", Goal::Open, &by_simd, &ours),
        row("serde_json into structs / decode", Goal::Open, &by_serde, &ours),
        row("sonic-rs into structs / decode", Goal::Open, &by_sonic, &ours),
    ]
}

fn look(frame: &Frame<'_>) {
    black_box(frame);
}

/// A day's frames within two windows, beside the same over a day.
fn fullness(stream: &Stream, rounds: usize) -> Vec<Ratio> {
    let squeezed = stream.clone().squeezed(BUSY_NS);
    let (mut calm, mut busy) = (Rounds::without_match(stream), Rounds::without_match(&squeezed));
    let tweets = (busy.pipeline().merge.len(), calm.pipeline().merge.len());
    let [busy, calm] = in_turns([through(&mut busy, 1), through(&mut calm, 1)], rounds);
    let what = format!("fused with {} tweets in the window / with {}", tweets.0, tweets.1);
    vec![ratio(what, Goal::Open, &busy, &calm)]
}

/// Reads the clock and records what the engine's live end records of a frame.
struct Measuring {
    clock: Clock,
    recorder: Recorder,
    recv_ns: i64,
    decoded_ns: i64,
    merged_ns: i64,
}

impl Measuring {
    fn new() -> Self {
        let clock = Clock::anchored();
        Self { clock, recorder: Recorder::new(), recv_ns: clock.now_ns(), decoded_ns: 0, merged_ns: 0 }
    }

    fn observe(&mut self, merged: &Merged) {
        let Merged::Changed(change) = merged else { return };
        let nanos = |ms: Option<i64>| ms.map(|ms| ms.saturating_mul(1_000_000));
        let post = (nanos(change.view.created_ms()), nanos(change.view.received_ms()));
        if let (true, (Some(created_ns), Some(received_ns)), Some(sent_ns)) =
            (change.is_first_content, post, nanos(change.arrival.sent_ms))
        {
            self.recorder.record(Stage::CreatedReceived, received_ns - created_ns);
            self.recorder.record(Stage::ReceivedSent, sent_ns - received_ns);
            self.recorder.record(Stage::SentRecv, change.arrival.recv_ns - sent_ns);
        }
        if let (Some(content), Some(enriched_ns)) = (change.view.content, change.view.enriched_ns)
            && enriched_ns == change.arrival.recv_ns
        {
            self.recorder.record(Stage::ContentMeta, enriched_ns - content.recv_ns);
        }
    }
}

impl Probe for Measuring {
    fn decoded(&mut self, _: &Event, _: Stamp) {
        self.decoded_ns = self.clock.now_ns();
    }

    fn merged(&mut self, merged: &[Merged], _: Stamp) {
        self.merged_ns = self.clock.now_ns();
        for merged in merged {
            self.observe(merged);
        }
    }

    fn decided(&mut self, _: &mut [Decision], _: Stamp) {
        let decided_ns = self.clock.now_ns();
        self.recorder.record(Stage::Decode, self.decoded_ns - self.recv_ns);
        self.recorder.record(Stage::Merge, self.merged_ns - self.decoded_ns);
        self.recorder.record(Stage::Signal, decided_ns - self.merged_ns);
        self.recv_ns = self.clock.now_ns();
    }
}

/// The fused stages with clock and histograms beside the same without. There is no recorder of frames yet.
fn histograms(stream: &Stream, rounds: usize) -> Vec<Ratio> {
    let mut without = Rounds::without_match(stream);
    let mut with = Rounds::probed(stream, Measuring::new());
    let recorded = with.pipeline().probe.recorder.snapshot().row(Stage::Signal).count;
    assert!(recorded > 0, "frames are recorded");
    let [with, without] = in_turns([Box::new(|| with.round()), through(&mut without, 1)], rounds);
    let what = String::from("throughput with histograms on / off");
    vec![ratio(what, Goal::AtLeast(0.9), &without, &with)]
}

/// A frame at a time through the live engine in each placement, from the socket read to the decision queue.
fn paced(input: &Input, frames: usize, rounds: usize) -> Vec<Ratio> {
    let is_content = |frame: &[u8]| frame.windows(14).any(|bytes| bytes == br#""op":"content""#);
    let contents: Vec<Vec<u8>> = input
        .frames
        .iter()
        .map(|frame| &**frame)
        .filter(|frame| is_content(frame))
        .take(frames)
        .map(<[u8]>::to_vec)
        .collect();
    let placements = [Placement::Fused, Placement::OneArbiter, Placement::PerActor];
    let mut taken = placements.map(|_| Vec::with_capacity(rounds));
    for round in 0..rounds {
        for turn in 0..placements.len() {
            let index = (round + turn) % placements.len();
            taken[index].push(recv_to_queued_ns(placements[index], &contents));
        }
    }
    let [fused, one_arbiter, per_actor] = taken;
    let what = |name: &str| format!("live, paced, p50 of recv→queued: {name} / fused");
    vec![
        ratio(what("one-arbiter"), Goal::AtMost(2.0), &one_arbiter, &fused),
        ratio(what("per-actor"), Goal::Open, &per_actor, &fused),
    ]
}

/// Replay beside decoding alone, in frames per second: the times the other way round.
fn replays(input: &Input, rounds: usize) -> Vec<Ratio> {
    let jsonl: Arc<[u8]> = input.jsonl().into();
    let mut decoder = Decoder::new(Limits::default());
    let mut held = Decoder::new(Limits::default());
    let mut line = Vec::new();
    let [fused, actors] = [Placement::Fused, Placement::OneArbiter]
        .map(|placement| replay(&jsonl, "vendor-routing", placement));
    assert_eq!(fused.counters.intake.frames, input.frames.len() as u64, "every frame is replayed");
    assert!(fused.digest.count() > 0 || !input.is_known, "the routing rule matches");
    assert_eq!(fused.digest.to_string(), actors.digest.to_string(), "both placements decide alike");
    let found = replay(&jsonl, "starter", Placement::Fused).digest.count();
    report::line(format_args!(
        "replay   {found} decisions with the starter rules, which are timed; {} with the vendor's rule, digest {}",
        fused.digest.count(),
        fused.digest
    ));

    let [fused, actors, reading, decoding] = in_turns(
        [
            Box::new(|| replay(&jsonl, "starter", Placement::Fused).counters.window_tweets),
            Box::new(|| replay(&jsonl, "starter", Placement::OneArbiter).counters.window_tweets),
            Box::new(|| {
                let (mut frames, mut good) = (opened(&jsonl), 0);
                while frames.next(&mut line).expect("memory reads").is_some() {
                    good += usize::from(ours(&mut decoder, &line));
                }
                good
            }),
            Box::new(|| input.frames.iter().filter(|frame| ours(&mut held, frame)).count()),
        ],
        rounds,
    );
    let per_second = |ns: &[f64]| input.frames.len() as f64 * 1e9 / Sorted::new(ns.to_vec()).quantile(0.5);
    report::line(format_args!(
        "replay   frames a second at p50: fused {:.0}, one arbiter {:.0}, read and decoded only {:.0}, \
         decoded only {:.0}",
        per_second(&fused),
        per_second(&actors),
        per_second(&reading),
        per_second(&decoding)
    ));
    let row = |what: &str, goal, over, under| ratio(String::from(what), goal, over, under);
    vec![
        row("replay frames/s, fused / read and decoded only", Goal::AtLeast(0.7), &reading, &fused),
        row("replay frames/s, fused / decoded only, frames in memory", Goal::Open, &decoding, &fused),
        row("replay frames/s, one arbiter / fused", Goal::Open, &fused, &actors),
    ]
}

fn opened(jsonl: &Arc<[u8]>) -> Frames {
    let reader = std::io::Cursor::new(Arc::clone(jsonl));
    Frames::from_reader("memory", reader, Limits::default()).expect("memory reads")
}

fn replay(jsonl: &Arc<[u8]>, rule_file: &str, placement: Placement) -> Summary {
    let options = ReplayOptions { placement, ..ReplayOptions::default() };
    let each = |_: &Decision| ControlFlow::Continue(());
    stoop::replay::replay(rules(rule_file), opened(jsonl), options, each).expect("memory reads")
}

/// Heap allocations a frame of a round in which nothing is decided.
fn allocated(stream: &Stream) -> Vec<Ratio> {
    let counted = allocations::during(|| black_box(Box::new(0)));
    assert_eq!(counted, 1, "the allocator counts");
    let squeezed = stream.clone().squeezed(BUSY_NS);
    let cases = [("a day", stream), ("two windows", &squeezed)];
    let rows = cases.map(|(case, stream)| {
        let mut rounds = Rounds::without_match(stream);
        let values = [(); 3].map(|()| {
            let count = allocations::during(|| rounds.round());
            count as f64 / stream.len() as f64
        });
        let what = format!("heap allocations a frame, fused, no decision, frames of {case}");
        Ratio { what, goal: Goal::AtMost(0.0), values: Sorted::new(values) }
    });
    rows.into()
}

/// Times of single frames, in turns frame set by frame set. Each holds one reading of the clock.
fn frame_times(stream: &Stream, rounds: usize) -> Vec<(&'static str, Sorted)> {
    let frames: Vec<&[u8]> = stream.frames().collect();
    let (mut tape, mut structs, mut decoder) =
        (SimdJson::default(), SimdJson::default(), Decoder::new(Limits::default()));
    let (mut starter, mut routing) = (Rounds::without_match(stream), Rounds::with_match(stream));
    let names = [
        "the clock alone",
        "fill_tape",
        "decode",
        "decode+merge+signal, starter",
        "decode+merge+signal, matching",
        "serde_json::Value + lookups",
        "simd-json into structs",
        "serde_json into structs",
        "sonic-rs into structs",
    ];
    let mut taken = names.map(|_| Vec::with_capacity(rounds * frames.len()));
    for _ in 0..rounds {
        let [clock, by_tape, by_ours, by_starter, by_routing, by_value, by_simd, by_serde, by_sonic] =
            &mut taken;
        let each = |times: &mut Vec<f64>, takes: &mut dyn FnMut(&[u8]) -> bool| {
            times.extend(frames.iter().map(|frame| nanos(|| takes(frame)) as f64));
        };
        each(clock, &mut |_| true);
        each(by_tape, &mut |frame| tape.fill(frame).is_some());
        each(by_ours, &mut |frame| ours(&mut decoder, frame));
        starter.each(|put| by_starter.push(nanos(put) as f64));
        routing.each(|put| by_routing.push(nanos(put) as f64));
        each(by_value, &mut |frame| value_lookups(frame).is_some());
        each(by_simd, &mut |frame| structs.structs(frame, look).is_some());
        each(by_serde, &mut |frame| serde_structs(frame, look).is_some());
        each(by_sonic, &mut |frame| sonic_structs(frame, look).is_some());
    }
    names.into_iter().zip(taken.map(Sorted::new)).collect()
}
