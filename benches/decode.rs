//! Frames to events: ours beside the tape alone and beside what else somebody might use.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use stoop_benches::decoders::{SimdJson, is_read_alike, ours, serde_structs, sonic_structs, value_lookups};
use stoop_benches::environment;
use stoop_benches::frame::Frame;
use stoop_benches::input::Input;
use stoop_benches::report;
use stoop_wire::{Decoder, Limits};

fn main() {
    environment::print();
    let mut criterion = stoop_benches::criterion();
    let day = Input::day();
    bench(&mut criterion, "vendor", Input::fixture("frames/vendor.jsonl"));
    bench(&mut criterion, "content", day.contents());
    bench(&mut criterion, "meta", day.metas());
    bench(&mut criterion, "day", day);
    criterion.final_summary();
}

fn bench(criterion: &mut Criterion, case: &str, input: Input) {
    let input = input.only("read alike by every decoder", is_read_alike);
    if input.frames.is_empty() && !input.is_known {
        return report::line(format_args!("input    {}: no such frames", input.name));
    }
    let input = input.announced();
    let mut group = criterion.benchmark_group(format!("decode/{case}"));
    group.throughput(Throughput::ElementsAndBytes {
        elements: input.frames.len() as u64,
        bytes: input.bytes(),
    });
    let all = || input.frames.iter().map(|frame| &**frame);

    let mut simd = SimdJson::default();
    group.bench_function("fill_tape", |bencher| {
        bencher.iter(|| all().filter_map(|frame| simd.fill(frame)).sum::<usize>());
    });
    let mut decoder = Decoder::new(Limits::default());
    group.bench_function("ours", |bencher| {
        bencher.iter(|| all().filter(|frame| ours(&mut decoder, frame)).count());
    });
    group.bench_function("simd_json_structs", |bencher| {
        bencher.iter(|| all().filter_map(|frame| simd.structs(frame, look)).count());
    });
    group.bench_function("serde_json_structs", |bencher| {
        bencher.iter(|| all().filter_map(|frame| serde_structs(frame, look)).count());
    });
    group.bench_function("serde_json_value", |bencher| {
        bencher.iter(|| all().filter_map(value_lookups).sum::<usize>());
    });
    group.bench_function("sonic_structs", |bencher| {
        bencher.iter(|| all().filter_map(|frame| sonic_structs(frame, look)).count());
    });
    group.finish();
}

/// The structs are made whole, whatever is looked at.
fn look(frame: &Frame<'_>) {
    black_box(frame);
}
