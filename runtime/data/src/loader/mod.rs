//! Loaders: a data set opened, and its passes.

mod balanced;
mod batch;
mod draw;
mod epoch;
mod flow;
mod item;
mod mix;
mod mosaic;
mod opened;
mod order;
mod pairs;
mod part;
mod pick;
mod pipeline;
mod single;

use std::path::Path;
use std::sync::Arc;
use std::thread;

use vspec_engine::{Engine, Interpreter};
use vspec_ir::DataSet;

pub use self::batch::Batch;
pub use self::epoch::Epoch;
use self::pipeline::Pipeline;
pub use self::single::{Preparation, Prepared};
use crate::error::DataError;
use crate::source::Info;

/// Threads that prepare batches unless told otherwise: a quarter of the machine, for the rest computes.
const MAX_WORKERS: usize = 4;

/// A data set that hands out batches, pass after pass.
///
/// Stages act in the order written. `Take(n)` keeps the first `n` items of the order so far: before a `Shuffle` always the
/// same ones, after it other ones each epoch. `Shuffle` puts the order so far into a new one, keyed by data set, seed, epoch
/// and stage. Transforms and functions act on each item wherever they stand. What the first transforms make is kept with 8
/// bits a channel as long as they never differ (`resize`, `center_crop`, ..), so later epochs neither decode nor resize again.
pub struct Loader {
    shared: Arc<Shared>,
    info: Info,
    workers: usize,
}

/// What the threads of all passes read.
struct Shared {
    pipeline: Pipeline,
    /// What runs functions of the specification.
    engine: Box<dyn Engine + Send + Sync>,
}

impl Loader {
    /// Opens a data set below a data root (not needed for drawn sources). `seed` is that of the run.
    ///
    /// Fails if files are missing or the pipeline cannot give a batch; no image is decoded yet.
    pub fn open(data: &DataSet, root: Option<&Path>, seed: u64) -> Result<Self, DataError> {
        Loader::on(Box::new(Interpreter::default()), data, root, seed)
    }

    /// The same with an engine that runs the functions of the specification, in single precision, instead of the interpreter.
    pub fn on(
        engine: Box<dyn Engine + Send + Sync>,
        data: &DataSet,
        root: Option<&Path>,
        seed: u64,
    ) -> Result<Self, DataError> {
        let pipeline = Pipeline::open(data, root, seed)?;
        let info = pipeline.flow.info();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = (cores / 4).clamp(1, MAX_WORKERS);
        Ok(Loader { shared: Arc::new(Shared { pipeline, engine }), info, workers })
    }

    /// The same loader with another number of threads, at least one. Batches do not depend on it.
    pub fn with_workers(self, workers: usize) -> Self {
        Loader { workers: workers.max(1), ..self }
    }

    /// Number of items of one epoch.
    pub fn len(&self) -> usize {
        self.shared.pipeline.flow.items()
    }

    /// Never: a data set without items cannot be opened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of batches of one epoch, at least one.
    pub fn batches_per_epoch(&self) -> usize {
        self.shared.pipeline.batches()
    }

    /// Classes and items of the source.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What is wrong with the data and does not keep it from being used, since the last call: each names its file and record.
    pub fn warnings(&self) -> Vec<String> {
        self.shared.pipeline.flow.warnings()
    }

    /// One pass, without its first `skip_batches` batches. Threads prepare the next batches until the pass is dropped.
    pub fn epoch(&self, epoch: u64, skip_batches: usize) -> Epoch {
        Epoch::start(&self.shared, epoch, skip_batches, self.workers)
    }
}

#[cfg(test)]
mod tests;
