//! What a fault does. There is a type for each place where actions are carried out, so that none of these places can be
//! handed an action it does not know.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Connection(ConnectionAction),
    Stream(StreamAction),
    Frame(FrameAction),
}

/// What goes wrong with a connection as a whole. Decided once, when the connection is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectionAction {
    /// The upgrade is answered with this status.
    Refuse(u16),
    /// The upgrade is answered with a page of HTML.
    Html,
    /// This sub-protocol is selected, offered or not.
    Subprotocol(String),
    /// The answer to the upgrade has headers that never end.
    EndlessHead,
    /// The answer to the upgrade stops in the middle.
    SilentHead,
    /// The slot becomes free this long after the connection has ended.
    LateSlot(Duration),
    /// The connection begins this many frames before the last that the client is known to have read.
    Replay(u64),
}

/// What goes wrong with the stream, between two frames. Without a trigger it strikes at the connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamAction {
    /// The connection ends with FIN and without a close.
    Fin,
    /// The connection ends with RST.
    Rst,
    /// The connection is closed, with this code or without one.
    Close(Option<u16>),
    /// No data for this long, or ever again; pings are answered.
    Stall(Option<Duration>),
    /// Nothing at all for this long, or ever again.
    Freeze(Option<Duration>),
    /// Pings are no longer answered.
    NoPong,
    /// From here on no more than this many bytes a second.
    Slow(u64),
    /// Added to every `ts` from here on, ms.
    Skew(i64),
    /// Half of the next frame, then nothing.
    Half,
    /// The head of a frame of this many bytes, then nothing.
    Claim(u64),
    /// A message whose fragments never end.
    Endless,
    /// The same with empty fragments.
    Hollow,
    /// One more message, of this many bytes.
    Long(usize),
    /// One more message, which cannot be read.
    Rubbish(Rubbish),
}

/// What goes wrong with a frame of the input. Without a trigger it strikes every frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FrameAction {
    /// The frame is repeated this many times.
    Dup(u64),
    /// The frame comes after this many later ones.
    Late(u64),
    /// A content comes after its meta, if that is among this many next frames.
    MetaFirst(u64),
    /// The frame comes in up to this many fragments.
    Fragment(NonZeroUsize),
    /// The frame has RSV2 and RSV3 set.
    Rsv,
    /// The frame is masked.
    Masked,
    /// The frame is compressed.
    Compressed,
}

/// What a message that cannot be read is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rubbish {
    /// Text that stops in the middle of its JSON.
    Json,
    /// A text message that is not UTF-8.
    Utf8,
    /// A binary message of noise.
    Binary,
}

impl From<ConnectionAction> for Action {
    fn from(action: ConnectionAction) -> Self {
        Self::Connection(action)
    }
}

impl From<StreamAction> for Action {
    fn from(action: StreamAction) -> Self {
        Self::Stream(action)
    }
}

impl From<FrameAction> for Action {
    fn from(action: FrameAction) -> Self {
        Self::Frame(action)
    }
}

impl Action {
    pub(super) fn on_connection(&self) -> Option<&ConnectionAction> {
        if let Self::Connection(action) = self { Some(action) } else { None }
    }

    pub(super) fn on_stream(&self) -> Option<&StreamAction> {
        if let Self::Stream(action) = self { Some(action) } else { None }
    }

    pub(super) fn on_frame(&self) -> Option<&FrameAction> {
        if let Self::Frame(action) = self { Some(action) } else { None }
    }
}
