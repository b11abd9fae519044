//! A pass in progress: its means, its time, and how to tell about it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vspec_ir::Step;

use crate::Clock;
use crate::executor::Ran;
use crate::means::Means;
use crate::observer::{Event, Progress, Row, RowKind};
use crate::reports::Table;

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
        let names: Vec<String> = step.batch_reports().into_iter().map(str::to_string).collect();
        let means = Means::new(names.len());
        let (begun, waited) = (Instant::now(), Duration::ZERO);
        let (step, trains) = (step.name.clone(), step.trains);
        Tally { step, trains, names, batches, batch: 0, means, begun, waited, tables: vec![] }
    }

    /// Adds what one run of the step gave.
    pub(crate) fn add(&mut self, ran: &Ran) {
        let value = |name: &String| ran.values.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let values: Vec<Option<f64>> = self.names.iter().map(value).collect();
        self.means.add(&values, ran.items);
        self.batch += 1;
        self.waited += ran.waited;
        self.tables.clone_from(&ran.tables);
    }

    /// Runs of the step so far.
    pub(crate) fn batch(&self) -> u64 {
        self.batch
    }

    /// Names and means of what was reported so far.
    pub(crate) fn reported(&self) -> (Vec<String>, Vec<f64>) {
        let means = self.names.iter().cloned().zip(self.means.values());
        means.filter_map(|(name, mean)| Some((name, mean?))).unzip()
    }

    /// The message that it begins.
    pub(crate) fn started(&self) -> Event<'_> {
        Event::PassStarted { step: &self.step, trains: self.trains, batches: self.batches }
    }

    /// How far it is.
    pub(crate) fn progress<'t>(
        &'t self,
        clock: &Clock,
        (names, means): &'t (Vec<String>, Vec<f64>),
    ) -> Progress<'t> {
        Progress {
            step: &self.step,
            trains: self.trains,
            batch: self.batch,
            batches: self.batches,
            epoch: clock.epoch,
            iteration: clock.iteration,
            iterations: clock.iterations,
            names,
            means,
            items: self.means.items(),
            elapsed: self.begun.elapsed(),
            waited: self.waited,
        }
    }

    /// What is recorded about it.
    pub(crate) fn row(&self, kind: RowKind, clock: &Clock) -> Row {
        let (names, means) = self.reported();
        Row {
            kind,
            step: self.step.clone(),
            epoch: clock.epoch,
            iteration: clock.iteration,
            items: self.means.items(),
            elapsed: self.begun.elapsed(),
            waited: self.waited,
            values: names.into_iter().zip(means).collect(),
            // A window is a part of an epoch, whose tables its last iteration gives.
            tables: if kind == RowKind::Window { vec![] } else { self.tables.clone() },
        }
    }
}
