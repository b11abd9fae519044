//! Checkpoints that are kept beside the last one: files with the iteration in their name, so many and no more.

use std::fs;
use std::path::Path;

use crate::FileError;
use crate::atomic::temporary_name;

/// Checkpoints that are kept together, in a folder with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    /// The newest: `iteration-000640.safetensors`.
    Newest,
    /// The best: `best-000640.safetensors`.
    Best,
}

/// Every checkpoint is a file of tensors and one for people.
const EXTENSIONS: [&str; 2] = ["safetensors", "json"];

impl Series {
    fn prefix(self) -> &'static str {
        match self {
            Series::Newest => "iteration-",
            Series::Best => "best-",
        }
    }

    /// Name of the file of an iteration.
    pub(crate) fn file_name(self, iteration: u64) -> String {
        format!("{}{iteration:06}.safetensors", self.prefix())
    }

    /// Removes the files of all iterations but those in `kept`.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub(crate) fn tidy(self, folder: &Path, kept: &[u64]) -> Result<(), FileError> {
        let entries = fs::read_dir(folder).map_err(FileError::at("read", folder))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if self.iteration_of(&path).is_some_and(|iteration| !kept.contains(&iteration)) {
                fs::remove_file(&path).map_err(FileError::at("remove", &path))?;
            }
        }
        Ok(())
    }

    fn iteration_of(self, path: &Path) -> Option<u64> {
        let extension = path.extension()?.to_str()?;
        let number = path.file_stem()?.to_str()?.strip_prefix(self.prefix())?;
        number.parse().ok().filter(|_| EXTENSIONS.contains(&extension))
    }
}

/// Gives a checkpoint a second name, which costs no space where the file system has links. The name's old file is replaced as a
/// whole.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn name_also(checkpoint: &Path, name: &str) -> Result<(), FileError> {
    for extension in EXTENSIONS {
        let from = checkpoint.with_extension(extension);
        let to = checkpoint.with_file_name(name).with_extension(extension);
        let beside = temporary_name(&to);
        let linked = fs::hard_link(&from, &beside).or_else(|_| fs::copy(&from, &beside).map(|_| ()));
        linked.and_then(|()| fs::rename(&beside, &to)).map_err(FileError::at("write", &to))?;
        // Where the name stood for the same file already, a rename does nothing at all and leaves the other name.
        let _ = fs::remove_file(&beside);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_leaves_the_files_of_others_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let names =
            ["best-000007.json", "best-1000000.safetensors", "best-000007.safetensors", "best.safetensors"];
        let others = ["iteration-000007.safetensors", "best-of-all.json", "last.json"];
        for name in names.iter().chain(&others) {
            fs::write(folder.path().join(name), "").expect("writable");
        }
        Series::Best.tidy(folder.path(), &[1_000_000]).expect("removable");
        let left = fs::read_dir(folder.path()).expect("a folder").flatten();
        let mut left: Vec<String> = left.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        left.sort();
        let kept = ["best-1000000.safetensors", "best-of-all.json", "best.safetensors"];
        assert_eq!(left, [&kept[..], &["iteration-000007.safetensors", "last.json"]].concat());
    }

    #[test]
    fn a_second_name_stays_when_the_first_gets_another_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let last = folder.path().join("last.safetensors");
        let write = |text: &str| {
            for extension in EXTENSIONS {
                crate::atomic::replace_file(&last.with_extension(extension), text.as_bytes())
                    .expect("writable");
            }
        };
        write("old");
        for _ in 0..2 {
            name_also(&last, &Series::Newest.file_name(3)).expect("writable");
        }
        write("new");
        let kept = fs::read_to_string(folder.path().join("iteration-000003.safetensors")).expect("there");
        assert_eq!(kept, "old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 4);
    }
}
