//! What notices tell besides decisions.

pub use stoop_engine::Missed;
pub use stoop_live::{BackfillEnd, HandleOutcome, HandleReport, NOTICES};
pub use stoop_wire::{Me, Quota};
