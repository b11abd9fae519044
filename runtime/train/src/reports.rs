//! Reports: the numbers that a step records.

use vspec_engine::HostTensor;
use vspec_ir::{Graph, OutputKind};

/// Names of a graph's reports, in order.
pub fn report_names(graph: &Graph) -> Vec<String> {
    let reports = graph.outputs().iter().filter(|o| o.kind == OutputKind::Report);
    reports.map(|o| o.name.to_string()).collect()
}

/// The reports among what a session returned for a graph.
///
/// # Errors
/// The name of a report that is not a single number.
pub(crate) fn report_values(graph: &Graph, outputs: &[HostTensor]) -> Result<Vec<f64>, String> {
    let read = graph.outputs().iter().filter(|o| o.kind != OutputKind::Write);
    let reports = read.zip(outputs).filter(|(o, _)| o.kind == OutputKind::Report);
    reports.map(|(o, value)| value.item().ok_or_else(|| o.name.to_string())).collect()
}
