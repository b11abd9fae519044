//! Images named by a text file.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::decode_file;
use super::root::{below, missing};
use super::{Info, Reader, Sample};
use crate::error::DataError;

/// Items in the order of the list, `path label` or `path, label, ..` a line; blank lines are skipped.
///
/// Labels are whole numbers. A list may lack some of the declared classes, as a small validation split does.
pub(super) struct List {
    file: PathBuf,
    items: Vec<Item>,
    info: Info,
}

struct Item {
    path: PathBuf,
    label: i32,
    line: usize,
}

impl List {
    /// Reads the list `name` of a folder; paths in it are relative to the folder.
    pub(super) fn open(
        folder: &Path,
        name: &str,
        column: usize,
        classes: Option<usize>,
    ) -> Result<Self, DataError> {
        let file = below(folder, name)?;
        if !file.is_file() {
            return Err(missing(file, |entry| entry.is_file()));
        }
        let text = fs::read_to_string(&file).map_err(|e| DataError::read(&file, e))?;
        let mut items = Vec::new();
        for (i, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if !line.trim().is_empty() {
                let parsed =
                    item(folder, line, column).and_then(|(path, label)| in_range(path, label, classes));
                let (path, label) =
                    parsed.map_err(|message| DataError::List { file: file.clone(), line: i + 1, message })?;
                items.push(Item { path, label, line: i + 1 });
            }
        }
        let Some(largest) = items.iter().map(|i| i.label).max() else {
            let hint = "; expected `path label` or `path, label` a line".to_string();
            return Err(DataError::Empty { place: file.display().to_string(), hint });
        };
        let classes = classes.unwrap_or(largest as usize + 1);
        let info = Info { classes, class_names: vec![], items: items.len() };
        Ok(List { file, items, info })
    }
}

impl Reader for List {
    fn info(&self) -> &Info {
        &self.info
    }

    fn read(&self, index: usize) -> Result<Sample, DataError> {
        let item = &self.items[index];
        if !item.path.is_file() {
            let message = format!("`{}` does not exist", item.path.display());
            return Err(DataError::List { file: self.file.clone(), line: item.line, message });
        }
        Ok(Sample::labelled(decode_file(&item.path)?, item.label))
    }

    fn label(&self, index: usize) -> Result<i32, DataError> {
        Ok(self.items[index].label)
    }

    fn describe(&self, index: usize) -> String {
        self.items[index].path.display().to_string()
    }
}

/// Path and label of a line; the error is a sentence.
fn item(folder: &Path, line: &str, column: usize) -> Result<(PathBuf, i32), String> {
    let fields: Vec<&str> = if line.contains(',') {
        line.split(',').map(str::trim).collect()
    } else {
        line.split_whitespace().collect()
    };
    if column == 0 {
        return Err("column 0 is the path, so the label must be in column 1 or later".to_string());
    }
    let Some(label) = fields.get(column) else {
        return Err(format!(
            "no column {column} in `{}`; expected `path label` or `path, label`",
            line.trim()
        ));
    };
    let label = label.parse().ok().filter(|label| *label >= 0).ok_or_else(|| {
        format!("`{label}` in column {column} is not a label: a whole number from 0 (use commas if paths have spaces)")
    })?;
    let path = below(folder, fields[0]).map_err(|e| e.to_string())?;
    Ok((path, label))
}

fn in_range(path: PathBuf, label: i32, classes: Option<usize>) -> Result<(PathBuf, i32), String> {
    match classes {
        Some(n) if label as usize >= n => Err(format!(
            "label {label} is out of range: the specification says `classes = {n}`, labels from 0"
        )),
        _ if label == i32::MAX => Err(format!("label {label} is out of range")),
        _ => Ok((path, label)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, column: usize) -> Result<(PathBuf, i32), String> {
        item(Path::new("d"), line, column)
    }

    #[test]
    fn both_forms_of_a_line_are_read() {
        assert_eq!(parse("a/b.jpg 7", 1), Ok(("d/a/b.jpg".into(), 7)));
        assert_eq!(parse("a b/c.jpg, 3, 12\r", 2), Ok(("d/a b/c.jpg".into(), 12)));
    }

    #[test]
    fn what_is_no_label_is_said() {
        assert!(parse("a b.jpg 7", 1).unwrap_err().contains("`b.jpg` in column 1 is not a label"));
        assert!(parse("a.jpg -1", 1).unwrap_err().contains("from 0"));
        assert!(parse("a.jpg, 1", 2).unwrap_err().contains("no column 2"));
        assert!(parse("a.jpg, 1", 0).unwrap_err().contains("column 0 is the path"));
        assert!(parse("../a.jpg, 1", 1).unwrap_err().contains("without `..`"));
    }
}
