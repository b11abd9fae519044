//! Decoded images that are kept in memory, so that later epochs do not decode them again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::source::Sample;

/// Samples by item, up to a number of bytes; what does not fit is simply read again.
pub(crate) struct Cache {
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    samples: BTreeMap<usize, Arc<Sample>>,
}

impl Cache {
    /// An empty cache for a number of bytes of pixels.
    pub(crate) fn new(limit: usize) -> Self {
        Cache { limit, kept: Mutex::default() }
    }

    /// A sample that was kept.
    pub(crate) fn get(&self, item: usize) -> Option<Arc<Sample>> {
        // A thread that panicked while it held the lock left the map whole: an insertion is its only change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).samples.get(&item).cloned()
    }

    /// Keeps a sample if it fits.
    pub(crate) fn keep(&self, item: usize, sample: &Arc<Sample>) {
        let size = sample.pixels.rgb.len();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if size <= self.limit - kept.bytes && kept.samples.insert(item, sample.clone()).is_none() {
            kept.bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::Pixels;

    fn sample(bytes: usize) -> Arc<Sample> {
        Arc::new(Sample::labelled(Pixels { height: 1, width: bytes / 3, rgb: vec![7; bytes] }, 0))
    }

    #[test]
    fn keeps_what_fits_and_counts_an_item_once() {
        let cache = Cache::new(30);
        cache.keep(0, &sample(12));
        cache.keep(0, &sample(12));
        cache.keep(1, &sample(24));
        cache.keep(2, &sample(18));
        let kept: Vec<bool> = (0..3).map(|i| cache.get(i).is_some()).collect();
        assert_eq!(kept, [true, false, true]);
    }
}
