//! Event files for TensorBoard: the rows of a run as scalars.
//!
//! A file is a sequence of records, of which the first says what the others are. Each record is an `Event` message of
//! TensorFlow's `event.proto`.

mod event;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{FileError, Row, RowKind};

/// What the names of event files begin with; TensorBoard looks for it.
const PREFIX: &str = "events.out.tfevents.";

/// The event file of a run, with one event for each row. Every event is written through at once.
#[derive(Debug)]
pub(crate) struct EventFile {
    file: File,
    path: PathBuf,
}

impl EventFile {
    /// Opens the file of a folder with the events of its first `rows` rows and the first one, which says what the file is. A
    /// run that begins gets a new one.
    pub(crate) fn open(folder: &Path, rows: u64) -> Result<Self, FileError> {
        let begun = now();
        let path =
            existing(folder).unwrap_or_else(|| folder.join(format!("{PREFIX}{:010}.vspec", begun as u64)));
        let kept = usize::try_from(rows).unwrap_or(usize::MAX).saturating_add(1);
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = opened.map_err(FileError::at("create", &path))?;
        let length = cut(&mut file, kept).map_err(FileError::at("write", &path))?;
        let mut events = EventFile { file, path };
        if length == 0 {
            events.append(&event::file_version(begun))?;
        }
        Ok(events)
    }

    /// Adds the event of a row.
    pub(crate) fn record(&mut self, row: &Row) -> Result<(), FileError> {
        self.append(&event::scalars(now(), row.iteration, &scalars(row)))
    }

    fn append(&mut self, event: &[u8]) -> Result<(), FileError> {
        self.file.write_all(&record::framed(event)).map_err(FileError::at("write", &self.path))
    }
}

/// What a row shows: its reports, `train/loss`, and where its time went. The rows of a few steps stand apart from those of
/// whole passes, which have the same names.
fn scalars(row: &Row) -> Vec<(String, f32)> {
    let group = if row.kind == RowKind::Window { "steps/" } else { "" };
    let reports =
        row.values.iter().map(|(name, value)| (format!("{group}{}/{name}", row.step), *value as f32));
    let times = [("seconds", row.elapsed), ("data_seconds", row.waited)];
    let times = times.map(|(name, time)| (format!("time/{group}{}/{name}", row.step), time.as_secs_f32()));
    reports.chain(times).collect()
}

/// Leaves a file its first records, or as many as are whole, and returns their length.
fn cut(file: &mut File, records: usize) -> io::Result<u64> {
    let mut bytes = vec![];
    file.read_to_end(&mut bytes)?;
    let length = record::lengths(&bytes).take(records).map(|length| length as u64).sum();
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length))
}

/// The newest event file of a folder.
fn existing(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_events =
        |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(PREFIX));
    entries.filter(is_events).max()
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(iteration: u64) -> Row {
        Row {
            kind: RowKind::Epoch,
            step: "train".to_string(),
            epoch: 1,
            iteration,
            items: 3,
            elapsed: Duration::from_millis(1500),
            waited: Duration::ZERO,
            values: vec![("loss".to_string(), 0.25)],
            tables: vec![],
        }
    }

    #[test]
    fn a_run_that_goes_on_keeps_the_events_of_its_rows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut events = EventFile::open(folder.path(), 0).expect("writable");
        for iteration in [10, 20, 30] {
            events.record(&row(iteration)).expect("writable");
        }
        let whole = fs::read(&events.path).expect("readable");
        // A killed process may leave half a record.
        fs::write(&events.path, &whole[..whole.len() - 3]).expect("writable");
        let mut again = EventFile::open(folder.path(), 1).expect("writable");
        assert_eq!(again.path, events.path);
        again.record(&row(20)).expect("writable");
        let bytes = fs::read(&again.path).expect("readable");
        let lengths: Vec<usize> = record::lengths(&bytes).collect();
        assert_eq!(lengths.len(), 3);
        assert_eq!(lengths.iter().sum::<usize>(), bytes.len());
        assert_eq!(bytes[..lengths[0] + lengths[1]], whole[..lengths[0] + lengths[1]]);
        drop(EventFile::open(folder.path(), 0).expect("writable"));
        assert_eq!(fs::read(&again.path).expect("readable"), whole[..lengths[0]]);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn steps_and_passes_have_names_of_their_own() {
        let names =
            |kind| scalars(&Row { kind, ..row(1) }).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(RowKind::Epoch), ["train/loss", "time/train/seconds", "time/train/data_seconds"]);
        assert_eq!(names(RowKind::Window)[..2], ["steps/train/loss", "time/steps/train/seconds"]);
    }
}
