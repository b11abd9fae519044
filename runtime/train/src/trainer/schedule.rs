//! The order of things: phases, epochs, and the steps that run now and then.

use vspec_ir::{Phase, Unit};

use super::Halt;
use super::run::Run;
use crate::batches::Feed;
use crate::checkpoint::Kept;
use crate::observer::RowKind;
use crate::outcome::Ended;
use crate::phase::StepsPhase;
use crate::tally::Tally;

impl<'a> Run<'a> {
    /// Runs phases one after the other.
    pub(super) fn phases(&mut self, phases: &'a [Phase]) -> Result<(), Halt> {
        for phase in phases {
            if let Phase::Repeat { count, phases } = phase {
                for _ in 0..*count {
                    self.phases(phases)?;
                }
            }
            if let Some(mut steps) = StepsPhase::of(phase) {
                self.steps(&mut steps)?;
            }
        }
        Ok(())
    }

    /// Runs a phase of one step with all that belongs to it.
    fn steps(&mut self, phase: &mut StepsPhase<'a>) -> Result<(), Halt> {
        if self.evaluates(phase) {
            self.evaluations(phase)?;
        } else {
            self.iterations(phase)?;
        }
        if let Some(stop) = phase.stop_when.filter(|_| phase.is_in_vain()) {
            self.note_stop(stop)?;
        }
        for step in phase.due_at_end() {
            self.beside(step, phase)?;
        }
        if self.limit_reached() {
            return Err(Halt::Ended(Ended::Shortened));
        }
        Ok(self.check_expectations(phase)?)
    }

    /// Whether a phase consists of evaluation passes.
    fn evaluates(&self, phase: &StepsPhase<'_>) -> bool {
        phase.unit == Unit::Epochs && !self.executor.setup.program.steps[phase.step].trains
    }

    fn evaluations(&mut self, phase: &mut StepsPhase<'a>) -> Result<(), Halt> {
        while !phase.is_done() {
            self.evaluate(phase.step)?;
            phase.epochs += 1;
            phase.iterations += 1;
            self.after_iteration(phase, true)?;
        }
        Ok(())
    }

    /// Runs the phase's step iteration by iteration.
    fn iterations(&mut self, phase: &mut StepsPhase<'a>) -> Result<(), Halt> {
        let step = phase.step;
        let definition = &self.executor.setup.program.steps[step];
        if let (Unit::Epochs, Some(feed)) = (phase.unit, &mut self.feeds[step]) {
            feed.leave_epoch();
        }
        let mut window = Tally::begin(definition, 0);
        let mut unfinished: Option<Tally<'a>> = None;
        while !phase.is_done() && !self.limit_reached() {
            let mut pass = match unfinished.take() {
                Some(pass) => pass,
                None => self.begin_pass(step),
            };
            self.iterate(step, &mut pass, &mut window)?;
            self.stop_if_asked()?;
            phase.iterations += 1;
            let epoch_ended = self.feeds[step].as_ref().is_none_or(Feed::at_epoch_end);
            if epoch_ended {
                phase.epochs += 1;
                self.end_epoch(phase, &pass)?;
            } else {
                unfinished = Some(pass);
            }
            self.after_iteration(phase, epoch_ended)?;
        }
        match unfinished {
            Some(pass) => Ok(self.record(step, pass.row(RowKind::Part, &self.executor.clock))?),
            None => Ok(()),
        }
    }

    fn begin_pass(&mut self, step: usize) -> Tally<'a> {
        let batches = self.feeds[step].as_ref().map_or(1, Feed::batches);
        let tally = Tally::begin(&self.executor.setup.program.steps[step], batches);
        self.observer.notify(&tally.started());
        tally
    }

    fn end_epoch(&mut self, phase: &StepsPhase<'a>, pass: &Tally<'a>) -> Result<(), Halt> {
        if self.executor.setup.program.steps[phase.step].trains {
            self.executor.clock.epoch += 1;
        }
        self.record(phase.step, pass.row(RowKind::Epoch, &self.executor.clock))?;
        // Saved before the evaluation, which may fail.
        Ok(self.save(Kept::Last)?)
    }

    /// What is due after an iteration: steps that run now and then, and a look at the metric that decides.
    fn after_iteration(&mut self, phase: &mut StepsPhase<'a>, epoch_ended: bool) -> Result<(), Halt> {
        for step in phase.due(epoch_ended) {
            self.beside(step, phase)?;
        }
        match epoch_ended {
            true => self.judge(phase.step, phase),
            false => Ok(()),
        }
    }

    /// Looks at what a step has just reported: is it the best so far, has it stopped getting better?
    fn judge(&mut self, step: usize, phase: &mut StepsPhase<'a>) -> Result<(), Halt> {
        if let Some(value) =
            phase.stop_when.filter(|s| s.metric.step == step).map(|s| self.value_of(&s.metric))
        {
            phase.hear(value.unwrap_or(f64::NAN));
        }
        match phase.keep_best.filter(|k| k.metric.step == step) {
            Some(keep) => Ok(self.consider_best(keep)?),
            None => Ok(()),
        }
    }

    /// Runs another step over its data, once.
    fn beside(&mut self, step: usize, phase: &mut StepsPhase<'a>) -> Result<(), Halt> {
        match self.executor.setup.program.steps[step].trains {
            true => self.iterations(&mut StepsPhase::bare(step, 1, Unit::Epochs))?,
            false => self.evaluate(step)?,
        }
        phase.note_beside(step);
        self.judge(step, phase)
    }

    fn evaluate(&mut self, step: usize) -> Result<(), Halt> {
        match self.executor.pass(step, self.observer)? {
            Some(row) => Ok(self.record(step, row)?),
            None => Err(Halt::Ended(Ended::Interrupted)),
        }
    }

    fn stop_if_asked(&self) -> Result<(), Halt> {
        if self.executor.is_stopped() { Err(Halt::Ended(Ended::Interrupted)) } else { Ok(()) }
    }

    /// Whether the run ends early here; a limit beyond the schedule is none.
    fn limit_reached(&self) -> bool {
        let clock = &self.executor.clock;
        self.executor
            .setup
            .max_steps
            .is_some_and(|limit| limit < clock.iterations && clock.iteration >= limit)
    }
}
