//! Bounds of dims, from named sizes being at least 1.

use super::poly::Monomial;
use super::{Atom, Dim, Repr};

/// Lower and upper bound; `None` is unbounded.
pub(super) type Range = (Option<i64>, Option<i64>);

impl Dim {
    /// Whether both are the same for every value of the named sizes (`Some`), or that can't be decided (`None`).
    pub fn compare(&self, other: &Dim) -> Option<bool> {
        if self == other {
            return Some(true);
        }
        let difference = self.checked_sub(other).ok()?;
        match difference.range() {
            (Some(low), _) if low > 0 => Some(false),
            (_, Some(high)) if high < 0 => Some(false),
            (Some(0), Some(0)) => Some(true),
            _ => None,
        }
    }

    /// Whether `self <= other` always holds (`Some(true)`), never holds (`Some(false)`) or depends (`None`).
    pub fn at_most(&self, other: &Dim) -> Option<bool> {
        match other.checked_sub(self).ok()?.range() {
            (Some(low), _) if low >= 0 => Some(true),
            (_, Some(high)) if high < 0 => Some(false),
            _ => None,
        }
    }

    /// Bounds that hold for all values of the named sizes, each of which is at least 1.
    pub fn range(&self) -> Range {
        self.range_within(&|_| (Some(1), None))
    }

    /// Bounds for all values of the named sizes within theirs.
    pub(super) fn range_within(&self, symbols: &dyn Fn(&str) -> Range) -> Range {
        match &self.0 {
            Repr::Const(c) => (Some(*c), Some(*c)),
            Repr::Poly(p) => p.terms.iter().fold((Some(0), Some(0)), |(low, high), (m, c)| {
                let (l, h) = scale_range(monomial_range(m, symbols), *c);
                (add_bound(low, l), add_bound(high, h))
            }),
        }
    }
}

fn atom_range(atom: &Atom, symbols: &dyn Fn(&str) -> Range) -> Range {
    match atom {
        Atom::Symbol(s) => symbols(s),
        Atom::FloorDiv(a, b) => match (a.range_within(symbols), b.as_const()) {
            ((low, high), Some(d)) if d > 0 => (low.map(|l| l.div_euclid(d)), high.map(|h| h.div_euclid(d))),
            ((Some(low), _), None) if low >= 0 && b.range_within(symbols).0.is_some_and(|l| l > 0) => {
                (Some(0), None)
            }
            _ => (None, None),
        },
    }
}

fn monomial_range(m: &Monomial, symbols: &dyn Fn(&str) -> Range) -> Range {
    m.iter().fold((Some(1), Some(1)), |(low, high), (atom, power)| {
        let (l, h) = atom_range(atom, symbols);
        match (low, l) {
            (Some(low), Some(l)) if low >= 0 && l >= 0 => (
                l.checked_pow(*power).and_then(|l| low.checked_mul(l)),
                high.zip(h).and_then(|(high, h)| h.checked_pow(*power).and_then(|h| high.checked_mul(h))),
            ),
            _ => (None, None),
        }
    })
}

fn scale_range((low, high): Range, c: i64) -> Range {
    let scale = |b: Option<i64>| b.and_then(|b| b.checked_mul(c));
    if c >= 0 { (scale(low), scale(high)) } else { (scale(high), scale(low)) }
}

fn add_bound(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a?.checked_add(b?)
}
