//! What a server counts, and the signal that somebody has seen it all.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Clients whose counters are kept; the oldest that have gone are forgotten first.
const CLIENTS: usize = 1024;

/// The counters of a server since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// `WebSocket`s accepted.
    pub accepted: u64,
    /// `WebSocket`s open now.
    pub open: usize,
    /// Upgrades asked for, accepted or not.
    pub upgrades: u64,
    /// Upgrades refused with an HTTP status.
    pub refused: u64,
    /// Connections that never made a request: gone, too slow, too large or not HTTP.
    pub no_request: u64,
    /// Frames of the input sent, over all clients.
    pub frames: u64,
    /// Pings received, over all clients.
    pub pings: u64,
    /// The clients, in the order of their connects; of many the last 1,024.
    pub clients: Vec<ClientStats>,
}

/// The counters of one WebSocket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Its number, counted from 1.
    pub client: u64,
    /// Frames of the input sent; a batch counts as the frames it holds.
    pub frames: u64,
    /// Pings received.
    pub pings: u64,
    /// Messages received other than pings, pongs and closes.
    pub messages: u64,
    /// Whether the input was sent to its end at least once.
    pub whole: bool,
    /// Whether it has gone.
    pub gone: bool,
}

#[derive(Debug, Default)]
struct Board {
    stats: Stats,
    clients: VecDeque<ClientStats>,
    /// A client has had the whole input and has gone.
    seen: bool,
    stopped: bool,
}

/// The counters behind their lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    board: Mutex<Board>,
    changed: Condvar,
}

impl Counters {
    fn board(&self) -> MutexGuard<'_, Board> {
        // Counters are whole after every statement: a panic elsewhere spoils nothing.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> Stats {
        let board = self.board();
        Stats { clients: board.clients.iter().copied().collect(), ..board.stats.clone() }
    }

    /// Counts a connection that made no request.
    pub(crate) fn no_request(&self) {
        self.board().stats.no_request += 1;
    }

    /// Decides an upgrade under the lock, so that two cannot take the last slot; counts it, and gives the
    /// client its number if it is let in.
    pub(crate) fn admit(&self, decide: impl FnOnce(&Stats) -> bool) -> Option<u64> {
        let mut board = self.board();
        let accepted = decide(&board.stats);
        board.stats.upgrades += 1;
        if !accepted {
            board.stats.refused += 1;
            return None;
        }
        board.stats.accepted += 1;
        board.stats.open += 1;
        let client = board.stats.accepted;
        if board.clients.len() >= CLIENTS {
            let oldest = board.clients.iter().position(|client| client.gone).unwrap_or(0);
            board.clients.remove(oldest);
        }
        board.clients.push_back(ClientStats { client, ..ClientStats::default() });
        Some(client)
    }

    pub(crate) fn sent(&self, client: u64, frames: u64, whole: bool) {
        self.board().stats.frames += frames;
        self.client(client, |client| {
            client.frames += frames;
            client.whole |= whole;
        });
    }

    pub(crate) fn pinged(&self, client: u64) {
        self.board().stats.pings += 1;
        self.client(client, |client| client.pings += 1);
    }

    pub(crate) fn received(&self, client: u64) {
        self.client(client, |client| client.messages += 1);
    }

    pub(crate) fn gone(&self, client: u64) {
        let mut seen = false;
        self.client(client, |client| {
            client.gone = true;
            seen = client.whole;
        });
        let mut board = self.board();
        board.stats.open -= 1;
        board.seen |= seen;
        drop(board);
        self.changed.notify_all();
    }

    pub(crate) fn stopped(&self) {
        self.board().stopped = true;
        self.changed.notify_all();
    }

    /// Blocks until a client has had the whole input and has gone, or the server has stopped.
    pub(crate) fn wait(&self) {
        let done = |board: &mut Board| !board.seen && !board.stopped;
        let board = self.changed.wait_while(self.board(), done);
        drop(board.unwrap_or_else(PoisonError::into_inner));
    }

    fn client(&self, client: u64, change: impl FnOnce(&mut ClientStats)) {
        let mut board = self.board();
        // Recent clients are at the back.
        if let Some(stats) = board.clients.iter_mut().rev().find(|stats| stats.client == client) {
            change(stats);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_kept_are_bounded_and_those_still_here_stay() {
        let counters = Counters::default();
        for _ in 0..=CLIENTS {
            let client = counters.admit(|_| true).unwrap();
            if client > 1 {
                counters.gone(client);
            }
        }
        let stats = counters.stats();
        assert_eq!((stats.clients.len(), stats.open, stats.accepted), (CLIENTS, 1, CLIENTS as u64 + 1));
        assert_eq!(stats.clients[0].client, 1);
    }

    #[test]
    fn waiting_ends_when_a_client_has_seen_all_and_gone() {
        let counters = Counters::default();
        let client = counters.admit(|_| true).unwrap();
        counters.sent(client, 3, true);
        counters.gone(client);
        counters.wait();
        assert!(counters.stats().clients[0].whole);
    }

    #[test]
    fn waiting_ends_when_the_server_stops() {
        let counters = Counters::default();
        counters.stopped();
        counters.wait();
    }
}
