//! How far a phase of one step is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vspec_ir::{Every, Steps, Unit};

use crate::patience::Patience;
use crate::tally::Tally;

/// How far a phase of one step is. Nothing else decides what comes next, so that a run can go on from a copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StepsState {
    /// Epochs of the step that are done.
    pub(crate) epochs: u64,
    /// Iterations of the step that are done.
    pub(crate) iterations: u64,
    /// Steps that have to run before anything else does.
    pub(crate) due: Vec<usize>,
    /// Whether only what is due is left.
    pub(crate) ending: bool,
    /// The epoch that was begun.
    pub(crate) pass: Option<Tally>,
    /// The last few iterations.
    pub(crate) window: Option<Tally>,
    /// For each step that ran beside: how many iterations were done when it did.
    ran_beside: BTreeMap<usize, u64>,
    /// How long ago the metric that ends the phase was better than ever.
    patience: Patience,
}

impl StepsState {
    /// The beginning of a phase, with a first window.
    pub(crate) fn begin(window: Tally) -> Self {
        StepsState { window: Some(window), ..StepsState::default() }
    }

    /// Whether the step has run as often as it should, or its metric has stopped getting better.
    pub(crate) fn is_over(&self, phase: &Steps) -> bool {
        self.done(phase.unit) >= phase.count || self.is_in_vain(phase)
    }

    /// Whether the metric that ends the phase early has not become better for too long.
    pub(crate) fn is_in_vain(&self, phase: &Steps) -> bool {
        let stop = phase.stop_when.as_ref();
        stop.is_some_and(|stop| self.patience.since(self.done(stop.unit)) >= stop.count)
    }

    /// Takes note of a new value of the metric that ends the phase early.
    pub(crate) fn hear(&mut self, phase: &Steps, value: f64) {
        if let Some(stop) = &phase.stop_when {
            let at = self.done(stop.unit);
            self.patience.hear(stop, value, at);
        }
    }

    fn done(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Epochs => self.epochs,
            Unit::Iterations => self.iterations,
        }
    }

    /// Makes the steps due that run now and then and whose time has come, in written order.
    pub(crate) fn call(&mut self, phase: &Steps, epoch_ended: bool) {
        let is_due = |every: &&Every| match every.unit {
            Unit::Epochs => epoch_ended && self.epochs.is_multiple_of(every.count.max(1)),
            Unit::Iterations => self.iterations.is_multiple_of(every.count.max(1)),
        };
        self.due = phase.every.iter().filter(is_due).map(|e| e.step).collect();
    }

    /// Makes the steps due that have to run at the end: all that run now and then and all whose metrics decide something,
    /// except those that ran after the last iteration already.
    pub(crate) fn call_last(&mut self, phase: &Steps) {
        let every = phase.every.iter().map(|e| e.step);
        let metrics = phase.keep_best.iter().map(|k| k.metric.step);
        let metrics = metrics.chain(phase.stop_when.iter().map(|s| s.metric.step));
        let metrics = metrics.chain(phase.expect.iter().map(|e| e.metric.step));
        self.due = vec![];
        for step in every.chain(metrics).filter(|s| *s != phase.step) {
            if self.ran_beside.get(&step) != Some(&self.iterations) && !self.due.contains(&step) {
                self.due.push(step);
            }
        }
        self.ending = true;
    }

    /// Remembers that the first of the steps that were due has run.
    pub(crate) fn note_beside(&mut self) {
        let step = self.due.remove(0);
        self.ran_beside.insert(step, self.iterations);
    }
}
