//! All that a run needs to go on from a checkpoint, apart from its variables.

use serde::{Deserialize, Serialize};
use vspec_ir::{KeepBest, Metric, Program};

use crate::batches::StreamPlace;
use crate::exact::Exact;
use crate::outcome::{Best, Expectation};
use crate::position::Position;
use crate::{Clock, Row};

/// Changes with every change of what a checkpoint means.
pub(crate) const VERSION: u32 = 3;

/// All that a run needs to go on, apart from its variables. Random numbers need nothing: they follow from the seed, a name,
/// and how often a step has run.
///
/// Times are left out, so that equal runs write equal checkpoints.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunState {
    version: u32,
    /// Name of the experiment.
    pub experiment: String,
    /// Key of all randomness.
    pub seed: u64,
    /// The run clock.
    pub clock: Clock,
    /// Whether the schedule is done.
    pub finished: bool,
    /// Rows of the metrics files.
    pub(crate) rows: u64,
    pub(crate) position: Position,
    pub(crate) steps: Vec<StepState>,
    /// The best values of the metric that decides, from the best on.
    pub(crate) best: Vec<Best>,
    /// Iterations of the newest checkpoints that are kept, from the oldest on.
    pub(crate) newest: Vec<u64>,
    pub(crate) expectations: Vec<Expectation>,
    /// What there is to know about the data sets, so that a network can be used where its data is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<SetClasses>,
}

/// What a run knew about the classes of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetClasses {
    /// The source that the specification names, as text: see [`SetClasses::key`].
    pub source: String,
    /// Number of classes.
    pub classes: usize,
    /// Number of items.
    pub items: usize,
    /// Their names in the order of their labels; empty where they only have numbers.
    pub names: Vec<String>,
}

impl SetClasses {
    /// A text that is the same for equal sources.
    pub fn key(source: &vspec_ir::Source) -> String {
        format!("{source:?}")
    }

    /// What is known about a source.
    pub fn find<'c>(all: &'c [SetClasses], source: &vspec_ir::Source) -> Option<&'c SetClasses> {
        let key = SetClasses::key(source);
        all.iter().find(|c| c.source == key)
    }

    /// Names of the classes of a source; of one that is not among them, those on which all agree.
    pub fn names(all: &[SetClasses], source: &vspec_ir::Source) -> Vec<String> {
        let agreed = all.first().filter(|first| all.iter().all(|c| c.names == first.names));
        SetClasses::find(all, source).or(agreed).map(|c| c.names.clone()).unwrap_or_default()
    }
}

/// What there is to know about a step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StepState {
    name: String,
    /// How often it ran in a phase: the key of its randomness.
    pub(crate) runs: u64,
    /// Where its data is.
    pub(crate) streams: Vec<StreamPlace>,
    /// What its last pass reported.
    latest: Vec<(String, Exact)>,
}

impl RunState {
    /// The state of a run that has not begun.
    pub(crate) fn new(program: &Program, seed: u64) -> Self {
        let step = |s: &vspec_ir::Step| StepState { name: s.name.clone(), ..StepState::default() };
        RunState {
            version: VERSION,
            experiment: program.name.clone(),
            seed,
            clock: Clock::default(),
            finished: false,
            rows: 0,
            position: Position::default(),
            steps: program.steps.iter().map(step).collect(),
            best: vec![],
            newest: vec![],
            expectations: vec![],
            classes: vec![],
        }
    }

    /// Reads what [`RunState::to_text`] wrote. The error is a phrase.
    pub(crate) fn from_text(text: &str) -> Result<Self, String> {
        let version =
            serde_json::from_str::<serde_json::Value>(text).ok().and_then(|v| v["version"].as_u64());
        match version {
            Some(v) if v == u64::from(VERSION) => serde_json::from_str(text).map_err(|e| e.to_string()),
            Some(_) => Err("another version of the program wrote it".to_string()),
            None => Err("it does not say how far the run was".to_string()),
        }
    }

    /// As text that is the same for equal states.
    pub(crate) fn to_text(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|e| e.to_string())
    }

    /// Why a program cannot go on from here, as a phrase.
    pub(crate) fn mismatch(&self, program: &Program, seed: u64) -> Option<String> {
        let same_steps = self.steps.iter().map(|s| &s.name).eq(program.steps.iter().map(|s| &s.name));
        if self.experiment != program.name {
            Some(format!("it belongs to experiment `{}`", self.experiment))
        } else if self.seed != seed {
            Some(format!("its run has the seed {}", self.seed))
        } else if !same_steps {
            Some("its experiment has other steps".to_string())
        } else if self.finished {
            Some("its run is finished".to_string())
        } else if self.position.steps.iter().flat_map(|s| &s.due).any(|step| *step >= program.steps.len()) {
            Some("it is damaged".to_string())
        } else {
            None
        }
    }

    /// Takes note of what a pass of a step reported.
    pub(crate) fn note(&mut self, step: usize, row: &Row) {
        self.rows += 1;
        if let Some(state) = self.steps.get_mut(step) {
            state.latest = row.values.iter().map(|(name, value)| (name.clone(), Exact(*value))).collect();
        }
    }

    /// Gives a value its place among the best ones, of which so many are kept: 0 for the best. None if it has no place there.
    /// Of equal values the first is the best.
    pub(crate) fn place_among_best(&mut self, value: Best, keep: &KeepBest) -> Option<usize> {
        let same = |b: &Best| b.step == value.step && b.report == value.report;
        self.best.retain(same);
        if self.best.iter().any(|b| b.iteration == value.iteration) {
            return None;
        }
        let better = |b: &Best| if keep.lowest { value.value < b.value } else { value.value > b.value };
        let place = self.best.iter().position(better).unwrap_or(self.best.len());
        let count = usize::try_from(keep.count.max(1)).unwrap_or(usize::MAX);
        self.best.insert(place, value);
        self.best.truncate(count);
        (place < count).then_some(place)
    }

    /// The last value of a metric.
    pub(crate) fn value_of(&self, metric: &Metric) -> Option<f64> {
        let latest = &self.steps.get(metric.step)?.latest;
        latest.iter().find(|(name, _)| *name == metric.name).map(|(_, value)| value.0)
    }
}
