//! A source that is open, with its items decoded at most once.

use std::path::Path;
use std::sync::Arc;

use vspec_ir::{Source, Transform};

use crate::cache::Cache;
use crate::error::DataError;
use crate::source::{Reader, Sample, open};
use crate::transform;

/// Bytes of decoded pixels that a source keeps.
const CACHE_LIMIT: usize = 512 << 20;

/// An opened source.
pub(super) struct Opened {
    pub(super) reader: Box<dyn Reader>,
    /// Changes that never differ, made once before an image is kept.
    pub(super) fixed: Vec<Transform>,
    cache: Cache,
}

impl Opened {
    pub(super) fn open(source: &Source, root: Option<&Path>) -> Result<Self, DataError> {
        Ok(Opened { reader: open(source, root)?, fixed: vec![], cache: Cache::new(CACHE_LIMIT) })
    }

    /// An item after the transforms that never differ: the same 8 bits whether it was kept or is read again.
    pub(super) fn sample(&self, index: usize) -> Result<Arc<Sample>, DataError> {
        if let Some(sample) = self.cache.get(index) {
            return Ok(sample);
        }
        let mut sample = self.reader.read(index)?;
        if !self.fixed.is_empty() {
            let wrong = |message| DataError::Item { item: self.reader.describe(index), message };
            let (pixels, way) = transform::apply_fixed(&self.fixed, &sample.pixels).map_err(wrong)?;
            if let Some(truths) = &mut sample.truths {
                truths.moved(way, [pixels.height, pixels.width]);
            }
            sample.pixels = pixels;
        }
        let sample = Arc::new(sample);
        self.cache.keep(index, &sample);
        Ok(sample)
    }
}
