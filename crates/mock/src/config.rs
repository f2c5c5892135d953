//! What a server is asked to do.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::fault::Fault;

/// Everything that configures a [`Server`](crate::Server).
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 picks a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// What every client is sent. Default: nothing.
    pub input: Input,
    /// When each frame is sent. Default [`Pace::Own`].
    pub pace: Pace,
    /// Start again when the input ends. Without `rebase` the repeated frames are duplicates, byte for byte.
    pub repeat: bool,
    /// Move all times so that the first frame is sent "now" at each client's connect, and re-mint ids to match.
    pub rebase: bool,
    /// The only key that is accepted; `None` accepts any key, and none.
    pub api_key: Option<Key>,
    /// What goes wrong. Default: nothing. A connection whose input has been sent stays open and quiet.
    pub faults: Vec<Fault>,
    /// Decides the chances of `faults`: same seed, same faults on a connection of the same number.
    pub fault_seed: u64,
    /// The subscription plan of the key. Default [`Plan::Elite`].
    pub plan: Plan,
    /// Which of the offered sub-protocols is selected.
    pub select: Select,
    /// How frames are put into WebSocket messages.
    pub encoding: Encoding,
    /// Open connections allowed at once; one more is refused with 429. Default 64.
    pub max_connections: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            input: Input::Frames(Vec::new()),
            pace: Pace::Own,
            repeat: false,
            rebase: false,
            api_key: None,
            faults: Vec::new(),
            fault_seed: 0,
            plan: Plan::Elite,
            select: Select::V1,
            encoding: Encoding::Text,
            max_connections: 64,
        }
    }
}

/// Where the frames come from. All of them are held in memory while the server runs.
#[derive(Debug, Clone)]
pub enum Input {
    /// These frames, good or bad, as they are.
    Frames(Vec<Vec<u8>>),
    /// The lines of a file, plain, `.gz` or `.zst`, or of stdin for `-`.
    Path(PathBuf),
}

/// When each frame is sent, counted from the client's connect. The pace is open loop: it never waits for a slow client,
/// which gets what is overdue as fast as it reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// By the frames' own `ts`. A frame without one goes with the frame before it, and so does a frame with an earlier
    /// one.
    Own,
    /// By the frames' own `ts`, this many times faster.
    Speed(f64),
    /// This many frames a second, evenly spaced.
    Rate(f64),
    /// As fast as the client reads.
    AtOnce,
}

/// An API key. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn matches(&self, offered: &str) -> bool {
        self.0 == offered
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The vendor's subscription plan that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// 50 accounts, no history.
    Basic,
    /// 250 accounts, and history.
    Elite,
}

impl Plan {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Elite => "ELITE",
        }
    }

    /// How many accounts may be followed.
    pub(crate) fn accounts(self) -> usize {
        match self {
            Self::Basic => 50,
            Self::Elite => 250,
        }
    }
}

/// Which sub-protocol the server selects. One that was not offered is never selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// `tweetstream.v1`.
    V1,
    /// The one that carries the key.
    Token,
    /// The first offered.
    First,
    /// None at all.
    None,
}

/// How frames are put into WebSocket messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One text message a frame, as the feed documents. Bytes that are not UTF-8 are sent all the same.
    Text,
    /// One binary message a frame.
    Binary,
    /// One text message holding a JSON array of this many frames, sent when the last of them is due. A frame that is
    /// not JSON is sent alone.
    Batch(NonZeroUsize),
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening socket could not be opened.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The input could not be read.
    #[error("cannot load the frames")]
    Input(#[from] stoop_tape::InputError),
    /// A line of the input is longer than any message may be.
    #[error("line {line} of the input has {bytes} bytes")]
    LongFrame {
        /// Its number, counted from 1.
        line: u64,
        /// Its length.
        bytes: u64,
    },
    /// A rate or speed that is not a positive number.
    #[error("pace {0:?} is not a positive number")]
    Pace(Pace),
    /// The thread or its runtime could not be made.
    #[error("cannot start the server's thread")]
    Thread(#[source] io::Error),
}

impl Config {
    /// Finds a setting that cannot be carried out.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Pace::Speed(number) | Pace::Rate(number) = self.pace
            && !(number.is_finite() && number > 0.0)
        {
            return Err(Error::Pace(self.pace));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_carried_out_are_refused() {
        for pace in [Pace::Speed(0.0), Pace::Rate(-1.0), Pace::Rate(f64::NAN), Pace::Speed(f64::INFINITY)] {
            let config = Config { pace, ..Config::default() };
            assert!(matches!(config.check(), Err(Error::Pace(_))), "{pace:?}");
        }
        Config::default().check().unwrap();
    }

    #[test]
    fn a_key_is_never_shown() {
        let config = Config { api_key: Some(Key::new("secret-key")), ..Config::default() };
        assert!(!format!("{config:?}").contains("secret-key"));
    }
}
