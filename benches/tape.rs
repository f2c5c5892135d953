//! Frames onto a tape and off it, beside copying their bytes.

use std::hint::black_box;
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex, PoisonError};

use criterion::{Criterion, Throughput};
use stoop::tape::{Origin, Record, Tape, TapeOptions, TapeWriter};
use stoop_benches::environment;
use stoop_benches::input::Input;
use stoop_benches::report::line;

const FRAMES: u64 = 50_000;
/// 2026-06-10T12:40:00Z.
const BEGIN_NS: i64 = 1_781_095_200_000_000_000;
/// Between two frames: 20,000 a second, so that chunks are closed by size, not by age.
const STEP_NS: i64 = 50_000;

fn main() {
    environment::print();
    let mut criterion = stoop_benches::criterion();
    let input = Input::long(FRAMES).announced();
    write(&mut criterion, &input);
    read(&mut criterion, &input);
    criterion.final_summary();
}

fn write(criterion: &mut Criterion, input: &Input) {
    let mut group = criterion.benchmark_group("tape/write");
    group.throughput(Throughput::Elements(input.frames.len() as u64)).sample_size(10);
    let mut copy = Vec::with_capacity(input.bytes() as usize);
    group.bench_function("copy", |bencher| {
        bencher.iter(|| {
            copy.clear();
            input.frames.iter().for_each(|frame| copy.extend_from_slice(frame));
            black_box(copy.len())
        });
    });
    for level in [1, 3] {
        let options = TapeOptions { level, ..TapeOptions::default() };
        let bytes = written(input, options, io::sink());
        let share = bytes as f64 / input.bytes() as f64;
        line(format_args!("tape     level {level}: {bytes} bytes, {share:.3} of the frames"));
        group.bench_function(format!("level_{level}"), |bencher| {
            bencher
                .iter(|| assert_eq!(written(input, options, io::sink()), bytes, "every time the same tape"));
        });
    }
    group.finish();
}

fn read(criterion: &mut Criterion, input: &Input) {
    let mut group = criterion.benchmark_group("tape/read");
    group.throughput(Throughput::Elements(input.frames.len() as u64)).sample_size(10);
    let memory = Memory::default();
    written(input, TapeOptions::default(), memory.clone());
    let bytes: Arc<[u8]> = memory.0.lock().unwrap_or_else(PoisonError::into_inner).as_slice().into();
    group.bench_function("records", |bencher| {
        bencher.iter(|| {
            let mut tape = Tape::from_reader("memory", Cursor::new(Arc::clone(&bytes))).expect("a tape");
            let (mut frames, mut length) = (0, 0);
            while let Some(record) = tape.read().expect("memory reads") {
                frames += usize::from(matches!(record, Record::Frame { .. }));
                length += record.bytes().len() as u64;
            }
            assert!(tape.end().is_sealed, "the tape is whole");
            assert_eq!((frames, length), (input.frames.len(), input.bytes()), "every frame is there");
        });
    });
    group.finish();
}

/// Writes a tape and seals it; returns its length up to the footer.
fn written(input: &Input, options: TapeOptions, out: impl Write + Send + 'static) -> u64 {
    let origin = Origin::endpoint(0, "default").expect("the first of eight");
    let mut tape = TapeWriter::over("memory", out, options).expect("memory takes everything");
    for (place, frame) in input.frames.iter().enumerate() {
        let recv_ns = BEGIN_NS + place as i64 * STEP_NS;
        tape.frame(&origin, recv_ns, Some(recv_ns), frame).expect("memory takes everything");
    }
    tape.flush().expect("memory takes everything");
    let bytes = tape.bytes();
    tape.seal().expect("memory takes everything");
    bytes
}

/// A file in memory that the bench keeps.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
