//! How a command ends.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use vspec_engine::EngineError;
use vspec_train::{FileError, TrainError, reason};

use crate::render;

/// The exit status of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// The run failed: a training error, an expectation or a test that does not hold, a file that is not formatted.
    Failed,
    /// The input is wrong: a specification with errors, a missing folder, a checkpoint of another network.
    BadInput,
    /// The program is wrong.
    Bug,
    /// Someone pressed Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The status as the shell sees it.
    pub fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::BadInput => 2,
            Exit::Bug => 101,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command could not do its work, apart from diagnostics. Displayed as `error: ..` with a hint.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    pub(crate) exit: Exit,
}

/// What a command comes to.
pub(crate) type CommandResult<T = Exit> = Result<T, Failure>;

impl Failure {
    /// The input is wrong.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Failure { message: message.into(), hint: None, exit: Exit::BadInput }
    }

    /// The run failed.
    pub(crate) fn run(message: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, ..Failure::input(message) }
    }

    /// What to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let failure = Failure::input(format!("cannot read `{}`: {}", path.display(), reason(error)));
        match error.kind() {
            io::ErrorKind::NotFound => failure.hint("paths are relative to the current folder"),
            io::ErrorKind::IsADirectory => failure.hint("name the file: FOLDER/NAME.vspec"),
            _ => failure,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = render::Style::for_stderr();
        write!(f, "{} {}", style.error("error:"), self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {} {hint}", style.accent("help:")),
            None => Ok(()),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Failure::input(error.to_string())
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let exit = if error.is_bad_input() { Exit::BadInput } else { Exit::Failed };
        let hint = match &error {
            TrainError::NonFinite { .. } | TrainError::NonFiniteParameter { .. } => {
                Some("a lower learning rate or a warm-up often helps: `--set opt.lr=..`")
            }
            TrainError::Engine { error: EngineError::Label { .. }, .. } => {
                Some("labels count from 0; `CrossEntropy(ignore_index = ..)` leaves one out")
            }
            TrainError::NoBatches { .. } => Some("a smaller batch, or `drop_last = false`"),
            _ => None,
        };
        let hint = hint.map(str::to_string).or_else(|| misspelt(&error));
        Failure { message: error.to_string(), hint, exit }
    }
}

/// For a checkpoint that does not fit: the tensor that the first missing variable may have been meant by.
fn misspelt(error: &TrainError) -> Option<String> {
    let TrainError::Checkpoint(vspec_train::CheckpointError::Mismatch { missing, unexpected, .. }) = error
    else {
        return None;
    };
    missing.iter().find_map(|name| {
        let near = vspec_syntax::did_you_mean(name, unexpected.iter().map(String::as_str))?;
        Some(format!("`{near}` in the file may be `{name}` of the experiment"))
    })
}
