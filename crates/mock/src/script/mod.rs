//! What one client is sent and when: the only place that decides it.
//!
//! A script does no IO and reads no clock; [`client`](crate::client) plays it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

use crate::config::{Config, Encoding, Pace};
use crate::dice::Dice;
use crate::fault::{FrameAction, Rubbish, Schedule, StreamAction, Visit};
use crate::frame::{self, Shape};
use crate::rebase::{Shift, apply, moved};
use crate::reel::{Frame, Reel};
use crate::scan;

/// Bytes of a fragment of a message that never ends.
const ENDLESS: [u8; 16 << 10] = [b'a'; 16 << 10];
/// Bytes of noise.
const NOISE: usize = 64;
/// JSON that stops in the middle.
const CUT_OFF: &[u8] = br#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"20646"#;
/// A text message that is not UTF-8.
const NOT_UTF8: &[u8] = b"{\"v\":1,\"t\":\"tweet\",\"op\":\"\xff\xfe\"}";

/// The next thing that happens on a connection.
#[derive(Debug, PartialEq)]
pub(crate) enum Act {
    /// Write.
    Send {
        bytes: Vec<u8>,
        /// Frames of the input they hold.
        frames: u64,
        /// Whether the input has now been sent to its end.
        whole: bool,
    },
    /// From now on answer only these messages.
    Hear(Ear),
    /// From now on write this many bytes a second.
    Slow(u64),
    /// End the connection once all is written.
    End(End),
    /// A fault has struck: its text. For logs and counters only.
    Struck(Arc<str>),
    /// Nothing until this long after the connect.
    Wait(Duration),
    /// Nothing more; the connection stays open.
    Rest,
}

/// Which messages of a client are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ear {
    All,
    /// All but pings.
    NoPings,
    Nothing,
}

/// How the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Close(Option<u16>),
    Fin,
    Rst,
}

/// How far a connection has come, for the next one to begin at. Ordered like the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    round: u64,
    next: usize,
    shift: Option<Shift>,
}

impl Place {
    /// The place this many frames before, in an input of `length` frames; at most back to the start. It never goes back
    /// to an earlier round that was rebased, because how that one was moved is not known.
    fn before(self, frames: u64, length: usize) -> Self {
        let mut back = usize::try_from(frames).unwrap_or(usize::MAX);
        let Self { mut round, mut next, shift } = self;
        while back > next && round > 0 && shift.is_none() {
            back -= next;
            round -= 1;
            next = length;
        }
        Self { round, next: next.saturating_sub(back), shift }
    }
}

#[cfg(test)]
impl Place {
    pub(crate) fn at(next: usize) -> Self {
        Self::in_round(0, next)
    }

    pub(crate) fn in_round(round: u64, next: usize) -> Self {
        Self { round, next, shift: None }
    }
}

/// A frame that is held back.
#[derive(Debug)]
struct Held {
    /// The frame of the connection that it follows.
    after: u64,
    bytes: Bytes,
}

/// The script of one connection.
#[derive(Debug)]
pub(crate) struct Script {
    reel: Arc<Reel>,
    pace: Pace,
    repeat: bool,
    encoding: Encoding,
    schedule: Schedule,
    dice: Dice,
    connect_ms: i64,
    /// How this round is moved; `None` leaves the frames as they are.
    shift: Option<Shift>,
    round: u64,
    next: usize,
    /// When the first frame of this connection would be due on one that began at the start.
    head_start: Duration,
    /// Frames of the input played so far, whether sent or held back.
    played: u64,
    acts: VecDeque<Act>,
    held: Vec<Held>,
    /// No data before this.
    quiet_until: Duration,
    /// When what is sent is answered again.
    thaw_at: Option<Duration>,
    skew_ms: i64,
    is_half: bool,
    endless: Option<Endless>,
}

