//! How long a metric has not become better.

use serde::{Deserialize, Serialize};
use vspec_ir::StopWhen;

use crate::exact;

/// When a metric was better than ever, in the units of the condition that watches it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Patience {
    #[serde(with = "exact::maybe")]
    best: Option<f64>,
    at: u64,
    last: u64,
}

impl Patience {
    /// Takes note of a value. What is not a number is never better.
    pub(crate) fn hear(&mut self, stop: &StopWhen, value: f64, at: u64) {
        let better = |best: f64| if stop.lowest { value < best - stop.by } else { value > best + stop.by };
        if !value.is_nan() && self.best.is_none_or(better) {
            (self.best, self.at) = (Some(value), at);
        }
        self.last = at;
    }

    /// How long the metric had not become better when it was last heard of, `now` at the latest. It has to be heard of: a
    /// metric that is measured every fifth epoch can't be blamed for the four in between.
    pub(crate) fn since(&self, now: u64) -> u64 {
        self.last.min(now).saturating_sub(self.at)
    }
}

#[cfg(test)]
mod tests {
    use vspec_ir::{Metric, Unit};

    use super::*;

    fn stop(lowest: bool, by: f64) -> StopWhen {
        let metric = Metric { step: 0, name: "loss".to_string() };
        StopWhen { metric, lowest, by, count: 3, unit: Unit::Epochs }
    }

    fn since(stop: &StopWhen, values: &[f64]) -> Vec<u64> {
        let mut patience = Patience::default();
        let each = (1..).zip(values).map(|(at, value)| {
            patience.hear(stop, *value, at);
            patience.since(at)
        });
        each.collect()
    }

    #[test]
    fn only_a_value_better_than_all_before_starts_the_count_again() {
        assert_eq!(since(&stop(false, 0.0), &[0.5, 0.4, 0.5, 0.6, 0.5]), [0, 1, 2, 0, 1]);
        assert_eq!(since(&stop(true, 0.0), &[0.5, 0.6, 0.4, 0.4, 0.3]), [0, 1, 0, 1, 0]);
    }

    #[test]
    fn small_steps_add_up_to_an_improvement() {
        assert_eq!(since(&stop(false, 0.15), &[0.5, 0.6, 0.7, 0.8]), [0, 1, 0, 1]);
    }

    #[test]
    fn what_is_not_a_number_is_never_better() {
        assert_eq!(since(&stop(true, 0.0), &[f64::NAN, 0.5, f64::NAN, 0.4]), [1, 0, 1, 0]);
    }
}
