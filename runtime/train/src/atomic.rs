//! Files that are either the old one or the new one, never half of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::FileError;

/// Replaces a file: writes beside it, waits until the bytes are on the disk, and renames. A process that is killed at any
/// moment leaves the old file whole.
///
/// # Errors
/// When the folder does not exist, may not be written to, or is full; the old file is untouched.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let beside = temporary_name(path);
    let result = write_through(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        // Best effort: the message about the write matters more than a leftover.
        let _ = fs::remove_file(&beside);
    }
    result.map_err(FileError::at("write", path))
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name in the same folder, since a rename across file systems is not atomic.
pub(crate) fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Whether a file is one that was to become another.
pub(crate) fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.starts_with('.') && name.ends_with(".tmp")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("last.safetensors");
        replace_file(&path, b"first").expect("writable");
        replace_file(&path, b"second").expect("writable");
        assert_eq!(fs::read(&path).expect("written"), b"second");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_write_that_fails_keeps_the_old_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("last.safetensors");
        replace_file(&path, b"first").expect("writable");
        // A folder under the temporary name makes the write itself fail, as a full disk would.
        fs::create_dir(temporary_name(&path)).expect("a folder");
        let error = replace_file(&path, b"second").expect_err("not writable");
        assert!(error.to_string().starts_with("cannot write `"), "{error}");
        assert_eq!(fs::read(&path).expect("written"), b"first");
    }
}
