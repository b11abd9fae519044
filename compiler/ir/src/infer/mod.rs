//! Result types: one rule for each family of ops, over symbolic shapes.
//!
//! A rule either gives the result type, or names the constraint of the op table that does not hold. What depends on
//! sizes that are not bound yet becomes an [`Obligation`], checked when they are.

pub(crate) mod control;
pub(crate) mod elementwise;
pub(crate) mod gather;
pub(crate) mod matmul;
pub(crate) mod reduce;
pub(crate) mod source;
pub(crate) mod view;
pub(crate) mod window;

use std::fmt;

use crate::{Dim, DimError, Facts, Op, Type};

/// A relation between dims that could not be decided yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Obligation {
    /// How the sides relate.
    pub relation: Relation,
    /// Left side.
    pub left: Dim,
    /// Right side.
    pub right: Dim,
}

/// How two dims relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `left == right`
    Equal,
    /// `left <= right`
    AtMost,
    /// `left % right == 0`
    MultipleOf,
    /// `left != right`
    Differ,
    /// `left % right != 0`
    NotMultipleOf,
}

impl Relation {
    /// Whether it holds for all sizes that the facts allow (`Some(true)`), for none (`Some(false)`) or depends (`None`).
    pub fn decide(self, left: &Dim, right: &Dim, facts: &Facts) -> Option<bool> {
        let in_units = || match facts.is_empty() {
            true => None,
            false => self.decide_plainly(&left.in_units(facts).ok()?, &right.in_units(facts).ok()?, facts),
        };
        // A name counts as positive, but one that the program defines may stand for 0.
        let defined = facts.definitions().next().is_some();
        match self.decide_plainly(left, right, facts) {
            Some(false) if defined => Some(self.decide_defined(left, right, facts) == Some(true)),
            Some(true) if defined && self == Relation::Differ => {
                Some(self.decide_defined(left, right, facts) != Some(false))
            }
            plainly => plainly.or_else(in_units).or_else(|| facts.imply(self, left, right)),
        }
    }

    /// The same with what defined names stand for in their place.
    fn decide_defined(self, left: &Dim, right: &Dim, facts: &Facts) -> Option<bool> {
        let meant = |dim: &Dim| dim.substitute(&|symbol| facts.definition(symbol).cloned(), facts).ok();
        self.decide_plainly(&meant(left)?, &meant(right)?, facts)
    }

    fn decide_plainly(self, left: &Dim, right: &Dim, facts: &Facts) -> Option<bool> {
        match self {
            Relation::Equal => left.compare(right),
            Relation::AtMost => left.at_most(right),
            Relation::MultipleOf => match (left.as_const(), right.as_const()) {
                (Some(l), Some(r)) => Some(r != 0 && l.checked_rem(r).unwrap_or(0) == 0),
                _ => left.is_multiple_of(right, facts).then_some(true),
            },
            Relation::Differ => Relation::Equal.decide_plainly(left, right, facts).map(|equal| !equal),
            Relation::NotMultipleOf => {
                Relation::MultipleOf.decide_plainly(left, right, facts).map(|multiple| !multiple)
            }
        }
    }
}

impl Obligation {
    /// The relation that holds exactly when this one does not. `None` if a size gets too large to be written down.
    pub fn negated(&self) -> Option<Obligation> {
        let Obligation { relation, left, right } = self.clone();
        let with = |relation| Obligation { relation, ..self.clone() };
        Some(match relation {
            Relation::Equal => with(Relation::Differ),
            Relation::Differ => with(Relation::Equal),
            Relation::MultipleOf => with(Relation::NotMultipleOf),
            Relation::NotMultipleOf => with(Relation::MultipleOf),
            Relation::AtMost => {
                // The one goes to the side that is a number, if one is.
                let one = Dim::from(1i64);
                let (left, right) = match left.as_const() {
                    Some(_) => (right, left.checked_sub(&one).ok()?),
                    None => (right.checked_add(&one).ok()?, left),
                };
                Obligation { relation, left, right }
            }
        })
    }

    /// Every name that it depends on.
    pub fn symbols(&self) -> impl Iterator<Item = std::sync::Arc<str>> {
        self.left.symbols().into_iter().chain(self.right.symbols())
    }

