//! A pass over sequences: item after item, with states that are reset where a sequence begins.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use vspec_data::Batch;
use vspec_engine::{HostTensor, Inputs};
use vspec_ir::{OutputKind, SequencePart, Sequences, Variable};

use crate::executor::{Executor, Ran};
use crate::gathered::Gathered;
use crate::means::Means;
use crate::observer::{Event, Observer, Row, RowKind};
use crate::reports::Table;
use crate::tally::Tally;
use crate::{SpanKind, TrainError, variables};

/// What a step has reported so far.
struct Follower {
    part: SequencePart,
    tally: Tally,
    names: Vec<String>,
    gathered: Gathered,
    /// Key and means of each sequence.
    each: Vec<(f64, Means)>,
}

impl Executor<'_> {
    /// Runs the steps of a pass over sequences; a row for each step that ran. `None` if the run was stopped on the way: states
    /// are then what they were before, so that the pass can be made again.
    pub(crate) fn sequences(
        &mut self,
        phase: &Sequences,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<(usize, Row)>>, TrainError> {
        let before = self.states(phase)?;
        let begun = Instant::now();
        let Some(followers) = self.follow(phase, observer)? else {
            self.put_back(before)?;
            return Ok(None);
        };
        let mut rows = vec![];
        for Follower { part, tally, names, gathered, each } in followers.into_iter().filter(Follower::ran) {
            let mut row = tally.row(RowKind::Evaluation, &self.clock);
            row.tables.push(table(&phase.field, &names, &each));
            self.finish(part.step, gathered, tally.batch(), &mut row)?;
            rows.push((part.step, row));
        }
        let set = self.setup.program.data.get(phase.data).map(|d| d.name.as_str()).unwrap_or_default();
        self.profile.iter().for_each(|profile| profile.stop(SpanKind::Pass, set, begun));
        Ok(Some(rows))
    }

    /// Every item of the data set in order.
    fn follow(
        &mut self,
        phase: &Sequences,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Follower>>, TrainError> {
        let program = self.setup.program;
        let set = program.data.get(phase.data).map(|d| d.name.clone()).unwrap_or_default();
        let failed = |message| TrainError::Data { set: set.clone(), message };
        let Some(source) = self.opened(phase.data) else { return Err(TrainError::NoBatches { set }) };
        let items = source.count().min(self.setup.max_steps.unwrap_or(u64::MAX));
        let mut followers: Vec<Follower> =
            phase.parts.iter().map(|part| Follower::new(part, &program.steps[part.step], items)).collect();
        followers.last().iter().for_each(|follower| observer.notify(&follower.tally.started()));
        let (mut current, mut seen) = (None, BTreeSet::new());
        let mut batches = source.epoch(0, 0);
        for number in 0..items {
            let begun = Instant::now();
            let batch = batches.next().unwrap_or_else(|| Err("it ended before its last item".to_string()));
            let batch = batch.map_err(failed)?;
            let key = batch.field(&phase.field).and_then(HostTensor::item);
            let key = key.ok_or_else(|| failed(format!("its items have no `{}`", phase.field)))?;
            let waited = begun.elapsed();
            let is_first = current != Some(key);
            if is_first {
                if !seen.insert(key.to_bits()) {
                    let message =
                        format!("{} {key} comes back after another: it is not in order", phase.field);
                    return Err(failed(message));
                }
                self.reset(phase)?;
                current = Some(key);
            }
            for follower in followers.iter_mut().filter(|f| f.part.on.contains(is_first)) {
                self.follow_one(follower, &batch, (number, key, waited), observer)?;
            }
            if self.is_stopped() {
                return Ok(None);
            }
        }
        Ok(Some(followers))
    }

    /// Runs one step on one item.
    fn follow_one(
        &mut self,
        follower: &mut Follower,
        batch: &Batch,
        (number, key, waited): (u64, f64, Duration),
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let step = &self.setup.program.steps[follower.part.step];
        let mut inputs = Inputs::new();
        for read in &step.batches {
            let fields = batch.fields.iter().filter(|(field, _)| read.fields.contains(field));
            inputs.extend(fields.map(|(field, tensor)| (format!("{}.{field}", read.name), tensor.clone())));
        }
        let mut ran = self.run_on(follower.part.step, inputs, number, (batch.items as u64, waited))?;
        follower.gathered.add(std::mem::take(&mut ran.rows));
        follower.add(key, &ran);
        let tally = &follower.tally;
        observer.notify(&Event::Iteration(tally.progress(&self.clock, &tally.reported())));
        Ok(())
    }

    /// Gives the states of the phase their first values.
    fn reset(&mut self, phase: &Sequences) -> Result<(), TrainError> {
        let all = self.setup.program.variables.iter();
        let reset: Vec<Variable> = all.filter(|v| phase.reset.contains(&v.path)).cloned().collect();
        variables::initialise(&reset, self.setup.session.as_mut(), self.setup.seed)
    }

    /// Every variable that the pass may change.
    fn states(&self, phase: &Sequences) -> Result<Vec<(String, HostTensor)>, TrainError> {
        let graphs = phase.parts.iter().flat_map(|part| self.setup.program.steps[part.step].all_graphs());
        let written = graphs.flat_map(|graph| graph.outputs()).filter(|o| o.kind == OutputKind::Write);
        let paths: BTreeSet<&str> =
            written.map(|o| &*o.name).chain(phase.reset.iter().map(|p| &**p)).collect();
        let read = paths.into_iter().map(|path| {
            let value = self.setup.session.read(path);
            Ok((
                path.to_string(),
                value.map_err(|error| TrainError::Initialise { path: path.to_string(), error })?,
            ))
        });
        read.collect()
    }

    fn put_back(&mut self, states: Vec<(String, HostTensor)>) -> Result<(), TrainError> {
        for (path, value) in states {
            let written = self.setup.session.write(&path, value);
            written.map_err(|error| TrainError::Initialise { path, error })?;
        }
        Ok(())
    }
}

impl Follower {
    fn new(part: &SequencePart, step: &vspec_ir::Step, items: u64) -> Follower {
        let names = step.batch_reports().into_iter().map(str::to_string).collect();
        let (tally, gathered) = (Tally::begin(step, items), Gathered::default());
        Follower { part: part.clone(), tally, names, gathered, each: vec![] }
    }

    fn ran(&self) -> bool {
        self.tally.batch() > 0
    }

    fn add(&mut self, key: f64, ran: &Ran) {
        self.tally.add(ran);
        if self.each.last().is_none_or(|(last, _)| *last != key) {
            self.each.push((key, Means::new(self.names.len())));
        }
        let value = |name: &String| ran.values.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        let values: Vec<Option<f64>> = self.names.iter().map(value).collect();
        if let Some((_, means)) = self.each.last_mut() {
            means.add(&values, ran.items);
        }
    }
}

/// A line for each sequence: its key, its items, and the mean of each report, which is no number where there was none.
fn table(field: &str, names: &[String], each: &[(f64, Means)]) -> Table {
    let column = |name: &str, values: Vec<f64>| (name.to_string(), values);
    let mut columns = vec![
        column(field, each.iter().map(|(key, _)| *key).collect()),
        column("items", each.iter().map(|(_, means)| means.items() as f64).collect()),
    ];
    for (i, name) in names.iter().enumerate() {
        let mean = |(_, means): &(f64, Means)| means.values()[i].unwrap_or(f64::NAN);
        columns.push(column(name, each.iter().map(mean).collect()));
    }
    Table { name: format!("per_{field}"), columns }
}
