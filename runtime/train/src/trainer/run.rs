//! A run in progress: iterations, rows, checkpoints.

use std::path::PathBuf;
use std::time::Instant;

use vspec_engine::HostTensor;
use vspec_ir::{Expect, KeepBest, Steps, StopWhen, Unit, Until};

use super::{Halt, Trainer, WINDOW};
use crate::batches::Feed;
use crate::cadence::Cadence;
use crate::checkpoint::{self, Kept, Series};
use crate::executor::Executor;
use crate::metrics::MetricsFiles;
use crate::observer::{Event, Observer, Row, RowKind};
use crate::outcome::{Best, Ended, Expectation, Outcome};
use crate::state::RunState;
use crate::tally::Tally;
use crate::{RunFolder, SpanKind, TrainError, tables, variables};

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) executor: Executor<'a>,
    /// By step: where its data is.
    pub(super) feeds: Vec<Option<Feed>>,
    folder: &'a RunFolder,
    files: MetricsFiles,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) state: RunState,
    cadence: Cadence,
    /// Whether something happened since `last` was written.
    unsaved: bool,
    /// Whether the limit is reached. What is evaluated after it shows that everything works; another run that goes on from
    /// here shall not know of it.
    past_limit: bool,
}

impl<'a> Run<'a> {
    /// A run at its beginning or where its checkpoint left it.
    pub(super) fn new(
        trainer: Trainer<'a>,
        folder: &'a RunFolder,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let Trainer { executor, feeds, state, cadence } = trainer;
        let files = MetricsFiles::open(folder, executor.setup.program, state.rows)?;
        let (unsaved, past_limit) = (true, false);
        let mut run = Run { files, executor, feeds, folder, observer, state, cadence, unsaved, past_limit };
        run.past_limit = run.limit_reached();
        if !run.state.newest.is_empty() {
            run.keep_newest()?;
        }
        Ok(run)
    }

    /// Runs the schedule to its end, or to where it is stopped.
    pub(super) fn finish(mut self) -> Result<Outcome, TrainError> {
        self.announce()?;
        let program = self.executor.setup.program;
        let ended = match self.phases(&program.schedule, 0) {
            Ok(()) => Ended::Completed,
            Err(Halt::Ended(ended)) => ended,
            Err(Halt::Failed(error)) => return self.noted(Err(error)),
        };
        self.state.finished = ended == Ended::Completed;
        if self.unsaved || self.state.finished {
            let saved = self.save(Kept::Last);
            self.noted(saved)?;
        }
        self.files.note(&format!("ended: {ended:?}"))?;
        let clock = self.executor.clock;
        let (epochs, iterations) = (clock.epoch, clock.iteration);
        let best = self.state.best.into_iter().next();
        Ok(Outcome { ended, best, expectations: self.state.expectations, epochs, iterations })
    }

    /// Leaves an error that ends the run in the log, too.
    fn noted<T>(&mut self, result: Result<T, TrainError>) -> Result<T, TrainError> {
        if let Err(error) = &result {
            self.files.note(&format!("error: {error}"))?;
        }
        result
    }

    fn announce(&mut self) -> Result<(), TrainError> {
        let params = variables::parameter_count(self.executor.setup.program);
        let clock = self.executor.clock;
        self.files.note(&format!("{params} parameters, {} training iterations", clock.iterations))?;
        if clock.iteration > 0 {
            self.files.note(&format!("goes on after iteration {}", clock.iteration))?;
        }
        self.observer.notify(&Event::Started { folder: self.folder.path(), params, clock });
        self.warn()
    }

    /// Hands on what data sets say about themselves.
    fn warn(&mut self) -> Result<(), TrainError> {
        for (set, message) in self.executor.warnings() {
            self.files.note(&format!("warning, data set {set}: {message}"))?;
            self.observer.notify(&Event::Warned { set: &set, message: &message });
        }
        Ok(())
    }

