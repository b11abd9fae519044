//! What a run of a step gives: numbers, columns of tables, and rows for the end of the pass.

use vspec_engine::HostTensor;
use vspec_ir::{Graph, OutputKind};

/// Columns of numbers under a name, such as `curves/negative`.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name: a path of plain words.
    pub name: String,
    /// Names of columns and their numbers, equally many in each.
    pub columns: Vec<(String, Vec<f64>)>,
}

/// What a session returned for a graph, by what it is for.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    /// Reports by name, in the order in which they are written.
    pub(crate) values: Vec<(String, f64)>,
    /// Tables, in the order in which they are written.
    pub(crate) tables: Vec<Table>,
    /// Rows to collect, by name.
    pub(crate) rows: Vec<(String, HostTensor)>,
}

/// Sorts what a session returned for a graph.
///
/// # Errors
/// The name of a report that is not a single number.
pub(crate) fn sort(graph: &Graph, outputs: Vec<HostTensor>) -> Result<Returned, String> {
    let read = graph.outputs().iter().filter(|o| o.kind != OutputKind::Write);
    let mut returned = Returned::default();
    for (output, tensor) in read.zip(outputs) {
        match output.kind {
            OutputKind::Report => {
                let name = output.name.to_string();
                let value = tensor.item().ok_or_else(|| name.clone())?;
                returned.values.push((name, value));
            }
            OutputKind::Column => add_column(&mut returned.tables, &output.name, tensor.to_f64()),
            OutputKind::Collect => returned.rows.push((output.name.to_string(), tensor)),
            OutputKind::Value | OutputKind::Write => {}
        }
    }
    Ok(returned)
}

fn add_column(tables: &mut Vec<Table>, name: &str, values: Vec<f64>) {
    let (table, column) = name.rsplit_once('/').unwrap_or(("table", name));
    let column = (column.to_string(), values);
    match tables.iter_mut().find(|t| t.name == table) {
        Some(table) => table.columns.push(column),
        None => tables.push(Table { name: table.to_string(), columns: vec![column] }),
    }
}
