//! Checkpoints: every variable of a run in one safetensors file, under its path.
//!
//! Beside `last.safetensors` lies `last.json`, which says how far the run was. A network whose members are named after
//! those of another library exchanges weights with it.

mod error;
mod read;
mod write;

pub use error::{CheckpointError, WrongTensor};
pub use read::{find, read, read_progress};
pub use write::write;

use crate::Clock;

/// Which checkpoint of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The state at the end, or where the run was stopped.
    Last,
    /// The state with the best value of the metric that decides.
    Best,
}

impl Kept {
    /// Name of the file without its extension.
    pub fn name(self) -> &'static str {
        match self {
            Kept::Last => "last",
            Kept::Best => "best",
        }
    }
}

/// How far a run was when a checkpoint was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reached {
    /// The run clock.
    pub clock: Clock,
    /// Step, report and value of the metric that decides which checkpoint is best.
    pub metric: Option<(String, String, f64)>,
}

#[cfg(test)]
mod tests;
