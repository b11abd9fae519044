//! Running a step again and again on the same batch, to see how fast it is.

use std::time::{Duration, Instant};

use vspec_engine::{Inputs, KernelTime};

use crate::executor::{Executor, Setup};
use crate::{Clock, TrainError};

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

    /// From now on kernels are measured, if the engine can.
    pub fn measure(&mut self) {
        self.executor.setup.session.measure(true);
    }

    /// What the measured runs spent in each kernel.
    pub fn kernel_times(&self) -> Vec<KernelTime> {
        self.executor.setup.session.kernel_times()
    }
}
