//! `vspecc bench`: how fast a step is.

use std::time::Duration;

use serde_json::json;
use vspec_engine::KernelTime;
use vspec_train::{Bench, DataFolder, Setup};

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

/// What was measured.
struct Figures {
    first: Duration,
    /// From the fastest to the slowest.
    times: Vec<Duration>,
    items: u64,
    /// Of the first run.
    reports: Vec<(String, f64)>,
    /// Most memory that the process held before the first run and after the last, bytes.
    memory: Option<(u64, u64)>,
    kernels: Vec<KernelTime>,
}

/// Runs a step and says how long it takes.
pub(super) fn bench(args: &BenchArgs) -> CommandResult {
    let program = &front::experiment(&args.file, &args.experiment, args.engine.name())?;
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
    let figures = figures(Bench::new(setup, step)?, args)?;
    if args.kernels && figures.kernels.is_empty() {
        console::error("this engine runs no kernels of plans: `--engine fused` does");
    }
    console::print(&if args.json { as_json(&figures) } else { as_text(&figures) });
    Ok(Exit::Fine)
}

fn figures(mut bench: Bench<'_>, args: &BenchArgs) -> CommandResult<Figures> {
    let before = peak_memory();
    let (first, reports) = bench.run()?;
    for _ in 0..WARM {
        bench.run()?;
    }
    if args.kernels {
        bench.measure();
    }
    let times: Result<Vec<Duration>, _> = (0..args.runs).map(|_| Ok(bench.run()?.0)).collect();
    let mut times: Vec<Duration> = times.map_err(|error: vspec_train::TrainError| error)?;
    times.sort_unstable();
    let memory = before.zip(peak_memory());
    Ok(Figures { first, times, items: bench.items(), reports, memory, kernels: bench.kernel_times() })
}

/// Most memory that this process has held, bytes; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

fn as_text(figures: &Figures) -> String {
    let (fastest, median) = summary(figures);
    let rate = figures.items as f64 / fastest.as_secs_f64();
    let mut lines = vec![
        format!("first    {}  (with its plan)", milliseconds(figures.first)),
        format!("fastest  {}  {} items/s", milliseconds(fastest), measured(rate)),
        format!("median   {}", milliseconds(median)),
    ];
    if let Some((before, after)) = figures.memory {
        let (own, all) = (after.saturating_sub(before) as f64 / 1e6, after as f64 / 1e6);
        lines.push(format!("memory   {own:.0} MB at most above the {:.0} MB before", all - own));
    }
    lines.extend(figures.reports.iter().map(|(name, value)| format!("{name}  {value}")));
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

/// The fastest run and the one in the middle.
fn summary(figures: &Figures) -> (Duration, Duration) {
    let at = |i: usize| figures.times.get(i).copied().unwrap_or_default();
    (at(0), at(figures.times.len() / 2))
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
    let (fastest, median) = summary(figures);
    let kernel = |kernel: &KernelTime| json!({ "kernel": kernel.title, "fastest": kernel.fastest.as_secs_f64(), "runs": kernel.runs });
    let text = json!({
        "first": figures.first.as_secs_f64(),
        "fastest": fastest.as_secs_f64(),
        "median": median.as_secs_f64(),
        "items": figures.items,
        "reports": figures.reports.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "memory_before": figures.memory.map(|(before, _)| before),
        "memory_peak": figures.memory.map(|(_, peak)| peak),
        "kernels": figures.kernels.iter().map(kernel).collect::<Vec<_>>(),
    });
    format!("{text:#}\n")
}
