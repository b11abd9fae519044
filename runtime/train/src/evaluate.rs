//! Evaluating a saved network.

use std::path::Path;

use crate::executor::{Executor, Setup};
use crate::observer::{Observer, Row};
use crate::{TrainError, checkpoint};

/// Runs a step over all its data with the variables of a checkpoint: a file, or a run folder, of which the best is taken, else
/// the last. `None` if the run was stopped on the way.
///
/// # Errors
/// When the checkpoint does not fit the experiment, a data set is missing or broken, or the step fails.
pub fn evaluate(
    setup: Setup<'_>,
    checkpoint: &Path,
    step: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Row>, TrainError> {
    let path = checkpoint::find(checkpoint)?;
    let mut executor = Executor::new(setup);
    executor.load(&path)?;
    executor.clock = checkpoint::read_state(&path)?.map(|state| state.clock).unwrap_or_default();
    executor.open(step)?;
    executor.pass(step, observer)
}
