//! `vspecc bench`: how fast a step is.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use vspec_engine::{HostTensor, KernelTime};
use vspec_train::{Bench, DataFolder, FileError, Setup, TrainError, checkpoint};

use super::{choice, front};
use crate::cli::BenchArgs;
use crate::console;
use crate::failure::{CommandResult, Exit};
use crate::numbers::{duration, measured};
use crate::stop;

/// Runs after the first that are not counted: caches fill, memory is touched for the first time.
const WARM: u64 = 2;

/// Rows of the table of kernels.
const SHOWN: usize = 40;

/// Names and values of what a run reports.
type Reports = Vec<(String, f64)>;

/// What was measured.
struct Figures {
    /// From the text to graphs with their gradients.
    read: Duration,
    /// From a graph to a plan.
    plan: Duration,
    first: Duration,
    /// From the fastest to the slowest.
    times: Vec<Duration>,
    items: u64,
    /// Of the first run and of those that warm up.
    reports: Vec<Reports>,
    /// What the process held before the variables had values, and the most that it held from there on, bytes.
    memory: Option<(u64, u64)>,
    kernels: Vec<KernelTime>,
}

/// Runs a step and says how long it takes.
pub(super) fn bench(args: &BenchArgs) -> CommandResult {
    let begun = Instant::now();
    let program = &front::experiment(&args.file, &args.experiment, args.engine.name())?;
    let read = begun.elapsed();
    let step = choice::step(program, args.step.as_deref())?;
    let data = DataFolder { root: args.experiment.data.root.clone(), seed: args.seed };
    let setup = Setup {
        program,
        session: args.engine.open()?.session(),
        data: &data,
        seed: args.seed,
        stop: stop::flag(),
        max_steps: None,
    };
    let before = forget_peak();
    let figures = figures(Bench::new(setup, step)?, args, read, before)?;
    if args.kernels && figures.kernels.is_empty() {
        console::error("this engine runs no kernels of plans: `--engine fused` does");
    }
    console::print(&if args.json { as_json(&figures) } else { as_text(&figures) });
    Ok(Exit::Fine)
}

fn figures(
    mut bench: Bench<'_>,
    args: &BenchArgs,
    read: Duration,
    before: Option<u64>,
) -> CommandResult<Figures> {
    if let Some(folder) = &args.save {
        let batch = bench.inputs().iter().map(|(name, tensor)| (name.as_str(), tensor.clone()));
        save(folder, "before", bench.variables()?.into_iter().chain(batch).collect())?;
    }
    let plan = bench.prepare()?;
    let (first, reports) = bench.run()?;
    let mut reports = vec![reports];
    // Where none is timed, the first run is all that is wanted.
    for _ in 0..if args.runs > 0 { WARM } else { 0 } {
        reports.push(bench.run()?.1);
    }
    if args.kernels {
        bench.measure();
    }
    let times: Result<Vec<Duration>, TrainError> = (0..args.runs).map(|_| Ok(bench.run()?.0)).collect();
    let mut times = times?;
    times.sort_unstable();
    let memory = before.zip(peak_memory());
    if let Some(folder) = &args.save {
        save(folder, "after", bench.variables()?)?;
    }
    let (items, kernels) = (bench.items(), bench.kernel_times());
    Ok(Figures { read, plan, first, times, items, reports, memory, kernels })
}

/// Writes tensors into a file of a folder, which is made if it is missing.
fn save(folder: &Path, name: &str, tensors: Vec<(&str, HostTensor)>) -> CommandResult<()> {
    std::fs::create_dir_all(folder).map_err(FileError::at("create", folder))?;
    let path = folder.join(format!("{name}.safetensors"));
    Ok(checkpoint::write_tensors(&path, &tensors).map_err(TrainError::from)?)
}

/// Most memory that this process has held, bytes; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Lets the peak begin anew at what the process holds now, and gives that. Where the system cannot do so it is the peak so far.
fn forget_peak() -> Option<u64> {
    // 5 resets the peak: proc(5), `/proc/pid/clear_refs`.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    peak_memory()
}

fn as_text(figures: &Figures) -> String {
    let mut lines = vec![
        format!("read     {}", milliseconds(figures.read)),
        format!("plan     {}", milliseconds(figures.plan)),
        format!("first    {}", milliseconds(figures.first)),
    ];
    if let Some((fastest, median)) = summary(figures) {
        let rate = figures.items as f64 / fastest.as_secs_f64();
        lines.push(format!("fastest  {}  {} items/s", milliseconds(fastest), measured(rate)));
        lines.push(format!("median   {}", milliseconds(median)));
    }
    if let Some((before, after)) = figures.memory {
        let (own, all) = (after.saturating_sub(before) as f64 / 1e6, after as f64 / 1e6);
        lines.push(format!("memory   {own:.0} MB at most above the {:.0} MB before", all - own));
    }
    let first = figures.reports.iter().take(1).flatten();
    lines.extend(first.map(|(name, value)| format!("{name}  {value}")));
    if !figures.kernels.is_empty() {
        lines.extend(kernels(&figures.kernels));
    }
    lines.join("\n") + "\n"
}

fn milliseconds(time: Duration) -> String {
    match time.as_millis() {
        0..10_000 => format!("{:.2} ms", time.as_secs_f64() * 1e3),
        _ => duration(time),
    }
}

/// The fastest run and the one in the middle; nothing where none was timed.
fn summary(figures: &Figures) -> Option<(Duration, Duration)> {
    let times = &figures.times;
    times.first().copied().zip(times.get(times.len() / 2).copied())
}

/// The kernels whose fastest runs took longest.
fn kernels(kernels: &[KernelTime]) -> Vec<String> {
    let all: Duration = kernels.iter().map(|kernel| kernel.fastest).sum();
    let mut sorted: Vec<&KernelTime> = kernels.iter().collect();
    sorted.sort_by_key(|kernel| std::cmp::Reverse(kernel.fastest));
    let row = |kernel: &KernelTime| {
        let share = 100.0 * kernel.fastest.as_secs_f64() / all.as_secs_f64();
        format!("{share:>5.1}% {:>9.3}  {}", kernel.fastest.as_secs_f64() * 1e3, kernel.title)
    };
    let head = format!(
        "{:>6} {:>9}  kernel, of {} with {:.2} ms in all",
        "share",
        "ms",
        kernels.len(),
        all.as_secs_f64() * 1e3
    );
    std::iter::once(head).chain(sorted.into_iter().take(SHOWN).map(row)).collect()
}

fn as_json(figures: &Figures) -> String {
    let (fastest, median) = summary(figures).unzip();
    let kernel = |kernel: &KernelTime| json!({ "kernel": kernel.title, "fastest": kernel.fastest.as_secs_f64(), "runs": kernel.runs });
    let text = json!({
        "read": figures.read.as_secs_f64(),
        "plan": figures.plan.as_secs_f64(),
        "first": figures.first.as_secs_f64(),
        "fastest": fastest.map(|time| time.as_secs_f64()),
        "median": median.map(|time| time.as_secs_f64()),
        "items": figures.items,
        "reports": figures.reports.iter().map(|run| run.iter().cloned().collect()).collect::<Vec<BTreeMap<_, _>>>(),
        "memory_before": figures.memory.map(|(before, _)| before),
        "memory_peak": figures.memory.map(|(_, peak)| peak),
        "kernels": figures.kernels.iter().map(kernel).collect::<Vec<_>>(),
    });
    format!("{text:#}\n")
}
