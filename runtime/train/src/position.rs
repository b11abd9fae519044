//! Where in its schedule a run is.

use serde::{Deserialize, Serialize};

use crate::exact::Exact;

use crate::phase::StepsState;

/// The way from the schedule to what runs now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// A place in every list of phases, from the schedule inwards.
    pub(crate) places: Vec<Place>,
    /// The innermost phase, and within it the step that trains beside its own.
    pub(crate) steps: Vec<StepsState>,
}

/// A place in a list of phases.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Phases that are done.
    pub(crate) phase: usize,
    /// Rounds of the next one that are done, where it is a repetition.
    pub(crate) round: u64,
    /// What the metric that may end the repetition was after the round before.
    pub(crate) before: Option<Exact>,
}
