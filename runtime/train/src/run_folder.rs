//! The folder of a run: `runs/<experiment>/<number>`, never used twice for what has begun.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs4::{FileExt, TryLockError};

use crate::FileError;
use crate::atomic::{is_temporary, replace_file};

/// The folder of one run.
///
/// ```text
/// runs/shapes/003/
///   resolved.vspec       running it repeats the run
///   environment.json     version, command line, host, seed, engine
///   metrics.csv          a row for each step and epoch, and for every few training iterations
///   metrics.jsonl        the same, with times
///   train.log            what happened when
///   events.out.tfevents.*  the same as metrics.csv for TensorBoard
///   pictures/            what a detector finds, drawn by the program around this crate
///   tables/              recorded tables, a file for each time
///   checkpoints/         last.safetensors, best.safetensors, each with a .json
/// runs/shapes/latest     a link to the newest run
/// ```
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// Held for as long as someone writes here; the system lets go of it when the process ends, however it ends.
    _lock: Arc<File>,
}

impl RunFolder {
    /// Makes the next free folder `<root>/<name>/<number>`. Two runs that start at the same time get two folders.
    ///
    /// # Errors
    /// When a folder cannot be made.
    pub fn create(root: &Path, name: &str) -> Result<RunFolder, FileError> {
        let parent = root.join(name);
        fs::create_dir_all(&parent).map_err(FileError::at("create", &parent))?;
        let mut number = last_number(&parent) + 1;
        loop {
            let path = parent.join(format!("{number:03}"));
            match fs::create_dir(&path) {
                Ok(()) => {
                    let _lock = lock(&path)?;
                    return RunFolder { path, _lock }.furnish(&parent);
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(FileError::at("create", &path)(e)),
            }
        }
    }

    /// A folder that a run has left; `latest` points at it from now on.
    ///
    /// # Errors
    /// When there is no such folder, or another process is writing there.
    pub fn open(path: &Path) -> Result<RunFolder, FileError> {
        let whole = path.canonicalize().map_err(FileError::at("read", path))?;
        if !whole.join("checkpoints").is_dir() {
            let error = io::Error::from(io::ErrorKind::NotFound);
            return Err(FileError { action: "read", path: path.join("checkpoints"), error });
        }
        let _lock = lock(path)?;
        remove_unfinished(path);
        remove_unfinished(&path.join("checkpoints"));
        if let Some(parent) = whole.parent() {
            link_latest(parent, &whole);
        }
        Ok(RunFolder { path: path.to_path_buf(), _lock })
    }

    /// The folders of an experiment's runs, the newest first.
    pub fn list(root: &Path, name: &str) -> Vec<PathBuf> {
        let parent = root.join(name);
        let mut numbers = numbers(&parent);
        numbers.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        numbers.into_iter().map(|(_, name)| parent.join(name)).collect()
    }

    fn furnish(self, parent: &Path) -> Result<RunFolder, FileError> {
        let checkpoints = self.checkpoints();
        fs::create_dir(&checkpoints).map_err(FileError::at("create", &checkpoints))?;
        link_latest(parent, &self.path);
        Ok(self)
    }

    /// Removes the folder of a run that has not got anywhere, and that of the experiment if no other run is in it.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn discard(self) -> Result<(), FileError> {
        fs::remove_dir_all(&self.path).map_err(FileError::at("remove", &self.path))?;
        let Some(parent) = self.path.parent() else { return Ok(()) };
        let newest = numbers(parent).into_iter().max_by_key(|(number, _)| *number);
        match newest {
            Some((_, name)) => link_latest(parent, Path::new(&name)),
            None => {
                // Best effort, both: the link may be missing, and the folder may hold what is not ours.
                let _ = fs::remove_file(parent.join("latest"));
                let _ = fs::remove_dir(parent);
            }
        }
        Ok(())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Writes a file of the folder as a whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), FileError> {
        replace_file(&self.path.join(name), text.as_bytes())
    }
}

/// Removes what a killed process had begun to write beside a file that it meant to replace.
fn remove_unfinished(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in files.filter(|path| is_temporary(path)) {
        // Best effort: it only takes up space.
        let _ = fs::remove_file(path);
    }
}

/// Keeps other processes from writing into a run folder.
fn lock(folder: &Path) -> Result<Arc<File>, FileError> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(FileError::at("create", &path))?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(Arc::new(file)),
        Err(TryLockError::WouldBlock) => {
            let error = io::Error::from(io::ErrorKind::WouldBlock);
            Err(FileError { action: "write into", path: folder.to_path_buf(), error })
        }
        // A file system without locks does without them.
        Err(TryLockError::Error(_)) => Ok(Arc::new(file)),
    }
}

