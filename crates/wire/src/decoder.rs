//! Frames: limits, buffers, batches.

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};
use stoop_model::{Bad, BadReason, Event};

use crate::diagnose::{self, MAX_DEPTH};
use crate::envelope;
use crate::source::Source;

/// The byte order mark in UTF-8. JSON has none, but some senders write it; it is skipped.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Frames up to this length are small: the buffers they need are kept.
const SMALL: usize = 64 * 1024;
/// Small frames in a row after which buffers that have grown for a larger one are freed.
const CALM: u32 = 64;

/// Limits of what a [`Decoder`] accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest frame in bytes; a longer one is [`BadReason::TooLong`] and not parsed. At most 1 GiB.
    pub max_frame: usize,
    /// Deepest nesting, where the envelope is 1; more is [`BadReason::TooDeep`]. At most 1,024.
    pub max_depth: usize,
    /// Most elements of a batch; a larger one is [`BadReason::TooMany`] as a whole.
    pub max_batch: usize,
    /// Most items of any list in a payload; the rest is left out, with one field error for the list.
    pub max_items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame: 1024 * 1024, max_depth: 64, max_batch: 1024, max_items: 256 }
    }
}

/// Turns frames into events. Use one for each source of frames, for all of its frames.
///
/// It owns the buffers that parsing needs and the event that it passes on. A frame of more than 64 KiB grows them
/// beyond what other frames need; after 64 smaller frames in a row all buffers are freed and start small again. So one
/// huge frame does not keep its memory, and a stream of large ones does not allocate for each.
pub struct Decoder {
    limits: Limits,
    padded: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
    event: Event,
    /// Texts of the event that are not in the parsed copy.
    extra: String,
    /// Where the items of a batch begin and end.
    items: Vec<(usize, usize)>,
    scratch: Vec<u8>,
    /// Small frames since the last large one; counted only while buffers are larger than small frames need.
    calm: Option<u32>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder whose buffers suit small frames; they grow as needed.
    pub fn new(limits: Limits) -> Self {
        // Spans and offsets have 32 bits.
        let max_frame = limits.max_frame.min(1 << 30);
        let limits = Limits { max_frame, max_depth: limits.max_depth.min(MAX_DEPTH), ..limits };
        Self {
            padded: Vec::new(),
            buffers: Buffers::with_max_depth(4096, limits.max_depth),
            tape: Tape(Vec::new()),
            event: Event::default(),
            extra: String::new(),
            items: Vec::new(),
            scratch: Vec::new(),
            calm: None,
            limits,
        }
    }

    /// Decodes one frame, calling `each` once per element in order: once for an object, once per item of an array.
    /// Bytes that cannot be parsed, or that hold no element, give one error.
    ///
    /// The event is valid during the call and reused afterwards; the callee may swap it for another. Offsets in
    /// errors are into `frame`.
    pub fn decode(&mut self, frame: &[u8], mut each: impl FnMut(Result<&mut Event, Bad>)) {
        // Before the copy: a hostile length must not cost memory.
        if frame.len() > self.limits.max_frame {
            return each(Err(Bad { reason: BadReason::TooLong, offset: None }));
        }
        self.give_back(frame.len());
        let bytes = frame.strip_prefix(MARK).unwrap_or(frame);
        let shift = frame.len() - bytes.len();
        match self.read(bytes, shift) {
            Ok(Frame::Element) => each(Ok(&mut self.event)),
            Ok(Frame::Batch) => self.batch(bytes, shift, each),
            Err(bad) => each(Err(bad)),
        }
    }

    /// Reads the items of a batch, whose positions are known, one after another as frames of their own.
    #[cold]
    fn batch(&mut self, bytes: &[u8], shift: usize, mut each: impl FnMut(Result<&mut Event, Bad>)) {
        // Taken out, because reading an item borrows the decoder; put back with its memory.
        let items = std::mem::take(&mut self.items);
        for (start, end) in &items {
            let (item, shift) = (bytes.get(*start..*end).unwrap_or_default(), shift + start);
            // An array would be read as a batch of its own, and batches are not nested.
            let read = if item.starts_with(b"{") {
                self.read(item, shift)
            } else {
                Err(Bad { reason: BadReason::NotAnObject, offset: Some(shift as u32) })
            };
            match read {
                Ok(Frame::Element | Frame::Batch) => each(Ok(&mut self.event)),
                Err(bad) => each(Err(bad)),
            }
        }
        self.items = items;
    }

