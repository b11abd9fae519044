//! Running one step of an experiment on an engine: inputs in, reports out.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vspec_data::Info;
use vspec_engine::{EngineError, HostTensor, Inputs, RunKey, Session, choose};
use vspec_ir::{CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS, Graph, Op, Program, Variant};

use crate::batches::{Batches, DataSource, Feed};
use crate::gathered::Gathered;
use crate::observer::{Event, Observer, Row, RowKind};
use crate::reports::{Returned, Table, sort};
use crate::splits::check_splits;
use crate::state::SetClasses;
use crate::tally::Tally;
use crate::{Clock, Profile, SpanKind, TrainError, checkpoint, variables};

/// What a run is made of.
pub struct Setup<'a> {
    /// The experiment.
    pub program: &'a Program,
    /// Where it computes; still without variables.
    pub session: Box<dyn Session>,
    /// Where its data sets come from.
    pub data: &'a dyn DataSource,
    /// Key of all randomness.
    pub seed: u64,
    /// Set from outside to end the run after the current step.
    pub stop: &'a AtomicBool,
    /// At most so many training iterations, and so many batches of an evaluation pass.
    pub max_steps: Option<u64>,
}

/// A session with the data and the clock that its steps need.
pub(crate) struct Executor<'a> {
    pub(crate) setup: Setup<'a>,
    pub(crate) clock: Clock,
    /// Where times go, if someone wants to know.
    pub(crate) profile: Option<Profile>,
    opened: Vec<Option<Rc<dyn Batches>>>,
}

/// What one run of a step gave.
pub(crate) struct Ran {
    /// Reports by name.
    pub(crate) values: Vec<(String, f64)>,
    pub(crate) tables: Vec<Table>,
    /// Rows for the end of the pass, by name.
    pub(crate) rows: Vec<(String, HostTensor)>,
    pub(crate) items: u64,
    pub(crate) waited: Duration,
}

impl<'a> Executor<'a> {
    pub(crate) fn new(setup: Setup<'a>) -> Self {
        let opened = setup.program.data.iter().map(|_| None).collect();
        Executor { setup, clock: Clock::default(), profile: None, opened }
    }

    /// Opens the data sets that a step reads.
    pub(crate) fn open(&mut self, step: usize) -> Result<(), TrainError> {
        let program = self.setup.program;
        for batch in &program.steps[step].batches {
            let (Some(set), Some(slot)) = (program.data.get(batch.data), self.opened.get_mut(batch.data))
            else {
                continue;
            };
            if slot.is_none() {
                let source = self.setup.data.open(set);
                *slot = Some(source.map_err(|message| TrainError::Data { set: set.name.clone(), message })?);
            }
        }
        check_splits(&program.data, &self.opened)
    }

    /// Warnings of the open data sets since the last call, with the names of the sets.
    pub(crate) fn warnings(&self) -> Vec<(String, String)> {
        let sets = self.setup.program.data.iter().zip(&self.opened);
        let of_set = |(set, opened): (&vspec_ir::DataSet, &Option<Rc<dyn Batches>>)| {
            let said = opened.as_ref().map(|o| o.warnings()).unwrap_or_default();
            said.into_iter().map(|message| (set.name.clone(), message)).collect::<Vec<_>>()
        };
        sets.flat_map(of_set).collect()
    }

    /// Classes and items of the open data sets, where they are known.
    pub(crate) fn classes(&self) -> Vec<SetClasses> {
        let sets = self.setup.program.data.iter().zip(&self.opened);
        let of_set = |(set, opened): (&vspec_ir::DataSet, &Option<Rc<dyn Batches>>)| {
            let Info { classes, class_names: names, items } = opened.as_ref()?.info()?;
            Some(SetClasses { source: SetClasses::key(&set.source), classes, items, names })
        };
        let mut all: Vec<SetClasses> = vec![];
        for classes in sets.filter_map(of_set) {
            if !all.contains(&classes) {
                all.push(classes);
            }
        }
        all
    }

    /// Gives every variable its first value.
    pub(crate) fn initialise(&mut self) -> Result<(), TrainError> {
        variables::initialise(&self.setup.program.variables, self.setup.session.as_mut(), self.setup.seed)
    }

    /// Takes the variables from a checkpoint.
    pub(crate) fn load(&mut self, path: &Path) -> Result<(), TrainError> {
        for (name, tensor) in checkpoint::read(path, &self.setup.program.variables)? {
            let written = self.setup.session.write(&name, tensor);
            written.map_err(|error| TrainError::Initialise { path: name, error })?;
        }
        Ok(())
    }

    /// A data set that is open.
    pub(crate) fn opened(&self, data: usize) -> Option<Rc<dyn Batches>> {
        self.opened.get(data).cloned().flatten()
    }

    /// Streams of a step whose data sets are open, at their beginning.
    pub(crate) fn feed(&self, step: usize) -> Result<Feed, TrainError> {
        Feed::new(self.setup.program, &self.setup.program.steps[step], &self.opened)
    }

