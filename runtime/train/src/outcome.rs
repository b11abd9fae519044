//! What a run came to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exact;

/// Why a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The schedule is done.
    Completed,
    /// The given number of training iterations is done.
    Shortened,
    /// Someone asked it to stop.
    Interrupted,
}

/// The best value of the metric that decides which checkpoint is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Name of the step.
    pub step: String,
    /// Name of its report.
    pub report: String,
    /// The value.
    #[serde(with = "exact::number")]
    pub value: f64,
    /// Epochs that were done when it was reached.
    pub epoch: u64,
    /// Training iterations that were done when it was reached.
    pub iteration: u64,
}

/// A condition that a phase ended with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// `evaluate.accuracy`
    pub metric: String,
    /// Whether the bound is the smallest value allowed, rather than the largest.
    pub at_least: bool,
    /// The bound.
    #[serde(with = "exact::number")]
    pub bound: f64,
    /// The value at the end of the phase; none if nothing reported it.
    #[serde(with = "exact::maybe")]
    pub value: Option<f64>,
}

impl Expectation {
    /// Whether it holds. What is not a number holds nothing.
    pub fn holds(&self) -> bool {
        self.value.is_some_and(|v| if self.at_least { v >= self.bound } else { v <= self.bound })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.at_least { ">=" } else { "<=" };
        write!(f, "{} {sign} {}", self.metric, self.bound)
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why it is over.
    pub ended: Ended,
    /// The best value of the metric that decides, if there is one.
    pub best: Option<Best>,
    /// Every condition of the phases that came to their end.
    pub expectations: Vec<Expectation>,
    /// Epochs that are done.
    pub epochs: u64,
    /// Training iterations that are done.
    pub iterations: u64,
}

impl Outcome {
    /// Whether every expectation holds.
    pub fn is_as_expected(&self) -> bool {
        self.expectations.iter().all(Expectation::holds)
    }
}
