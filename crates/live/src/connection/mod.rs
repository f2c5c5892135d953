//! The connection actor: owns the sockets of the endpoints, stamps what it reads and hands it on.
//!
//! The [`pump`] decides what happens when; here it meets sockets, clock and threads.

mod environment;
#[cfg(feature = "rest")]
mod history;
mod meter;
#[cfg(feature = "rest")]
mod plan;
pub(crate) mod probe;
mod proxy;
pub(crate) mod pump;
mod run;
mod session;
mod socket;
mod stream;
#[cfg(not(feature = "rest"))]
mod without_rest;

use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use futures_util::FutureExt;
use stoop_engine::panic_message;
use tokio::sync::oneshot;

use crate::summary::Summary;
#[cfg(not(feature = "rest"))]
use without_rest::{history, plan};

pub(crate) use run::Run;

/// The target of all log lines about connections, whichever module writes them.
const TARGET: &str = "stoop_live::connection";

/// Reads the endpoints until it is stopped or all of them have refused for good.
pub(crate) struct Connection {
    run: Option<(Run, oneshot::Sender<Box<Summary>>)>,
}

impl Connection {
    pub(crate) fn new(run: Run, done: oneshot::Sender<Box<Summary>>) -> Self {
        Self { run: Some((run, done)) }
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some((run, done)) = self.run.take() else { return };
        let gauge = Arc::clone(run.gauge());
        // The runtime would swallow the panic with its message: the end of the run could not say what it was.
        let running = std::panic::AssertUnwindSafe(run.run(done)).catch_unwind();
        context.spawn(running.into_actor(self).map(move |outcome, _, context| {
            if let Err(panic) = outcome {
                gauge.trip(format!("connection: {}", panic_message(panic.as_ref())));
            }
            context.stop();
        }));
    }
}
