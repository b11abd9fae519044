//! Evaluating a saved network.

use std::path::Path;

use vspec_ir::{Phase, Sequences};

use crate::executor::{Executor, Setup};
use crate::observer::{Event, Observer, Row};
use crate::{TrainError, checkpoint};

/// Runs a step over all its data with the variables of a checkpoint: a file, or a run folder, of which the best is taken, else
/// the last. A step that a run over sequences has is run with the others of that run. One row for each step that ran; `None` if
/// the run was stopped on the way.
///
/// # Errors
/// When the checkpoint does not fit the experiment, a data set is missing or broken, or a step fails.
pub fn evaluate(
    setup: Setup<'_>,
    checkpoint: &Path,
    step: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<Row>>, TrainError> {
    let path = checkpoint::find(checkpoint)?;
    let mut executor = Executor::new(setup);
    executor.load(&path)?;
    executor.clock = checkpoint::read_state(&path)?.map(|state| state.clock).unwrap_or_default();
    executor.open(step)?;
    let rows = rows(&mut executor, step, observer);
    for (set, message) in executor.warnings() {
        observer.notify(&Event::Warned { set: &set, message: &message });
    }
    rows
}

/// What a step reports over its data.
fn rows(
    executor: &mut Executor<'_>,
    step: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<Row>>, TrainError> {
    let program = executor.setup.program;
    match over_sequences(&program.schedule, step) {
        Some(sequences) => {
            let rows = executor.sequences(sequences, observer)?;
            Ok(rows.map(|rows| rows.into_iter().map(|(_, row)| row).collect()))
        }
        None => Ok(executor.pass(step, observer)?.map(|row| vec![row])),
    }
}

/// The run over sequences that a step is part of.
fn over_sequences(phases: &[Phase], step: usize) -> Option<&Sequences> {
    phases.iter().find_map(|phase| match phase {
        Phase::Sequences(sequences) => {
            sequences.parts.iter().any(|part| part.step == step).then_some(sequences)
        }
        Phase::Repeat { phases, .. } => over_sequences(phases, step),
        Phase::Steps(_) => None,
    })
}
