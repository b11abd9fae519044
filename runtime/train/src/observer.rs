//! What a run tells whoever watches it.

use std::path::Path;
use std::time::Duration;

use crate::Clock;
use crate::checkpoint::Kept;
use crate::reports::Table;

/// Watches a run: a progress bar, plain lines, nothing. It can't change the run.
pub trait Observer {
    /// Something happened.
    fn notify(&mut self, event: &Event<'_>);
}

/// Watches in silence.
pub struct Silent;

impl Observer for Silent {
    fn notify(&mut self, _: &Event<'_>) {}
}

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The variables have their first values and the data sets are open.
    Started {
        /// The run folder.
        folder: &'a Path,
        /// Elements of all parameters.
        params: u64,
        /// What is done already, after a checkpoint, and the length of the whole run.
        clock: Clock,
    },
    /// A pass over data begins.
    PassStarted {
        /// Name of the step.
        step: &'a str,
        /// Whether it minimizes something.
        trains: bool,
        /// Number of batches.
        batches: u64,
    },
    /// A step ran once.
    Iteration(Progress<'a>),
    /// A row was recorded.
    Recorded(&'a Row),
    /// Something is wrong with a data set, and the run goes on without it.
    Warned {
        /// Name of the data set.
        set: &'a str,
        /// A sentence that names file and record.
        message: &'a str,
    },
    /// A phase that keeps the best had nothing to keep.
    KeptNone {
        /// Why: `` `evaluate.loss` was never a finite number, so that no best checkpoint was kept ``.
        message: &'a str,
    },
    /// A phase ends before its time.
    EndedEarly {
        /// Why: `evaluate.accuracy has not improved for 5 epochs`.
        why: &'a str,
    },
    /// A checkpoint was written.
    Saved {
        /// Which one.
        kept: Kept,
        /// The file.
        path: &'a Path,
    },
}

/// How far a pass is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// Name of the step.
    pub step: &'a str,
    /// Whether it minimizes something.
    pub trains: bool,
    /// Batches of this pass that are done.
    pub batch: u64,
    /// Batches of this pass.
    pub batches: u64,
    /// Epochs of the run that are done.
    pub epoch: u64,
    /// Training iterations of the run that are done.
    pub iteration: u64,
    /// Training iterations of the run.
    pub iterations: u64,
    /// Names of the reports.
    pub names: &'a [String],
    /// Means of the reports over the pass so far.
    pub means: &'a [f64],
    /// Items of the pass so far.
    pub items: u64,
    /// Time since the pass began.
    pub elapsed: Duration,
    /// Time of the pass spent waiting for data.
    pub waited: Duration,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A whole pass of a training step over its data.
    Epoch,
    /// The rest of a phase that does not end with an epoch.
    Part,
    /// The last few training iterations.
    Window,
    /// A whole pass of a step that trains nothing.
    Evaluation,
}

impl RowKind {
    /// Word in the metrics files.
    pub fn name(self) -> &'static str {
        match self {
            RowKind::Epoch => "epoch",
            RowKind::Part => "part",
            RowKind::Window => "window",
            RowKind::Evaluation => "evaluation",
        }
    }
}

/// Means of a step's reports over several batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is about.
    pub kind: RowKind,
    /// Name of the step.
    pub step: String,
    /// Epochs that were done when the row was written.
    pub epoch: u64,
    /// Training iterations that were done when the row was written.
    pub iteration: u64,
    /// Number of items.
    pub items: u64,
    /// Time that it took.
    pub elapsed: Duration,
    /// Part of that time spent waiting for data.
    pub waited: Duration,
    /// Reports in the order of the step.
    pub values: Vec<(String, f64)>,
    /// Tables of the last batch or of the whole pass.
    pub tables: Vec<Table>,
}