impl Script {
    /// The script of a client that connects at `connect_ms`, Unix time. It begins at the start, or at `begin`: a place,
    /// and how many frames before it.
    pub(crate) fn new(
        reel: Arc<Reel>,
        config: &Config,
        visit: Visit,
        connect_ms: i64,
        begin: Option<(Place, u64)>,
    ) -> Self {
        let shift = config
            .rebase
            .then(|| Shift { delta_ms: reel.first_ms.map_or(0, |first_ms| connect_ms - first_ms), round: 0 });
        let (place, back) = begin.unwrap_or((Place { shift, round: 0, next: 0 }, 0));
        let Place { round, next, shift } = place.before(back, reel.frames.len());
        // A connection that begins in the middle sends its first frame at once, not after the time that lies before it.
        let head_start =
            if next < reel.frames.len() { due(&reel, config.pace, round, next) } else { Duration::ZERO };
        Self {
            reel,
            pace: config.pace,
            repeat: config.repeat,
            encoding: config.encoding,
            schedule: Schedule::new(&config.faults, config.fault_seed, visit),
            // For noise only. Chances have dice of their own, so that noise does not change them.
            dice: Dice::new(config.fault_seed ^ visit.number),
            connect_ms,
            shift,
            round,
            next,
            head_start,
            played: 0,
            acts: VecDeque::new(),
            held: Vec::new(),
            quiet_until: Duration::ZERO,
            thaw_at: None,
            skew_ms: 0,
            is_half: false,
            endless: None,
        }
    }

    /// The frames that a client would have been sent in this time had nothing gone wrong, the last `most` of them. An
    /// input that is repeated at once has no end, so one round of it counts.
    pub(crate) fn undisturbed(mut self, elapsed: Duration, most: usize) -> Vec<Bytes> {
        let is_repeated = self.repeat && !matches!(self.pace, Pace::AtOnce) && !self.reel.frames.is_empty();
        let mut shown = VecDeque::new();
        loop {
            if self.next == self.reel.frames.len() {
                if !is_repeated {
                    break;
                }
                self.start_round();
            }
            if self.due(self.next) > elapsed {
                break;
            }
            shown.push_back((self.shift, self.next));
            if shown.len() > most {
                shown.pop_front();
            }
            self.next += 1;
        }
        // Only now: of a long time most frames would be made in vain.
        let frame = |(shift, index)| {
            self.shift = shift;
            self.shown(index)
        };
        shown.into_iter().map(frame).collect()
    }

    /// How far it is.
    pub(crate) fn place(&self) -> Place {
        Place { shift: self.shift, round: self.round, next: self.next }
    }

    /// What to do now, this long after the connect. After [`Act::Wait`], [`Act::Rest`] and [`Act::End`] it may be
    /// called again.
    pub(crate) fn next(&mut self, elapsed: Duration) -> Act {
        loop {
            if let Some(act) = self.acts.pop_front() {
                return act;
            }
            // A freeze is over before anything that is due then is sent.
            if self.thaw_at.is_some_and(|at| at <= elapsed) {
                self.thaw_at = None;
                return Act::Hear(Ear::All);
            }
            if let Some((action, text)) = self.schedule.timed(elapsed) {
                self.strike(&action, text, elapsed);
                continue;
            }
            // After the timed faults, which strike in a stall too.
            if elapsed < self.quiet_until {
                return self.wait(self.quiet_until);
            }
            if let Some(endless) = self.endless {
                return endless.fragment(Data::Continue);
            }
            // At the end nothing comes that held frames could follow: they go before the faults of the end strike.
            let is_end = self.next == self.reel.frames.len() && (!self.repeat || self.next == 0);
            if is_end && !self.held.is_empty() && !self.is_half {
                return self.send_held();
            }
            if let Some((action, text)) = self.schedule.counted(self.played, is_end) {
                self.strike(&action, text, elapsed);
                continue;
            }
            if is_end {
                return self.schedule.wake().map_or(Act::Rest, Act::Wait);
            }
            if self.next == self.reel.frames.len() {
                self.start_round();
            }
            let group = self.next..self.next + self.group(self.next);
            let due = self.due(group.end - 1);
            if due > elapsed {
                return self.wait(due);
            }
            return self.send(group, elapsed);
        }
    }

    fn wait(&self, until: Duration) -> Act {
        let wake = self.schedule.wake().into_iter().chain(self.thaw_at).min();
        Act::Wait(wake.map_or(until, |wake| wake.min(until)))
    }