    /// Whether someone wants the run to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.setup.stop.load(Ordering::Relaxed)
    }

    /// Runs a step once. `number` keys its randomness.
    pub(crate) fn run(&mut self, step: usize, feed: &mut Feed, number: u64) -> Result<Ran, TrainError> {
        let begun = Instant::now();
        let mut inputs = Inputs::new();
        let items = feed.next(&mut inputs)?;
        let name = &self.setup.program.steps[step].name;
        self.profile.iter().for_each(|profile| profile.stop(SpanKind::Data, name, begun));
        self.run_on(step, inputs, number, (items, begun.elapsed()))
    }

    /// Runs a step on inputs that are there. `fed` is the number of items in them, and how long it took to get them.
    pub(crate) fn run_on(
        &mut self,
        step: usize,
        mut inputs: Inputs,
        number: u64,
        (items, waited): (u64, Duration),
    ) -> Result<Ran, TrainError> {
        let step = &self.setup.program.steps[step];
        let key = RunKey { seed: self.setup.seed, step: number };
        let begun = Instant::now();
        if self.profile.is_some() {
            self.setup.session.measure(Profile::is_detailed(number));
        }
        let graph = self.chosen(&step.name, &step.graphs, &inputs)?;
        inputs.extend(self.clock_inputs(graph));
        let returned = self.compute(&step.name, graph, &inputs, key)?;
        if let Some(profile) = &self.profile {
            profile.nodes(graph, self.setup.session.measured());
            profile.kernels(self.setup.session.kernel_spans());
            profile.stop(SpanKind::Step, &step.name, begun);
        }
        let Returned { values, tables, rows } = returned;
        Ok(Ran { values, tables, rows, items, waited })
    }

    /// Lets the engine make what it needs for the graph of a step that is the one for these inputs.
    pub(crate) fn prepare(&mut self, step: usize, mut inputs: Inputs) -> Result<(), TrainError> {
        let step = &self.setup.program.steps[step];
        let graph = self.chosen(&step.name, &step.graphs, &inputs)?;
        inputs.extend(self.clock_inputs(graph));
        self.setup.session.prepare(graph, &inputs).map_err(|error| self.failed(&step.name, error))
    }

    /// The graph of a step that is the one for these inputs, now.
    fn chosen<'v>(
        &self,
        step: &str,
        variants: &'v [Variant],
        inputs: &Inputs,
    ) -> Result<&'v Graph, TrainError> {
        let clock = |name: &str| self.clock.input(name).and_then(|value| value.item());
        choose(variants, inputs, &clock).map_err(|error| self.failed(step, error))
    }

    fn failed(&self, step: &str, error: EngineError) -> TrainError {
        TrainError::Engine { step: step.to_string(), iteration: self.clock.iteration, error }
    }

    /// Runs a graph of a step, and sorts what comes back.
    fn compute(
        &mut self,
        step: &str,
        graph: &Graph,
        inputs: &Inputs,
        key: RunKey,
    ) -> Result<Returned, TrainError> {
        let outputs = self.setup.session.run(graph, inputs, key).map_err(|error| self.failed(step, error))?;
        sort(graph, outputs).map_err(|report| TrainError::NotANumber { step: step.to_string(), report })
    }

    /// The clock inputs that a graph declares.
    fn clock_inputs(&self, graph: &Graph) -> Inputs {
        let declared = declared_inputs(graph);
        let clock = [CLOCK_EPOCH, CLOCK_ITERATION, CLOCK_PROGRESS].into_iter();
        let wanted = clock.filter(|name| declared.contains(name));
        wanted.filter_map(|name| Some((name.to_string(), self.clock.input(name)?))).collect()
    }

    /// Runs a step over all its data, always in the order and with the randomness of epoch 0, so that passes can be
    /// compared. `None` if the run was stopped on the way.
    pub(crate) fn pass(
        &mut self,
        step: usize,
        observer: &mut dyn Observer,
    ) -> Result<Option<Row>, TrainError> {
        let mut feed = self.feed(step)?;
        let batches = feed.batches().min(self.setup.max_steps.unwrap_or(u64::MAX));
        let mut tally = Tally::begin(&self.setup.program.steps[step], batches);
        let begun = Instant::now();
        observer.notify(&tally.started());
        let mut gathered = Gathered::default();
        for number in 0..batches {
            let mut ran = self.run(step, &mut feed, number)?;
            gathered.add(std::mem::take(&mut ran.rows));
            tally.add(&ran);
            observer.notify(&Event::Iteration(tally.progress(&self.clock, &tally.reported())));
            if self.is_stopped() {
                return Ok(None);
            }
        }
        let mut row = tally.row(RowKind::Evaluation, &self.clock);
        self.finish(step, gathered, batches, &mut row)?;
        let name = &self.setup.program.steps[step].name;
        self.profile.iter().for_each(|profile| profile.stop(SpanKind::Pass, name, begun));
        Ok(Some(row))
    }

    /// Runs what a step does at the end of a pass, and adds its reports and tables to the row.
    pub(crate) fn finish(
        &mut self,
        step: usize,
        gathered: Gathered,
        batches: u64,
        row: &mut Row,
    ) -> Result<(), TrainError> {
        let step = &self.setup.program.steps[step];
        if step.finish.is_empty() {
            return Ok(());
        }
        let mut inputs = gathered.into_inputs();
        let graph = self.chosen(&step.name, &step.finish, &inputs)?;
        inputs.extend(self.clock_inputs(graph));
        let key = RunKey { seed: self.setup.seed, step: batches };
        let returned = self.compute(&step.name, graph, &inputs, key)?;
        row.values.extend(returned.values);
        row.tables.extend(returned.tables);
        Ok(())
    }
}

/// Names of the inputs that a graph declares.
fn declared_inputs(graph: &Graph) -> BTreeSet<&str> {
    let inputs = graph.nodes().filter_map(|(_, node)| match &node.op {
        Op::Input { name, .. } => Some(&**name),
        _ => None,
    });
    inputs.collect()
}
