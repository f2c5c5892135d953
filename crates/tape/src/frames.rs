//! Frames of JSONL inputs in order, and the time at which they begin.

use std::collections::VecDeque;
use std::path::PathBuf;

use stoop_engine::{Bounds, Intake, Origin, Receipt};
use stoop_wire::Limits;

use crate::input::{InputError, Line, Lines};
use crate::progress::Progress;

/// Lines that are searched for the first time; an input without one in them begins at zero.
const LEAD_LINES: usize = 65_536;

/// The frames of one or more inputs, one line each, good or bad.
pub struct Frames {
    inputs: VecDeque<PathBuf>,
    lines: Option<Lines>,
    lead: VecDeque<(Line, Vec<u8>)>,
    start_ns: i64,
    progress: Progress,
}

impl Frames {
    /// Opens the first input and finds the time it begins: the first plausible `ts` of a frame that can be decoded.
    pub fn open(inputs: impl IntoIterator<Item = PathBuf>, limits: Limits) -> Result<Self, InputError> {
        Self::begin(inputs.into_iter().collect(), None, limits)
    }

    /// Frames from anything that is not compressed; `name` stands for it in errors.
    pub fn from_reader(
        name: &str,
        reader: impl std::io::Read + Send + 'static,
        limits: Limits,
    ) -> Result<Self, InputError> {
        Self::begin(VecDeque::new(), Some(Lines::from_reader(name, reader)), limits)
    }

    fn begin(inputs: VecDeque<PathBuf>, lines: Option<Lines>, limits: Limits) -> Result<Self, InputError> {
        let mut frames =
            Self { inputs, lines, lead: VecDeque::new(), start_ns: 0, progress: Progress::default() };
        // A real intake, so that what counts as a plausible time is decided in one place.
        let mut intake = Intake::new(Bounds { limits, ..Bounds::default() }, 0);
        // The contract: leading lines without a `ts` have the first one found, so it is looked for ahead.
        while intake.now_ns() == 0 && frames.lead.len() < LEAD_LINES {
            let mut line = Vec::new();
            let Some(place) = frames.read(&mut line)? else { break };
            intake.frame(Origin::Endpoint(0), &line, Receipt::Sent, |_, _| {});
            frames.lead.push_back((place, line));
        }
        frames.start_ns = intake.now_ns();
        Ok(frames)
    }

    /// Calls `each` with the number of frames read, every 65,536 of them.
    #[must_use]
    pub fn tell(mut self, each: impl FnMut(u64) + Send + 'static) -> Self {
        self.progress = Progress::to(each);
        self
    }

    /// Input time of the frames before the first that has a time, Unix ns.
    pub fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// Reads the next frame into `line`; none at the end of the last input.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Line>, InputError> {
        self.progress.count();
        if let Some((place, lead)) = self.lead.pop_front() {
            *line = lead;
            return Ok(Some(place));
        }
        self.read(line)
    }

    fn read(&mut self, line: &mut Vec<u8>) -> Result<Option<Line>, InputError> {
        loop {
            if let Some(lines) = &mut self.lines {
                if let Some(place) = lines.read(line)? {
                    return Ok(Some(place));
                }
                self.lines = None;
            }
            let Some(input) = self.inputs.pop_front() else { return Ok(None) };
            self.lines = Some(Lines::open(&input)?);
        }
    }
}
