//! Frames held in memory, so that no disk is measured.

use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use stoop::replay::{Frames, InputError, Line};
use stoop::wire::Limits;
use stoop_synth::{Generator, Options};

/// Most bytes of frames that are held; what comes after is not read.
const MOST_BYTES: usize = 1 << 30;
/// How many frames are generated unless something else is asked for.
const GENERATED: u64 = 100_000;

/// The frames of one bench.
pub(crate) struct Input {
    /// What they are, for people.
    pub(crate) name: String,
    /// One frame a line.
    lines: Lines,
    /// Where each frame begins and ends in the lines.
    places: Vec<(usize, usize)>,
    /// Lines that were too long to be a frame.
    pub(crate) too_long: u64,
    /// There was more than is held.
    pub(crate) is_cut: bool,
    /// Input time before the first frame that tells one, Unix ns.
    pub(crate) start_ns: i64,
}

/// Bytes that readers share.
#[derive(Clone)]
struct Lines(Arc<Vec<u8>>);

impl AsRef<[u8]> for Lines {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Input {
    /// So many generated frames of a seed.
    pub(crate) fn generated(frames: Option<u64>, seed: u64, limits: Limits) -> Result<Self, InputError> {
        let frames = frames.unwrap_or(GENERATED);
        let mut held = Held::default();
        for frame in Generator::new(Options { frames, seed, ..Options::default() }) {
            if !held.push(frame.as_bytes()) {
                break;
            }
        }
        held.done(format!("generated, seed {seed}"), limits)
    }

    /// The frames of files, at most so many.
    pub(crate) fn read(paths: &[PathBuf], most: Option<u64>, limits: Limits) -> Result<Self, InputError> {
        let mut frames = Frames::open(paths.iter().cloned(), limits)?;
        let mut held = Held::default();
        let mut line = Vec::new();
        while most.is_none_or(|most| (held.places.len() as u64) < most)
            && let Some(read) = frames.next(&mut line)?
        {
            match read {
                Line::Whole { .. } if held.push(line.trim_ascii_end()) => {}
                Line::Whole { .. } => break,
                Line::TooLong { .. } => held.too_long += 1,
            }
        }
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        held.done(names.join(", "), limits)
    }

    /// The frames one by one.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().filter_map(|(from, to)| self.lines.0.get(*from..*to))
    }

    /// As a replay reads them: line by line.
    pub(crate) fn open(&self, limits: Limits) -> Result<Frames, InputError> {
        Frames::from_reader("memory", Cursor::new(self.lines.clone()), limits)
    }

    /// How many frames.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Their bytes, without newlines.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.0.len() - self.places.len()
    }
}

/// Frames that are being collected.
#[derive(Default)]
struct Held {
    lines: Vec<u8>,
    places: Vec<(usize, usize)>,
    too_long: u64,
    is_cut: bool,
}

impl Held {
    /// Takes a frame if there is room for it.
    fn push(&mut self, frame: &[u8]) -> bool {
        if self.lines.len() + frame.len() >= MOST_BYTES {
            self.is_cut = true;
            return false;
        }
        let from = self.lines.len();
        self.lines.extend_from_slice(frame);
        self.places.push((from, self.lines.len()));
        self.lines.push(b'\n');
        true
    }

    fn done(self, name: String, limits: Limits) -> Result<Input, InputError> {
        let Self { lines, places, too_long, is_cut } = self;
        let mut input = Input { name, lines: Lines(Arc::new(lines)), places, too_long, is_cut, start_ns: 0 };
        input.start_ns = input.open(limits)?.start_ns();
        Ok(input)
    }
}
