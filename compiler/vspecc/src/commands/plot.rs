//! `vspecc plot`: draws the metrics of runs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use vspec_train::{FileError, reason};

use super::choice;
use crate::cli::PlotArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::plot::{Drawing, Options, RunTable, layout};

/// The numbers of a run.
const METRICS: &str = "metrics.csv";

/// Draws and says where.
pub(super) fn plot(args: &PlotArgs) -> CommandResult {
    let output = output(args);
    let format = format(&output)?;
    let files: Vec<PathBuf> = args.runs.iter().map(|run| metrics_of(run)).collect();
    let names = short_names(&files);
    let tables = files.iter().zip(names).map(|(file, name)| read(file, &name));
    let tables: Vec<RunTable> = tables.collect::<CommandResult<_>>()?;
    check_reports(&args.report, &tables)?;
    let options = Options { reports: args.report.clone(), log: args.log };
    let drawing = layout(&tables, &options).ok_or_else(|| nothing(args))?;
    write(&drawing, &output, format)?;
    console::print(&format!("{}\n", output.display()));
    Ok(Exit::Fine)
}

/// Draws the metrics of a run into its folder, as SVG and as PNG; nothing where nothing is recorded yet.
pub(crate) fn plot_run(folder: &Path) -> CommandResult<()> {
    let table = read(&folder.join(METRICS), "")?;
    let Some(drawing) = layout(&[table], &Options::default()) else { return Ok(()) };
    write(&drawing, &folder.join("metrics.svg"), Format::Svg)?;
    write(&drawing, &folder.join("metrics.png"), Format::Png)
}

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Png,
}

fn format(output: &Path) -> CommandResult<Format> {
    match output.extension().and_then(OsStr::to_str) {
        Some("svg") => Ok(Format::Svg),
        Some("png") => Ok(Format::Png),
        _ => Err(Failure::input(format!("`{}` is neither an .svg nor a .png file", output.display()))),
    }
}

fn output(args: &PlotArgs) -> PathBuf {
    match (&args.output, args.runs.as_slice()) {
        (Some(path), _) => path.clone(),
        (None, [only]) => metrics_of(only).with_extension("svg"),
        (None, _) => PathBuf::from("comparison.svg"),
    }
}

fn metrics_of(run: &Path) -> PathBuf {
    if run.is_dir() { run.join(METRICS) } else { run.to_path_buf() }
}

fn read(file: &Path, name: &str) -> CommandResult<RunTable> {
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::input(format!("cannot read `{}`: {}", file.display(), reason(&error)))
            .hint("name run folders: runs/shapes/001")
    })?;
    RunTable::read(name, &text).map_err(|message| Failure::input(format!("`{}`: {message}", file.display())))
}

/// Paths of the runs without what all of them begin with.
fn short_names(files: &[PathBuf]) -> Vec<String> {
    let folders = files.iter().map(|file| match file.file_name() {
        Some(name) if name == METRICS => file.parent().unwrap_or(file),
        _ => file.as_path(),
    });
    let parts: Vec<Vec<&OsStr>> = folders.map(|folder| folder.iter().collect()).collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let same = |i: &usize| parts.iter().all(|p| p[*i] == parts[0][*i]);
    let common = (0..shortest.saturating_sub(1)).take_while(same).count();
    let name = |parts: &Vec<&OsStr>| parts[common..].iter().collect::<PathBuf>().display().to_string();
    parts.iter().map(name).collect()
}

fn check_reports(wanted: &[String], tables: &[RunTable]) -> CommandResult<()> {
    let mut known: Vec<&str> = tables.iter().flat_map(|t| &t.curves).map(|c| c.report.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(choice::unknown("report", name, &known)),
    }
}

fn nothing(args: &PlotArgs) -> Failure {
    let failure = Failure::input("there is nothing to draw");
    match args.log {
        true => failure.hint("a logarithmic scale shows positive values only"),
        false => failure.hint("a run records its first row after 50 steps or an epoch"),
    }
}

fn write(drawing: &Drawing, path: &Path, format: Format) -> CommandResult<()> {
    let bytes = match format {
        Format::Svg => drawing.svg().into_bytes(),
        Format::Png => drawing.png().map_err(|e| Failure::input(format!("cannot draw: {e}")))?,
    };
    Ok(fs::write(path, bytes).map_err(FileError::at("write", path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_what_tells_them_apart() {
        let names = |files: &[&str]| short_names(&files.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(names(&["runs/a/001/metrics.csv", "runs/a/002/metrics.csv"]), ["001", "002"]);
        assert_eq!(names(&["runs/a/001/metrics.csv", "runs/b/001/metrics.csv"]), ["a/001", "b/001"]);
        assert_eq!(names(&["runs/a/001/metrics.csv"]), ["001"]);
        assert_eq!(names(&["x.csv", "runs/001/metrics.csv"]), ["x.csv", "runs/001"]);
    }
}