    /// Whether it holds when named sizes have these values.
    pub fn holds(&self, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<bool, DimError> {
        let (left, right) = (self.left.eval(lookup)?, self.right.eval(lookup)?);
        Ok(match self.relation {
            Relation::Equal => left == right,
            Relation::AtMost => left <= right,
            Relation::MultipleOf => right != 0 && left.checked_rem(right).unwrap_or(0) == 0,
            Relation::Differ => left != right,
            Relation::NotMultipleOf => right == 0 || left.checked_rem(right).unwrap_or(0) != 0,
        })
    }
}

impl fmt::Display for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obligation { relation, left, right } = self;
        match relation {
            Relation::Equal => write!(f, "{left} == {right}"),
            Relation::AtMost => write!(f, "{left} <= {right}"),
            Relation::MultipleOf => write!(f, "{left} % {right} == 0"),
            Relation::Differ => write!(f, "{left} != {right}"),
            Relation::NotMultipleOf => write!(f, "{left} % {right} != 0"),
        }
    }
}

/// A constraint of the op table that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Name of the op.
    pub op: &'static str,
    /// Number of the constraint: `c1` is 1; 0 is about the number and element types of operands.
    pub constraint: usize,
    /// What is wrong, with the values: `input has 64 channels, weight expects 32`.
    pub detail: String,
    /// The operands, and the axis of each, that disagree.
    pub blame: Vec<Blame>,
}

/// A part of an instance that a [`Violation`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// Index of the operand.
    pub operand: usize,
    /// The axis, when it is about one.
    pub axis: Option<usize>,
}

impl Violation {
    /// Label of the constraint, `conv.c3`.
    pub fn label(&self) -> String {
        format!("{}.c{}", self.op, self.constraint)
    }

    /// Adds an operand, and its axis, that disagrees.
    #[must_use]
    pub(crate) fn at(mut self, operand: usize, axis: impl Into<Option<usize>>) -> Self {
        self.blame.push(Blame { operand, axis: axis.into() });
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.detail)
    }
}

impl std::error::Error for Violation {}

/// What a rule may ask and record.
pub(crate) struct Checks<'a> {
    op: &'static str,
    facts: &'a Facts,
    obligations: Vec<Obligation>,
}

impl Checks<'_> {
    pub(crate) fn facts(&self) -> &Facts {
        self.facts
    }

    /// The violation of constraint `c<number>`.
    pub(crate) fn violation(&self, number: usize, detail: impl Into<String>) -> Violation {
        Violation { op: self.op, constraint: number, detail: detail.into(), blame: vec![] }
    }

    /// Whether the relation holds or may hold; in the second case it becomes an obligation.
    pub(crate) fn holds(&mut self, relation: Relation, left: &Dim, right: &Dim) -> bool {
        let decided = relation.decide(left, right, self.facts);
        if decided.is_none() {
            let obligation = Obligation { relation, left: left.clone(), right: right.clone() };
            if !self.obligations.contains(&obligation) {
                self.obligations.push(obligation);
            }
        }
        decided != Some(false)
    }

    pub(crate) fn equal(&mut self, left: &Dim, right: &Dim) -> bool {
        self.holds(Relation::Equal, left, right)
    }

    /// Turns arithmetic on dims that went wrong into a violation.
    pub(crate) fn dim(&self, number: usize, result: Result<Dim, DimError>) -> Result<Dim, Violation> {
        result.map_err(|e| self.violation(number, e.to_string()))
    }
}

/// The result type of an instance of an op, and what is left to check when sizes are bound.
pub fn infer(op: &Op, operands: &[Type], facts: &Facts) -> Result<(Type, Vec<Obligation>), Violation> {
    let decl = op.decl();
    let mut checks = Checks { op: decl.name, facts, obligations: vec![] };
    check_operands(op, operands, &checks)?;
    let ty = (decl.infer)(op, operands, &mut checks)?;
    Ok((ty, checks.obligations))
}

