//! Where frames and rules come from.

use std::path::{Path, PathBuf};

use stoop::replay::{Line, Lines};
use stoop_engine::RuleSet;
use stoop_model::Op;
use stoop_synth::{Generator, Options};
use stoop_wire::{Decoder, Limits};

use crate::report::line;

/// Names a JSONL, plain or compressed, that is used in place of the generated frames.
const VARIABLE: &str = "STOOP_BENCH_FRAMES";

/// Bytes of a content frame that counts as a usual one: the generated ones have a mode at about 1,300.
const USUAL_BYTES: std::ops::RangeInclusive<usize> = 1_200..=1_450;
/// Frames of one sort that are taken in turn: enough that a branch predictor cannot learn them by heart.
const IN_TURN: usize = 64;

/// Frames in the order they came.
#[derive(Clone, Debug)]
pub struct Input {
    /// What they are.
    pub name: String,
    /// The frames, good or bad.
    pub frames: Vec<Box<[u8]>>,
    /// It is one of ours, so that what comes of it is known.
    pub is_known: bool,
}

impl Input {
    /// The fixture of a generated day, or what the variable names.
    pub fn day() -> Self {
        Self::chosen().unwrap_or_else(|| Self::fixture("frames/day.jsonl.gz"))
    }

    /// So many generated frames of one day, or what the variable names.
    pub fn long(count: u64) -> Self {
        Self::chosen().unwrap_or_else(|| {
            let made = Generator::new(Options { frames: count, seed: 1, ..Options::default() });
            let frames = made.map(|frame| frame.into_bytes().into()).collect();
            Self { name: format!("stoop gen --frames {count} --seed 1"), frames, is_known: true }
        })
    }

    /// A file of `fixtures`.
    pub fn fixture(path: &str) -> Self {
        Self { is_known: true, ..Self::read(format!("fixtures/{path}"), &fixture(path)) }
    }

    /// Content frames of a usual length, at most 64; of any length if there are none.
    #[must_use]
    pub fn contents(&self) -> Self {
        let all = self.of(Op::Content, "contents of any length", |_| true);
        let usual = self.of(Op::Content, "contents of 1.2 to 1.45 KB", |len| USUAL_BYTES.contains(&len));
        if usual.frames.is_empty() { all } else { usual }
    }

    /// Meta frames that name an asset or so, at most 64.
    #[must_use]
    pub fn metas(&self) -> Self {
        let bare = r#"{"v":1,"t":"tweet","op":"meta","id":"1234567890123456789","ts":1781095200340,"d":{"tweetId":"1234567890123456789","detected":{}}}"#;
        self.of(Op::Meta, "metas that tell something", |len| len > bare.len())
    }

    /// Bytes of all frames.
    pub fn bytes(&self) -> u64 {
        self.frames.iter().map(|frame| frame.len() as u64).sum()
    }

    /// One frame a line.
    pub fn jsonl(&self) -> Vec<u8> {
        let lines = self.frames.iter().flat_map(|frame| [&**frame, b"\n"]);
        lines.collect::<Vec<_>>().concat()
    }

    /// Without the frames that do not fulfil the condition; says how many these are.
    #[must_use]
    pub fn only(mut self, what: &str, mut is_good: impl FnMut(&[u8]) -> bool) -> Self {
        let before = self.frames.len();
        self.frames.retain(|frame| is_good(frame));
        let without = before - self.frames.len();
        if without > 0 {
            line(format_args!("         {without} of {before} frames left out: not {what}"));
        }
        self
    }

    /// Says what it is.
    ///
    /// # Panics
    ///
    /// If there is no frame in it: a bench over nothing tells nothing.
    #[must_use]
    pub fn announced(self) -> Self {
        let count = self.frames.len();
        line(format_args!("input    {}: {count} frames, {} bytes", self.name, self.bytes()));
        assert!(count > 0, "{} has no such frames", self.name);
        self
    }

    fn of(&self, op: Op, what: &str, takes: impl Fn(usize) -> bool) -> Self {
        let mut decoder = Decoder::new(Limits::default());
        let mut is_op = |frame: &[u8]| {
            let mut is_op = false;
            decoder.decode(frame, |event| is_op = event.is_ok_and(|event| event.op == op));
            is_op
        };
        let frames = self.frames.iter().filter(|frame| takes(frame.len()) && is_op(frame));
        let frames = frames.take(IN_TURN).cloned().collect();
        Self { name: format!("{}, {what}", self.name), frames, is_known: self.is_known }
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where the benches read the environment")]
    fn chosen() -> Option<Self> {
        let path = std::env::var(VARIABLE).ok()?;
        Some(Self::read(path.clone(), Path::new(&path)))
    }

    fn read(name: String, path: &Path) -> Self {
        let mut lines = Lines::open(path).unwrap_or_else(|error| panic!("{error}"));
        let (mut line, mut frames) = (Vec::new(), Vec::new());
        while let Some(read) = lines.read(&mut line).unwrap_or_else(|error| panic!("{error}")) {
            if let Line::Whole { .. } = read {
                frames.push(line.as_slice().into());
            }
        }
        Self { name, frames, is_known: false }
    }
}

/// Rules of a file of `fixtures/rules`, named without its ending.
///
/// # Panics
///
/// If there is no such file or it has an error.
pub fn rules(name: &str) -> RuleSet {
    let path = fixture(&format!("rules/{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    RuleSet::parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(path)
}