    /// Lets a fault of the stream strike.
    fn strike(&mut self, action: &StreamAction, text: Arc<str>, elapsed: Duration) {
        self.acts.push_back(Act::Struck(text));
        match action {
            StreamAction::Fin => self.acts.push_back(Act::End(End::Fin)),
            StreamAction::Rst => self.acts.push_back(Act::End(End::Rst)),
            StreamAction::Close(code) => self.acts.push_back(Act::End(End::Close(*code))),
            StreamAction::Stall(lasting) => self.quiet_until = later(elapsed, *lasting),
            StreamAction::Freeze(lasting) => self.freeze(later(elapsed, *lasting)),
            StreamAction::NoPong => self.acts.push_back(Act::Hear(Ear::NoPings)),
            StreamAction::Slow(rate) => self.acts.push_back(Act::Slow(*rate)),
            StreamAction::Skew(ms) => self.skew_ms += ms,
            // The next frame is cut when it is due.
            StreamAction::Half => self.is_half = true,
            // No pongs from here on: the client would read whatever is sent now as a part of the frame.
            StreamAction::Claim(length) => {
                self.freeze(Duration::MAX);
                self.put(|out| frame::announcement(out, *length));
            }
            StreamAction::Endless => self.begin_endless(Endless::Full),
            StreamAction::Hollow => self.begin_endless(Endless::Hollow),
            StreamAction::Long(bytes) => self.put(|out| whole(out, Data::Text, &padded(*bytes))),
            StreamAction::Rubbish(Rubbish::Json) => self.put(|out| whole(out, Data::Text, CUT_OFF)),
            StreamAction::Rubbish(Rubbish::Utf8) => self.put(|out| whole(out, Data::Text, NOT_UTF8)),
            StreamAction::Rubbish(Rubbish::Binary) => {
                let noise = self.dice.bytes::<NOISE>();
                self.put(|out| whole(out, Data::Binary, &noise));
            }
        }
    }

    fn begin_endless(&mut self, endless: Endless) {
        self.endless = Some(endless);
        self.acts.push_back(endless.fragment(Data::Text));
    }

    fn freeze(&mut self, until: Duration) {
        self.quiet_until = until;
        // Without an end there is nothing to wake for.
        self.thaw_at = (until < Duration::MAX).then_some(until);
        self.acts.push_back(Act::Hear(Ear::Nothing));
    }

    /// Sends something that is not a frame of the input.
    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.acts.push_back(Act::Send { bytes, frames: 0, whole: false });
    }

    /// Sends the frames that are still held back.
    fn send_held(&mut self) -> Act {
        self.held.sort_by_key(|held| held.after);
        let mut bytes = Vec::new();
        for held in self.held.drain(..) {
            whole(&mut bytes, self.encoding.kind(), &held.bytes);
        }
        Act::Send { bytes, frames: 0, whole: true }
    }

    fn start_round(&mut self) {
        self.round += 1;
        self.next = 0;
        if let Some(shift) = &mut self.shift {
            // No round may overlap the one before it, and none may fall behind the clock.
            let later_ms = shift.delta_ms + self.reel.span_ms() + self.reel.gap_ms();
            let start = due(&self.reel, self.pace, self.round, 0).saturating_sub(self.head_start);
            let start_ms = start.as_millis() as i64;
            let now_ms = self.reel.first_ms.map_or(0, |first_ms| self.connect_ms + start_ms - first_ms);
            *shift = Shift { delta_ms: later_ms.max(now_ms), round: self.round };
        }
    }

    /// When a frame of this round is due, counted from the connect.
    fn due(&self, index: usize) -> Duration {
        due(&self.reel, self.pace, self.round, index).saturating_sub(self.head_start)
    }

    /// How many frames from `first` on go into one message.
    fn group(&self, first: usize) -> usize {
        let Encoding::Batch(most) = self.encoding else { return 1 };
        // A batch ends where a fault might strike, so that faults count frames and not batches.
        let room = usize::try_from(self.schedule.room(self.played)).unwrap_or(usize::MAX);
        let most = most.get().min(room);
        self.reel.frames[first..].iter().take(most).take_while(|frame| frame.json).count().max(1)
    }

    /// Sends the frames that are due, and the held ones that follow them.
    fn send(&mut self, group: std::ops::Range<usize>, elapsed: Duration) -> Act {
        let mut shape = Shape::default();
        let mut shown = Vec::with_capacity(group.len());
        let is_json = self.reel.frames[group.clone()].iter().all(|frame| frame.json);
        for index in group.clone() {
            self.played += 1;
            let bytes = self.shown(index);
            let mut copies = 1;
            let mut after = None;
            for (action, text) in self.schedule.on_frame(self.played, elapsed) {
                self.acts.push_back(Act::Struck(text));
                match action {
                    FrameAction::Dup(more) => copies += more,
                    FrameAction::Late(frames) => after = after.max(Some(self.played + frames)),
                    FrameAction::MetaFirst(frames) => after = after.max(self.number_of_meta(index, frames)),
                    FrameAction::Fragment(pieces) => shape.pieces = Some(pieces),
                    FrameAction::Rsv => shape.reserved = true,
                    FrameAction::Masked => shape.masked = true,
                    FrameAction::Compressed => shape.compressed = true,
                }
            }
            for _ in 0..copies {
                match after {
                    Some(after) => self.held.push(Held { after, bytes: bytes.clone() }),
                    None => shown.push(bytes.clone()),
                }
            }
            let played = self.played;
            let mut released: Vec<Held> = self.held.extract_if(.., |held| held.after <= played).collect();
            released.sort_by_key(|held| held.after);
            shown.extend(released.into_iter().map(|held| held.bytes));
        }
        self.next = group.end;
        let mut bytes = Vec::new();
        match self.encoding {
            Encoding::Batch(_) if is_json && !shown.is_empty() => {
                let array = [b"[", &shown.join(&b","[..])[..], b"]"].concat();
                frame::message(&mut bytes, Data::Text, &array, shape);
            }
            Encoding::Text | Encoding::Binary | Encoding::Batch(_) => {
                for body in &shown {
                    frame::message(&mut bytes, self.encoding.kind(), body, shape);
                }
            }
        }
        if self.is_half && !bytes.is_empty() {
            bytes.truncate(bytes.len() / 2);
            self.acts.push_back(Act::Send { bytes, frames: 0, whole: false });
            self.quiet_until = Duration::MAX;
            // First, or the client would read a pong as the other half.
            return Act::Hear(Ear::Nothing);
        }
        let whole = self.next == self.reel.frames.len() && self.held.is_empty();
        Act::Send { bytes, frames: group.len() as u64, whole }
    }

    /// A frame as this client is sent it.
    fn shown(&self, index: usize) -> Bytes {
        let Frame { bytes, edits, .. } = &self.reel.frames[index];
        let shown = match self.shift {
            Some(shift) if !edits.is_empty() => apply(bytes, edits, shift).into(),
            Some(_) | None => bytes.clone(),
        };
        if self.skew_ms == 0 { shown } else { moved(&shown, self.skew_ms).into() }
    }

    /// The number of the frame that is the meta of this content, if it is among this many next frames.
    fn number_of_meta(&self, index: usize, frames: u64) -> Option<u64> {
        let reel = &self.reel.frames;
        let (op, tweet) = scan::subject(&reel[index].bytes)?;
        if op != b"content" {
            return None;
        }
        let next = reel[index + 1..].iter().zip(1..=frames);
        let mut metas = next.filter(|(frame, _)| scan::subject(&frame.bytes) == Some((b"meta", tweet)));
        metas.next().map(|(_, distance)| self.played + distance)
    }
}

