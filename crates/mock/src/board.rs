//! What a server counts, and the signal that a client has been sent everything.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Clients whose counters are kept; the oldest that have gone are forgotten first.
const CLIENTS: usize = 1024;

/// The counters of a server since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// `WebSocket`s accepted.
    pub accepted: u64,
    /// `WebSocket`s open now.
    pub open: usize,
    /// Requests for an upgrade, accepted or not.
    pub upgrades: u64,
    /// Slots that are still in use although their connections have ended, as of the last request for an upgrade.
    pub late_slots: usize,
    /// Upgrades refused, with whatever answer.
    pub refused: u64,
    /// Connections that never made a request: gone, too slow, too large or not HTTP.
    pub no_request: u64,
    /// Frames of the input sent, over all clients.
    pub frames: u64,
    /// Pings received, over all clients.
    pub pings: u64,
    /// Times a fault has struck.
    pub faults: u64,
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
    /// When the slots of connections that have ended are free, since the start of the server.
    late_slots: Vec<Duration>,
    /// A client has had the whole input and has gone.
    seen: bool,
    stopped: bool,
}

/// The counters and their lock.
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
    pub(crate) fn admit(&self, elapsed: Duration, decide: impl FnOnce(&Stats) -> bool) -> Option<u64> {
        let mut board = self.board();
        board.late_slots.retain(|free_at| *free_at > elapsed);
        board.stats.late_slots = board.late_slots.len();
        let accepted = decide(&board.stats);
        // Refused or not: faults count connections by the requests.
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

    /// Counts a fault.
    pub(crate) fn struck(&self) {
        self.board().stats.faults += 1;
    }

    /// Counts a client as gone; its slot is free at this time since the start of the server, or at once.
    pub(crate) fn gone(&self, client: u64, free_at: Option<Duration>) {
        let mut seen = false;
        self.client(client, |client| {
            client.gone = true;
            seen = client.whole;
        });
        let mut board = self.board();
        board.stats.open -= 1;
        // At most as many as there may be clients: a slot that is not free admits no client.
        board.late_slots.extend(free_at);
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
            let client = counters.admit(Duration::ZERO, |_| true).unwrap();
            if client > 1 {
                counters.gone(client, None);
            }
        }
        let stats = counters.stats();
        assert_eq!((stats.clients.len(), stats.open, stats.accepted), (CLIENTS, 1, CLIENTS as u64 + 1));
        assert_eq!(stats.clients[0].client, 1);
    }

    #[test]
    fn a_slot_that_is_freed_late_is_in_use_until_then() {
        let counters = Counters::default();
        let used_at = |s| {
            let mut used = 0;
            counters.admit(Duration::from_secs(s), |stats| {
                used = stats.open + stats.late_slots;
                false
            });
            used
        };
        let client = counters.admit(Duration::ZERO, |_| true).unwrap();
        assert_eq!(used_at(1), 1);
        counters.gone(client, Some(Duration::from_secs(5)));
        assert_eq!([4, 5].map(used_at), [1, 0]);
    }

    #[test]
    fn waiting_ends_when_a_client_has_seen_all_and_gone() {
        let counters = Counters::default();
        let client = counters.admit(Duration::ZERO, |_| true).unwrap();
        counters.sent(client, 3, true);
        counters.gone(client, None);
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
