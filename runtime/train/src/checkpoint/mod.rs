//! Checkpoints: every variable of a run in one safetensors file, under its path.
//!
//! The file's metadata holds the rest of the run's state under [`STATE_KEY`], so that a file is either all of a checkpoint or
//! none of it. `last.json` beside it is for people. A network whose members are named after
//! those of another library exchanges weights with it.

mod error;
mod keep;
mod read;
mod write;

pub use error::{CheckpointError, WrongTensor};
pub(crate) use keep::{Series, name_also};
pub use read::{find, read, read_state};
pub use write::{write, write_tensors};

/// The name under which a file's metadata holds the state of the run, as JSON.
pub const STATE_KEY: &str = "vspec.run";

/// Which checkpoint of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The state at the end, or where the run was stopped.
    Last,
    /// The state with the best value of the metric that decides.
    Best,
}

impl Kept {
    /// Name of the file.
    pub fn file_name(self) -> String {
        format!("{}.safetensors", self.name())
    }

    /// Name of the file without its extension.
    pub fn name(self) -> &'static str {
        match self {
            Kept::Last => "last",
            Kept::Best => "best",
        }
    }
}

#[cfg(test)]
mod tests;