/// When something that lasts this long is over; `None` is never.
fn later(elapsed: Duration, lasting: Option<Duration>) -> Duration {
    lasting.map_or(Duration::MAX, |lasting| elapsed.saturating_add(lasting))
}

/// A message whose fragments never end.
#[derive(Clone, Copy, Debug)]
enum Endless {
    Full,
    Hollow,
}

impl Endless {
    /// The first of its fragments, or the next: one that is full, or many that are empty.
    fn fragment(self, kind: Data) -> Act {
        let mut bytes = Vec::with_capacity(ENDLESS.len() + 16);
        match (self, kind) {
            (Self::Full, _) => frame::fragment(&mut bytes, kind, &ENDLESS),
            (Self::Hollow, Data::Continue) => {
                (0..ENDLESS.len() / 2).for_each(|_| frame::fragment(&mut bytes, kind, &[]));
            }
            (Self::Hollow, Data::Text | Data::Binary | Data::Reserved(_)) => {
                frame::fragment(&mut bytes, kind, &[]);
            }
        }
        Act::Send { bytes, frames: 0, whole: false }
    }
}

fn whole(out: &mut Vec<u8>, kind: Data, payload: &[u8]) {
    frame::message(out, kind, payload, Shape::default());
}

/// A JSON frame of this many bytes, of an unknown family. It is never shorter than its own members.
fn padded(bytes: usize) -> Vec<u8> {
    const HEAD: &[u8] = br#"{"v":1,"t":"mock","op":"long","d":{"text":""#;
    const TAIL: &[u8] = br#""}}"#;
    let mut frame = HEAD.to_vec();
    frame.resize(bytes.saturating_sub(TAIL.len()).max(HEAD.len()), b'a');
    frame.extend_from_slice(TAIL);
    frame
}

impl Encoding {
    fn kind(self) -> Data {
        match self {
            Self::Text | Self::Batch(_) => Data::Text,
            Self::Binary => Data::Binary,
        }
    }
}

/// When a frame is due on a connection that began at the start. Computed from there each time, so that no rounding
/// error adds up.
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
mod tests;
