//! Training: the whole schedule of an experiment.

mod run;
mod schedule;

use std::path::Path;

use crate::batches::Feed;
use crate::cadence::Cadence;
use crate::checkpoint;
use crate::executor::{Executor, Setup};
use crate::observer::Observer;
use crate::outcome::{Ended, Outcome};
use crate::state::RunState;
use crate::weights::Weights;
use crate::{CheckpointError, Profile, RunFolder, TrainError, plan};
use run::Run;

/// Training iterations between two rows of the metrics files.
const WINDOW: u64 = 50;

/// An experiment that is ready to run: variables have their first values or those of a checkpoint, data sets are open.
/// Nothing is written yet.
pub struct Trainer<'a> {
    executor: Executor<'a>,
    /// By step: where its data is.
    feeds: Vec<Option<Feed>>,
    state: RunState,
    cadence: Cadence,
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
        let mut trainer = Trainer::open(setup)?;
        trainer.executor.initialise()?;
        Ok(trainer)
    }

    /// The same, as it was when a checkpoint was written: what is run from here on is what the run of the checkpoint would
    /// have run.
    ///
    /// # Errors
    /// When a data set is missing, broken or of another length, or the checkpoint is damaged, of another experiment or seed, or
    /// of a run that is finished.
    pub fn resume(setup: Setup<'a>, checkpoint: &Path) -> Result<Self, TrainError> {
        let path = checkpoint.to_path_buf();
        let wrong = |message| CheckpointError::Resume { path: path.clone(), message };
        let mut state = checkpoint::read_state(checkpoint)?
            .ok_or_else(|| wrong("it holds variables, and nothing about a run".to_string()))?;
        if let Some(message) = state.mismatch(setup.program, setup.seed) {
            return Err(wrong(message).into());
        }
        let mut trainer = Trainer::open(setup)?;
        for (feed, step) in trainer.feeds.iter_mut().zip(&state.steps) {
            if let Some(feed) = feed {
                feed.resume(&step.streams).map_err(wrong)?;
            }
        }
        trainer.executor.load(checkpoint)?;
        let iterations = trainer.executor.clock.iterations;
        trainer.executor.clock = crate::Clock { iterations, ..state.clock };
        state.classes = std::mem::take(&mut trainer.state.classes);
        Ok(Trainer { state, ..trainer })
    }

    /// Data sets are open, variables have no values.
    fn open(setup: Setup<'a>) -> Result<Self, TrainError> {
        let (program, seed) = (setup.program, setup.seed);
        let mut executor = Executor::new(setup);
        let mut feeds: Vec<Option<Feed>> = program.steps.iter().map(|_| None).collect();
        for step in plan::scheduled_steps(&program.schedule) {
            executor.open(step)?;
            feeds[step] = Some(executor.feed(step)?);
        }
        let lengths: Vec<u64> = feeds.iter().map(|f| f.as_ref().map_or(1, Feed::batches)).collect();
        executor.clock.iterations = plan::training_iterations(program, &lengths);
        let mut state = RunState::new(program, seed);
        state.classes = executor.classes();
        Ok(Trainer { executor, feeds, state, cadence: Cadence::default() })
    }

    /// With other first values of some variables.
    ///
    /// # Errors
    /// When the session does not take a value.
    pub fn starting_from(mut self, weights: Weights) -> Result<Self, TrainError> {
        for (path, value) in weights {
            let written = self.executor.setup.session.write(&path, value);
            written.map_err(|error| TrainError::Initialise { path, error })?;
        }
        Ok(self)
    }

    /// With a profile that collects where time goes.
    pub fn profiled(mut self, profile: &Profile) -> Self {
        self.executor.profile = Some(profile.clone());
        self
    }

    /// With another number of iterations or epochs between two checkpoints than one epoch.
    pub fn saving_every(self, cadence: Cadence) -> Self {
        Trainer { cadence, ..self }
    }

    /// Runs the schedule to its end, or to where it is stopped; `last` is saved either way.
    ///
    /// # Errors
    /// When a step fails, a training step reports what is no finite number, or a file cannot be read or written. The
    /// checkpoints are those written before.
    pub fn run(self, folder: &'a RunFolder, observer: &'a mut dyn Observer) -> Result<Outcome, TrainError> {
        Run::new(self, folder, observer)?.finish()
    }
}

#[cfg(test)]
mod tests;
