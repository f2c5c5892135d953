//! The connection: where the vendor is, when to dial and to give up, and a look at an endpoint without an engine.

pub use stoop_feed::{AddressError, Api, Cause, DialStep, KeyError, Settings};
pub use stoop_live::{ProbeError, probe_feed, probe_transport};
