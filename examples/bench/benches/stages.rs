//! `cargo bench`, or `FRAMES=recorded.jsonl CONFIG=stoop.toml cargo bench` for frames and rules of your own.
//!
//! Criterion compares runs with each other; the histograms at the end are of one pass over all frames.

use std::env;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use own_frames::{read, run};
use stoop::Config;
use stoop::latency::{Recorder, Stage};

const FRAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/frames/listings.jsonl");
const CONFIG: &str = "[[rule]]\nname = \"token\"\nassets = { tokens = true, cex = true }";

fn stages(criterion: &mut Criterion) {
    let config = match env::var("CONFIG") {
        Ok(path) => Config::load(path.as_ref()).expect("a configuration"),
        Err(_) => Config::parse("bench", CONFIG).expect("a configuration"),
    };
    let path = env::var("FRAMES").unwrap_or_else(|_| FRAMES.to_owned());
    let frames = read(&path, &config).expect("frames");

    let mut recorder = Recorder::new();
    let expect = run(&config, &frames, Some(&mut recorder)).expect("a run");
    assert!(expect > 0, "nothing is decided on these frames: no rule is measured");

    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("all", |bencher| {
        bencher.iter(|| {
            let count = run(&config, black_box(&frames), None).expect("a run");
            assert_eq!(count, expect);
        });
    });
    group.finish();

    println!("{}", recorder.snapshot());
    for bucket in recorder.histogram(Stage::Total).iter_recorded() {
        println!("up to {:>9} ns: {}", bucket.value_iterated_to(), bucket.count_at_value());
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
