//! The decoders that ours is measured beside, each with what it reuses from frame to frame.

use std::hint::black_box;

use serde::Deserialize;
use serde_json::Value;
use simd_json::{Buffers, Deserializer, INPUT_PADDING, Tape, fill_tape_padded};
use stoop_wire::{Decoder, Limits};

use crate::frame::{Frame, Gist};

/// simd-json as ours uses it: the frame is copied into a padded buffer, buffers and tape are reused.
pub struct SimdJson {
    padded: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl Default for SimdJson {
    fn default() -> Self {
        Self { padded: Vec::new(), buffers: Buffers::new(4096), tape: Tape(Vec::new()) }
    }
}

impl SimdJson {
    /// The tape and nothing more: what no decoder built on simd-json can be faster than. Returns the number of nodes.
    pub fn fill(&mut self, frame: &[u8]) -> Option<usize> {
        self.parse(frame, |tape| {
            let nodes = black_box(&tape).0.len();
            (Some(nodes), tape)
        })
    }

    /// The tape read into structs.
    pub fn structs<R>(&mut self, frame: &[u8], look: impl FnOnce(&Frame<'_>) -> R) -> Option<R> {
        self.parse(frame, |tape| {
            let mut deserializer = Deserializer::from_tape(tape);
            let looked = Frame::deserialize(&mut deserializer).ok().map(|frame| look(&frame));
            (looked, deserializer.into_tape())
        })
    }

    fn parse<R>(
        &mut self,
        frame: &[u8],
        read: impl for<'f> FnOnce(Tape<'f>) -> (Option<R>, Tape<'f>),
    ) -> Option<R> {
        let Self { padded, buffers, tape: kept } = self;
        if padded.len() < frame.len() + INPUT_PADDING {
            padded.resize(frame.len() + INPUT_PADDING, 0);
        }
        padded.get_mut(..frame.len())?.copy_from_slice(frame);
        let mut tape = std::mem::replace(kept, Tape(Vec::new())).reset();
        fill_tape_padded(padded, frame.len(), buffers, &mut tape).ok()?;
        let (result, tape) = read(tape);
        *kept = tape.reset();
        result
    }
}

/// `serde_json` into the same structs.
pub fn serde_structs<R>(frame: &[u8], look: impl FnOnce(&Frame<'_>) -> R) -> Option<R> {
    serde_json::from_slice(frame).ok().map(|frame| look(&frame))
}

/// sonic-rs into the same structs. It picks its instructions at compile time: built for any x86-64 it has SSE2 only.
pub fn sonic_structs<R>(frame: &[u8], look: impl FnOnce(&Frame<'_>) -> R) -> Option<R> {
    sonic_rs::from_slice(frame).ok().map(|frame| look(&frame))
}

/// `serde_json::Value` and what routing a frame needs of it. Objects keep their order, as elsewhere in the workspace.
pub fn value_lookups(frame: &[u8]) -> Option<usize> {
    let value: Value = serde_json::from_slice(frame).ok()?;
    let d = &value["d"];
    let texts = [
        &value["t"],
        &value["op"],
        &d["tweetId"],
        &d["kind"],
        &d["text"],
        &d["author"]["handle"],
        &d["ref"]["text"],
        &d["ocr"]["text"],
    ];
    let tokens = d["detected"]["tokens"].as_array().map_or(&[][..], Vec::as_slice);
    let of_tokens = tokens.iter().flat_map(|token| [&token["symbol"], &token["contract"], &token["chain"]]);
    black_box(value["ts"].as_i64());
    Some(texts.into_iter().chain(of_tokens).filter_map(|text| black_box(text.as_str())).count())
}

/// Ours, over one frame; true if every element of it is an event.
pub fn ours(decoder: &mut Decoder, frame: &[u8]) -> bool {
    let mut is_good = true;
    decoder.decode(frame, |event| is_good &= black_box(event).is_ok());
    is_good
}

/// Every decoder takes the frame for one event that says the same.
pub fn is_read_alike(bytes: &[u8]) -> bool {
    let mut simd = SimdJson::default();
    let mut events = Vec::new();
    Decoder::new(Limits::default()).decode(bytes, |event| events.extend(event.ok().cloned()));
    let [event] = events.as_slice() else { return false };
    let gist = Gist::of_event(event);
    simd.fill(bytes).is_some_and(|nodes| nodes > 1)
        && value_lookups(bytes).is_some_and(|texts| texts > 1)
        && simd.structs(bytes, |frame| Gist::of_frame(frame) == gist) == Some(true)
        && serde_structs(bytes, |frame| Gist::of_frame(frame) == gist) == Some(true)
        && sonic_structs(bytes, |frame| Gist::of_frame(frame) == gist) == Some(true)
}
