//! The order of things: phases, epochs, and the steps that run now and then.
//!
//! Where the run is lies in its [position](crate::position::Position) and nowhere else: these functions find their way from
//! there, whether they have just begun or go on from a checkpoint.

use vspec_ir::{Phase, Sequences, Steps, Unit, Until};

use super::Halt;
use super::run::Run;
use crate::batches::Feed;
use crate::exact::Exact;
use crate::observer::RowKind;
use crate::outcome::Ended;
use crate::phase::StepsState;
use crate::position::Place;
use crate::tally::Tally;

impl Run<'_> {
    /// Runs phases one after the other. `depth` is the number of repetitions around them.
    pub(super) fn phases(&mut self, phases: &[Phase], depth: usize) -> Result<(), Halt> {
        if self.state.position.places.len() == depth {
            self.state.position.places.push(Place::default());
        }
        while let Some(phase) = phases.get(self.place(depth).phase) {
            match phase {
                Phase::Steps(steps) => self.steps(steps, 0)?,
                Phase::Sequences(sequences) => self.sequences(sequences)?,
                Phase::Repeat { count, until, phases } => {
                    self.repeat(*count, until.as_ref(), phases, depth)?;
                }
            }
            let phase = self.place(depth).phase + 1;
            *self.place(depth) = Place { phase, ..Place::default() };
        }
        self.state.position.places.truncate(depth);
        Ok(())
    }

    fn repeat(
        &mut self,
        count: u64,
        until: Option<&Until>,
        phases: &[Phase],
        depth: usize,
    ) -> Result<(), Halt> {
        while self.place(depth).round < count {
            self.phases(phases, depth + 1)?;
            self.place(depth).round += 1;
            if let Some(until) = until
                && self.is_reached(until, depth)
            {
                self.note_until(until, self.place_of(depth).round)?;
                break;
            }
        }
        Ok(())
    }

    /// Whether the condition of a repetition holds after a round; its metric is remembered for the next.
    fn is_reached(&mut self, until: &Until, depth: usize) -> bool {
        let value = self.state.value_of(&until.metric);
        let before = self.place(depth).before.map(|before| before.0);
        self.place(depth).before = value.map(Exact);
        until.holds(value, before)
    }

    fn place_of(&self, depth: usize) -> Place {
        self.state.position.places[depth]
    }

    fn place(&mut self, depth: usize) -> &mut Place {
        &mut self.state.position.places[depth]
    }

    /// How far the phase is; a step that trains beside the phase's own has a `level` of 1.
    fn at(&mut self, level: usize) -> &mut StepsState {
        &mut self.state.position.steps[level]
    }

    /// Runs a phase of one step with all that belongs to it.
    fn steps(&mut self, phase: &Steps, level: usize) -> Result<(), Halt> {
        if self.state.position.steps.len() == level {
            self.begin(phase);
        }
        loop {
            self.beside(phase, level)?;
            if self.at(level).ending {
                break;
            } else if self.at(level).is_over(phase) || self.limit_reached() {
                self.end(phase, level)?;
            } else if self.evaluates(phase) {
                self.evaluation(phase, level)?;
            } else {
                self.iteration(phase, level)?;
            }
        }
        if level == 0 && self.limit_reached() {
            return Err(Halt::Ended(Ended::Shortened));
        }
        if let Some(keep) = &phase.keep_best {
            self.check_best(keep)?;
        }
        self.check_expectations(&phase.expect)?;
        self.state.position.steps.truncate(level);
        Ok(())
    }

    fn begin(&mut self, phase: &Steps) {
        let step = &self.executor.setup.program.steps[phase.step];
        if let (Unit::Epochs, true, Some(feed)) = (phase.unit, step.trains, &mut self.feeds[phase.step]) {
            feed.leave_epoch();
        }
        self.state.position.steps.push(StepsState::begin(Tally::begin(step, 0)));
    }

    /// Closes a phase that has run long enough; what has to run at its end is due then.
    fn end(&mut self, phase: &Steps, level: usize) -> Result<(), Halt> {
        if let Some(pass) = self.at(level).pass.take() {
            self.record(phase.step, pass.row(RowKind::Part, &self.executor.clock))?;
        }
        if let Some(stop) = phase.stop_when.as_ref().filter(|_| self.at(level).is_in_vain(phase)) {
            self.note_stop(stop)?;
        }
        self.at(level).call_last(phase);
        Ok(())
    }

    /// Whether a phase consists of evaluation passes. A step that finishes passes is never run in any other way.
    fn evaluates(&self, phase: &Steps) -> bool {
        let step = &self.executor.setup.program.steps[phase.step];
        !step.trains && (phase.unit == Unit::Epochs || !step.finish.is_empty())
    }

    /// Evaluates once, in a phase that does nothing else.
    fn evaluation(&mut self, phase: &Steps, level: usize) -> Result<(), Halt> {
        self.evaluate(phase.step)?;
        let state = self.at(level);
        state.epochs += 1;
        state.iterations += 1;
        state.call(phase, true);
        self.judge(phase.step, phase, level)
    }

    /// Runs the phase's step once. Everything that follows from that is written into the position before a checkpoint is.
    fn iteration(&mut self, phase: &Steps, level: usize) -> Result<(), Halt> {
        let step = phase.step;
        let mut pass = match self.at(level).pass.take() {
            Some(pass) => pass,
            None => self.begin_pass(step),
        };
        self.iterate(step, &mut pass, level)?;
        let epoch_ended = self.feeds[step].as_ref().is_none_or(Feed::at_epoch_end);
        let state = self.at(level);
        state.iterations += 1;
        state.epochs += u64::from(epoch_ended);
        state.call(phase, epoch_ended);
        match epoch_ended {
            true => self.end_epoch(step, &pass)?,
            false => self.at(level).pass = Some(pass),
        }
        if epoch_ended {
            self.judge(step, phase, level)?;
        }
        self.save_if_due(phase, epoch_ended)?;
        self.stop_if_asked()
    }

    fn begin_pass(&mut self, step: usize) -> Tally {
        let batches = self.feeds[step].as_ref().map_or(1, Feed::batches);
        let tally = Tally::begin(&self.executor.setup.program.steps[step], batches);
        self.observer.notify(&tally.started());
        tally
    }

    fn end_epoch(&mut self, step: usize, pass: &Tally) -> Result<(), Halt> {
        if self.executor.setup.program.steps[step].trains {
            self.executor.clock.epoch += 1;
        }
        Ok(self.record(step, pass.row(RowKind::Epoch, &self.executor.clock))?)
    }

    /// Runs the steps that are due, each once over its data.
    fn beside(&mut self, phase: &Steps, level: usize) -> Result<(), Halt> {
        while let Some(step) = self.at(level).due.first().copied() {
            match self.executor.setup.program.steps[step].trains {
                true => self.steps(&Steps::new(step, 1, Unit::Epochs), level + 1)?,
                false => self.evaluate(step)?,
            }
            self.at(level).note_beside();
            self.judge(step, phase, level)?;
        }
        Ok(())
    }

    /// Looks at what a step has just reported: is it the best so far, has it stopped getting better?
    fn judge(&mut self, step: usize, phase: &Steps, level: usize) -> Result<(), Halt> {
        if let Some(stop) = phase.stop_when.as_ref().filter(|s| s.metric.step == step) {
            let value = self.state.value_of(&stop.metric).unwrap_or(f64::NAN);
            self.at(level).hear(phase, value);
        }
        match phase.keep_best.as_ref().filter(|k| k.metric.step == step) {
            Some(keep) => Ok(self.consider_best(keep)?),
            None => Ok(()),
        }
    }

    fn evaluate(&mut self, step: usize) -> Result<(), Halt> {
        match self.executor.pass(step, self.observer)? {
            Some(row) => Ok(self.record(step, row)?),
            None => Err(Halt::Ended(Ended::Interrupted)),
        }
    }

    /// One pass over sequences. If it is ended on the way, it begins anew when the run goes on.
    fn sequences(&mut self, phase: &Sequences) -> Result<(), Halt> {
        let Some(rows) = self.executor.sequences(phase, self.observer)? else {
            return Err(Halt::Ended(Ended::Interrupted));
        };
        for (step, row) in rows {
            self.record(step, row)?;
        }
        Ok(self.check_expectations(&phase.expect)?)
    }

    fn stop_if_asked(&self) -> Result<(), Halt> {
        if self.executor.is_stopped() { Err(Halt::Ended(Ended::Interrupted)) } else { Ok(()) }
    }

    /// Whether the run ends early here; a limit beyond the schedule is none.
    pub(super) fn limit_reached(&self) -> bool {
        let clock = &self.executor.clock;
        let limit = self.executor.setup.max_steps;
        limit.is_some_and(|limit| limit < clock.iterations && clock.iteration >= limit)
    }
}
