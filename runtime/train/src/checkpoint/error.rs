//! Why a checkpoint cannot be used.

use std::fmt;
use std::path::PathBuf;

use crate::FileError;

/// Why a checkpoint cannot be used.
#[derive(Debug)]
pub enum CheckpointError {
    /// The file cannot be read or written.
    File(FileError),
    /// The file is not a whole safetensors file.
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No run can go on from the file.
    Resume {
        /// The file.
        path: PathBuf,
        /// Why, as a sentence.
        message: String,
    },
    /// The file belongs to another network. All lists are in the order of the experiment's variables or of the file.
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Variables that the file has no tensor for.
        missing: Vec<String>,
        /// Tensors that belong to no variable.
        unexpected: Vec<String>,
        /// Tensors of another shape or element type than their variable.
        wrong: Vec<WrongTensor>,
    },
}

/// A tensor that does not fit its variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongTensor {
    /// Path of the variable.
    pub name: String,
    /// Type of the variable.
    pub expected: String,
    /// Type of the tensor in the file.
    pub found: String,
}

/// Names of a list that are shown before "and 12 more".
const SHOWN: usize = 8;

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::File(error) => write!(f, "{error}"),
            CheckpointError::Malformed { path, message } => {
                write!(f, "`{}` is not a whole safetensors file: {message}", path.display())
            }
            CheckpointError::Resume { path, message } => {
                write!(f, "cannot go on from `{}`: {message}", path.display())
            }
            CheckpointError::Mismatch { path, missing, unexpected, wrong } => {
                write!(f, "checkpoint `{}` does not fit the experiment", path.display())?;
                write_list(f, "missing", missing.iter())?;
                write_list(f, "unexpected", unexpected.iter())?;
                let wrong = wrong.iter().map(|w| format!("{}: {}, not {}", w.name, w.found, w.expected));
                write_list(f, "of another type", wrong)
            }
        }
    }
}

fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    mut items: impl ExactSizeIterator<Item = T>,
) -> fmt::Result {
    if items.len() == 0 {
        return Ok(());
    }
    write!(f, "\n  {title} ({}):", items.len())?;
    for item in items.by_ref().take(SHOWN) {
        write!(f, "\n    {item}")?;
    }
    match items.len() {
        0 => Ok(()),
        more => write!(f, "\n    and {more} more"),
    }
}

impl std::error::Error for CheckpointError {}

impl From<FileError> for CheckpointError {
    fn from(error: FileError) -> Self {
        CheckpointError::File(error)
    }
}
