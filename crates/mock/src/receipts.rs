//! How far a client has read, as its own pongs show. No IO, no clock.
//!
//! Megabytes that have been written to a socket may lie in buffers, where TCP acknowledges them: a client that is
//! killed has never seen them. A pong comes from the client itself and stands for every frame before its ping.

use std::collections::VecDeque;

use crate::script::Place;

/// Frames after which the client is asked again even though it has not answered yet.
const SPACING: u64 = 64;
/// Most pings that may wait for an answer. Then the client is not asked again before it answers one of them.
const UNANSWERED: usize = 1_024;

/// The payload of a ping: its number.
pub(crate) type Ping = [u8; 8];

/// What one client has been sent, and what of it the client is known to have read.
#[derive(Debug)]
pub(crate) struct Receipts {
    /// Whether a fault needs to know. If not, the client is never pinged.
    is_wanted: bool,
    /// Pings that wait for an answer, by number, each with the place it stands for.
    unanswered: VecDeque<(u64, Place)>,
    pings: u64,
    /// Frames sent since the last ping.
    unasked: u64,
    sent: Place,
    read: Place,
}

impl Receipts {
    /// For a connection that begins where a client had left off.
    pub(crate) fn new(is_wanted: bool, place: Place) -> Self {
        Self { is_wanted, unanswered: VecDeque::new(), pings: 0, unasked: 0, sent: place, read: place }
    }

    /// Frames have been sent, up to this place. Returns the ping to send right after them, if it is time for one.
    pub(crate) fn sent(&mut self, frames: u64, place: Place) -> Option<Ping> {
        // A connection that begins further back repeats frames that the client has read before.
        self.sent = self.sent.max(place);
        self.unasked += frames;
        self.ask()
    }

    /// A pong with this payload has come. Returns the ping to send now, if there is more to ask about.
    pub(crate) fn heard(&mut self, payload: &[u8]) -> Option<Ping> {
        let number = u64::from_be_bytes(payload.try_into().ok()?);
        let at = self.unanswered.iter().position(|(asked, _)| *asked == number)?;
        // A client may answer the latest of several pings only.
        if let Some((_, place)) = self.unanswered.drain(..=at).next_back() {
            self.read = self.read.max(place);
        }
        self.ask()
    }

    fn ask(&mut self) -> Option<Ping> {
        let is_time = if self.unanswered.is_empty() { self.unasked > 0 } else { self.unasked >= SPACING };
        if !self.is_wanted || !is_time || self.unanswered.len() == UNANSWERED {
            return None;
        }
        self.pings += 1;
        self.unasked = 0;
        self.unanswered.push_back((self.pings, self.sent));
        Some(self.pings.to_be_bytes())
    }

    /// The place after the last frame that the client has acknowledged, on this connection or before.
    pub(crate) fn read(&self) -> Place {
        self.read
    }

    /// The place after the last frame sent. A client that sees an orderly end has read up to here.
    pub(crate) fn all(&self) -> Place {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(next: usize) -> Place {
        Place::at(next)
    }

    /// Sends frames one at a time up to a place; returns the pings between them and how many frames each stands for.
    fn send(receipts: &mut Receipts, from: usize, to: usize) -> Vec<(usize, Ping)> {
        (from..to).filter_map(|at| Some((at + 1, receipts.sent(1, place(at + 1))?))).collect()
    }

    #[test]
    fn only_what_the_client_has_answered_for_counts_as_read() {
        let mut receipts = Receipts::new(true, place(0));
        let pings = send(&mut receipts, 0, 200);
        assert_eq!(pings.iter().map(|(frames, _)| *frames).collect::<Vec<_>>(), [1, 65, 129, 193]);
        assert_eq!((receipts.read(), receipts.all()), (place(0), place(200)));
        assert_eq!(receipts.heard(&pings[1].1), None);
        assert_eq!(receipts.read(), place(65));
        // Twice, out of order, and payloads that are not answers.
        for payload in [&pings[1].1[..], &pings[0].1, b"", b"12345678", b"else"] {
            assert_eq!(receipts.heard(payload), None);
            assert_eq!(receipts.read(), place(65));
        }
        let last = receipts.heard(&pings[3].1).expect("asked about the rest");
        assert_eq!(receipts.read(), place(193));
        assert_eq!(receipts.heard(&last), None);
        assert_eq!(receipts.read(), place(200));
    }

    #[test]
    fn what_was_read_on_an_earlier_connection_stays_read() {
        let mut receipts = Receipts::new(true, place(100));
        let pings = send(&mut receipts, 0, 50);
        receipts.heard(&pings[0].1);
        assert_eq!((receipts.read(), receipts.all()), (place(100), place(100)));
        let later_round = Place::in_round(1, 3);
        receipts.sent(SPACING, later_round);
        assert_eq!(receipts.all(), later_round);
    }

    #[test]
    fn a_client_that_answers_nothing_is_asked_a_bounded_number_of_times() {
        let mut receipts = Receipts::new(true, place(0));
        let frames = 2 * UNANSWERED * SPACING as usize;
        let pings = send(&mut receipts, 0, frames);
        assert_eq!(pings.len(), UNANSWERED);
        assert_eq!(receipts.read(), place(0));
        // One answer makes room to ask about all the rest.
        let next = receipts.heard(&pings[0].1).expect("there is room again");
        receipts.heard(&next);
        assert_eq!(receipts.read(), place(frames));
    }

    #[test]
    fn no_client_is_pinged_unless_a_fault_needs_to_know() {
        let mut receipts = Receipts::new(false, place(0));
        assert!(send(&mut receipts, 0, 1_000).is_empty());
        assert_eq!(receipts.all(), place(1_000));
    }
}
