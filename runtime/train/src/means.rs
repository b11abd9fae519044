//! Means of reports over many batches.

use serde::{Deserialize, Serialize};

use crate::exact::Exact;

/// Means weighted by items, so that a short last batch counts as what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Means {
    sums: Vec<Exact>,
    items: u64,
}

impl Means {
    /// Means of `count` numbers, over nothing yet.
    pub(crate) fn new(count: usize) -> Self {
        Means { sums: vec![Exact(0.0); count], items: 0 }
    }

    /// Adds the means of one batch.
    pub(crate) fn add(&mut self, values: &[f64], items: u64) {
        for (sum, value) in self.sums.iter_mut().zip(values) {
            sum.0 += value * items as f64;
        }
        self.items += items;
    }

    /// Items so far.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// The means; not a number before anything was added.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum.0 / self.items as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_batch_counts_less() {
        let mut means = Means::new(2);
        means.add(&[1.0, 0.0], 30);
        means.add(&[5.0, 1.0], 10);
        assert_eq!(means.values(), [2.0, 0.25]);
        assert_eq!(means.items(), 40);
    }
}