    /// Runs the phase's step once, moves the clock if it trains, and records a window now and then.
    pub(super) fn iterate(&mut self, step: usize, pass: &mut Tally, level: usize) -> Result<(), Halt> {
        let Some(feed) = &mut self.feeds[step] else { return Ok(()) };
        let ran = self.executor.run(step, feed, self.state.steps[step].runs)?;
        self.state.steps[step].runs += 1;
        self.unsaved = true;
        let definition = &self.executor.setup.program.steps[step];
        if definition.trains {
            self.check_finite(step, &ran.values)?;
            self.executor.clock.iteration += 1;
        }
        pass.add(&ran);
        self.observer.notify(&Event::Iteration(pass.progress(&self.executor.clock, &pass.reported())));
        let window =
            self.state.position.steps[level].window.get_or_insert_with(|| Tally::begin(definition, 0));
        window.add(&ran);
        if definition.trains && window.batch() == WINDOW {
            let row = window.row(RowKind::Window, &self.executor.clock);
            *window = Tally::begin(definition, 0);
            self.state.rows += 1;
            self.files.record(&row)?;
        }
        Ok(())
    }

    fn check_finite(&self, step: usize, values: &[(String, f64)]) -> Result<(), TrainError> {
        match values.iter().find(|(_, v)| !v.is_finite()) {
            None => Ok(()),
            Some((report, value)) => Err(TrainError::NonFinite {
                step: self.executor.setup.program.steps[step].name.clone(),
                report: report.clone(),
                iteration: self.executor.clock.iteration,
                value: *value,
            }),
        }
    }

    /// Records a row as the latest of its step.
    pub(super) fn record(&mut self, step: usize, row: Row) -> Result<(), TrainError> {
        self.files.record(&row)?;
        tables::write(self.folder.path(), &row)?;
        self.warn()?;
        self.observer.notify(&Event::Recorded(&row));
        self.state.note(step, &row);
        self.unsaved = true;
        Ok(())
    }

    /// Keeps the current variables if the metric that decides is now better than ever.
    pub(super) fn consider_best(&mut self, keep: &KeepBest) -> Result<(), TrainError> {
        let value = self.state.value_of(&keep.metric).filter(|v| v.is_finite() && !self.past_limit);
        let Some(value) = value else { return Ok(()) };
        let step = self.executor.setup.program.steps[keep.metric.step].name.clone();
        let (report, clock) = (keep.metric.name.clone(), self.executor.clock);
        let best = Best { step, report, value, epoch: clock.epoch, iteration: clock.iteration };
        match self.state.place_among_best(best, keep) {
            None => Ok(()),
            Some(_) if keep.count > 1 => self.save_among_best(clock.iteration),
            Some(_) => self.save(Kept::Best),
        }
    }

    /// Writes a checkpoint into the series of the best, and gives the best of them its name.
    fn save_among_best(&mut self, iteration: u64) -> Result<(), TrainError> {
        let path = self.write(&Series::Best.file_name(iteration))?;
        let kept: Vec<u64> = self.state.best.iter().map(|b| b.iteration).collect();
        Series::Best.tidy(&self.folder.checkpoints(), &kept)?;
        if kept.first() == Some(&iteration) {
            checkpoint::name_also(&path, &Kept::Best.file_name())?;
            self.observer.notify(&Event::Saved { kept: Kept::Best, path: &path });
        }
        Ok(())
    }

    /// Writes a checkpoint if its time has come, and at the limit, so that another run can go on from there.
    pub(super) fn save_if_due(&mut self, phase: &Steps, epoch_ended: bool) -> Result<(), TrainError> {
        let trains = self.executor.setup.program.steps[phase.step].trains;
        let at_limit = self.limit_reached();
        if trains && self.cadence.is_due(&self.executor.clock, epoch_ended) && !self.past_limit {
            self.save_in_series(phase.keep_last)?;
        } else if at_limit {
            self.save(Kept::Last)?;
        }
        self.past_limit |= at_limit;
        Ok(())
    }

    /// Writes a checkpoint and keeps it and the newest before it, so many in all.
    fn save_in_series(&mut self, count: u64) -> Result<(), TrainError> {
        if count > 0 {
            let too_many = (self.state.newest.len() as u64 + 1).saturating_sub(count);
            self.state.newest.drain(..usize::try_from(too_many).unwrap_or(usize::MAX));
            self.state.newest.push(self.executor.clock.iteration);
        }
        self.save(Kept::Last)?;
        if count > 0 { self.keep_newest() } else { Ok(()) }
    }

    /// Brings the series of the newest checkpoints up to date; after a run was killed, too, since that can happen between a
    /// checkpoint and this.
    fn keep_newest(&self) -> Result<(), TrainError> {
        let (newest, folder) = (&self.state.newest, self.folder.checkpoints());
        let iteration = self.state.clock.iteration;
        if newest.last() == Some(&iteration) {
            checkpoint::name_also(
                &folder.join(Kept::Last.file_name()),
                &Series::Newest.file_name(iteration),
            )?;
        }
        Ok(Series::Newest.tidy(&folder, newest)?)
    }

