//! Accepts connections and gives each its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::api::Api;
use crate::board::{Counters, Stats};
use crate::client::Client;
use crate::config::{Config, Error};
use crate::door::{Answer, Moment, answer, is_upgrade};
use crate::fault::{ConnectionAction, Fault, Visit, on_connection};
use crate::http::{self, HeadError, Request};
use crate::receipts::Receipts;
use crate::reel::Reel;
use crate::runtime;
use crate::script::{Place, Script};
use crate::timeline::Timelines;

/// How long a client has for its request, and for reading a response.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// How long the clients have at a stop: a little longer than one has to answer its close.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// Connections served at once beyond the accepted clients: those whose request is still to come. More are dropped
/// unread.
const REQUESTS: usize = 256;

/// A server that is bound and has its frames in memory. Connections queue up in the kernel until it runs.
#[derive(Debug)]
pub struct Server {
    listener: std::net::TcpListener,
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    reel: Arc<Reel>,
    api: Api,
    counters: Arc<Counters>,
    started: Instant,
    /// How far the client of the connection that ended last had read.
    place: Mutex<Option<Place>>,
    timelines: Timelines,
}

impl Shared {
    fn elapsed(&self) -> Duration {
        runtime::now().saturating_duration_since(self.started)
    }

    fn last_place(&self) -> Option<Place> {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Loads the input and opens the listening socket.
    pub fn bind(mut config: Config) -> Result<Self, Error> {
        config.check()?;
        let input = std::mem::replace(&mut config.input, crate::Input::Frames(Vec::new()));
        let reel = Arc::new(Reel::load(input, config.rebase)?);
        let listen = config.listen;
        let listen_error = |source: io::Error| Error::Listen { addr: listen, source };
        let listener = std::net::TcpListener::bind(listen).map_err(listen_error)?;
        listener.set_nonblocking(true).map_err(listen_error)?;
        let addr = listener.local_addr().map_err(listen_error)?;
        let counters = Arc::default();
        let api = Api::new(&reel);
        let started = runtime::now();
        let shared = Shared {
            config,
            reel,
            api,
            counters,
            started,
            place: Mutex::default(),
            timelines: Timelines::default(),
        };
        Ok(Self { listener, addr, shared: Arc::new(shared) })
    }

    /// Where it listens, with the port that was picked.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats()
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Serves until `stop` is ready, then closes every WebSocket with 1001 and waits a moment for the clients.
    ///
    /// Must be called inside a tokio runtime with IO and time. The only error is a listening socket that the runtime
    /// cannot use.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let addr = self.addr;
        let listener =
            TcpListener::from_std(self.listener).map_err(|source| Error::Listen { addr, source })?;
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let most = self.shared.config.max_connections.saturating_add(REQUESTS);
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task died");
                    }
                }
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if tasks.len() < most => {
                        tasks.spawn(serve(Arc::clone(&self.shared), stream, stopped.clone()));
                    }
                    Ok(_) => self.shared.counters.no_request(),
                    // Out of descriptors, or a client gone before it was accepted. Wait, or this loop would spin.
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection");
                        let moment = runtime::now() + Duration::from_millis(50);
                        runtime::until(Some(moment)).await;
                    }
                },
            }
        }
        stopping.send_replace(true);
        let all = async { while tasks.join_next().await.is_some() {} };
        if runtime::within(STOP_WAIT, all).await.is_none() {
            tracing::debug!("clients left open at the stop");
        }
        Ok(())
    }
}

