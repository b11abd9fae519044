//! Running a step again and again on the same batch, to see how fast it is.

use std::time::{Duration, Instant};

use vspec_engine::{HostTensor, Inputs, KernelTime};

use crate::executor::{Executor, Setup};
use crate::{Clock, TrainError, variables};

/// A step of an experiment with its first batch.
pub struct Bench<'a> {
    executor: Executor<'a>,
    step: usize,
    inputs: Inputs,
    items: u64,
    runs: u64,
}

impl<'a> Bench<'a> {
    /// Opens the data of a step, reads its first batch and gives the variables their first values.
    ///
    /// # Errors
    /// When a data set is missing or broken, or a variable cannot be initialised.
    pub fn new(setup: Setup<'a>, step: usize) -> Result<Self, TrainError> {
        let mut executor = Executor::new(setup);
        executor.open(step)?;
        executor.clock = Clock { iterations: 1, ..Clock::default() };
        let mut inputs = Inputs::new();
        let items = executor.feed(step)?.next(&mut inputs)?;
        executor.initialise()?;
        Ok(Bench { executor, step, inputs, items, runs: 0 })
    }

    /// Items of the batch.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Makes the plan of the step: how long it took. Without this the first run makes it.
    ///
    /// # Errors
    /// When the engine cannot make it.
    pub fn prepare(&mut self) -> Result<Duration, TrainError> {
        let inputs = self.inputs.clone();
        let begun = Instant::now();
        self.executor.prepare(self.step, inputs)?;
        Ok(begun.elapsed())
    }

    /// Runs the step once: how long it took, and its reports.
    ///
    /// # Errors
    /// When the engine cannot run it.
    pub fn run(&mut self) -> Result<(Duration, Vec<(String, f64)>), TrainError> {
        let inputs = self.inputs.clone();
        let begun = Instant::now();
        let ran = self.executor.run_on(self.step, inputs, self.runs, (self.items, Duration::ZERO))?;
        self.runs += 1;
        Ok((begun.elapsed(), ran.values))
    }

    /// Copies of all variables as they are now, by path.
    ///
    /// # Errors
    /// When the engine has no value of one.
    pub fn variables(&self) -> Result<Vec<(&str, HostTensor)>, TrainError> {
        variables::read_all(self.executor.setup.program, self.executor.setup.session.as_ref())
    }

    /// The fields of the batch, by name: `b.image`.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// From now on kernels are measured, if the engine can.
    pub fn measure(&mut self) {
        self.executor.setup.session.measure(true);
    }

    /// What the measured runs spent in each kernel.
    pub fn kernel_times(&self) -> Vec<KernelTime> {
        self.executor.setup.session.kernel_times()
    }
}
