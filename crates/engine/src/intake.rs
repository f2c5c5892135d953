//! Frames to stamped events: the decoder and the sequencer.

use stoop_model::{Bad, BadReason, Event, Op};
use stoop_wire::Decoder;

use crate::bounds::Bounds;
use crate::copies::Copies;
use crate::input::{Origin, Receipt, Stamp};
use crate::state::State;

/// 2006-01-01, before which there were no tweets, Unix ms.
const FIRST_TS_MS: i64 = 1_136_073_600_000;
/// 2101-01-01, Unix ms.
const END_TS_MS: i64 = 4_133_980_800_000;
const MILLI_NS: i64 = 1_000_000;

/// A frame, or an element of a batch.
#[derive(Debug)]
pub enum Element<'e> {
    /// It is decoded.
    Event(&'e mut Event),
    /// It cannot be decoded.
    Bad(Bad),
    /// Another endpoint has brought it already.
    Copy {
        /// The endpoint that brings it again.
        endpoint: u8,
        /// How much earlier the first copy came, ns.
        lag_ns: i64,
    },
}

/// Inputs, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeCounters {
    /// Frames.
    pub frames: u64,
    /// Those of them that history brought.
    pub late: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events by operation, in the order of [`Op::ALL`].
    pub events: [u64; Op::ALL.len()],
    /// Bad frames by reason, in the order of [`BadReason::ALL`].
    pub bad: [u64; BadReason::ALL.len()],
    /// Frames of another version than 1.
    pub unknown_version: u64,
    /// Members not in the protocol.
    pub unknown_fields: u64,
    /// Values outside their documented set.
    pub unknown_values: u64,
    /// Frames, or elements of one, that another endpoint had brought already.
    pub copies: u64,
    /// Fields left out because their value was of the wrong type or did not fit.
    pub field_errors: u64,
}

impl std::ops::AddAssign for IntakeCounters {
    fn add_assign(&mut self, other: Self) {
        let Self {
            frames,
            late,
            bytes,
            events,
            bad,
            unknown_version,
            unknown_fields,
            unknown_values,
            copies,
            field_errors,
        } = other;
        self.events.iter_mut().zip(events).for_each(|(sum, count)| *sum += count);
        self.bad.iter_mut().zip(bad).for_each(|(sum, count)| *sum += count);
        self.frames += frames;
        self.late += late;
        self.bytes += bytes;
        self.unknown_version += unknown_version;
        self.unknown_fields += unknown_fields;
        self.unknown_values += unknown_values;
        self.copies += copies;
        self.field_errors += field_errors;
    }
}

impl IntakeCounters {
    /// Bad frames of all reasons.
    pub fn bad_frames(&self) -> u64 {
        self.bad.iter().sum()
    }

    fn count(&mut self, result: Result<&Event, Bad>) {
        match result {
            Ok(event) => {
                bump(&mut self.events, Op::ALL.iter().position(|op| *op == event.op));
                self.unknown_version += u64::from(event.unknowns.version);
                self.unknown_fields += u64::from(event.unknowns.fields);
                self.unknown_values += u64::from(event.unknowns.values);
                self.field_errors += u64::from(event.field_errors);
            }
            Err(bad) => bump(&mut self.bad, BadReason::ALL.iter().position(|reason| *reason == bad.reason)),
        }
    }
}

fn bump(counters: &mut [u64], index: Option<usize>) {
    if let Some(counter) = index.and_then(|index| counters.get_mut(index)) {
        *counter += 1;
    }
}

/// Decodes frames and stamps every input with its place and time.
pub struct Intake {
    decoder: Decoder,
    next_seq: u64,
    now_ns: i64,
    counters: IntakeCounters,
    /// Kept only where frames come from several endpoints.
    copies: Option<Copies>,
}

impl Intake {
    /// An intake whose time begins at `start_ns`.
    pub fn new(bounds: Bounds, start_ns: i64) -> Self {
        Self {
            decoder: Decoder::new(bounds.limits),
            next_seq: 0,
            now_ns: start_ns,
            counters: IntakeCounters::default(),
            copies: bounds.has_copies.then(Copies::default),
        }
    }