/// Marks a client as gone however its task ends.
struct Presence<'a> {
    shared: &'a Shared,
    client: u64,
    /// How long its slot stays in use after that.
    late_slot: Option<Duration>,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let free_at = self.late_slot.map(|late| self.shared.elapsed().saturating_add(late));
        self.shared.counters.gone(self.client, free_at);
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream, mut stop: watch::Receiver<bool>) {
    let asked = tokio::select! {
        asked = runtime::within(REQUEST_WAIT, http::read_request(&mut stream)) => asked,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let (request, rest) = match asked {
        Some(Ok(asked)) => asked,
        failed => {
            shared.counters.no_request();
            let response = match failed {
                Some(Err(HeadError::Malformed)) => http::error_response(400, "not an HTTP request"),
                Some(Err(HeadError::TooLarge)) => http::error_response(431, "the request head is too large"),
                Some(Err(HeadError::Gone) | Ok(_)) => return,
                None => http::error_response(408, "the request took too long"),
            };
            return respond(&mut stream, &response).await;
        }
    };
    if !is_upgrade(&request) && request.path.starts_with("/api/") {
        let response = respond_api(&shared, &mut stream, &request, rest).await;
        return respond(&mut stream, &response).await;
    }
    let Admission { answer, client, visit, faults } = decide(&shared, &request);
    let (response, client) = match (answer, client) {
        (Answer::Upgrade(response), Some(client)) => (response, client),
        (Answer::Unending { head, again }, _) => {
            tokio::select! {
                () = respond_for_ever(&mut stream, &head, again) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            return;
        }
        (Answer::Upgrade(response) | Answer::Refuse(response) | Answer::Respond(response), _) => {
            return respond(&mut stream, &response).await;
        }
    };
    let presence = Presence { shared: &shared, client, late_slot: faults.iter().find_map(late_slot) };
    tracing::debug!(client, path = request.path, "connected");
    let written = runtime::within(REQUEST_WAIT, stream.write_all(&response)).await;
    // Frames are small, and each should arrive at once.
    if !matches!(written, Some(Ok(()))) || stream.set_nodelay(true).is_err() {
        return;
    }
    let begin = faults.iter().find_map(replay).and_then(|frames| Some((shared.last_place()?, frames)));
    let connect_ms = runtime::wall_ms();
    let timeline = shared.timelines.begin(connect_ms, begin, shared.elapsed());
    let script = Script::new(Arc::clone(&shared.reel), &shared.config, visit, connect_ms, begin);
    let place = begin.map_or_else(|| script.place(), |(place, _)| place);
    // Only `replay` asks how far a client has read; others see no ping that they did not ask for.
    let receipts = Receipts::new(shared.config.faults.iter().any(Fault::is_replay), place);
    Client::new(client, stream, rest, script, receipts, &shared.counters, &shared.place).run(stop).await;
    shared.timelines.end(timeline);
    drop(presence);
}

/// What becomes of a request for an upgrade, or of any other.
struct Admission {
    answer: Answer,
    /// The client's number if it is let in.
    client: Option<u64>,
    visit: Visit,
    /// What goes wrong with the connection as a whole.
    faults: Vec<ConnectionAction>,
}

fn decide(shared: &Shared, request: &Request) -> Admission {
    let Shared { config, counters, .. } = shared;
    let elapsed = shared.elapsed();
    let mut visit = Visit { number: 0, elapsed };
    let mut faults = Vec::new();
    if !is_upgrade(request) {
        let used_slots = counters.stats().open;
        let answer = answer(request, config, Moment { used_slots, faults: &faults });
        return Admission { answer, client: None, visit, faults };
    }
    let mut answered = Answer::Respond(Vec::new());
    let client = counters.admit(elapsed, |stats| {
        visit.number = stats.upgrades + 1;
        // By the number that this request gets: it must be decided under the lock too.
        for (fault, text) in on_connection(&config.faults, config.fault_seed, visit) {
            tracing::info!(connection = visit.number, fault = %text, "fault");
            faults.push(fault);
        }
        let used_slots = stats.open + stats.late_slots;
        answered = answer(request, config, Moment { used_slots, faults: &faults });
        matches!(answered, Answer::Upgrade(_))
    });
    // Outside `admit`, which holds the lock of the counters.
    for _ in &faults {
        counters.struck();
    }
    Admission { answer: answered, client, visit, faults }
}

fn late_slot(fault: &ConnectionAction) -> Option<Duration> {
    if let ConnectionAction::LateSlot(late) = fault { Some(*late) } else { None }
}

fn replay(fault: &ConnectionAction) -> Option<u64> {
    if let ConnectionAction::Replay(frames) = fault { Some(*frames) } else { None }
}

/// Sends an answer that never ends, until the client has gone.
async fn respond_for_ever(stream: &mut TcpStream, head: &[u8], again: &[u8]) {
    let (mut reader, mut writer) = stream.split();
    let write = async {
        writer.write_all(head).await?;
        while !again.is_empty() {
            writer.write_all(again).await?;
        }
        std::future::pending::<io::Result<()>>().await
    };
    // Reading shows when the client has gone, even while nothing more is written.
    let read = async {
        let mut ignored = [0; 1024];
        while matches!(reader.read(&mut ignored).await, Ok(1..)) {}
    };
    tokio::select! {
        _ = write => {}
        () = read => {}
    }
}

/// The response of the REST interface.
async fn respond_api(shared: &Shared, stream: &mut TcpStream, request: &Request, begun: Vec<u8>) -> Vec<u8> {
    let body = runtime::within(REQUEST_WAIT, http::read_body(stream, request, begun)).await.flatten();
    let Some(body) = body else { return http::error_response(400, "the body is cut off or too large") };
    let sockets = shared.counters.stats().open;
    let rebased = || {
        let started_ms = runtime::wall_ms() - shared.elapsed().as_millis() as i64;
        let Shared { config, reel, timelines, .. } = shared;
        config.rebase.then(|| timelines.frames(reel, config, started_ms, shared.elapsed()))
    };
    let response = shared.api.respond((request, &body), &shared.config, &shared.reel, sockets, rebased);
    let response = response.unwrap_or_else(|| http::error_response(404, "not found"));
    http::dated(&response, runtime::wall_ms())
}

async fn respond(stream: &mut TcpStream, response: &[u8]) {
    let sent = runtime::within(REQUEST_WAIT, async {
        stream.write_all(response).await?;
        stream.shutdown().await
    });
    if !matches!(sent.await, Some(Ok(()))) {
        tracing::debug!("a response was not read");
    }
}

#[cfg(test)]
mod tests;
