//! When one of several graphs is the one to run.

use std::fmt;
use std::sync::Arc;

use crate::{CLOCK_PROGRESS, Obligation, Relation};

/// A condition that chooses between graphs.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// On named sizes: `W <= 19`.
    Sizes(Obligation),
    /// On the run clock: `epoch < 4`.
    Clock(ClockCondition),
}

/// A comparison of the run clock with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockCondition {
    /// The clock input, such as [`CLOCK_EPOCH`](crate::CLOCK_EPOCH).
    pub clock: Arc<str>,
    /// How it is compared.
    pub comparison: Comparison,
    /// The number, rounded to single precision as the clock is.
    pub bound: f64,
}

/// How two numbers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
    /// `!=`
    Differ,
}

impl Comparison {
    /// What holds exactly when this does not.
    pub fn negated(self) -> Comparison {
        use Comparison::{AtLeast, AtMost, Differ, Equal, Less, More};
        match self {
            Less => AtLeast,
            AtMost => More,
            Equal => Differ,
            AtLeast => Less,
            More => AtMost,
            Differ => Equal,
        }
    }

    /// The same with its sides exchanged.
    pub fn mirrored(self) -> Comparison {
        use Comparison::{AtLeast, AtMost, Differ, Equal, Less, More};
        match self {
            Less => More,
            AtMost => AtLeast,
            AtLeast => AtMost,
            More => Less,
            Equal => Equal,
            Differ => Differ,
        }
    }

    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Comparison::Less => a < b,
            Comparison::AtMost => a <= b,
            Comparison::Equal => a == b,
            Comparison::AtLeast => a >= b,
            Comparison::More => a > b,
            Comparison::Differ => a != b,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Equal => "==",
            Comparison::AtLeast => ">=",
            Comparison::More => ">",
            Comparison::Differ => "!=",
        }
    }
}

impl ClockCondition {
    /// Whether it holds at a time.
    pub fn holds(&self, value: f64) -> bool {
        self.comparison.holds(value, f64::from(self.bound as f32))
    }

    /// Whether it holds whenever the others do (`Some(true)`), never does then (`Some(false)`), or that depends.
    pub fn follows_from(&self, others: &[&ClockCondition]) -> Option<bool> {
        let others: Vec<&&ClockCondition> = others.iter().filter(|o| o.clock == self.clock).collect();
        let bounds = others.iter().map(|o| o.bound).chain([self.bound]);
        let times = representatives(&self.clock, bounds.collect());
        let possible = times.into_iter().filter(|time| others.iter().all(|o| o.holds(*time)));
        let mut answers = possible.map(|time| self.holds(time));
        let first = answers.next()?;
        answers.all(|answer| answer == first).then_some(first)
    }
}

/// Times of which one stands for each stretch between the bounds, and the bounds themselves.
fn representatives(clock: &str, mut bounds: Vec<f64>) -> Vec<f64> {
    if clock != CLOCK_PROGRESS {
        // Epochs and iterations are counted from 0.
        let around = |b: f64| [b.floor() - 1.0, b.floor(), b.ceil(), b.ceil() + 1.0];
        return bounds.into_iter().flat_map(around).filter(|time| *time >= 0.0).collect();
    }
    bounds.extend([0.0, 1.0]);
    bounds.sort_by(f64::total_cmp);
    let between: Vec<f64> = bounds.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    bounds.extend(between);
    bounds.into_iter().map(|time| f64::from(time as f32)).filter(|t| (0.0..1.0).contains(t)).collect()
}

impl Condition {
    /// The condition that holds exactly when this one does not. `None` if a size gets too large to be written down.
    pub fn negated(&self) -> Option<Condition> {
        Some(match self {
            Condition::Sizes(relation) => Condition::Sizes(relation.negated()?),
            Condition::Clock(c) => {
                Condition::Clock(ClockCondition { comparison: c.comparison.negated(), ..c.clone() })
            }
        })
    }
}

impl fmt::Display for ClockCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.clock.trim_start_matches("clock.");
        write!(f, "{clock} {} {}", self.comparison.sign(), self.bound)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Sizes(Obligation { relation: Relation::AtMost, left, right })
                if left.as_const().is_some() =>
            {
                write!(f, "{right} >= {left}")
            }
            Condition::Sizes(relation) => relation.fmt(f),
            Condition::Clock(condition) => condition.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CLOCK_EPOCH, Dim, Facts};

    fn clock(clock: &str, comparison: Comparison, bound: f64) -> ClockCondition {
        ClockCondition { clock: clock.into(), comparison, bound }
    }

    #[test]
    fn a_phase_within_a_phase_is_decided() {
        let early = clock(CLOCK_EPOCH, Comparison::Less, 4.0);
        let late = clock(CLOCK_EPOCH, Comparison::AtLeast, 8.0);
        assert_eq!(clock(CLOCK_EPOCH, Comparison::Less, 6.0).follows_from(&[&early]), Some(true));
        assert_eq!(clock(CLOCK_EPOCH, Comparison::AtMost, 3.0).follows_from(&[&early]), Some(true));
        assert_eq!(clock(CLOCK_EPOCH, Comparison::Less, 2.0).follows_from(&[&early]), None);
        assert_eq!(clock(CLOCK_EPOCH, Comparison::Equal, 5.0).follows_from(&[&late]), Some(false));
        assert_eq!(clock(CLOCK_PROGRESS, Comparison::Less, 0.5).follows_from(&[&late]), None);
        assert_eq!(clock(CLOCK_PROGRESS, Comparison::Less, 1.0).follows_from(&[]), Some(true));
        assert_eq!(clock(CLOCK_EPOCH, Comparison::Less, 0.0).follows_from(&[]), Some(false));
    }

    #[test]
    fn assumed_relations_decide_others() {
        let size = Dim::symbol("W");
        let number = |n: i64| Dim::from(n);
        let mut facts = Facts::default();
        facts.assume(Obligation { relation: Relation::AtMost, left: size.clone(), right: number(19) });
        let at_most = |a: &Dim, b: &Dim, facts: &Facts| Relation::AtMost.decide(a, b, facts);
        assert_eq!(at_most(&size, &number(25), &facts), Some(true));
        assert_eq!(at_most(&number(20), &size, &facts), Some(false));
        assert_eq!(at_most(&size, &number(9), &facts), None);
        let half = size.floor_div(&number(2), &facts).expect("small");
        assert_eq!(at_most(&half, &number(9), &facts), Some(true));
        let other = &size + &Dim::symbol("H");
        assert_eq!(at_most(&other, &(&Dim::symbol("H") + &number(19)), &facts), Some(true));
        assert_eq!(Relation::Equal.decide(&size, &number(21), &facts), Some(false));
        assert_eq!(Relation::Differ.decide(&size, &number(21), &facts), Some(true));
        facts.assume(Obligation { relation: Relation::AtMost, left: number(19), right: size.clone() });
        assert_eq!(Relation::Equal.decide(&size, &number(19), &facts), Some(true));
    }

    #[test]
    fn a_condition_and_its_contrary_never_agree() {
        let size = Dim::symbol("W");
        for relation in [Relation::Equal, Relation::AtMost, Relation::MultipleOf, Relation::Differ] {
            let condition = Obligation { relation, left: size.clone(), right: Dim::from(4i64) };
            let contrary = condition.negated().expect("small");
            for value in 1..12 {
                let lookup = |_: &str| Some(value);
                assert_ne!(condition.holds(&lookup), contrary.holds(&lookup), "{condition} at {value}");
            }
        }
    }
}
