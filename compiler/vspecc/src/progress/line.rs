//! The words that a bar and a plain line share.

use std::path::Path;
use std::time::{Duration, Instant};

use vspec_train::{Clock, Progress, Row, RowKind};

use crate::numbers::{duration, grouped, measured};

/// `300,000 parameters, 640 iterations, runs/shapes/001`
pub(super) fn started(params: u64, clock: &Clock, folder: &Path) -> String {
    let done = match clock.iteration {
        0 => String::new(),
        done => format!(" ({} done)", grouped(done)),
    };
    let (params, iterations) = (grouped(params), grouped(clock.iterations));
    format!("{params} parameters, {iterations} iterations{done}, {}", folder.display())
}

/// `warning: data set train: coco.json: annotations[3] (id 17): has no `bbox`; it is left out`
pub(super) fn warned(set: &str, message: &str) -> String {
    format!("warning: data set {set}: {message}")
}

/// `` warning: `evaluate.loss` was never a finite number, so that no best checkpoint was kept ``
pub(super) fn warned_of_run(message: &str) -> String {
    format!("warning: {message}")
}

/// `          ends here: evaluate.accuracy has not improved for 5 epochs`
pub(super) fn ended_early(why: &str) -> String {
    format!("          ends here: {why}")
}

/// `loss 1.2031  accuracy 0.6123`
pub(super) fn reports<'a>(values: impl Iterator<Item = (&'a str, f64)>) -> String {
    let parts: Vec<String> = values.map(|(name, value)| format!("{name} {}", measured(value))).collect();
    parts.join("  ")
}

/// Reports of a pass so far.
pub(super) fn reports_so_far(progress: &Progress<'_>) -> String {
    reports(progress.names.iter().map(String::as_str).zip(progress.means.iter().copied()))
}

/// `train    epoch 3  loss 1.2031  accuracy 0.6123  (512 items/s, data 3 %, 8.2 s)`
pub(super) fn row(row: &Row) -> String {
    let values = reports(row.values.iter().map(|(name, value)| (name.as_str(), *value)));
    let when = match row.kind {
        RowKind::Part => format!("iteration {}", row.iteration),
        _ => format!("epoch {}", row.epoch),
    };
    let speed = speed(row.items, row.elapsed, row.waited);
    format!("{:<9} {when:<8}  {values}  ({speed}, {})", row.step, duration(row.elapsed))
}

/// `512 items/s, data 3 %`: how fast, and the share of the time spent waiting for data.
pub(super) fn speed(items: u64, elapsed: Duration, waited: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let share = 100.0 * waited.as_secs_f64() / seconds;
    format!("{:.0} items/s, data {share:.0} %", items as f64 / seconds)
}

/// When a run began, and how many iterations were done before.
pub(super) struct Begun {
    at: Instant,
    done: u64,
}

impl Begun {
    /// A run that begins now.
    pub(super) fn now(clock: &Clock) -> Self {
        Begun { at: Instant::now(), done: clock.iteration }
    }
}

/// The time that the rest of the run will take if it goes on as since it began.
pub(super) fn remaining(progress: &Progress<'_>, begun: &Begun) -> Option<String> {
    let left = progress.iterations.checked_sub(progress.iteration)?;
    let done = progress.iteration.checked_sub(begun.done)?;
    let each = begun.at.elapsed().checked_div(u32::try_from(done).ok()?)?;
    Some(format!("eta {}", duration(each.checked_mul(u32::try_from(left).ok()?)?)))
}
