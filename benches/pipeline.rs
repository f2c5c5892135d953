//! Decode, merge and signal in one piece, and replay through them.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;

use criterion::{Criterion, Throughput};
use stoop::replay::{Frames, ReplayOptions};
use stoop::{Placement, Summary};
use stoop_benches::decoders::{SimdJson, ours};
use stoop_benches::environment;
use stoop_benches::input::{Input, rules};
use stoop_benches::rounds::{Rounds, Stream};
use stoop_wire::{Decoder, Limits};

/// Twice the window: half of the day's tweets are in it at any time.
const BUSY_NS: i64 = 20 * 60 * 1_000_000_000;
const REPLAYED: u64 = 20_000;

fn main() {
    environment::print();
    let mut criterion = stoop_benches::criterion();
    let day = Input::day().announced();
    let contents = Stream::new(&day.contents().announced());
    fused(&mut criterion, "content", &contents, vec![("ours", Rounds::without_match(&contents))]);
    let stream = Stream::new(&day);
    let both = vec![("ours", Rounds::without_match(&stream)), ("ours_deciding", Rounds::with_match(&stream))];
    fused(&mut criterion, "day", &stream, both);
    let busy = stream.clone().squeezed(BUSY_NS);
    fused(&mut criterion, "busy", &busy, vec![("ours", Rounds::without_match(&busy))]);
    replay(&mut criterion, &Input::long(REPLAYED).announced());
    criterion.final_summary();
}

fn fused(criterion: &mut Criterion, case: &str, stream: &Stream, rounds: Vec<(&str, Rounds<'_>)>) {
    let mut group = criterion.benchmark_group(format!("pipeline/{case}"));
    group.throughput(Throughput::Elements(stream.len() as u64));
    let mut simd = SimdJson::default();
    assert!(stream.frames().filter_map(|frame| simd.fill(frame)).count() > 0, "the tape is filled");
    group.bench_function("fill_tape", |bencher| {
        bencher.iter(|| stream.frames().filter_map(|frame| simd.fill(frame)).sum::<usize>());
    });
    for (variant, mut rounds) in rounds {
        let decided = rounds.decided();
        group.bench_function(variant, |bencher| bencher.iter(|| rounds.round()));
        assert_eq!(rounds.decided(), decided, "every round decides alike");
    }
    group.finish();
}

fn replay(criterion: &mut Criterion, input: &Input) {
    let mut group = criterion.benchmark_group("pipeline/replay");
    group.throughput(Throughput::Elements(input.frames.len() as u64)).sample_size(10);
    let jsonl: Arc<[u8]> = input.jsonl().into();

    let mut decoder = Decoder::new(Limits::default());
    let mut line = Vec::new();
    group.bench_function("decode_only", |bencher| {
        bencher.iter(|| {
            let mut frames = opened(&jsonl);
            let mut good = 0;
            while frames.next(&mut line).expect("memory reads").is_some() {
                good += usize::from(ours(&mut decoder, &line));
            }
            good
        });
    });
    let mut digests = Vec::new();
    for placement in [Placement::Fused, Placement::OneArbiter] {
        let summary = replayed(&jsonl, "vendor-routing", placement);
        assert_eq!(summary.counters.intake.frames, input.frames.len() as u64, "every frame is replayed");
        assert!(summary.digest.count() > 0 || !input.is_known, "the routing rule matches");
        digests.push(summary.digest.to_string());
        group.bench_function(placement.as_str().replace('-', "_"), |bencher| {
            bencher.iter(|| black_box(replayed(&jsonl, "starter", placement)));
        });
    }
    assert_eq!(digests.first(), digests.last(), "every placement decides alike");
    group.finish();
}

fn opened(jsonl: &Arc<[u8]>) -> Frames {
    let reader = std::io::Cursor::new(Arc::clone(jsonl));
    Frames::from_reader("memory", reader, Limits::default()).expect("memory reads")
}

fn replayed(jsonl: &Arc<[u8]>, rule_file: &str, placement: Placement) -> Summary {
    let options = ReplayOptions { placement, ..ReplayOptions::default() };
    let each = |_: &stoop_model::Decision| ControlFlow::Continue(());
    stoop::replay::replay(rules(rule_file), opened(jsonl), options, each).expect("memory reads")
}
