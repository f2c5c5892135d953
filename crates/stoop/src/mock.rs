//! A server that speaks the protocol, or breaks it as it is told to, for the tests of a host.

pub use stoop_mock::*;
