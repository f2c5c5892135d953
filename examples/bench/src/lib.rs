//! Frames of one's own through the stages of Stoop, in place: no socket, no thread, no key.

#![deny(missing_docs)]

use std::error::Error;

use stoop::Config;
use stoop::latency::{Recorder, Stopwatch};
use stoop::replay::{Frames, Line};
use stoop::stages::{Input, Pipeline, Receipt};

/// Reads JSONL: one frame a line, as the feed has sent it.
pub fn read(path: &str, config: &Config) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut frames = Frames::open([path.into()], config.bounds.limits)?;
    let (mut all, mut line) = (Vec::new(), Vec::new());
    while let Some(read) = frames.next(&mut line)? {
        if let Line::Whole { .. } = read {
            all.push(line.clone());
        }
    }
    Ok(all)
}

/// Puts all frames through an engine that has seen none, and returns how many decisions that led to.
///
/// `recorder` takes the time of each stage; without one no clock is read.
pub fn run(
    config: &Config,
    frames: &[Vec<u8>],
    recorder: Option<&mut Recorder>,
) -> Result<usize, Box<dyn Error>> {
    let rules = config.rules()?;
    let (mut decisions, mut count) = (Vec::new(), 0);
    match recorder {
        None => {
            let mut pipeline = Pipeline::new(rules, config.bounds, 0);
            for frame in frames {
                pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
                count += decisions.len();
                decisions.clear();
            }
        }
        Some(recorder) => {
            let mut pipeline = Pipeline::with_probe(rules, config.bounds, 0, Stopwatch::new(recorder));
            for frame in frames {
                pipeline.probe.begin();
                pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
                count += decisions.len();
                decisions.clear();
            }
        }
    }
    Ok(count)
}
