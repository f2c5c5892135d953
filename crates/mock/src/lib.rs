//! A TweetStream server for tests, demos and benches.
//!
//! A [`Server`] holds the frames of its [`Config`]'s input in memory. Each client that connects is sent all of them
//! from the start at a pace of its own, open loop: the moment a frame is due is computed from the connect, so a slow
//! client or a busy machine delays frames but never moves the moments of the ones after them. Requests are answered as
//! the feed answers them: the key comes in one of three ways, refusals have an HTTP status, closes have a code, and
//! pings are answered. The same port serves the REST interface: `me`, a list of accounts in memory, and the history of
//! the input.
//!
//! On its way from the input to the socket a frame passes, in this order: the reel (frames in memory, with their
//! times), the script (what this client is sent and when, with times moved and ids re-minted if asked for, and with
//! its faults), and the client (one WebSocket, reading while it writes). The door decides which clients get that far.
//!
//! A [`Fault`] makes something go wrong, as networks and servers do on a bad day: a reset after 200 frames, pings
//! without a pong, half a frame. It is written in a small language, which [`fault_help`] explains.
//!
//! # What it does not do
//!
//! - No TLS, no compression (except for the fault of that name), no HTTP beyond one request for each connection.
//! - The list of followed accounts filters nothing: every client is sent the whole input.
//! - It does not check the frames: what is not JSON is sent as it is.
//! - It never prints, logs or returns the API key.
//!
//! # Invariants
//!
//! - What a client is sent, and when, is a function of the input, the configuration, the number and the time of
//!   its connect, and how far the client is known to have read on the connection before it; clocks are read in one
//!   module.
//! - Connections, request heads, waiting times and kept counters are bounded.
//!
//! # Example
//!
//! ```
//! use stoop_mock::{Config, Input, Pace, Server};
//!
//! let server = Server::start(Config {
//!     input: Input::Frames(vec![br#"{"v":1,"t":"control","op":"auth_ping","d":{}}"#.to_vec()]),
//!     pace: Pace::AtOnce,
//!     faults: vec!["end:close(1000)".parse()?],
//!     ..Config::default()
//! })?;
//! println!("connect to {}", server.url());
//! assert_eq!(server.stop().accepted, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod board;
mod client;
mod config;
mod dice;
mod door;
mod fault;
mod frame;
mod handle;
mod history;
mod http;
mod rebase;
mod receipts;
mod reel;
mod runtime;
mod scan;
mod script;
mod server;
mod timeline;

pub use board::{ClientStats, Stats};
pub use config::{Config, Encoding, Error, Input, Key, Pace, Plan, Select};
pub use fault::{Fault, FaultError, help as fault_help};
pub use handle::Handle;
pub use server::Server;
