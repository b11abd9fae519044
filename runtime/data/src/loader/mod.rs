//! Loaders: a data set opened, and its passes.

mod balanced;
mod batch;
mod epoch;
mod pipeline;

use std::path::Path;
use std::sync::Arc;
use std::thread;

use vspec_ir::DataSet;

pub use self::batch::Batch;
pub use self::epoch::Epoch;
use self::pipeline::Pipeline;
use crate::cache::Cache;
use crate::error::DataError;
use crate::pixels::Image;
use crate::source::{Info, Reader, Sample, Target, open};
use crate::transform;

/// Bytes of decoded pixels that a loader keeps unless told otherwise.
const CACHE_LIMIT: usize = 512 << 20;
/// Threads that prepare batches unless told otherwise: a quarter of the machine, for the rest computes.
const MAX_WORKERS: usize = 4;

/// A data set that hands out batches, pass after pass.
///
/// Stages act in the order written. `Take(n)` keeps the first `n` items of the order so far: before a `Shuffle` always the
/// same ones, after it other ones each epoch. `Shuffle` puts the order so far into a new one, keyed by data set, seed, epoch
/// and stage. Transforms act on each item wherever they stand. What the first transforms make is kept with 8 bits a channel as
/// long as they never differ (`resize`, `center_crop`, ..), so later epochs neither decode nor resize again.
pub struct Loader {
    shared: Arc<Shared>,
    workers: usize,
}

/// What the threads of all passes read.
struct Shared {
    reader: Box<dyn Reader>,
    cache: Cache,
    pipeline: Pipeline,
}

impl Loader {
    /// Opens a data set below a data root (not needed for drawn sources). `seed` is that of the run.
    ///
    /// Fails if files are missing or the pipeline cannot give a batch; no image is decoded yet.
    pub fn open(data: &DataSet, root: Option<&Path>, seed: u64) -> Result<Self, DataError> {
        let reader = open(&data.source, root)?;
        let pipeline = Pipeline::new(data, reader.info().items, seed)?;
        let shared = Shared { reader, cache: Cache::new(CACHE_LIMIT), pipeline };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Loader { shared: Arc::new(shared), workers: (cores / 4).clamp(1, MAX_WORKERS) })
    }

    /// The same loader with another number of threads, at least one. Batches do not depend on it.
    pub fn with_workers(self, workers: usize) -> Self {
        Loader { workers: workers.max(1), ..self }
    }

    /// Number of items of one epoch.
    pub fn len(&self) -> usize {
        self.shared.pipeline.items
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
        self.shared.reader.info()
    }

    /// One pass, without its first `skip_batches` batches. Threads prepare the next batches until the pass is dropped.
    pub fn epoch(&self, epoch: u64, skip_batches: usize) -> Epoch {
        Epoch::start(&self.shared, epoch, skip_batches, self.workers)
    }
}

impl Shared {
    /// An item after all transforms, its label, and what is followed in it.
    fn item(&self, index: usize, epoch: u64) -> Result<(Image, i32, Option<Target>), DataError> {
        let sample = self.sample(index)?;
        let wrong = |message| DataError::Item { item: self.reader.describe(index), message };
        let mut image = sample.pixels.to_image();
        for stage in &self.pipeline.transforms {
            let chance = self.pipeline.chance(stage, epoch, index);
            image = transform::apply(&stage.transform, image, chance).map_err(wrong)?;
        }
        self.pipeline.check_size(&image).map_err(wrong)?;
        Ok((image, sample.label, sample.target))
    }

    /// An item after the transforms that never differ: the same 8 bits whether it was kept or is read again.
    fn sample(&self, index: usize) -> Result<Arc<Sample>, DataError> {
        if let Some(sample) = self.cache.get(index) {
            return Ok(sample);
        }
        let mut sample = self.reader.read(index)?;
        if !self.pipeline.fixed.is_empty() {
            let wrong = |message| DataError::Item { item: self.reader.describe(index), message };
            sample.pixels = transform::apply_fixed(&self.pipeline.fixed, &sample.pixels).map_err(wrong)?;
        }
        let sample = Arc::new(sample);
        self.cache.keep(index, &sample);
        Ok(sample)
    }
}

#[cfg(test)]
mod tests;
