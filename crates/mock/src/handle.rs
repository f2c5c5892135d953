//! The server on a thread of its own, for callers without an async runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::board::{Counters, Stats};
use crate::config::{Config, Error};
use crate::runtime;
use crate::server::Server;

/// A running server. Dropping it stops the server and joins its thread.
#[derive(Debug)]
pub struct Handle {
    addr: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Tells those who wait that the server's thread is at its end, however it got there.
struct Ending(Arc<Counters>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.stopped();
    }
}

impl Server {
    /// Binds, and serves on a thread named `stoop-mock` until the handle is stopped or dropped.
    pub fn start(config: Config) -> Result<Handle, Error> {
        let server = Self::bind(config)?;
        let (addr, counters) = (server.addr(), server.counters());
        let (stop, stopped) = oneshot::channel::<()>();
        let ending = Ending(Arc::clone(&counters));
        let body = move || async move {
            let _ending = ending;
            let stop = async {
                // A dropped sender stops as well as a signal.
                drop(stopped.await);
            };
            if let Err(error) = server.run(stop).await {
                tracing::error!(%error, "the server ended");
            }
        };
        let thread = runtime::thread("stoop-mock", body).map_err(Error::Thread)?;
        Ok(Handle { addr, counters, stop: Some(stop), thread: Some(thread) })
    }
}

impl Handle {
    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL a client connects to.
    pub fn url(&self) -> String {
        format!("ws://{}/ws", self.addr)
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// Blocks until the whole input was sent to a client and that client has gone, or the server has ended.
    pub fn wait(&self) -> Stats {
        self.counters.wait();
        self.stats()
    }

    /// Closes all connections with 1001, stops the server and joins its thread.
    ///
    /// A client that does not answer the close is dropped after 2 s.
    pub fn stop(mut self) -> Stats {
        self.end();
        self.stats()
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread panicked");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}