/// The highest number among the folders, 0 if there is none.
fn last_number(parent: &Path) -> u64 {
    numbers(parent).into_iter().map(|(number, _)| number).max().unwrap_or(0)
}

/// The numbers among the folders, and how they are written.
fn numbers(parent: &Path) -> Vec<(u64, String)> {
    let names = fs::read_dir(parent).into_iter().flatten().flatten().map(|e| e.file_name());
    names.filter_map(|n| Some((n.to_str()?.parse().ok()?, n.to_str()?.to_string()))).collect()
}

/// Points `latest` at the run. A system without links does without it.
fn link_latest(parent: &Path, run: &Path) {
    let Some(target) = run.file_name() else { return };
    let beside = parent.join(format!(".latest.{}.tmp", std::process::id()));
    let linked =
        symlink(Path::new(target), &beside).and_then(|()| fs::rename(&beside, parent.join("latest")));
    if linked.is_err() {
        let _ = fs::remove_file(&beside);
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_numbered_and_never_overwritten() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let first = RunFolder::create(root.path(), "shapes").expect("writable");
        assert_eq!(first.path(), root.path().join("shapes/001"));
        first.write("resolved.vspec", "first").expect("writable");
        fs::create_dir(root.path().join("shapes/007")).expect("writable");
        let second = RunFolder::create(root.path(), "shapes").expect("writable");
        assert_eq!(second.path(), root.path().join("shapes/008"));
        assert!(second.checkpoints().is_dir());
        assert_eq!(fs::read_to_string(first.path().join("resolved.vspec")).expect("kept"), "first");
    }

    #[test]
    fn runs_that_start_together_get_different_folders() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let create = || RunFolder::create(root.path(), "shapes").expect("writable").path().to_path_buf();
        let mut paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
            threads.into_iter().map(|t| t.join().expect("no panic")).collect()
        });
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 8);
    }

    #[cfg(unix)]
    #[test]
    fn latest_points_at_the_newest_run() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for _ in 0..2 {
            RunFolder::create(root.path(), "shapes").expect("writable");
        }
        let target = fs::read_link(root.path().join("shapes/latest")).expect("a link");
        assert_eq!(target, Path::new("002"));
    }

    #[test]
    fn a_discarded_folder_leaves_nothing_and_its_number_is_free_again() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let create = || RunFolder::create(root.path(), "shapes").expect("writable");
        create().discard().expect("removable");
        assert!(!root.path().join("shapes").exists());
        let first = create();
        create().discard().expect("removable");
        assert_eq!(RunFolder::list(root.path(), "shapes"), [first.path()]);
        #[cfg(unix)]
        assert_eq!(fs::read_link(root.path().join("shapes/latest")).expect("a link"), Path::new("001"));
        assert_eq!(create().path(), root.path().join("shapes/002"));
    }

    #[test]
    fn a_folder_is_written_by_one_process_at_a_time() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let first = RunFolder::create(root.path(), "shapes").expect("writable");
        let path = first.path().to_path_buf();
        let error = RunFolder::open(&path).expect_err("in use").to_string();
        assert!(error.ends_with("/shapes/001`: another process is writing there"), "{error}");
        drop(first);
        assert_eq!(RunFolder::open(&path).expect("free").path(), path);
    }

    #[test]
    fn what_a_killed_process_left_half_written_is_removed() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let path = RunFolder::create(root.path(), "shapes").expect("writable").path().to_path_buf();
        for name in
            ["checkpoints/.last.safetensors.77.tmp", ".resolved.vspec.77.tmp", "checkpoints/last.json"]
        {
            fs::write(path.join(name), "half").expect("writable");
        }
        RunFolder::open(&path).expect("free");
        let names = |folder: PathBuf| {
            let entries = fs::read_dir(folder).expect("a folder").flatten();
            let mut names: Vec<_> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(path.join("checkpoints")), ["last.json"]);
        assert_eq!(names(path), [".lock", "checkpoints"]);
    }

    #[test]
    fn runs_are_listed_from_the_newest_on() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for name in ["002", "010", "1000", "notes"] {
            fs::create_dir_all(root.path().join("shapes").join(name)).expect("writable");
        }
        let names = RunFolder::list(root.path(), "shapes");
        let names: Vec<_> = names.iter().filter_map(|p| p.file_name()?.to_str()).collect();
        assert_eq!(names, ["1000", "010", "002"]);
        assert!(RunFolder::list(root.path(), "other").is_empty());
    }

    #[test]
    fn a_root_that_is_a_file_is_an_error() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let error = RunFolder::create(file.path(), "shapes").expect_err("no folder");
        assert!(error.to_string().starts_with("cannot create `"), "{error}");
    }
}
