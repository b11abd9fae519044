//! Axes: a range of numbers, where each of them lies, and round numbers to write beside it.

/// A range of numbers along one side of a panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
}

/// Ticks that an axis has about.
const TICKS: f64 = 6.0;

impl Axis {
    /// An axis with room for all numbers. A logarithmic one ignores those that are not positive. None without a number.
    pub(super) fn around(values: impl Iterator<Item = f64>, log: bool) -> Option<Axis> {
        let usable = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            return None;
        }
        let axis = Axis { low, high, log };
        let (low, high) = (axis.scaled(low), axis.scaled(high));
        let room = if high > low { 0.04 * (high - low) } else { 0.5f64.max(0.05 * high.abs()) };
        Some(Axis { low: axis.unscaled(low - room), high: axis.unscaled(high + room), log })
    }

    /// The same for counts: without room on either side, and from 0 on.
    pub(super) fn counts(values: impl Iterator<Item = f64>) -> Option<Axis> {
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        high.is_finite().then_some(Axis { low: 0.0, high: high.max(1.0), log: false })
    }

    /// Where a number lies: 0 at the beginning, 1 at the end. None for what the axis cannot show.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let span = self.scaled(self.high) - self.scaled(self.low);
        let place = (self.scaled(value) - self.scaled(self.low)) / span;
        place.is_finite().then_some(place)
    }

    /// Round numbers of the range, and how they are written.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let decades = self.scaled(self.high) - self.scaled(self.low);
        // Within a decade, equal distances are easier to read than powers.
        let values = if self.log && decades >= 1.0 { self.powers(decades) } else { self.multiples() };
        values.into_iter().map(|v| (v, written(v))).collect()
    }

    fn multiples(&self) -> Vec<f64> {
        let step = round_step((self.high - self.low) / TICKS);
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first).clamp(0.0, 4.0 * TICKS) as usize;
        // A multiple of a step such as 0.1 carries an error that would be written down.
        (0..=count).map(|i| ((first + i as f64) * step * 1e12).round() / 1e12).map(|v| v + 0.0).collect()
    }

    fn powers(&self, decades: f64) -> Vec<f64> {
        let factors: &[f64] = if decades <= 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (decades / (2.0 * TICKS)).ceil().max(1.0) as usize;
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let powers = (first..=last).step_by(stride).map(|exponent| 10f64.powi(exponent));
        let values = powers.flat_map(|power| factors.iter().map(move |f| f * power));
        values.filter(|v| (self.low..=self.high).contains(v)).collect()
    }

    fn scaled(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    fn unscaled(&self, value: f64) -> f64 {
        if self.log { 10f64.powf(value) } else { value }
    }
}

/// The smallest of 1, 2, 5, 10, .. and their tenths that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|f| f * power).find(|s| *s >= least * 0.999).unwrap_or(10.0 * power)
}

/// `0.25`, `12k`, `1.5M`, `1e-5`
fn written(value: f64) -> String {
    let size = value.abs();
    match size {
        s if s >= 1e9 => format!("{value:e}"),
        s if s >= 1e6 => format!("{}M", rounded(value / 1e6)),
        s if s >= 1e4 => format!("{}k", rounded(value / 1e3)),
        s if s >= 1e-3 || s == 0.0 => rounded(value).to_string(),
        _ => format!("{value:e}"),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], log: bool) -> Vec<String> {
        let axis = Axis::around(values.iter().copied(), log).expect("numbers");
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[0.0, 1.0], false), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&[0.31, 0.74], false), ["0.3", "0.4", "0.5", "0.6", "0.7"]);
        assert_eq!(labels(&[-3.0, 17_000.0], false), ["0", "5000", "10k", "15k"]);
        assert_eq!(labels(&[0.1, 20.0], true), ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]);
        assert_eq!(labels(&[1e-6, 1e3], true).len(), 10);
        assert_eq!(labels(&[2.0, 3.0], true), ["2", "2.2", "2.4", "2.6", "2.8", "3"]);
    }

    #[test]
    fn places_run_from_end_to_end() {
        let axis = Axis::around([1.0, 100.0].into_iter(), true).expect("numbers");
        let middle = axis.place(10.0).expect("positive");
        assert!((middle - 0.5).abs() < 1e-9);
        assert_eq!((axis.place(-1.0), axis.place(0.0), axis.place(f64::NAN)), (None, None, None));
    }

    #[test]
    fn numbers_that_cannot_be_shown_are_passed_over() {
        assert_eq!(Axis::around([f64::NAN, f64::INFINITY].into_iter(), false), None);
        assert_eq!(Axis::around([-1.0, 0.0].into_iter(), true), None);
        let flat = Axis::around([5.0, 5.0].into_iter(), false).expect("a number");
        assert_eq!(flat.place(5.0), Some(0.5));
    }
}