    /// Decodes and stamps one frame; calls `each` for it, or for each element of a batch, in order.
    pub fn frame(
        &mut self,
        origin: Origin,
        bytes: &[u8],
        receipt: Receipt,
        mut each: impl FnMut(Stamp, Element<'_>),
    ) {
        let Self { decoder, next_seq, now_ns, counters, copies } = self;
        counters.frames += 1;
        counters.bytes += bytes.len() as u64;
        if let Receipt::At(at_ns) = receipt {
            // Input time never decreases, also if the receipt was stamped by a clock that was set back.
            *now_ns = at_ns.max(*now_ns);
        }
        let (is_late, endpoint) = match origin {
            Origin::Endpoint(number) => (false, number),
            Origin::History => (true, 0),
        };
        counters.late += u64::from(is_late);
        let seq = *next_seq;
        *next_seq += 1;
        let mut is_first = true;
        decoder.decode(bytes, |result| {
            // Only the first element of a batch moves time, so that all of a frame has one time, as it has live.
            if is_first && receipt == Receipt::Sent {
                let sent_ns = result.as_ref().ok().and_then(|event| plausible_ns(event.ts_ms));
                *now_ns = sent_ns.map_or(*now_ns, |sent_ns| sent_ns.max(*now_ns));
            }
            is_first = false;
            let stamp = Stamp { seq, now_ns: *now_ns, is_late };
            // A frame that history repeats is not an endpoint's copy: merge drops it as a duplicate.
            if let (Some(copies), Ok(event), false) = (copies.as_mut(), result.as_ref(), is_late)
                && let Some(lag_ns) = copies.lag_ns(event.op, event.fingerprint, endpoint, *now_ns)
            {
                counters.copies += 1;
                return each(stamp, Element::Copy { endpoint, lag_ns });
            }
            counters.count(result.as_ref().map(|event| &**event).map_err(|bad| *bad));
            let element = result.map_or_else(Element::Bad, Element::Event);
            each(stamp, element);
        });
    }

    /// Counts a socket message that was refused before it could be decoded, `bytes` long as far as is known.
    pub fn rejected(&mut self, reason: BadReason, bytes: u64) {
        self.counters.frames += 1;
        self.counters.bytes += bytes;
        // It has a place in the order, like any other frame.
        self.next_seq += 1;
        self.counters.count(Err(Bad { reason, offset: None }));
    }

    /// Stamps an input other than a frame.
    pub fn stamp(&mut self, at_ns: i64) -> Stamp {
        self.now_ns = at_ns.max(self.now_ns);
        let stamp = Stamp { seq: self.next_seq, now_ns: self.now_ns, is_late: false };
        self.next_seq += 1;
        stamp
    }

    /// Adds what it remembers to `state`.
    pub fn save(&self, state: &mut State) {
        state.head.inputs = self.next_seq;
        state.head.now_ns = self.now_ns;
    }

    /// Continues after the inputs of an earlier engine.
    pub fn restore(&mut self, state: &State) {
        self.next_seq = state.head.inputs;
        self.start_at(state.head.now_ns);
    }

    /// Input time of the last input, Unix ns.
    pub fn now_ns(&self) -> i64 {
        self.now_ns
    }

    /// Sets the time before the first input.
    pub fn start_at(&mut self, start_ns: i64) {
        self.now_ns = self.now_ns.max(start_ns);
    }

    /// The counters so far.
    pub fn counters(&self) -> &IntakeCounters {
        &self.counters
    }
}

/// A send time that can be one, Unix ns: between the years 2006 and 2100.
pub fn plausible_ns(ts_ms: Option<i64>) -> Option<i64> {
    ts_ms.filter(|ts_ms| (FIRST_TS_MS..END_TS_MS).contains(ts_ms)).map(|ts_ms| ts_ms * MILLI_NS)
}