    /// Writes a checkpoint of everything.
    fn save(&mut self, kept: Kept) -> Result<(), TrainError> {
        if self.past_limit {
            return Ok(());
        }
        let path = self.write(&kept.file_name())?;
        self.observer.notify(&Event::Saved { kept, path: &path });
        if kept == Kept::Last {
            self.unsaved = false;
        }
        Ok(())
    }

    /// Writes the variables and the state into a file.
    fn write(&mut self, name: &str) -> Result<PathBuf, TrainError> {
        let begun = Instant::now();
        let places = self.feeds.iter().map(|f| f.as_ref().map(Feed::places).unwrap_or_default());
        for (step, streams) in self.state.steps.iter_mut().zip(places) {
            step.streams = streams;
        }
        self.state.clock = self.executor.clock;
        let setup = &self.executor.setup;
        let tensors = variables::read_all(setup.program, setup.session.as_ref())?;
        self.check_parameters(&tensors)?;
        let path = self.folder.checkpoints().join(name);
        checkpoint::write(&path, &tensors, &self.state)?;
        self.executor.profile.iter().for_each(|profile| profile.stop(SpanKind::File, name, begun));
        self.files.note(&format!("saved {}", path.display()))?;
        Ok(path)
    }

    /// No checkpoint holds parameters that nothing can go on from: an update may be the first thing to go wrong, and no loss sees the
    /// last one.
    fn check_parameters(&self, values: &[(&str, HostTensor)]) -> Result<(), TrainError> {
        let iteration = self.executor.clock.iteration;
        match variables::not_finite(self.executor.setup.program, values).filter(|_| iteration > 0) {
            None => Ok(()),
            Some((path, value)) => {
                Err(TrainError::NonFiniteParameter { path: path.to_string(), iteration, value })
            }
        }
    }

    /// Says that a phase that keeps the best had nothing to keep.
    pub(super) fn check_best(&mut self, keep: &KeepBest) -> Result<(), TrainError> {
        let step = &self.executor.setup.program.steps[keep.metric.step].name;
        if self.state.best.iter().any(|best| best.step == *step && best.report == keep.metric.name) {
            return Ok(());
        }
        let what = match self.state.value_of(&keep.metric) {
            Some(_) => "was never a finite number",
            None => "was never reported",
        };
        let message = format!("`{step}.{}` {what}, so that no best checkpoint was kept", keep.metric.name);
        self.observer.notify(&Event::KeptNone { message: &message });
        Ok(self.files.note(&format!("warning: {message}"))?)
    }

    /// Writes down that a phase ends early.
    pub(super) fn note_stop(&mut self, stop: &StopWhen) -> Result<(), TrainError> {
        let step = &self.executor.setup.program.steps[stop.metric.step].name;
        let unit = match stop.unit {
            Unit::Epochs => "epochs",
            Unit::Iterations => "iterations",
        };
        let metric = &stop.metric.name;
        let why = format!("{step}.{metric} has not improved for {} {unit}", stop.count);
        self.observer.notify(&Event::EndedEarly { why: &why });
        Ok(self.files.note(&format!("stopped: {why}"))?)
    }

    /// Writes down that a repetition ends before its last round.
    pub(super) fn note_until(&mut self, until: &Until, rounds: u64) -> Result<(), TrainError> {
        let step = &self.executor.setup.program.steps[until.metric.step].name;
        let what = if until.change { "changes by no more than" } else { "has reached" };
        let why = format!("{step}.{} {what} {} after {rounds} rounds", until.metric.name, until.bound);
        self.observer.notify(&Event::EndedEarly { why: &why });
        Ok(self.files.note(&format!("stopped: {why}"))?)
    }

    /// Writes down whether the expectations of a phase hold.
    pub(super) fn check_expectations(&mut self, expected: &[Expect]) -> Result<(), TrainError> {
        for expect in expected {
            let step = &self.executor.setup.program.steps[expect.metric.step].name;
            let expectation = Expectation {
                metric: format!("{step}.{}", expect.metric.name),
                at_least: expect.at_least,
                bound: expect.bound,
                value: self.state.value_of(&expect.metric),
            };
            let verdict = if expectation.holds() { "holds" } else { "does not hold" };
            self.files.note(&format!("expect {expectation}: {verdict}"))?;
            self.state.expectations.push(expectation);
        }
        Ok(())
    }
}
