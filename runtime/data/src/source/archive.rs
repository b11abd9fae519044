//! Image folders inside a zip file, read without unpacking it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use zip::ZipArchive;
use zip::result::ZipError;

use super::folder::is_image;
use super::root::hint;
use super::{Info, Reader, Sample};
use crate::decode::decode;
use crate::error::DataError;

/// Bytes of the largest entry that is unpacked, whatever its header claims.
const MAX_ENTRY: u64 = 256 << 20;

/// Entries `<split>/<class>/<image>` of a zip file.
pub(super) struct Archive {
    path: PathBuf,
    zip: Mutex<ZipArchive<BufReader<File>>>,
    entries: Vec<Entry>,
    info: Info,
}

struct Entry {
    name: String,
    index: usize,
    label: i32,
}

impl Archive {
    /// Lists the images of a split.
    pub(super) fn open(path: &Path, split: &str) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|e| DataError::read(path, e))?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(path, &e))?;
        let (mut classes, mut splits) = (BTreeMap::<String, Vec<(String, usize)>>::new(), Vec::new());
        for index in 0..zip.len() {
            let Some(name) = zip.name_for_index(index) else { continue };
            let name = name.map_err(|e| broken(path, &e))?.into_owned();
            let Some((found, class)) = split_and_class(&name) else { continue };
            if found == split {
                classes.entry(class.to_string()).or_default().push((name, index));
            } else if splits.last().is_none_or(|s| s != found) {
                splits.push(found.to_string());
            }
        }
        splits.sort();
        splits.dedup();
        if classes.is_empty() {
            return Err(DataError::Missing { path: path.join(split), hint: hint(split, &splits) });
        }
        Ok(Self::from_classes(path, zip, classes))
    }

    fn from_classes(
        path: &Path,
        zip: ZipArchive<BufReader<File>>,
        classes: BTreeMap<String, Vec<(String, usize)>>,
    ) -> Self {
        let (mut entries, mut names) = (Vec::new(), Vec::new());
        for (class, mut files) in classes {
            files.sort();
            let label = names.len() as i32;
            entries.extend(files.into_iter().map(|(name, index)| Entry { name, index, label }));
            names.push(class);
        }
        let info = Info::named(names, entries.len());
        Archive { path: path.to_path_buf(), zip: Mutex::new(zip), entries, info }
    }

    fn unpack(&self, entry: &Entry) -> Result<Vec<u8>, DataError> {
        let error = |message: String| DataError::format(self.place(entry), message);
        let mut bytes = Vec::new();
        // The lock only guards the position in the file, which the next read sets anew.
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = zip.by_index(entry.index).map_err(|e| error(format!("cannot be unpacked: {e}")))?;
        let limited = Read::take(&mut file, MAX_ENTRY + 1).read_to_end(&mut bytes);
        limited.map_err(|e| error(format!("cannot be unpacked: {e}")))?;
        if bytes.len() as u64 > MAX_ENTRY {
            return Err(error(format!("unpacks to more than the {MAX_ENTRY} bytes that are allowed")));
        }
        Ok(bytes)
    }

    fn place(&self, entry: &Entry) -> String {
        format!("{}: {}", self.path.display(), entry.name)
    }
}

impl Reader for Archive {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let entry = &self.entries[index];
        let pixels = decode(&self.unpack(entry)?, &self.place(entry))?;
        Ok(Sample::labelled(pixels, entry.label))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok(self.entries[index].label)
    }

    fn describe(&self, index: usize) -> String {
        self.place(&self.entries[index])
    }
}

/// The split, which may be several folders deep, and the class of an entry that is a visible image.
fn split_and_class(name: &str) -> Option<(&str, &str)> {
    let (folders, file) = name.rsplit_once('/')?;
    let (split, class) = folders.rsplit_once('/')?;
    let visible = !file.starts_with('.') && !class.starts_with('.');
    (visible && is_image(Path::new(file))).then_some((split, class))
}

fn broken(path: &Path, error: &ZipError) -> DataError {
    DataError::format(path.display().to_string(), format!("is not a zip file that can be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_class_and_image() {
        assert_eq!(split_and_class("train/cat/1.JPG"), Some(("train", "cat")));
        assert_eq!(split_and_class("set/train/cat/1.png"), Some(("set/train", "cat")));
        for other in ["train/cat/", "1.jpg", "train/cat/readme.txt", "train/cat/._1.jpg", "train/.git/1.png"]
        {
            assert_eq!(split_and_class(other), None, "{other}");
        }
    }
}
