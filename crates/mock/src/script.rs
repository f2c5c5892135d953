//! What one client is shown and when: the only place that decides it.
//!
//! A script does no IO and reads no clock; [`client`](crate::client) plays it.

use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WsFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::config::{CloseAfter, Config, Encoding, Pace};
use crate::rebase::{Shift, apply};
use crate::reel::{Frame, Reel};

/// The next thing that happens on a connection.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    /// When, counted from the connect.
    pub(crate) at: Duration,
    pub(crate) act: Act,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Act {
    Send {
        /// WebSocket messages, or the fragments of one.
        messages: Vec<Message>,
        /// Frames of the input they hold.
        frames: u64,
        /// Whether the input has now been sent to its end.
        whole: bool,
    },
    /// Close with this code.
    Close(u16),
    /// Nothing more; the connection stays open.
    Rest,
}

/// The script of one connection.
#[derive(Debug)]
pub(crate) struct Script {
    reel: Arc<Reel>,
    pace: Pace,
    repeat: bool,
    encoding: Encoding,
    close: Option<CloseAfter>,
    close_at_end: Option<u16>,
    connect_ms: i64,
    /// How this round is moved; `None` leaves the frames as they are.
    shift: Option<Shift>,
    round: u64,
    next: usize,
    sent: u64,
}

impl Script {
    /// Writes the script of a client that connects at `connect_ms`, Unix time.
    pub(crate) fn new(reel: Arc<Reel>, config: &Config, connect_ms: i64) -> Self {
        let shift = config
            .rebase
            .then(|| Shift { delta_ms: reel.first_ms.map_or(0, |first_ms| connect_ms - first_ms), round: 0 });
        Self {
            reel,
            pace: config.pace,
            repeat: config.repeat,
            encoding: config.encoding,
            close: config.close,
            close_at_end: config.close_at_end,
            connect_ms,
            shift,
            round: 0,
            next: 0,
            sent: 0,
        }
    }

    /// The next step. After [`Act::Close`] and [`Act::Rest`] the same step again.
    pub(crate) fn next(&mut self) -> Step {
        if let Some(close) = self.close
            && self.sent >= close.frames
        {
            return Step { at: self.last_due(), act: Act::Close(close.code) };
        }
        if self.next == self.reel.frames.len() {
            if !self.repeat || self.reel.frames.is_empty() {
                let act = self.close_at_end.map_or(Act::Rest, Act::Close);
                return Step { at: self.last_due(), act };
            }
            self.start_round();
        }
        let first = self.next;
        self.next += self.group(first);
        let frames = (self.next - first) as u64;
        self.sent += frames;
        let messages = self.messages(first..self.next);
        let whole = self.next == self.reel.frames.len();
        Step { at: self.last_due(), act: Act::Send { messages, frames, whole } }
    }

    fn start_round(&mut self) {
        self.round += 1;
        self.next = 0;
        if let Some(shift) = &mut self.shift {
            let later_ms = shift.delta_ms + self.reel.span_ms() + self.reel.gap_ms();
            let start_ms = due(&self.reel, self.pace, self.round, 0).as_millis() as i64;
            let now_ms = self.reel.first_ms.map_or(0, |first_ms| self.connect_ms + start_ms - first_ms);
            *shift = Shift { delta_ms: later_ms.max(now_ms), round: self.round };
        }
    }

    /// When the frame before `next` was due.
    fn last_due(&self) -> Duration {
        match self.next.checked_sub(1) {
            Some(last) => due(&self.reel, self.pace, self.round, last),
            None => Duration::ZERO,
        }
    }

    /// How many frames go together from `first` on.
    fn group(&self, first: usize) -> usize {
        let Encoding::Batch(most) = self.encoding else { return 1 };
        let room = self.close.map_or(u64::MAX, |close| close.frames - self.sent);
        let most = most.get().min(usize::try_from(room).unwrap_or(usize::MAX));
        self.reel.frames[first..].iter().take(most).take_while(|frame| frame.json).count().max(1)
    }

    fn messages(&self, group: std::ops::Range<usize>) -> Vec<Message> {
        let frames = &self.reel.frames[group];
        let shown = frames.iter().map(|frame| match self.shift {
            Some(shift) if !frame.edits.is_empty() => apply(&frame.bytes, &frame.edits, shift).into(),
            Some(_) | None => frame.bytes.clone(),
        });
        match self.encoding {
            Encoding::Text => shown.map(|bytes| whole(Data::Text, bytes)).collect(),
            Encoding::Binary => shown.map(|bytes| whole(Data::Binary, bytes)).collect(),
            Encoding::Fragments(pieces) => shown.flat_map(|bytes| fragments(&bytes, pieces.get())).collect(),
            Encoding::Batch(_) if !frames.iter().all(|frame: &Frame| frame.json) => {
                shown.map(|bytes| whole(Data::Text, bytes)).collect()
            }
            Encoding::Batch(_) => {
                let mut batch = vec![b'['];
                for (index, bytes) in shown.enumerate() {
                    if index > 0 {
                        batch.push(b',');
                    }
                    batch.extend_from_slice(&bytes);
                }
                batch.push(b']');
                vec![whole(Data::Text, batch.into())]
            }
        }
    }
}

type Bytes = tokio_tungstenite::tungstenite::Bytes;

/// A message made of a raw WebSocket frame: `Message::Text` would insist on UTF-8.
fn whole(kind: Data, bytes: Bytes) -> Message {
    Message::Frame(WsFrame::message(bytes, OpCode::Data(kind), true))
}

fn fragments(bytes: &[u8], pieces: usize) -> Vec<Message> {
    let size = bytes.len().div_ceil(pieces).max(1);
    let count = bytes.len().div_ceil(size).max(1);
    (0..count)
        .map(|index| {
            let kind = if index == 0 { Data::Text } else { Data::Continue };
            let end = ((index + 1) * size).min(bytes.len());
            let piece = Bytes::copy_from_slice(&bytes[index * size..end]);
            Message::Frame(WsFrame::message(piece, OpCode::Data(kind), index + 1 == count))
        })
        .collect()
}

/// When a frame is due, counted from the connect. Computed from the start each time: nothing adds up.
fn due(reel: &Reel, pace: Pace, round: u64, index: usize) -> Duration {
    let seconds = match pace {
        Pace::AtOnce => 0.0,
        Pace::Rate(rate) => (round as f64 * reel.frames.len() as f64 + index as f64) / rate,
        Pace::Own => own_seconds(reel, round, index),
        Pace::Speed(speed) => own_seconds(reel, round, index) / speed,
    };
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

fn own_seconds(reel: &Reel, round: u64, index: usize) -> f64 {
    let period_ms = (reel.span_ms() + reel.gap_ms()) as f64;
    (round as f64 * period_ms + reel.frames[index].offset_ms as f64) / 1e3
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
