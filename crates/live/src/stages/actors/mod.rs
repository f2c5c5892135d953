//! The decoder, merge and signal actors: thin shells around the stages.
//!
//! Each owns its stage, calls it and forwards what comes out. Messages carry buffers that go round in pools, so
//! that the hop costs the two allocations actix makes and no copy of the data.

mod decoder;
mod merge;
mod signal;

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, Context, Message};
use crossbeam_channel::{Receiver, Sender, bounded};
use stoop_engine::{Input, Merged, Pipeline, Scope, Stamp};
use stoop_model::Event;
use tokio::sync::oneshot;

use crate::remote::Snapshot;
use crate::settings::Placement;
use crate::stages::exit::{Exit, Marks};
use crate::stages::gauge::Gauge;
use crate::store::Save;
use crate::summary::Summary;
pub(crate) use decoder::DecoderActor;
use merge::MergeActor;
use signal::SignalActor;

/// Buffers of one kind that wait for their next use.
pub(crate) struct Pool<T> {
    put: Sender<T>,
    take: Receiver<T>,
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self { put: self.put.clone(), take: self.take.clone() }
    }
}

impl<T: Default> Pool<T> {
    fn new(capacity: usize) -> Self {
        let (put, take) = bounded(capacity);
        Self { put, take }
    }

    pub(crate) fn take(&self) -> T {
        self.take.try_recv().unwrap_or_default()
    }

    /// Gives a buffer back; it is freed if the pool is full.
    pub(crate) fn put(&self, buffer: T) {
        drop(self.put.try_send(buffer));
    }
}

/// Pools of the buffers in messages, as many as frames may be in flight.
#[derive(Clone)]
pub(crate) struct Pools {
    pub(crate) bytes: Pool<Vec<u8>>,
    events: Pool<Box<Event>>,
    merged: Pool<Vec<Merged>>,
}

impl Pools {
    fn new() -> Self {
        // A frame in flight holds one buffer of each kind at a time, a batch several: what exceeds this is freed, not
        // kept.
        let capacity = 2 * crate::stages::gauge::IN_FLIGHT;
        Self { bytes: Pool::new(capacity), events: Pool::new(capacity), merged: Pool::new(capacity) }
    }
}

/// To the decoder: an input as it came.
pub(crate) struct Entered(Input<Vec<u8>>);

/// From the decoder to merge: an input with its stamp; of a batch, an element.
struct Decoded {
    stamp: Stamp,
    input: Input<Box<Event>>,
    marks: Marks,
    is_last: bool,
}

/// From merge to signal: an input with what it has changed.
struct Joined {
    stamp: Stamp,
    /// The event of a frame stays in merge, which reuses its memory.
    input: Input<()>,
    merged: Vec<Merged>,
    marks: Marks,
    is_last: bool,
}

/// Down the pipeline: each stage adds what it remembers.
pub(crate) struct Saving {
    pub(crate) scope: Scope,
    pub(crate) save: Box<Save>,
    pub(crate) to: Sender<Box<Save>>,
}

/// To signal: look whether there is room in the queue.
pub(crate) struct Drain {
    pub(crate) now_ns: i64,
}

/// Down the pipeline: no more input; each stage adds its counters.
pub(crate) struct Finish {
    pub(crate) summary: Box<Summary>,
    pub(crate) done: oneshot::Sender<Box<Summary>>,
}

macro_rules! messages {
    ($($name:ident),*) => { $(impl Message for $name { type Result = (); })* };
}
messages!(Entered, Decoded, Joined, Drain, Snapshot, Saving, Finish);

/// On which threads the three actors run.
pub(crate) struct Spread {
    arbiters: Vec<Arbiter>,
}

impl Spread {
    /// Makes the threads a placement asks for.
    pub(crate) fn new(placement: Placement) -> Self {
        let count = if placement == Placement::PerActor { 3 } else { 0 };
        Self { arbiters: (0..count).map(|_| Arbiter::new()).collect() }
    }

    /// Starts an actor on the thread of this number, or on the current one if there is none.
    fn start<A: Actor<Context = Context<A>> + Send>(&self, thread: usize, actor: A) -> Addr<A> {
        match self.arbiters.get(thread) {
            Some(arbiter) => A::start_in_arbiter(&arbiter.handle(), |_| actor),
            None => actor.start(),
        }
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            // A panic in an actor was caught and reported; the thread itself has nothing to add.
            drop(arbiter.join());
        }
    }
}

/// The entrance of a running pipeline.
pub(crate) struct Entrance {
    pub(crate) decoder: Addr<DecoderActor>,
    pub(crate) signal: Addr<SignalActor>,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) pools: Pools,
    /// The connection is on it too.
    pub(crate) is_one_thread: bool,
    _threads: Spread,
}

impl Entrance {
    /// Starts the three actors.
    pub(crate) fn start(pipeline: Pipeline<Exit>, gauge: &Arc<Gauge>, threads: Spread) -> Self {
        let pools = Pools::new();
        let Pipeline { intake, merge, signal, probe: exit, .. } = pipeline;
        let (clock, notices) = (exit.clock, exit.notices.clone());
        // From the end to the beginning, since each actor needs the address of the next.
        let signal = SignalActor::new(signal, exit, Arc::clone(gauge), pools.clone());
        let signal = threads.start(2, signal);
        let merge = MergeActor::new(merge, signal.clone(), clock, Arc::clone(gauge), pools.clone());
        let merge = threads.start(1, merge);
        let decoder = DecoderActor::new(intake, merge, clock, Arc::clone(gauge), pools.clone(), notices);
        let decoder = threads.start(0, decoder);
        Self {
            decoder,
            signal,
            gauge: Arc::clone(gauge),
            pools,
            is_one_thread: threads.arbiters.is_empty(),
            _threads: threads,
        }
    }

    /// Sends an input to the decoder.
    pub(crate) fn enter(&self, input: Input<&[u8]>) {
        // A rejected message goes no further than the decoder: it is never in flight.
        if !matches!(input, Input::Rejected { .. }) {
            self.gauge.enter();
        }
        // `do_send` ignores the mailbox's capacity, and cannot fail or wait: `IN_FLIGHT` bounds what is under way.
        self.decoder.do_send(Entered(input.map(|bytes| {
            let mut buffer = self.pools.bytes.take();
            buffer.extend_from_slice(bytes);
            buffer
        })));
    }
}
