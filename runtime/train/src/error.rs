//! Why a run could not go on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use vspec_engine::EngineError;

use crate::checkpoint::CheckpointError;

/// Why a run could not go on. Displayed as one sentence without a full stop; a list of names may follow on further lines.
#[derive(Debug)]
pub enum TrainError {
    /// A data set is missing or broken.
    Data {
        /// Name of the data set in the experiment.
        set: String,
        /// What is wrong with it, naming the file where there is one.
        message: String,
    },
    /// A data set has too few items for a single batch.
    NoBatches {
        /// Name of the data set in the experiment.
        set: String,
    },
    /// The engine could not compute the first value of a variable.
    Initialise {
        /// Path of the variable.
        path: String,
        /// What the engine says.
        error: EngineError,
    },
    /// The engine could not run a step.
    Engine {
        /// Name of the step.
        step: String,
        /// Training iterations that were done before.
        iteration: u64,
        /// What the engine says.
        error: EngineError,
    },
    /// A number that a training step reports is infinite or not a number.
    NonFinite {
        /// Name of the step.
        step: String,
        /// Name of the report.
        report: String,
        /// Training iterations that were done before.
        iteration: u64,
        /// The number.
        value: f64,
    },
    /// A trained parameter is infinite or not a number.
    NonFiniteParameter {
        /// Its path.
        path: String,
        /// Training iterations that were done before this was seen.
        iteration: u64,
        /// The first such element.
        value: f64,
    },
    /// A report is a tensor with more or fewer elements than one.
    NotANumber {
        /// Name of the step.
        step: String,
        /// Name of the report.
        report: String,
    },
    /// A file of the run could not be written.
    File(FileError),
    /// A checkpoint does not fit or cannot be read.
    Checkpoint(CheckpointError),
}

impl TrainError {
    /// Whether the cause is what the run was given (data, checkpoint), rather than how the training went.
    pub fn is_bad_input(&self) -> bool {
        matches!(
            self,
            TrainError::Data { .. }
                | TrainError::NoBatches { .. }
                | TrainError::Checkpoint(_)
                | TrainError::Engine {
                    error: EngineError::Obligation { .. } | EngineError::Label { .. },
                    ..
                }
        )
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrainError::Data { set, message } => {
                let name = format!("data set `{set}`: ");
                write!(f, "{name}{}", message.strip_prefix(&name).unwrap_or(message))
            }
            TrainError::NoBatches { set } => {
                write!(f, "data set `{set}` has too few items for a single batch")
            }
            TrainError::Initialise { path, error } => write!(f, "cannot initialise `{path}`: {error}"),
            TrainError::Engine { step, iteration, error } => {
                write!(f, "step `{step}` failed after iteration {iteration}: {error}")
            }
            TrainError::NonFinite { step, report, iteration, value } => {
                write!(f, "`{report}` of step `{step}` became {value} in iteration {}", iteration + 1)
            }
            TrainError::NonFiniteParameter { path, iteration, value } => {
                write!(f, "an element of parameter `{path}` is {value} after iteration {iteration}")
            }
            TrainError::NotANumber { step, report } => {
                write!(f, "`{report}` of step `{step}` is not a single number")
            }
            TrainError::File(error) => write!(f, "{error}"),
            TrainError::Checkpoint(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for TrainError {}

impl From<FileError> for TrainError {
    fn from(error: FileError) -> Self {
        TrainError::File(error)
    }
}

impl From<CheckpointError> for TrainError {
    fn from(error: CheckpointError) -> Self {
        TrainError::Checkpoint(error)
    }
}

/// An operation on a file that failed.
#[derive(Debug)]
pub struct FileError {
    /// What was tried: `write`, `create`.
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub error: io::Error,
}

impl FileError {
    /// For `map_err`: names what was tried with which file.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_path_buf();
        move |error| FileError { action, path, error }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`: {}", self.action, self.path.display(), reason(&self.error))
    }
}

impl std::error::Error for FileError {}

/// What went wrong with a file, as a phrase without the number that the system adds.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_string(),
        io::ErrorKind::PermissionDenied => "no permission".to_string(),
        io::ErrorKind::AlreadyExists => "it exists already".to_string(),
        io::ErrorKind::IsADirectory => "it is a folder".to_string(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_string(),
        io::ErrorKind::WouldBlock => "another process is writing there".to_string(),
        io::ErrorKind::StorageFull => "the disk is full".to_string(),
        io::ErrorKind::InvalidData => "it is not text in UTF-8".to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_that_names_itself_is_named_once() {
        let said = |message: &str| {
            TrainError::Data { set: "train".to_string(), message: message.to_string() }.to_string()
        };
        assert_eq!(said("`a.jpg` is truncated"), "data set `train`: `a.jpg` is truncated");
        assert_eq!(said("data set `train`: no items"), "data set `train`: no items");
        // Another name is no repetition.
        assert_eq!(said("data set `pets` is elsewhere"), "data set `train`: data set `pets` is elsewhere");
    }
}