fn check_operands(op: &Op, operands: &[Type], checks: &Checks<'_>) -> Result<(), Violation> {
    let decl = op.decl();
    let enough = match decl.variadic {
        true => operands.len() >= decl.operands.len(),
        false => operands.len() == decl.operands.len(),
    };
    if !enough {
        return Err(
            checks.violation(0, format!("takes {} operands, not {}", decl.operands.len(), operands.len()))
        );
    }
    for (i, ty) in operands.iter().enumerate() {
        let Some(want) = decl.operands.get(i).or(decl.operands.last()) else { continue };
        if !want.accepts.allows(ty.dtype) {
            let detail = format!("`{}` must be {}, not {}", want.name, want.accepts.describe(), ty.dtype);
            return Err(checks.violation(0, detail).at(i, None));
        }
    }
    Ok(())
}

/// An axis attribute as an index.
pub(crate) fn axis_index(
    checks: &Checks<'_>,
    number: usize,
    axis: i64,
    rank: usize,
) -> Result<usize, Violation> {
    usize::try_from(axis).ok().filter(|a| *a < rank).ok_or_else(|| {
        checks.violation(number, format!("axis {axis} does not exist in a tensor of rank {rank}")).at(0, None)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{parse_dim, parse_instance};

    fn decide(relation: Relation, left: &str, right: &str) -> Option<bool> {
        let mut facts = Facts::default();
        facts.assume_multiple("H", 32);
        relation.decide(&parse_dim(left).expect("a size"), &parse_dim(right).expect("a size"), &facts)
    }

    #[test]
    fn facts_decide_what_polynomials_alone_do_not() {
        assert_eq!(decide(Relation::Equal, "2*(H//32)", "H//16"), Some(true));
        assert_eq!(decide(Relation::Equal, "2*(H//2)", "H"), Some(true));
        assert_eq!(decide(Relation::AtMost, "5", "H"), Some(true));
        assert_eq!(decide(Relation::Equal, "2*(W//32)", "W//16"), None);
        assert_eq!(decide(Relation::AtMost, "40", "H"), None);
    }

    #[test]
    fn a_defined_name_may_stand_for_zero() {
        let mut facts = Facts::default();
        facts.define("rows1", Dim::from(0i64));
        facts.define("rows2", Dim::from(3i64));
        let size = |text: &str| parse_dim(text).expect("a size");
        let decide = |left, right| Relation::Equal.decide(&size(left), &size(right), &facts);
        assert_eq!(decide("0", "4*rows1"), Some(true));
        assert_eq!(decide("0", "4*rows2"), Some(false));
        assert_eq!(Relation::Differ.decide(&size("0"), &size("rows1"), &facts), Some(false));
    }

    #[test]
    fn a_multiple_of_the_smallest_number_does_not_overflow() {
        let o =
            Obligation { relation: Relation::MultipleOf, left: Dim::from(i64::MIN), right: Dim::from(-1i64) };
        assert_eq!(o.holds(&|_| None), Ok(true));
    }

    /// A sample with its numbers replaced, one after the other.
    fn replaced(sample: &str, mut numbers: impl Iterator<Item = i64>) -> String {
        let mut out = String::new();
        let mut rest = sample;
        // The digits of `f32` and `i32` stay.
        while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = rest[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - at);
            out += &rest[..at];
            match rest[..at].ends_with(['f', 'i']) {
                true => out += &rest[at..at + digits],
                false => out += &numbers.next().unwrap_or(1).to_string(),
            }
            rest = &rest[at + digits..];
        }
        out + rest
    }

    proptest! {
        #[test]
        fn no_numbers_make_a_rule_panic(numbers in proptest::collection::vec(extreme(), 40)) {
            for decl in crate::ops::TABLE {
                for sample in decl.samples {
                    let text = replaced(sample, numbers.iter().copied());
                    if let Ok((op, operands)) = parse_instance(decl.name, &text) {
                        let _ = infer(&op, &operands, &Facts::default());
                    }
                }
            }
        }
    }

    fn extreme() -> impl Strategy<Value = i64> {
        prop_oneof![-2i64..6, Just(i64::MAX), Just(i64::MIN), Just(1 << 32), Just(-(1 << 62))]
    }
}
