//! A folder for each class, plain or in a zip file.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::root::{below, entries, file_name, missing};
use super::{Info, Reader, Sample};
use crate::decode::{EXTENSIONS, decode};
use crate::error::DataError;

/// Opens `<folder>/<split>`, or the split in the one zip file of the folder.
pub(super) fn open(folder: &Path, split: &str, classes: Option<usize>) -> Result<Box<dyn Reader>, DataError> {
    let path = below(folder, split)?;
    let reader: Box<dyn Reader> = if path.is_dir() {
        Box::new(Folder::open(&path)?)
    } else {
        match zips(folder)?.as_slice() {
            [] => return Err(missing(path, |entry| entry.is_dir())),
            [zip] => Box::new(Archive::open(zip, split)?),
            several => return Err(ambiguous(folder, split, several)),
        }
    };
    check_classes(folder, split, reader.info().classes, classes)?;
    Ok(reader)
}

/// Whether a file name ends like that of an image.
pub fn is_image(name: &Path) -> bool {
    let extension = name.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn zips(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let is_zip = |p: &PathBuf| p.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip")) && p.is_file();
    Ok(entries(folder)?.into_iter().filter(is_zip).collect())
}

fn ambiguous(folder: &Path, split: &str, zips: &[PathBuf]) -> DataError {
    let names: Vec<String> = zips.iter().map(|z| file_name(z)).collect();
    let message =
        format!("has no folder `{split}` and {} zip files ({}); keep one", zips.len(), names.join(", "));
    DataError::format(folder.display().to_string(), message)
}

fn check_classes(folder: &Path, split: &str, found: usize, declared: Option<usize>) -> Result<(), DataError> {
    match declared {
        Some(declared) if declared != found => {
            Err(DataError::Classes { place: folder.join(split).display().to_string(), found, declared })
        }
        _ => Ok(()),
    }
}

/// Image files in folders.
struct Folder {
    files: Vec<(PathBuf, i32)>,
    info: Info,
}

impl Folder {
    fn open(split: &Path) -> Result<Self, DataError> {
        let (mut files, mut names) = (Vec::new(), Vec::new());
        for class in entries(split)?.into_iter().filter(|path| path.is_dir()) {
            let before = files.len();
            let label = names.len() as i32;
            files.extend(entries(&class)?.into_iter().filter(|f| is_image(f)).map(|f| (f, label)));
            if files.len() == before {
                return Err(empty(&class, "; each class folder needs some, remove it otherwise"));
            }
            names.push(file_name(&class));
        }
        if files.is_empty() {
            return Err(empty(split, "; expected `<class>/*.{jpg,png}` in it"));
        }
        let info = Info::named(names, files.len());
        Ok(Folder { files, info })
    }
}

fn empty(place: &Path, hint: &str) -> DataError {
    DataError::Empty { place: place.display().to_string(), hint: hint.to_string() }
}

impl Reader for Folder {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let (path, label) = &self.files[index];
        Ok(Sample::labelled(decode_file(path)?, *label))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok(self.files[index].1)
    }

    fn describe(&self, index: usize) -> String {
        self.files[index].0.display().to_string()
    }
}

/// Reads and decodes an image file.
pub(crate) fn decode_file(path: &Path) -> Result<crate::pixels::Pixels, DataError> {
    let bytes = fs::read(path).map_err(|e| DataError::read(path, e))?;
    decode(&bytes, &path.display().to_string())
}
