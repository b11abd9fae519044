//! The binary form of CIFAR-10 and CIFAR-100: records of one or two label bytes and three 32x32 planes.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::root::{entries, file_name};
use super::{Info, Reader, Sample};
use crate::error::DataError;
use crate::pixels::Pixels;

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;

/// What differs between the two sets.
struct Layout {
    classes: usize,
    /// Folder inside the published archive.
    folder: &'static str,
    /// Label bytes of a record; the last one counts.
    labels: usize,
    names: &'static str,
}

const CIFAR_10: Layout =
    Layout { classes: 10, folder: "cifar-10-batches-bin", labels: 1, names: "batches.meta.txt" };
const CIFAR_100: Layout =
    Layout { classes: 100, folder: "cifar-100-binary", labels: 2, names: "fine_label_names.txt" };

impl Layout {
    fn record(&self) -> usize {
        self.labels + 3 * PLANE
    }

    /// Whether a file belongs to a split.
    fn holds(&self, file: &str, split: &str) -> bool {
        match (self.classes, split) {
            (10, "train") => file.starts_with("data_batch_") && file.ends_with(".bin"),
            (10, "test") => file == "test_batch.bin",
            _ => file.strip_suffix(".bin") == Some(split),
        }
    }
}

/// Binary batches, read record by record.
pub(super) struct Cifar {
    layout: &'static Layout,
    files: Vec<Batches>,
    info: Info,
}

struct Batches {
    path: PathBuf,
    file: Mutex<File>,
    /// Number of items in the files before.
    first: usize,
    records: usize,
}

impl Cifar {
    /// Finds the batches of a split, in the folder or in the one that the published archive unpacks to.
    pub(super) fn open(folder: &Path, split: &str, classes: usize) -> Result<Self, DataError> {
        let layout = match classes {
            10 => &CIFAR_10,
            100 => &CIFAR_100,
            _ => {
                let message = format!("is read as CIFAR with 10 or 100 classes, not {classes}");
                return Err(DataError::format(folder.display().to_string(), message));
            }
        };
        if split != "train" && split != "test" {
            let message = format!("has the splits `train` and `test`, not `{split}`");
            return Err(DataError::format(folder.display().to_string(), message));
        }
        let inner = folder.join(layout.folder);
        let folder = if inner.is_dir() { &inner } else { folder };
        let paths = entries(folder)?.into_iter().filter(|p| layout.holds(&file_name(p), split));
        let (mut files, mut items) = (Vec::new(), 0);
        for path in paths {
            let file = Batches::open(path, items, layout)?;
            items += file.records;
            files.push(file);
        }
        if items == 0 {
            let hint = "; expected `data_batch_1.bin`, `test_batch.bin` (10 classes) or `train.bin`, `test.bin` (100)";
            return Err(DataError::Empty { place: folder.display().to_string(), hint: hint.to_string() });
        }
        let info = Info { classes, class_names: names(folder, layout), items };
        Ok(Cifar { layout, files, info })
    }

    /// The file of an item and its record in it.
    fn locate(&self, index: usize) -> (&Batches, usize) {
        let after = self.files.partition_point(|f| f.first <= index);
        let file = &self.files[after - 1];
        (file, index - file.first)
    }
}

/// Names of the classes, if the file with them lies beside the batches.
fn names(folder: &Path, layout: &Layout) -> Vec<String> {
    let text = fs::read_to_string(folder.join(layout.names)).unwrap_or_default();
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(String::from).collect();
    if names.len() == layout.classes { names } else { vec![] }
}

impl Batches {
    fn open(path: PathBuf, first: usize, layout: &Layout) -> Result<Self, DataError> {
        let read = |e| DataError::read(&path, e);
        let file = File::open(&path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let record = layout.record() as u64;
        if length % record != 0 {
            let message =
                format!("has {length} bytes, which is not a multiple of {record}: download it again");
            return Err(DataError::format(path.display().to_string(), message));
        }
        Ok(Batches { file: Mutex::new(file), first, records: (length / record) as usize, path })
    }

    fn record(&self, record: usize, layout: &Layout) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; layout.record()];
        // The lock only guards the position in the file, which is set anew each time.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let start = SeekFrom::Start((record * layout.record()) as u64);
        file.seek(start)
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| DataError::read(&self.path, e))?;
        Ok(bytes)
    }
}

impl Reader for Cifar {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let (file, record) = self.locate(index);
        let bytes = file.record(record, self.layout)?;
        let (labels, planes) = bytes.split_at(self.layout.labels);
        let label = labels[self.layout.labels - 1];
        if usize::from(label) >= self.info.classes {
            let message = format!("has label {label}, but only {} classes", self.info.classes);
            return Err(DataError::format(self.describe(index), message));
        }
        let rgb = (0..PLANE).flat_map(|i| [planes[i], planes[PLANE + i], planes[2 * PLANE + i]]).collect();
        Ok(Sample::labelled(Pixels { height: SIDE, width: SIDE, rgb }, i32::from(label)))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok(self.read(index)?.label)
    }

    fn describe(&self, index: usize) -> String {
        let (file, record) = self.locate(index);
        format!("{}: record {record}", file.path.display())
    }
}
