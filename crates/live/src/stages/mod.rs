//! The stages as a run drives them: in place or by actors, between the connection and the decision queue.

pub(crate) mod actors;
pub(crate) mod exit;
pub(crate) mod gauge;
mod guard;
pub(crate) mod outbox;
pub(crate) mod path;
mod receive;

pub use outbox::QueueCounters;
pub use receive::receive;
