//! Means of reports over many batches.

use serde::{Deserialize, Serialize};

use crate::exact::Exact;

/// Means weighted by items, so that a short last batch counts as what it is. A batch need not have every number: each mean is
/// over the batches that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Means {
    /// Sum and items of each number.
    sums: Vec<(Exact, u64)>,
    items: u64,
}

impl Means {
    /// Means of `count` numbers, over nothing yet.
    pub(crate) fn new(count: usize) -> Self {
        Means { sums: vec![(Exact(0.0), 0); count], items: 0 }
    }

    /// Adds the means of one batch.
    pub(crate) fn add(&mut self, values: &[Option<f64>], items: u64) {
        for ((sum, count), value) in self.sums.iter_mut().zip(values) {
            if let Some(value) = value {
                sum.0 += value * items as f64;
                *count += items;
            }
        }
        self.items += items;
    }

    /// Items so far.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// The means; none for a number that no batch had.
    pub(crate) fn values(&self) -> Vec<Option<f64>> {
        let mean = |(sum, count): &(Exact, u64)| (*count > 0).then(|| sum.0 / *count as f64);
        self.sums.iter().map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_batch_counts_less() {
        let mut means = Means::new(2);
        means.add(&[Some(1.0), Some(0.0)], 30);
        means.add(&[Some(5.0), Some(1.0)], 10);
        assert_eq!(means.values(), [Some(2.0), Some(0.25)]);
        assert_eq!(means.items(), 40);
    }

    #[test]
    fn a_mean_is_over_the_batches_that_have_the_number() {
        let mut means = Means::new(3);
        means.add(&[Some(1.0), None, None], 10);
        means.add(&[Some(3.0), Some(5.0), None], 10);
        assert_eq!(means.values(), [Some(2.0), Some(5.0), None]);
        assert_eq!(means.items(), 20);
    }
}
