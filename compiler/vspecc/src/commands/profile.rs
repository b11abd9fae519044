//! `vspecc run --profile`: where the time of a run went, as a trace and as a table.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use vspec_ir::Location;
use vspec_syntax::{FileId, Sources};
use vspec_train::{FileError, Profile, Span, SpanKind};

use crate::failure::CommandResult;

/// Rows of the table.
const SHOWN: usize = 12;

/// Makes sure that the file can be written, before hours of training.
pub(super) fn prepare(path: &Path) -> CommandResult<()> {
    File::create(path).map_err(FileError::at("create", path))?;
    Ok(())
}

/// Writes the trace and returns the table.
pub(super) fn finish(profile: &Profile, path: &Path, sources: &Sources) -> CommandResult<String> {
    let spans = profile.spans();
    fs::write(path, trace(&spans, sources).to_string()).map_err(FileError::at("write", path))?;
    Ok(table(&spans, sources))
}

/// In the format that Chrome and Perfetto read: complete events with microseconds.
fn trace(spans: &[Span], sources: &Sources) -> Value {
    let event = |span: &Span| {
        json!({
            "name": span.name,
            "cat": category(span.kind),
            "ph": "X",
            "ts": span.began.as_secs_f64() * 1e6,
            "dur": span.took.as_secs_f64() * 1e6,
            "pid": 1,
            "tid": 1,
            "args": { "line": line(span.location, sources), "module": span.scope },
        })
    };
    json!({ "traceEvents": spans.iter().map(event).collect::<Vec<_>>(), "displayTimeUnit": "ms" })
}

fn category(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Data => "data",
        SpanKind::Step => "step",
        SpanKind::Pass => "pass",
        SpanKind::Forward => "forward",
        SpanKind::Backward => "backward",
        SpanKind::Kernel => "kernel",
        SpanKind::File => "file",
    }
}

/// `tiny.vspec:12`
fn line(location: Option<Location>, sources: &Sources) -> Option<String> {
    let location = location?;
    let file = FileId(location.file);
    let name = &sources.get(file)?.name;
    Some(format!("{name}:{}", sources.line_column(file, location.start).0))
}

/// The ops or kernels that took longest, by what they are, which module asks for them, and where it does. The first of a loss's gradients contains the whole way
/// back, whose parts have rows of their own.
fn table(spans: &[Span], sources: &Sources) -> String {
    let mut rows: BTreeMap<(String, &str, String), (Duration, usize)> = BTreeMap::new();
    let is_work = |s: &&Span| match s.kind {
        SpanKind::Forward | SpanKind::Backward => s.name != "gradient",
        SpanKind::Kernel => true,
        SpanKind::Data | SpanKind::Step | SpanKind::Pass | SpanKind::File => false,
    };
    for span in spans.iter().filter(is_work) {
        let place = line(span.location, sources).unwrap_or_default();
        let place = span.scope.as_ref().map_or(place.clone(), |scope| format!("{scope} ({place})"));
        let row = rows.entry((span.name.clone(), category(span.kind), place)).or_default();
        row.0 += span.took;
        row.1 += 1;
    }
    let total: Duration = rows.values().map(|(took, _)| *took).sum();
    if total.is_zero() {
        return "the engine measures neither ops nor kernels".to_string();
    }
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(_, (took, _))| std::cmp::Reverse(*took));
    let mut lines = vec![format!("{:>6} {:>9} {:>6}  op", "share", "ms", "runs")];
    for ((name, way, place), (took, runs)) in rows.into_iter().take(SHOWN) {
        let share = 100.0 * took.as_secs_f64() / total.as_secs_f64();
        let (ms, way) = (took.as_secs_f64() * 1e3, if way == "backward" { " backward" } else { "" });
        lines.push(format!("{share:>5.1}% {ms:>9.1} {runs:>6}  {name}{way}  {place}"));
    }
    lines.join("\n")
}