    /// Reads `bytes`, which have `shift` others before them in the frame: an element into the event, or the items of a
    /// batch.
    fn read(&mut self, bytes: &[u8], shift: usize) -> Result<Frame, Bad> {
        let Self { limits, padded, buffers, event, extra, scratch, items, .. } = self;
        let len = bytes.len();
        // simd-json reads past the end. The padding may hold anything, so what a longer frame left there stays.
        if padded.len() < len + INPUT_PADDING {
            padded.resize(len + INPUT_PADDING, 0);
        }
        if let Some(copy) = padded.get_mut(..len) {
            copy.copy_from_slice(bytes);
        }
        // Spans are offsets from here: a text knows its place by its own address, so none has to be stored.
        let base = padded.as_ptr().addr();

        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed = fill_tape_padded(padded, len, buffers, &mut tape).is_ok();
        let source = Source { bytes, structurals: buffers.structural_indexes(), base, shift };
        let bad =
            |reason, offset: Option<usize>| Err(Bad { reason, offset: offset.map(|at| (at + shift) as u32) });
        let result = match tape.0.as_slice() {
            // simd-json's own errors differ between instruction sets, so the reason is found by a plain scanner.
            _ if !parsed => Err(diagnose::refused(bytes, shift, limits.max_depth)),
            [Node::Object { .. }, object @ ..] => {
                event.clear();
                envelope::element(&source, object, event, limits.max_items, (extra, scratch))
                    .map(|()| Frame::Element)
            }
            [Node::Array { len: 0, .. }, ..] => bad(BadReason::Empty, None),
            [Node::Array { len, .. }, ..] if *len > limits.max_batch => bad(BadReason::TooMany, None),
            [Node::Array { .. }, ..] => {
                items.clear();
                items.extend(source.items());
                Ok(Frame::Batch)
            }
            [Node::String(_) | Node::Static(_), ..] | [] => {
                bad(BadReason::NotAnObject, source.whole().map(|(start, _)| start))
            }
        };
        self.tape = tape.reset();
        if let Ok(Frame::Element) = result {
            push_parsed(&mut event.strings, padded.get(..len).unwrap_or_default());
            event.strings.push_str(extra);
            event.platform = envelope::platform(event);
        }
        result
    }

    /// Frees large buffers after enough small frames.
    fn give_back(&mut self, len: usize) {
        if len > SMALL {
            self.calm = Some(0);
        } else if let Some(calm) = &mut self.calm {
            *calm += 1;
            if *calm == CALM {
                // After a run of small frames and not at once: large frames often come in bursts.
                *self = Self::new(self.limits);
            }
        }
    }
}

/// What a frame is that could be read.
#[derive(Clone, Copy)]
enum Frame {
    /// One object, now in the event.
    Element,
    /// An array; the positions of its items are noted.
    Batch,
}

/// Appends a parsed copy to `strings`, byte for byte, except for bytes that are not text. A text that its escapes have
/// shortened is followed by the last bytes of the original, and the first of these may be from the middle of a
/// character.
fn push_parsed(strings: &mut String, mut bytes: &[u8]) {
    loop {
        match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => return strings.push_str(text),
            Err(error) => {
                let (text, rest) = bytes.split_at(error.valid_up_to());
                let (stray, rest) = rest.split_at(error.error_len().unwrap_or(rest.len()));
                strings.push_str(simdutf8::basic::from_utf8(text).unwrap_or_default());
                // One for one, or every span after them would be off.
                strings.extend(stray.iter().map(|_| ' '));
                bytes = rest;
            }
        }
    }
}
