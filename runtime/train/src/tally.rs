//! A pass in progress: its means, its time, and how to tell about it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vspec_ir::Step;

use crate::Clock;
use crate::executor::Ran;
use crate::means::Means;
use crate::observer::{Event, Progress, Row, RowKind};
use crate::reports::{Table, report_names};

/// A pass in progress. A checkpoint in the middle of one holds all but the times, which would make equal runs differ.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tally {
    step: String,
    trains: bool,
    names: Vec<String>,
    batches: u64,
    batch: u64,
    means: Means,
    #[serde(skip, default = "Instant::now")]
    begun: Instant,
    #[serde(skip)]
    waited: Duration,
    /// Tables of the last run of the step.
    #[serde(skip)]
    tables: Vec<Table>,
}

impl Tally {
    /// A pass of a number of batches that begins now.
    pub(crate) fn begin(step: &Step, batches: u64) -> Self {
        let names = report_names(&step.graph);
        let means = Means::new(names.len());
        let (begun, waited) = (Instant::now(), Duration::ZERO);
        let (step, trains) = (step.name.clone(), step.trains);
        Tally { step, trains, names, batches, batch: 0, means, begun, waited, tables: vec![] }
    }

    /// Adds what one run of the step gave.
    pub(crate) fn add(&mut self, ran: &Ran) {
        self.means.add(&ran.values, ran.items);
        self.batch += 1;
        self.waited += ran.waited;
        self.tables.clone_from(&ran.tables);
    }

    /// Runs of the step so far.
    pub(crate) fn batch(&self) -> u64 {
        self.batch
    }

    /// Means of the reports so far.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.means.values()
    }

    /// The message that it begins.
    pub(crate) fn started(&self) -> Event<'_> {
        Event::PassStarted { step: &self.step, trains: self.trains, batches: self.batches }
    }

    /// How far it is.
    pub(crate) fn progress<'t>(&'t self, clock: &Clock, means: &'t [f64]) -> Progress<'t> {
        Progress {
            step: &self.step,
            trains: self.trains,
            batch: self.batch,
            batches: self.batches,
            epoch: clock.epoch,
            iteration: clock.iteration,
            iterations: clock.iterations,
            names: &self.names,
            means,
            items: self.means.items(),
            elapsed: self.begun.elapsed(),
            waited: self.waited,
        }
    }

    /// What is recorded about it.
    pub(crate) fn row(&self, kind: RowKind, clock: &Clock) -> Row {
        Row {
            kind,
            step: self.step.clone(),
            epoch: clock.epoch,
            iteration: clock.iteration,
            items: self.means.items(),
            elapsed: self.begun.elapsed(),
            waited: self.waited,
            values: self.names.iter().cloned().zip(self.means.values()).collect(),
            // A window is a part of an epoch, whose tables its last iteration gives.
            tables: if kind == RowKind::Window { vec![] } else { self.tables.clone() },
        }
    }
}
