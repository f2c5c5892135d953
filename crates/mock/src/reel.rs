//! The input in memory, shared by all clients.

use std::collections::BTreeSet;

use stoop_tape::{Line, Lines};
use tokio_tungstenite::tungstenite::Bytes;

use crate::config::{Error, Input};
use crate::rebase::{Edit, Ids};
use crate::scan;

/// Accounts named by `/api/me`: the limit of the largest plan.
const HANDLES: usize = 250;
/// Frames that are searched for them.
const HANDLE_FRAMES: usize = 2_000;

/// One frame and what is known of it before the first connect.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    /// Whether it can stand in a JSON array.
    pub(crate) json: bool,
    /// Ms after the first frame by the frames' own times; never decreasing.
    pub(crate) offset_ms: i64,
    /// Empty unless the input is to be rebased.
    pub(crate) edits: Vec<Edit>,
}

/// All frames of the input.
#[derive(Debug)]
pub(crate) struct Reel {
    pub(crate) frames: Vec<Frame>,
    /// The time of the first frame; `None` if no frame has one.
    pub(crate) first_ms: Option<i64>,
    /// Accounts that post in the input, without the `@`.
    pub(crate) handles: BTreeSet<String>,
}

impl Reel {
    pub(crate) fn load(input: Input, rebase: bool) -> Result<Self, Error> {
        let frames = match input {
            Input::Frames(frames) => frames,
            Input::Path(path) => read_lines(Lines::open(&path)?)?,
        };
        let mut ids = Ids::default();
        let mut first_ms = None;
        let mut offset_ms = 0;
        let mut frames: Vec<Frame> = frames
            .into_iter()
            .map(|bytes| {
                let json = scan::is_json(&bytes);
                let ts = json.then(|| scan::frame_ts(&bytes)).flatten();
                if let Some(ts) = ts {
                    // A step back in time is no reason to send an earlier frame later.
                    offset_ms = offset_ms.max(ts - *first_ms.get_or_insert(ts));
                }
                if rebase && json {
                    ids.learn(&bytes, ts);
                }
                Frame { bytes: bytes.into(), json, offset_ms, edits: Vec::new() }
            })
            .collect();
        // A second pass: which ids belong to which platform is known only after the last frame.
        if rebase {
            for frame in frames.iter_mut().filter(|frame| frame.json) {
                frame.edits = ids.edits(&frame.bytes);
            }
        }
        let handles = handles(&frames);
        Ok(Self { frames, first_ms, handles })
    }

    /// From the first to the last frame, by their own times.
    pub(crate) fn span_ms(&self) -> i64 {
        self.frames.last().map_or(0, |frame| frame.offset_ms)
    }

    /// The time between the last frame of a round and the first of the next: the mean distance of frames.
    pub(crate) fn gap_ms(&self) -> i64 {
        const ALONE_MS: i64 = 1_000;
        match self.frames.len() as i64 - 1 {
            gaps if gaps > 0 => (self.span_ms() / gaps).max(1),
            _ => ALONE_MS,
        }
    }
}

fn read_lines(mut lines: Lines) -> Result<Vec<Vec<u8>>, Error> {
    let mut frames = Vec::new();
    let mut line = Vec::new();
    while let Some(found) = lines.read(&mut line)? {
        match found {
            Line::Whole { .. } => frames.push(line.clone()),
            Line::TooLong { number, bytes } => return Err(Error::LongFrame { line: number, bytes }),
        }
    }
    Ok(frames)
}

fn handles(frames: &[Frame]) -> BTreeSet<String> {
    let mut handles = BTreeSet::new();
    for frame in frames.iter().take(HANDLE_FRAMES) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&frame.bytes) else { continue };
        for account in ["author", "actor"] {
            if let Some(handle) = value["d"][account]["handle"].as_str()
                && handles.len() < HANDLES
            {
                handles.insert(handle.trim_start_matches('@').to_owned());
            }
        }
    }
    handles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_frames_times_and_never_decrease() {
        let frames = [
            "not json",
            r#"{"ts":1781095200100}"#,
            r#"{"ts":"bad"}"#,
            r#"{"ts":1781095200300}"#,
            r#"{"ts":1781095200200}"#,
            r#"[{"ts":1781095200400},{"ts":1}]"#,
        ];
        let input = Input::Frames(frames.iter().map(|frame| frame.as_bytes().to_vec()).collect());
        let reel = Reel::load(input, false).unwrap();
        let offsets: Vec<i64> = reel.frames.iter().map(|frame| frame.offset_ms).collect();
        assert_eq!(offsets, [0, 0, 0, 200, 200, 300]);
        assert_eq!(reel.first_ms, Some(1_781_095_200_100));
        assert_eq!((reel.span_ms(), reel.gap_ms()), (300, 60));
    }

    #[test]
    fn a_file_is_loaded_line_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frames.jsonl");
        std::fs::write(&path, "{\"d\":{\"author\":{\"handle\":\"@SynDesk\"}}}\r\n\n\nrubbish").unwrap();
        let reel = Reel::load(Input::Path(path), true).unwrap();
        assert_eq!(reel.frames.len(), 2);
        assert_eq!(reel.frames[1].bytes, &b"rubbish"[..]);
        assert!(reel.handles.contains("SynDesk"));
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it() {
        let error = Reel::load(Input::Path("missing.jsonl".into()), false).unwrap_err();
        assert!(matches!(error, Error::Input(_)), "{error:?}");
    }
}
