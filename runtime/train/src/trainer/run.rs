//! A run in progress: iterations, rows, checkpoints.

use vspec_ir::{KeepBest, Metric, StopWhen, Unit};

use super::{Halt, WINDOW};
use crate::batches::Feed;
use crate::checkpoint::{self, Kept, Reached};
use crate::executor::Executor;
use crate::metrics::MetricsFiles;
use crate::observer::{Event, Observer, Row, RowKind};
use crate::outcome::{Best, Ended, Expectation, Outcome};
use crate::phase::StepsPhase;
use crate::tally::Tally;
use crate::{RunFolder, TrainError, variables};

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) executor: Executor<'a>,
    /// By step: where its data is.
    pub(super) feeds: Vec<Option<Feed>>,
    folder: &'a RunFolder,
    files: MetricsFiles,
    pub(super) observer: &'a mut dyn Observer,
    /// By step: how often it ran in a phase.
    runs: Vec<u64>,
    /// By step: the row of its last pass.
    latest: Vec<Option<Row>>,
    best: Option<Best>,
    expectations: Vec<Expectation>,
    /// Whether a step ran since `last` was written.
    unsaved: bool,
}

impl<'a> Run<'a> {
    /// A run at its beginning, with empty metrics files.
    pub(super) fn new(
        executor: Executor<'a>,
        feeds: Vec<Option<Feed>>,
        folder: &'a RunFolder,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let steps = executor.setup.program.steps.len();
        Ok(Run {
            files: MetricsFiles::create(folder, executor.setup.program)?,
            executor,
            feeds,
            folder,
            observer,
            runs: vec![0; steps],
            latest: vec![None; steps],
            best: None,
            expectations: vec![],
            unsaved: true,
        })
    }

    /// Runs the schedule to its end, or to where it is stopped.
    pub(super) fn finish(mut self) -> Result<Outcome, TrainError> {
        self.announce()?;
        let program = self.executor.setup.program;
        let ended = match self.phases(&program.schedule) {
            Ok(()) => Ended::Completed,
            Err(Halt::Ended(ended)) => ended,
            Err(Halt::Failed(error)) => {
                self.files.note(&format!("error: {error}"))?;
                return Err(error);
            }
        };
        if self.unsaved {
            self.save(Kept::Last)?;
        }
        self.files.note(&format!("ended: {ended:?}"))?;
        let clock = self.executor.clock;
        let (epochs, iterations) = (clock.epoch, clock.iteration);
        Ok(Outcome { ended, best: self.best, expectations: self.expectations, epochs, iterations })
    }

    fn announce(&mut self) -> Result<(), TrainError> {
        let params = variables::parameter_count(self.executor.setup.program);
        let iterations = self.executor.clock.iterations;
        self.files.note(&format!("{params} parameters, {iterations} training iterations"))?;
        self.observer.notify(&Event::Started { folder: self.folder.path(), params, iterations });
        Ok(())
    }

    /// Runs the phase's step once, moves the clock if it trains, and records a window now and then.
    pub(super) fn iterate(
        &mut self,
        step: usize,
        pass: &mut Tally<'a>,
        window: &mut Tally<'a>,
    ) -> Result<(), Halt> {
        let Some(feed) = &mut self.feeds[step] else { return Ok(()) };
        let ran = self.executor.run(step, feed, self.runs[step])?;
        self.runs[step] += 1;
        self.unsaved = true;
        let definition = &self.executor.setup.program.steps[step];
        if definition.trains {
            self.check_finite(step, &ran.values)?;
            self.executor.clock.iteration += 1;
        }
        pass.add(&ran);
        window.add(&ran);
        self.observer.notify(&Event::Iteration(pass.progress(&self.executor.clock, &pass.means())));
        if definition.trains && window.batch() == WINDOW {
            self.files.record(&window.row(RowKind::Window, &self.executor.clock))?;
            *window = Tally::begin(definition, 0);
        }
        Ok(())
    }

    fn check_finite(&self, step: usize, values: &[f64]) -> Result<(), TrainError> {
        let step = &self.executor.setup.program.steps[step];
        let names = crate::reports::report_names(&step.graph);
        match names.into_iter().zip(values).find(|(_, v)| !v.is_finite()) {
            None => Ok(()),
            Some((report, value)) => Err(TrainError::NonFinite {
                step: step.name.clone(),
                report,
                iteration: self.executor.clock.iteration,
                value: *value,
            }),
        }
    }

    /// Records a row as the latest of its step.
    pub(super) fn record(&mut self, step: usize, row: Row) -> Result<(), TrainError> {
        self.files.record(&row)?;
        self.observer.notify(&Event::Recorded(&row));
        self.latest[step] = Some(row);
        Ok(())
    }

    /// The last value of a metric.
    pub(super) fn value_of(&self, metric: &Metric) -> Option<f64> {
        let row = self.latest.get(metric.step)?.as_ref()?;
        row.values.iter().find(|(name, _)| *name == metric.name).map(|(_, value)| *value)
    }

    /// Keeps the current variables if the metric that decides is now better than ever.
    pub(super) fn consider_best(&mut self, keep: &KeepBest) -> Result<(), TrainError> {
        let Some(value) = self.value_of(&keep.metric).filter(|v| v.is_finite()) else { return Ok(()) };
        let before = self.best.as_ref().filter(|b| b.metric == keep.metric).map(|b| b.value);
        let better = before.is_none_or(|b| if keep.lowest { value < b } else { value > b });
        if better {
            let step = self.executor.setup.program.steps[keep.metric.step].name.clone();
            let epoch = self.executor.clock.epoch;
            self.best = Some(Best { metric: keep.metric.clone(), step, value, epoch });
            self.save(Kept::Best)?;
        }
        Ok(())
    }

    /// Writes a checkpoint of everything.
    pub(super) fn save(&mut self, kept: Kept) -> Result<(), TrainError> {
        let setup = &self.executor.setup;
        let tensors = variables::read_all(setup.program, setup.session.as_ref())?;
        let metric = self.best.as_ref().map(|b| (b.step.clone(), b.metric.name.clone(), b.value));
        let reached = Reached { clock: self.executor.clock, metric };
        let path = checkpoint::write(&self.folder.checkpoints(), kept, &tensors, &reached)?;
        self.files.note(&format!("saved {}", path.display()))?;
        self.observer.notify(&Event::Saved { kept, path: &path });
        if kept == Kept::Last {
            self.unsaved = false;
        }
        Ok(())
    }

    /// Writes down that a phase ends early.
    pub(super) fn note_stop(&mut self, stop: &StopWhen) -> Result<(), TrainError> {
        let step = &self.executor.setup.program.steps[stop.metric.step].name;
        let unit = match stop.unit {
            Unit::Epochs => "epochs",
            Unit::Iterations => "iterations",
        };
        let metric = &stop.metric.name;
        Ok(self
            .files
            .note(&format!("stopped: {step}.{metric} has not improved for {} {unit}", stop.count))?)
    }

    /// Writes down whether the expectations of a phase hold.
    pub(super) fn check_expectations(&mut self, phase: &StepsPhase<'_>) -> Result<(), TrainError> {
        for expect in phase.expect {
            let step = &self.executor.setup.program.steps[expect.metric.step].name;
            let expectation = Expectation {
                metric: format!("{step}.{}", expect.metric.name),
                at_least: expect.at_least,
                bound: expect.bound,
                value: self.value_of(&expect.metric),
            };
            let verdict = if expectation.holds() { "holds" } else { "does not hold" };
            self.files.note(&format!("expect {expectation}: {verdict}"))?;
            self.expectations.push(expectation);
        }
        Ok(())
    }
}
