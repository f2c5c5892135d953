//! A TweetStream server for tests, demos and benches.
//!
//! A [`Server`] holds the frames of its [`Config`]'s input in memory. Each client that connects is shown
//! all of them from the start on a schedule of its own, open loop: the moment a frame is due is computed
//! from the connect, so a slow client or a busy machine makes frames late but never shifts the schedule.
//! Requests are answered as the feed answers them: three ways to hand over the key, refusals with an HTTP
//! status, closes with a code, pings answered. Beside the socket stands the REST interface: `me`, a list of accounts in
//! memory, and the history of the input.
//!
//! On the way from the input to the socket a frame passes, in this order: the reel (frames in memory, with
//! their times), the script (what this client is shown and when, times moved and ids re-minted if asked
//! for, faults struck), the client (one WebSocket, reading while it writes). The door decides who gets that far.
//!
//! A [`Fault`] makes something go wrong, as the network and servers at their worst do: a reset behind 200 frames, pings
//! that nobody answers, half a frame. It is written in a small language; [`fault_help`] teaches it.
//!
//! # What it does not do
//!
//! - No TLS, no compression (but for the fault of that name), no HTTP beyond one request a connection.
//! - The accounts that are followed change no stream: every client is shown the whole input.
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
