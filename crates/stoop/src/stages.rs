//! The engine in place: frames and commands go in, decisions come out, without a thread or a clock.

pub use stoop_engine::{
    Bounds, Command, Gap, Incident, Input, Intake, Keeping, MESSAGE_BYTES, Merged, NoProbe, Origin, Pipeline,
    Probe, Receipt, Stamp, State, Window,
};
