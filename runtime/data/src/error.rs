//! What can be wrong with a data set; each message says where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why data could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The source lies in files, and nobody said where.
    #[error("data set `{key}` is looked up below a data root: pass `--data DIR` or set VSPEC_DATA")]
    NoRoot {
        /// Folder below the root.
        key: String,
    },
    /// A key, split or list of the specification would leave the data root.
    #[error("`{name}` must be a relative path without `..`, so that it stays below the data root")]
    Outside {
        /// The path as written.
        name: String,
    },
    /// A folder or file is missing.
    #[error("`{path}` does not exist{hint}")]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// Names that do exist, as the end of the sentence.
        hint: String,
    },
    /// There are no items.
    #[error("`{place}` has no images{hint}")]
    Empty {
        /// Folder, list or entry of an archive.
        place: String,
        /// What was expected there, as the end of the sentence.
        hint: String,
    },
    /// The specification relies on another number of classes.
    #[error(
        "`{place}` has {found} classes, but the specification says {declared}: correct `classes = {declared}`, or the data"
    )]
    Classes {
        /// The split.
        place: String,
        /// Number of class folders.
        found: usize,
        /// Number in the specification.
        declared: usize,
    },
    /// A line of a list cannot be understood.
    #[error("{}:{line}: {message}", file.display())]
    List {
        /// The list.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong and what is expected.
        message: String,
    },
    /// A file does not have the format that it should have.
    #[error("`{place}` {message}")]
    Format {
        /// File, or archive and entry.
        place: String,
        /// What is wrong, as the end of the sentence.
        message: String,
    },
    /// A file could not be read.
    #[error("cannot read `{path}`: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// A pipeline that no item can pass.
    #[error("data set `{data}`: {message}")]
    Pipeline {
        /// Name of the data set.
        data: String,
        /// What is wrong.
        message: String,
    },
    /// An item that cannot pass the pipeline.
    #[error("{item}: {message}")]
    Item {
        /// File, archive and entry, or number.
        item: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A thread could not be started, or stopped without a result.
    #[error("data set `{data}`: a loader thread {message}")]
    Thread {
        /// Name of the data set.
        data: String,
        /// What happened, as the end of the sentence.
        message: String,
    },
}

impl DataError {
    pub(crate) fn read(path: &Path, cause: io::Error) -> Self {
        DataError::Read { path: path.to_path_buf(), cause }
    }

    pub(crate) fn format(place: impl Into<String>, message: impl Into<String>) -> Self {
        DataError::Format { place: place.into(), message: message.into() }
    }
}
