//! Recorded tables: `tables/<step>/<name>/<iteration>.csv` in the folder of a run.

use std::fs;
use std::path::Path;

use crate::atomic::replace_file;
use crate::{FileError, Row};

/// Writes the tables of a row. A run that goes on from a checkpoint writes the same files again.
pub(crate) fn write(folder: &Path, row: &Row) -> Result<(), FileError> {
    for table in &row.tables {
        let folder = folder.join("tables").join(&row.step).join(&table.name);
        fs::create_dir_all(&folder).map_err(FileError::at("create", &folder))?;
        replace_file(&folder.join(format!("{:06}.csv", row.iteration)), csv(&table.columns).as_bytes())?;
    }
    Ok(())
}

/// A line of names, then a line for each row.
fn csv(columns: &[(String, Vec<f64>)]) -> String {
    let line = |cells: Vec<String>| format!("{}\n", cells.join(","));
    let rows = columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let cell = |values: &Vec<f64>, i: usize| values.get(i).map(f64::to_string).unwrap_or_default();
    let mut text = line(columns.iter().map(|(name, _)| name.clone()).collect());
    text.extend((0..rows).map(|i| line(columns.iter().map(|(_, values)| cell(values, i)).collect())));
    text
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let columns = [("s".to_string(), vec![0.0, 0.5]), ("w".to_string(), vec![1.0, f64::INFINITY])];
        assert_eq!(csv(&columns), "s,w\n0,1\n0.5,inf\n");
    }
}
