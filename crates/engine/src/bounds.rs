//! The bounds of an engine, in one place.

use stoop_wire::Limits;

use crate::merge::Window;
use crate::signal::Keeping;

/// The limits of an engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Limits of a frame.
    pub limits: Limits,
    /// Bounds of the window.
    pub window: Window,
    /// How long, and how many, tweets with decisions are remembered beyond the window.
    pub keeping: Keeping,
    /// Frames come from several endpoints: the first copy of each counts.
    pub has_copies: bool,
}
