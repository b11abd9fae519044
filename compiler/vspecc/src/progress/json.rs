//! One JSON object a line, for programs.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use vspec_train::{Event, Observer, Progress, json_line};

use crate::console;

/// The shortest time between two objects about the same pass.
const PERIOD: Duration = Duration::from_millis(200);

/// Writes events to standard output, each with its kind under `event`.
#[derive(Default)]
pub(super) struct JsonLines {
    last: Option<Instant>,
}

impl JsonLines {
    fn iteration(&mut self, progress: &Progress<'_>) {
        if self.last.is_some_and(|at| at.elapsed() < PERIOD) {
            return;
        }
        self.last = Some(Instant::now());
        write(iteration(progress));
    }
}

impl Observer for JsonLines {
    fn notify(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { folder, params, clock } => {
                let (done, iterations) = (clock.iteration, clock.iterations);
                write(json!({
                    "event": "started",
                    "folder": folder,
                    "params": params,
                    "iteration": done,
                    "iterations": iterations,
                }));
            }
            Event::PassStarted { step, trains, batches } => {
                write(json!({"event": "pass", "step": step, "trains": trains, "batches": batches}));
            }
            Event::Iteration(progress) => self.iteration(progress),
            Event::Recorded(row) => {
                let mut object = json_line(row);
                object["event"] = json!("row");
                write(object);
            }
            Event::Warned { set, message } => {
                write(json!({"event": "warning", "data": set, "message": message}));
            }
            Event::KeptNone { message } => write(json!({"event": "warning", "message": message})),
            Event::EndedEarly { why } => write(json!({"event": "ended early", "why": why})),
            Event::Saved { kept, path } => {
                write(json!({"event": "saved", "checkpoint": kept.name(), "path": path}));
            }
        }
    }
}

fn iteration(progress: &Progress<'_>) -> Value {
    let values = progress.names.iter().cloned().zip(progress.means.iter().map(|m| json!(m)));
    let values: Map<String, Value> = values.collect();
    json!({
        "event": "iteration",
        "step": progress.step,
        "batch": progress.batch,
        "batches": progress.batches,
        "epoch": progress.epoch,
        "iteration": progress.iteration,
        "iterations": progress.iterations,
        "values": values,
        "items": progress.items,
        "seconds": progress.elapsed.as_secs_f64(),
        "data_seconds": progress.waited.as_secs_f64(),
    })
}

fn write(object: Value) {
    console::print(&format!("{object}\n"));
}
