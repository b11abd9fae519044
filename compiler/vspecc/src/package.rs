//! The files that a specification may read, and the data sets that it may ask about.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use vspec_elaborate::{SourceInfo, World};
use vspec_ir::Source;
use vspec_syntax::MAX_FILE_SIZE;
use vspec_train::{FileError, SetClasses, reason};

use crate::failure::{CommandResult, Failure};

/// The file whose folder is the root of a package.
const MANIFEST: &str = "vspec.toml";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The package of one file: the folder of the nearest `vspec.toml` above it, else its own folder. A specification can read
/// nothing else.
pub(crate) struct Package {
    root: PathBuf,
    data: Option<PathBuf>,
    /// What a checkpoint knows about data sets that are not there.
    known: Vec<SetClasses>,
}

impl Package {
    /// The package that a file belongs to. `data` is the folder of the data sets.
    pub(crate) fn of(file: &Path, data: Option<&Path>) -> Package {
        let folder = file.canonicalize().ok().and_then(|f| f.parent().map(Path::to_path_buf));
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        let with_manifest = folder.ancestors().find(|f| f.join(MANIFEST).is_file());
        let root = with_manifest.map(Path::to_path_buf).unwrap_or(folder);
        Package { root, data: data.map(Path::to_path_buf), known: vec![] }
    }

    /// The same where something is known about the classes of data sets that may not be there.
    pub(crate) fn knowing(self, known: &[SetClasses]) -> Package {
        Package { known: known.to_vec(), ..self }
    }

    /// The folder that paths of the package are relative to, without links.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the package, without links.
    pub(crate) fn inside(&self, path: &Path) -> Result<PathBuf, String> {
        let path = self.root.join(path).canonicalize().map_err(|e| reason(&e))?;
        match path.starts_with(&self.root) {
            true => Ok(path),
            false => Err("it lies outside the package".to_string()),
        }
    }
}

impl World for Package {
    fn read(&self, path: &Path) -> Result<String, String> {
        let path = self.inside(path)?;
        read_bounded(&path).map_err(|e| reason(&e))
    }

    fn inspect(&self, source: &Source) -> Result<SourceInfo, String> {
        match (vspec_data::inspect(source, self.data.as_deref()), SetClasses::find(&self.known, source)) {
            (Ok(info), _) => Ok(SourceInfo { classes: info.classes, items: info.items }),
            (Err(_), Some(known)) => Ok(SourceInfo { classes: known.classes, items: known.items }),
            (Err(error), None) => Err(error.to_string()),
        }
    }
}

/// Text of a file that the user names.
pub(crate) fn read_file(path: &Path) -> CommandResult<String> {
    read_bounded(path).map_err(|error| Failure::unreadable(path, &error))
}

/// Reads standard input.
pub(crate) fn read_stdin() -> CommandResult<String> {
    let mut text = String::new();
    let limit = MAX_FILE_SIZE as u64 + 1;
    let read = io::stdin().lock().take(limit).read_to_string(&mut text);
    read.map_err(|error| Failure::unreadable(Path::new("-"), &error))?;
    Ok(text)
}

/// Reads a text file, unless it is larger than a specification may be: a wrong path could name a disk image.
fn read_bounded(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if metadata.len() > MAX_FILE_SIZE as u64 {
        let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let mut text = fs::read_to_string(path)?;
    // Some editors put a mark of the encoding in front of a text; places are counted without it.
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

/// Files, and every specification below folders, sorted; what is neither is left for whoever reads it to complain about.
pub(crate) fn specifications(paths: &[PathBuf]) -> CommandResult<Vec<PathBuf>> {
    let mut files = vec![];
    for path in paths {
        let before = files.len();
        match path.is_dir() {
            true => below(path, &mut files).map_err(FileError::at("read", path))?,
            false => files.push(path.clone()),
        }
        if files.len() == before {
            return Err(Failure::input(format!("there is no specification below `{}`", path.display()))
                .hint("specifications are files called NAME.vspec"));
        }
    }
    Ok(files)
}

/// Links are not followed: they may lead round in circles.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            below(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "vspec") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    #[test]
    fn a_package_reads_its_own_files_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("secret.vspec"), "secret");
        write(&folder.path().join("spec/main.vspec"), "main");
        write(&folder.path().join("spec/parts/net.vspec"), "net");
        let package = Package::of(&folder.path().join("spec/main.vspec"), None);
        assert_eq!(package.read(Path::new("parts/net.vspec")).as_deref(), Ok("net"));
        assert_eq!(
            package.read(Path::new("../secret.vspec")),
            Err("it lies outside the package".to_string())
        );
        assert_eq!(package.read(Path::new("absent.vspec")), Err("no such file or folder".to_string()));
    }

    #[test]
    fn a_manifest_widens_the_package_to_its_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join(MANIFEST), "");
        write(&folder.path().join("net.vspec"), "net");
        write(&folder.path().join("papers/tood/main.vspec"), "main");
        let package = Package::of(&folder.path().join("papers/tood/main.vspec"), None);
        assert_eq!(package.read(Path::new("net.vspec")).as_deref(), Ok("net"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_package() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(&folder.path().join("secret.vspec"), "secret");
        write(&folder.path().join("spec/main.vspec"), "main");
        let link = folder.path().join("spec/link.vspec");
        std::os::unix::fs::symlink(folder.path().join("secret.vspec"), link).expect("a link");
        let package = Package::of(&folder.path().join("spec/main.vspec"), None);
        assert!(package.read(Path::new("link.vspec")).is_err());
    }
}
