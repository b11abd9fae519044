//! The files that a run leaves numbers in: `metrics.csv`, `metrics.jsonl`, `train.log` and events for TensorBoard.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use vspec_ir::Program;

use crate::tensorboard::EventFile;
use crate::{FileError, Row, RunFolder};

/// The open files of a run. Every line is written through at once, so that a killed run keeps what it had.
///
/// `metrics.csv` has a column `<step>/<report>` for every report of the experiment, whether it is ever filled or not, and no
/// times, so that equal runs leave equal files. The lines of `metrics.jsonl` carry the times as well.
#[derive(Debug)]
pub(crate) struct MetricsFiles {
    csv: Appended,
    jsonl: Appended,
    log: Appended,
    events: EventFile,
    /// Columns as step and report.
    columns: Vec<(String, String)>,
    started: Instant,
}

impl MetricsFiles {
    /// Opens the files with their first `rows` rows; what a run wrote after its checkpoint is cut off, since it comes again.
    /// The log keeps everything.
    pub(crate) fn open(folder: &RunFolder, program: &Program, rows: u64) -> Result<Self, FileError> {
        let file = |name: &str, lines| Appended::open(&folder.path().join(name), lines);
        let steps = program.steps.iter();
        let columns =
            steps.flat_map(|s| s.reports().into_iter().map(|report| (s.name.clone(), report.to_string())));
        // A file that has never had a row has to get a header.
        let mut files = MetricsFiles {
            csv: file("metrics.csv", if rows == 0 { 0 } else { rows + 1 })?,
            jsonl: file("metrics.jsonl", rows)?,
            log: file("train.log", u64::MAX)?,
            events: EventFile::open(folder.path(), rows)?,
            columns: columns.collect(),
            started: Instant::now(),
        };
        if rows == 0 {
            let names = files.columns.iter().map(|(step, report)| format!(",{step}/{report}"));
            let header = format!("kind,step,epoch,iteration,items{}", names.collect::<String>());
            files.csv.line(&header)?;
        }
        Ok(files)
    }

    /// Adds a row to all files.
    pub(crate) fn record(&mut self, row: &Row) -> Result<(), FileError> {
        self.csv.line(&self.csv_line(row))?;
        self.jsonl.line(&json_line(row).to_string())?;
        self.events.record(row)?;
        self.note(&sentence(row))
    }

    /// Adds a line to the log, after the seconds since the start.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), FileError> {
        self.log.line(&format!("[{:9.1} s] {text}", self.started.elapsed().as_secs_f64()))
    }

    fn csv_line(&self, row: &Row) -> String {
        let cell = |(step, report): &(String, String)| {
            let of_row = row.values.iter().find(|(name, _)| *step == row.step && name == report);
            of_row.map_or(",".to_string(), |(_, value)| format!(",{value}"))
        };
        let cells: String = self.columns.iter().map(cell).collect();
        format!("{},{},{},{},{}{cells}", row.kind.name(), row.step, row.epoch, row.iteration, row.items)
    }
}

/// A row as JSON; numbers that JSON lacks are `null`.
pub fn json_line(row: &Row) -> serde_json::Value {
    let values: serde_json::Map<String, serde_json::Value> =
        row.values.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "kind": row.kind.name(),
        "step": row.step,
        "epoch": row.epoch,
        "iteration": row.iteration,
        "items": row.items,
        "seconds": row.elapsed.as_secs_f64(),
        "data_seconds": row.waited.as_secs_f64(),
        "values": values,
    })
}

fn sentence(row: &Row) -> String {
    let values: String = row.values.iter().map(|(name, value)| format!(" {name} {value:.6}")).collect();
    format!("{} of {}, epoch {}, iteration {}:{values}", row.kind.name(), row.step, row.epoch, row.iteration)
}

/// A text file that only grows.
#[derive(Debug)]
struct Appended {
    file: File,
    path: std::path::PathBuf,
}

impl Appended {
    /// Opens a file with its first lines, or as many as it has; a last line that was not finished is none.
    fn open(path: &Path, lines: u64) -> Result<Self, FileError> {
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = opened.map_err(FileError::at("create", path))?;
        let cut = length_of_lines(&mut file, lines).and_then(|length| {
            file.set_len(length)?;
            file.seek(SeekFrom::Start(length))
        });
        cut.map_err(FileError::at("write", path))?;
        Ok(Appended { file, path: path.to_path_buf() })
    }

    fn line(&mut self, line: &str) -> Result<(), FileError> {
        // One write for each line: a reader never sees half of one.
        let written: io::Result<()> = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(FileError::at("write", &self.path))
    }
}

/// Bytes of the first lines of a file.
fn length_of_lines(file: &mut File, lines: u64) -> io::Result<u64> {
    let (mut length, mut reader, mut line) = (0, io::BufReader::new(file), vec![]);
    for _ in 0..lines {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            break;
        }
        length += read as u64;
    }
    Ok(length)
}
