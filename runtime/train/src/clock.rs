//! The run clock: what a specification sees as `epoch`, `iteration` and `progress`.

use serde::{Deserialize, Serialize};
use vspec_engine::HostTensor;
use vspec_ir::{CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS};

/// Counts what is done. Only training moves it; an evaluation pass sees the values between two iterations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Clock {
    /// Epochs that are done.
    pub epoch: u64,
    /// Training iterations that are done.
    pub iteration: u64,
    /// Training iterations of the whole run.
    pub iterations: u64,
}

impl Clock {
    /// The value of a clock input; none if the name is not one of the clock's.
    pub(crate) fn input(&self, name: &str) -> Option<HostTensor> {
        let value = match name {
            CLOCK_EPOCH => self.epoch as f32,
            CLOCK_ITERATION => self.iteration as f32,
            CLOCK_PROGRESS => self.progress() as f32,
            _ => return None,
        };
        Some(HostTensor::scalar(value))
    }

    /// Share of the training iterations that is done.
    pub fn progress(&self) -> f64 {
        match self.iterations {
            0 => 0.0,
            all => self.iteration as f64 / all as f64,
        }
    }
}
