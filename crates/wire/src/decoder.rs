//! Frames: limits, buffers, batches.

use simd_json::{Buffers, INPUT_PADDING, Node, Tape, fill_tape_padded};
use stoop_model::{Bad, BadReason, Event};

use crate::diagnose::{self, MAX_DEPTH};
use crate::envelope::{self, Element};
use crate::members::Items;
use crate::source::Source;

/// UTF-8's byte order mark. JSON has none, but some senders write it; it is skipped.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// Frames up to this length are small: what buffers grow to for them is kept.
const SMALL: usize = 64 * 1024;
/// Small frames in a row after which buffers that a larger one has grown are given back.
const CALM: u32 = 64;

/// Bounds of what a [`Decoder`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest frame in bytes; a longer one is [`BadReason::TooLong`] and not looked at. At most 1 GiB.
    pub max_frame: usize,
    /// Deepest nesting, the envelope being 1; more is [`BadReason::TooDeep`]. At most 1,024.
    pub max_depth: usize,
    /// Most elements of a batch; a larger one is [`BadReason::TooMany`] as a whole.
    pub max_batch: usize,
    /// Most items of any list in a payload; those after are left out, one field error a list.
    pub max_items: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_frame: 1024 * 1024, max_depth: 64, max_batch: 1024, max_items: 256 }
    }
}

/// Turns frames into events. One is made per source of frames and reused for all of them.
///
/// It owns the buffers that parsing needs and the event it hands out. A frame of more than 64 KiB grows them beyond
/// what others need; after 64 frames in a row that are not, all of them are given back and start anew. So one huge
/// frame does not hold its memory for ever, and a stream of large ones does not allocate for each.
pub struct Decoder {
    limits: Limits,
    padded: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
    event: Event,
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
            scratch: Vec::new(),
            calm: None,
            limits,
        }
    }

    /// Decodes one frame, calling `each` once per element in order: once for an object, once per item of an array.
    /// Bytes that cannot be parsed, or hold no element, give one error.
    ///
    /// The event is valid during the call and reused afterwards; the callee may swap it for another. Offsets in
    /// errors are into `frame`.
    pub fn decode(&mut self, frame: &[u8], mut each: impl FnMut(Result<&mut Event, Bad>)) {
        if frame.len() > self.limits.max_frame {
            return each(Err(Bad { reason: BadReason::TooLong, offset: None }));
        }
        self.give_back(frame.len());
        let bytes = frame.strip_prefix(MARK).unwrap_or(frame);
        let shift = frame.len() - bytes.len();
        let len = bytes.len();
        let Self { limits, padded, buffers, event, scratch, .. } = self;
        // The padding may hold anything, so what a longer frame left there stays.
        if padded.len() < len + INPUT_PADDING {
            padded.resize(len + INPUT_PADDING, 0);
        }
        if let Some(copy) = padded.get_mut(..len) {
            copy.copy_from_slice(bytes);
        }
        let base = padded.as_ptr().addr();

        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let parsed = fill_tape_padded(padded, len, buffers, &mut tape).is_ok();
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) if parsed => {
                let source = Source { text, structurals: buffers.structural_indexes(), base, shift };
                elements(&source, &tape.0, *limits, event, scratch, each);
            }
            Ok(_) | Err(_) => each(Err(diagnose::refused(bytes, shift, limits.max_depth))),
        }
        self.tape = tape.reset();
    }

    fn give_back(&mut self, len: usize) {
        if len > SMALL {
            self.calm = Some(0);
        } else if let Some(calm) = &mut self.calm {
            *calm += 1;
            if *calm == CALM {
                *self = Self::new(self.limits);
            }
        }
    }
}

/// Reads each element of a parsed frame.
fn elements(
    source: &Source<'_>,
    nodes: &[Node<'_>],
    limits: Limits,
    event: &mut Event,
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(Result<&mut Event, Bad>),
) {
    let bad = |reason, offset: Option<usize>| {
        Err(Bad { reason, offset: offset.map(|at| (at + source.shift) as u32) })
    };
    let mut one = |element: Element<'_, '_>, each: &mut dyn FnMut(Result<&mut Event, Bad>)| {
        event.clear();
        match envelope::element(source, element, event, limits.max_items, scratch) {
            Ok(()) => each(Ok(event)),
            Err(bad) => each(Err(bad)),
        }
    };
    let extent = source.whole().unwrap_or_default();
    match nodes {
        [Node::Object { .. }, object @ ..] => one(Element { object, extent }, &mut each),
        [Node::Array { len: 0, .. }, ..] => each(bad(BadReason::Empty, None)),
        [Node::Array { len, .. }, ..] if *len > limits.max_batch => each(bad(BadReason::TooMany, None)),
        [Node::Array { .. }, items @ ..] => {
            for ((item, object), extent) in Items(items).zip(source.items()) {
                match item {
                    Node::Object { .. } => one(Element { object, extent }, &mut each),
                    Node::Array { .. } | Node::String(_) | Node::Static(_) => {
                        each(bad(BadReason::NotAnObject, Some(extent.0)));
                    }
                }
            }
        }
        [Node::String(_) | Node::Static(_), ..] | [] => each(bad(BadReason::NotAnObject, Some(extent.0))),
    }
}
