//! The records of a tape.

use std::fmt;
use std::sync::Arc;

use stoop_engine::ENDPOINTS;

use super::HISTORY;

/// Where a frame came from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An endpoint of the feed.
    Endpoint {
        /// Its place in the configuration, below [`ENDPOINTS`].
        number: u8,
        /// Its name.
        name: Arc<str>,
    },
    /// A row of history, fetched after a gap: it comes late.
    History,
}

impl Origin {
    /// An endpoint of the feed; none from [`ENDPOINTS`] on.
    pub fn endpoint(number: u8, name: &str) -> Option<Self> {
        (usize::from(number) < ENDPOINTS).then(|| Self::Endpoint { number, name: name.into() })
    }

    /// The name of the endpoint; `history`.
    pub fn name(&self) -> &str {
        match self {
            Self::Endpoint { name, .. } => name,
            Self::History => HISTORY,
        }
    }

    /// Reads back what the metadata of a channel say.
    #[cfg(feature = "tape")]
    pub(super) fn parse(origin: &str, name: &str) -> Option<Self> {
        if origin == HISTORY {
            return Some(Self::History);
        }
        // A number in another spelling would not be written back as it was.
        let number = origin.parse::<u8>().ok().filter(|number| number.to_string() == origin)?;
        Self::endpoint(number, name)
    }
}

/// The number of the endpoint; `history`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { number, .. } => write!(f, "{number}"),
            Self::History => f.write_str(HISTORY),
        }
    }
}

/// One record of a tape. Times are Unix ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'t> {
    /// A frame as it came.
    Frame {
        /// Where from.
        origin: &'t Origin,
        /// When it came: input time.
        recv_ns: i64,
        /// Its `ts`; `recv_ns` where it has none.
        sent_ns: i64,
        /// Its bytes, good or bad.
        bytes: &'t [u8],
    },
    /// Another input of the engine, or something that happened to it.
    Event {
        /// When, never before the record before it.
        at_ns: i64,
        /// An object with a `type`.
        json: &'t [u8],
    },
    /// A decision.
    Decision {
        /// When it was decided, or the time of the record before it if that is later.
        at_ns: i64,
        /// The line, without its newline.
        line: &'t [u8],
    },
    /// A record of a topic that this version does not know.
    Unknown {
        /// Its topic.
        topic: &'t str,
        /// When.
        at_ns: i64,
        /// Its bytes.
        bytes: &'t [u8],
    },
}

impl<'t> Record<'t> {
    /// Its time, Unix ns.
    pub fn at_ns(&self) -> i64 {
        match self {
            Self::Frame { recv_ns: at_ns, .. }
            | Self::Event { at_ns, .. }
            | Self::Decision { at_ns, .. }
            | Self::Unknown { at_ns, .. } => *at_ns,
        }
    }

    /// Its contents, as they were written.
    pub fn bytes(&self) -> &'t [u8] {
        match self {
            Self::Frame { bytes, .. } | Self::Unknown { bytes, .. } => bytes,
            Self::Event { json, .. } => json,
            Self::Decision { line, .. } => line,
        }
    }

    /// Its topic.
    pub fn topic(&self) -> &'t str {
        match self {
            Self::Frame { .. } => super::FRAMES,
            Self::Event { .. } => super::EVENTS,
            Self::Decision { .. } => super::DECISIONS,
            Self::Unknown { topic, .. } => topic,
        }
    }
}
