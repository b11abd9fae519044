//! Training: the whole schedule of an experiment.

mod run;
mod schedule;

use crate::batches::Feed;
use crate::executor::{Executor, Setup};
use crate::observer::Observer;
use crate::outcome::{Ended, Outcome};
use crate::{RunFolder, TrainError, plan};
use run::Run;

/// Training iterations between two rows of the metrics files.
const WINDOW: u64 = 50;

/// An experiment that is ready to run: variables have their first values, data sets are open. Nothing is written yet.
pub struct Trainer<'a> {
    executor: Executor<'a>,
    feeds: Vec<Option<Feed>>,
}

/// Why a schedule does not go on.
enum Halt {
    Ended(Ended),
    Failed(TrainError),
}

impl<E: Into<TrainError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Halt::Failed(error.into())
    }
}

impl<'a> Trainer<'a> {
    /// Opens the data sets of every step that the schedule runs and computes the first values of all variables.
    ///
    /// # Errors
    /// When a data set is missing or broken, or a variable cannot be initialised.
    pub fn new(setup: Setup<'a>) -> Result<Self, TrainError> {
        let program = setup.program;
        let mut executor = Executor::new(setup);
        let mut feeds: Vec<Option<Feed>> = program.steps.iter().map(|_| None).collect();
        for step in plan::scheduled_steps(&program.schedule) {
            executor.open(step)?;
            feeds[step] = Some(executor.feed(step)?);
        }
        executor.initialise()?;
        let lengths: Vec<u64> = feeds.iter().map(|f| f.as_ref().map_or(1, Feed::batches)).collect();
        executor.clock.iterations = plan::training_iterations(program, &lengths);
        Ok(Trainer { executor, feeds })
    }

    /// Runs the schedule to its end, or to where it is stopped; `last` is saved either way.
    ///
    /// # Errors
    /// When a step fails, a training step reports what is no finite number, or a file cannot be read or written. The
    /// checkpoints are those written before.
    pub fn run(self, folder: &'a RunFolder, observer: &'a mut dyn Observer) -> Result<Outcome, TrainError> {
        Run::new(self.executor, self.feeds, folder, observer)?.finish()
    }
}

#[cfg(test)]
mod tests;
