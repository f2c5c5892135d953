//! Connection policy as a state machine: backoff, keepalive, fatal ends.
//!
//! It decides when to dial, when to ping, when to give a connection up, how long to wait before the next try, and when
//! to stop trying. The rules follow what is known of `TweetStream` v1. Numbers that are ours and not the vendor's are
//! in [`Settings`], or say so where they stand.
//!
//! # How data goes through
//!
//! 1. The owner of the socket reports to the [`Policy`] what happened, as an [`Event`], with the time.
//! 2. The policy moves between [`State`]s and pushes [`Action`]s into the owner's buffer.
//! 3. The owner carries the actions out, in order, and sleeps until [`Policy::deadline`].
//! 4. It then calls [`Policy::wake`], and so on until [`State::is_final`].
//!
//! An ended connection has one [`Cause`], the cause decides the [`Lane`], the lane the delay:
//!
//! | Cause | Before any connection was stable | After |
//! | --- | --- | --- |
//! | HTTP 400, 401, 403; close 4003 | fatal | three tries in the slow lane, then fatal |
//! | close 4001 | fatal | fatal |
//! | HTTP 429; close 4029 | slow lane | slow lane |
//! | close 1012 | 100 ms, then backoff until stable | the same |
//! | everything else | backoff | backoff |
//!
//! ```
//! use stoop_feed::{Action, Cause, Event, Policy, Settings, State};
//!
//! let mut policy = Policy::new(Settings::default(), 7)?;
//! let mut out = Vec::with_capacity(Policy::MAX_ACTIONS);
//!
//! policy.handle(Event::Start, 0, &mut out);
//! assert_eq!(out.last(), Some(&Action::Dial));
//! assert_eq!(policy.deadline(), Some(10_000_000_000)); // the connect timeout
//!
//! out.clear();
//! policy.handle(Event::Refused { status: 401 }, 80_000_000, &mut out);
//! assert_eq!(out.last(), Some(&Action::Fatal { cause: Cause::HttpUnauthorized }));
//! assert_eq!((policy.state(), policy.deadline()), (State::Fatal, None));
//! # Ok::<(), stoop_feed::SettingsError>(())
//! ```
//!
//! [`Endpoint`], [`Api`] and [`Key`] say where the vendor is and who asks; the policy sees none of them.
//!
//! # What this crate does not do
//!
//! - It opens no socket, reads no clock, never sleeps and spawns nothing.
//! - The policy never sees a URL, the key or a frame, so no cause can name one.
//! - It does not authenticate, decode, record or log.
//! - It serves one endpoint; several endpoints are several policies, each with its own seed.
//!
//! # Invariants
//!
//! - The same settings, seed, events and times give the same actions.
//! - Unless the policy is idle or in a final state there is always a deadline, and without further events an
//!   [`Action::Dial`] comes sooner or later, except while stopping or while reading is held.
//! - Two dials are at least 50 ms apart, or `backoff_base` where that is less.
//! - Delays start over only after a connection has stayed open for `stable_after`.
//! - A feed without data never ends a connection; a missing pong does.
//! - After [`Policy::wake`] every deadline lies in the future.

mod action;
mod address;
mod cause;
mod deadline;
mod event;
mod key;
mod policy;
mod retry;
mod settings;

pub use action::{Action, State};
pub use address::{AddressError, Api, Endpoint};
pub use cause::Cause;
pub use deadline::Deadline;
pub use event::{DialStep, Event, Side, TransportError};
pub use key::{Key, KeyError};
pub use policy::{Policy, Snapshot};
pub use retry::Lane;
pub use settings::{Settings, SettingsError};
