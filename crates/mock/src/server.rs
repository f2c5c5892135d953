//! Accepts connections and gives each its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::api::Api;
use crate::board::{Counters, Stats};
use crate::client::Client;
use crate::config::{Config, Error};
use crate::door::{Answer, Moment, answer, is_upgrade};
use crate::http::{self, HeadError, Request};
use crate::reel::Reel;
use crate::runtime;
use crate::script::Script;

/// How long a client may take over its request, and over reading a response.
const REQUEST_WAIT: Duration = Duration::from_secs(5);
/// How long the clients have at a stop, a little more than a client has to answer its close.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// Connections served at once beyond the accepted clients: those still at their request. More are dropped unheard.
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
        let shared = Shared { config, reel, api, counters, started: runtime::now() };
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
    /// Must be called inside a tokio runtime with IO and time. The one error is a listening socket that the
    /// runtime does not take.
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
                    // Out of descriptors, or a client gone before it was taken: wait for one to end, or a moment.
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
    counters: &'a Counters,
    client: u64,
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.counters.gone(self.client);
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
    let (response, client) = decide(&shared, &request);
    let Some(client) = client else { return respond(&mut stream, &response).await };
    let presence = Presence { counters: &shared.counters, client };
    tracing::debug!(client, path = request.path, "connected");
    let written = runtime::within(REQUEST_WAIT, stream.write_all(&response)).await;
    // Frames are small and each is wanted at once.
    if !matches!(written, Some(Ok(()))) || stream.set_nodelay(true).is_err() {
        return;
    }
    let connected = runtime::now();
    // Small enough a write buffer that a client who reads fast does not keep the others waiting.
    let config = WebSocketConfig::default()
        .write_buffer_size(32 << 10)
        .max_message_size(Some(1 << 20))
        .max_frame_size(Some(1 << 20));
    let socket = WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await;
    let script = Script::new(Arc::clone(&shared.reel), &shared.config, runtime::wall_ms());
    Client { number: client, socket, script, connected, counters: &shared.counters }.run(stop).await;
    drop(presence);
}

/// The response, and the client's number if it is let in.
fn decide(shared: &Shared, request: &Request) -> (Vec<u8>, Option<u64>) {
    let mut response = Vec::new();
    let elapsed = runtime::now().saturating_duration_since(shared.started);
    let mut ask = |stats: &Stats| {
        let moment = Moment { elapsed, open: stats.open, asked: stats.upgrades };
        match answer(request, &shared.config, moment) {
            Answer::Upgrade(head) => {
                response = head;
                true
            }
            Answer::Refuse(head) | Answer::Respond(head) => {
                response = head;
                false
            }
        }
    };
    let client = if is_upgrade(request) {
        shared.counters.admit(ask)
    } else {
        ask(&shared.counters.stats());
        None
    };
    (response, client)
}

/// The response of the REST interface.
async fn respond_api(shared: &Shared, stream: &mut TcpStream, request: &Request, begun: Vec<u8>) -> Vec<u8> {
    let body = runtime::within(REQUEST_WAIT, http::read_body(stream, request, begun)).await.flatten();
    let Some(body) = body else { return http::error_response(400, "the body is cut off or too large") };
    let stats = shared.counters.stats();
    let elapsed = runtime::now().saturating_duration_since(shared.started);
    let moment = Moment { elapsed, open: stats.open, asked: stats.upgrades };
    let response = shared.api.respond((request, &body), &shared.config, &shared.reel, moment);
    response.unwrap_or_else(|| http::error_response(404, "not found"))
}

async fn respond(stream: &mut TcpStream, response: &[u8]) {
    let sent = runtime::within(REQUEST_WAIT, async {
        stream.write_all(response).await?;
        stream.shutdown().await
    });
    if !matches!(sent.await, Some(Ok(()))) {
        tracing::debug!("a response was not taken");
    }
}
