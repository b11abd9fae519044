//! What assumed relations between sizes say about others.

use super::range::Range;
use super::{Dim, Facts};
use crate::infer::{Obligation, Relation};

impl Facts {
    /// Whether a relation follows from the assumed ones (`Some(true)`), contradicts them (`Some(false)`), or neither.
    pub(crate) fn imply(&self, relation: Relation, left: &Dim, right: &Dim) -> Option<bool> {
        if self.conditions.is_empty() {
            return None;
        }
        match relation {
            Relation::AtMost => self.at_most(left, right),
            Relation::Equal => self.equal(left, right),
            Relation::Differ => self.equal(left, right).map(|equal| !equal),
            Relation::MultipleOf => self.assumed(relation, left, right),
            Relation::NotMultipleOf => {
                self.imply(Relation::MultipleOf, left, right).map(|multiple| !multiple)
            }
        }
    }

    fn at_most(&self, left: &Dim, right: &Dim) -> Option<bool> {
        let room = right.checked_sub(left).ok()?;
        if self.is_at_least_zero(&room) {
            return Some(true);
        }
        let beyond = left.checked_sub(right).ok()?.checked_sub(&Dim::from(1i64)).ok()?;
        self.is_at_least_zero(&beyond).then_some(false)
    }

    fn equal(&self, left: &Dim, right: &Dim) -> Option<bool> {
        let known = self.assumed(Relation::Equal, left, right);
        let known = known.or_else(|| self.assumed(Relation::Equal, right, left));
        known.or_else(|| match (self.at_most(left, right), self.at_most(right, left)) {
            (Some(true), Some(true)) => Some(true),
            (Some(false), _) | (_, Some(false)) => Some(false),
            _ => None,
        })
    }

    /// Whether this very relation, or its contrary, was assumed.
    fn assumed(&self, relation: Relation, left: &Dim, right: &Dim) -> Option<bool> {
        let asked = Obligation { relation, left: left.clone(), right: right.clone() };
        let contrary = asked.negated()?;
        self.conditions.iter().find_map(|c| match c {
            c if *c == asked => Some(true),
            c if *c == contrary => Some(false),
            _ => None,
        })
    }

    /// Whether a size is never negative: because of the bounds of the named sizes in it, or because it is at least as large as
    /// something that is not negative by assumption.
    fn is_at_least_zero(&self, size: &Dim) -> bool {
        let low = |size: &Dim| size.range_within(&|symbol| self.bounds(symbol)).0;
        let known = |size: &Dim| low(size).is_some_and(|low| low >= 0);
        let beyond = |assumed: &Dim| size.checked_sub(assumed).is_ok_and(|rest| known(&rest));
        known(size) || self.not_negative().any(|assumed| beyond(&assumed))
    }

    /// What is not negative by assumption: `b - a` of `a <= b`.
    fn not_negative(&self) -> impl Iterator<Item = Dim> {
        let differences = |c: &Obligation| match c.relation {
            Relation::AtMost => vec![c.right.checked_sub(&c.left).ok()],
            Relation::Equal => vec![c.right.checked_sub(&c.left).ok(), c.left.checked_sub(&c.right).ok()],
            Relation::Differ | Relation::MultipleOf | Relation::NotMultipleOf => vec![],
        };
        self.conditions.iter().flat_map(differences).flatten()
    }

    /// Bounds of a named size, from assumptions on it alone.
    fn bounds(&self, symbol: &str) -> Range {
        let mut bounds: Range = (Some(1), None);
        for (factor, rest) in self.not_negative().filter_map(|d| d.as_linear_in(symbol)) {
            // factor * symbol + rest >= 0
            let Some(most) = rest.checked_neg() else { continue };
            match factor {
                1.. => bounds.0 = bounds.0.max(Some(-(-most).div_euclid(factor))),
                _ => {
                    let high = rest.div_euclid(-factor);
                    bounds.1 = Some(bounds.1.map_or(high, |known| known.min(high)));
                }
            }
        }
        bounds
    }
}
