//! One phase of a schedule while it runs.

use std::collections::BTreeMap;

use vspec_ir::{Every, Expect, KeepBest, Phase, StopWhen, Unit};

use crate::patience::Patience;

/// What a phase of one step asks for, and how far it is.
pub(crate) struct StepsPhase<'p> {
    pub(crate) step: usize,
    pub(crate) count: u64,
    pub(crate) unit: Unit,
    pub(crate) every: &'p [Every],
    pub(crate) keep_best: Option<&'p KeepBest>,
    pub(crate) stop_when: Option<&'p StopWhen>,
    pub(crate) expect: &'p [Expect],
    /// Epochs of the step that are done.
    pub(crate) epochs: u64,
    /// Iterations of the step that are done.
    pub(crate) iterations: u64,
    /// For each step that ran beside: how many iterations were done when it did.
    ran_beside: BTreeMap<usize, u64>,
    /// How long ago the metric that ends the phase was better than ever.
    pub(crate) patience: Patience,
}

impl<'p> StepsPhase<'p> {
    /// A phase of steps at its beginning; `None` for a repetition.
    pub(crate) fn of(phase: &'p Phase) -> Option<Self> {
        let Phase::Steps(steps) = phase else { return None };
        let bare = StepsPhase::bare(steps.step, steps.count, steps.unit);
        let (keep_best, stop_when) = (steps.keep_best.as_ref(), steps.stop_when.as_ref());
        Some(StepsPhase { every: &steps.every, keep_best, stop_when, expect: &steps.expect, ..bare })
    }

    /// A phase that does nothing besides its step.
    pub(crate) fn bare(step: usize, count: u64, unit: Unit) -> Self {
        StepsPhase {
            step,
            count,
            unit,
            every: &[],
            keep_best: None,
            stop_when: None,
            expect: &[],
            epochs: 0,
            iterations: 0,
            ran_beside: BTreeMap::new(),
            patience: Patience::default(),
        }
    }

    /// Whether the step has run as often as it should, or its metric has stopped getting better.
    pub(crate) fn is_done(&self) -> bool {
        self.done(self.unit) >= self.count || self.is_in_vain()
    }

    /// Whether the metric that ends the phase early has not become better for too long.
    pub(crate) fn is_in_vain(&self) -> bool {
        self.stop_when.is_some_and(|stop| self.patience.since(self.done(stop.unit)) >= stop.count)
    }

    /// Takes note of a new value of the metric that ends the phase early.
    pub(crate) fn hear(&mut self, value: f64) {
        if let Some(stop) = self.stop_when {
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

    /// Steps that are due after an iteration, in written order.
    pub(crate) fn due(&self, epoch_ended: bool) -> Vec<usize> {
        let is_due = |every: &&Every| match every.unit {
            Unit::Epochs => epoch_ended && self.epochs.is_multiple_of(every.count.max(1)),
            Unit::Iterations => self.iterations.is_multiple_of(every.count.max(1)),
        };
        self.every.iter().filter(is_due).map(|e| e.step).collect()
    }

    /// Steps that have to run at the end: all that run now and then and all whose metrics decide something, except those that
    /// ran after the last iteration already.
    pub(crate) fn due_at_end(&self) -> Vec<usize> {
        let every = self.every.iter().map(|e| e.step);
        let metrics = self.keep_best.iter().map(|k| k.metric.step);
        let metrics = metrics.chain(self.stop_when.iter().map(|s| s.metric.step));
        let metrics = metrics.chain(self.expect.iter().map(|e| e.metric.step));
        let mut steps: Vec<usize> = vec![];
        for step in every.chain(metrics).filter(|s| *s != self.step) {
            if self.ran_beside.get(&step) != Some(&self.iterations) && !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    }

    /// Remembers that a step ran beside the phase's own.
    pub(crate) fn note_beside(&mut self, step: usize) {
        self.ran_beside.insert(step, self.iterations);
    }
}
