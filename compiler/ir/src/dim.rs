//! Symbolic dimensions in normal form.
//!
//! A [`Dim`] is a polynomial with integer coefficients over *atoms*: named sizes (`B`, `H`) and floor divisions that
//! could not be simplified (`(H + 1) // 2`). Named sizes are at least 1. Two dims that are equal as polynomials are equal
//! as values, so that the type checker compares with `==` and only falls back on [`Dim::compare`] to learn that two
//! different polynomials can never agree.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Mul, Sub};
use std::sync::Arc;

/// A size: a constant or a polynomial over named sizes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(Repr);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Const(i64),
    /// Never a constant: [`Dim::from_poly`] folds those.
    Poly(Arc<Poly>),
}

type Monomial = Vec<(Atom, u32)>;
type Poly = BTreeMap<Monomial, i64>;

/// An indivisible unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Atom {
    Symbol(Arc<str>),
    /// `numerator // denominator`, already reduced.
    FloorDiv(Dim, Dim),
}

/// What is known about named sizes beyond being positive: `H % 32 == 0`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    multiples: BTreeMap<Arc<str>, i64>,
}

impl Facts {
    /// Records that `symbol` is a multiple of `divisor`; several facts about one symbol combine.
    pub fn assume_multiple(&mut self, symbol: &str, divisor: i64) {
        let known = self.multiples.entry(symbol.into()).or_insert(1);
        *known = *known / gcd(*known, divisor) * divisor;
    }

    /// A number that is known to divide every value of the symbol.
    pub fn divisor(&self, symbol: &str) -> i64 {
        self.multiples.get(symbol).copied().unwrap_or(1)
    }

    /// The facts as `(symbol, divisor)`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.multiples.iter().map(|(s, d)| (&**s, *d))
    }
}

/// The largest coefficient, exponent sum or term count of a dim; arithmetic beyond it saturates into [`DimError`].
const MAX_TERMS: usize = 64;

/// Why arithmetic on dims failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DimError {
    /// Division by zero.
    DivideByZero,
    /// `a / b` where `b` does not divide `a`.
    NotExact(Dim, Dim),
    /// The value does not fit 64 bits, or the polynomial has too many terms.
    TooLarge,
    /// The symbol has no value in this binding.
    Unbound(Arc<str>),
}

impl fmt::Display for DimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DimError::DivideByZero => write!(f, "division by zero"),
            DimError::NotExact(a, b) => write!(f, "{a} is not known to be a multiple of {b}"),
            DimError::TooLarge => write!(f, "size is too large"),
            DimError::Unbound(s) => write!(f, "size `{s}` has no value"),
        }
    }
}

impl std::error::Error for DimError {}

impl From<i64> for Dim {
    fn from(value: i64) -> Self {
        Dim(Repr::Const(value))
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        Dim(Repr::Const(value as i64))
    }
}

impl Dim {
    /// The size named `name`.
    pub fn symbol(name: &str) -> Dim {
        Self::from_atom(Atom::Symbol(name.into()))
    }

    /// The value, if it does not depend on a named size.
    pub fn as_const(&self) -> Option<i64> {
        match self.0 {
            Repr::Const(c) => Some(c),
            Repr::Poly(_) => None,
        }
    }

    /// The name, if this is a bare named size.
    pub fn as_symbol(&self) -> Option<&str> {
        let Repr::Poly(p) = &self.0 else { return None };
        match p.iter().next() {
            Some((m, 1)) if p.len() == 1 => match m.as_slice() {
                [(Atom::Symbol(s), 1)] => Some(s),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is the literal 1, the only size that broadcasts.
    pub fn is_one(&self) -> bool {
        self.0 == Repr::Const(1)
    }

    /// The names that it depends on, sorted.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let mut out = vec![];
        self.collect_symbols(&mut out);
        out.sort();
        out.dedup();
        out
    }

    fn collect_symbols(&self, out: &mut Vec<Arc<str>>) {
        let Repr::Poly(p) = &self.0 else { return };
        for (atom, _) in p.keys().flatten() {
            match atom {
                Atom::Symbol(s) => out.push(s.clone()),
                Atom::FloorDiv(a, b) => {
                    a.collect_symbols(out);
                    b.collect_symbols(out);
                }
            }
        }
    }

    /// Whether both are the same for every value of the named sizes (`Some`), or that can't be decided (`None`).
    pub fn compare(&self, other: &Dim) -> Option<bool> {
        if self == other {
            return Some(true);
        }
        let difference = self.checked_sub(other).ok()?;
        match difference.range() {
            (Some(low), _) if low > 0 => Some(false),
            (_, Some(high)) if high < 0 => Some(false),
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
    pub fn range(&self) -> (Option<i64>, Option<i64>) {
        match &self.0 {
            Repr::Const(c) => (Some(*c), Some(*c)),
            Repr::Poly(p) => p.iter().fold((Some(0), Some(0)), |(low, high), (m, c)| {
                let (l, h) = scale_range(monomial_range(m), *c);
                (add_bound(low, l), add_bound(high, h))
            }),
        }
    }

    /// `self + other`.
    pub fn checked_add(&self, other: &Dim) -> Result<Dim, DimError> {
        if let (Repr::Const(a), Repr::Const(b)) = (&self.0, &other.0) {
            return a.checked_add(*b).map(Dim::from).ok_or(DimError::TooLarge);
        }
        let mut sum = self.to_poly();
        for (m, c) in other.to_poly() {
            add_term(&mut sum, m, c)?;
        }
        Self::from_poly(sum)
    }

    /// `self - other`.
    pub fn checked_sub(&self, other: &Dim) -> Result<Dim, DimError> {
        self.checked_add(&other.checked_mul(&Dim::from(-1i64))?)
    }

    /// `self * other`.
    pub fn checked_mul(&self, other: &Dim) -> Result<Dim, DimError> {
        if let (Repr::Const(a), Repr::Const(b)) = (&self.0, &other.0) {
            return a.checked_mul(*b).map(Dim::from).ok_or(DimError::TooLarge);
        }
        let mut product = Poly::new();
        let right = other.to_poly();
        for (m, c) in &self.to_poly() {
            for (n, d) in &right {
                add_term(&mut product, multiply(m, n), c.checked_mul(*d).ok_or(DimError::TooLarge)?)?;
            }
        }
        Self::from_poly(product)
    }

    /// `self / other`, which must come out exact for all values that the facts allow.
    pub fn exact_div(&self, other: &Dim, facts: &Facts) -> Result<Dim, DimError> {
        let quotient = self.floor_div(other, facts)?;
        let remainder = self.checked_sub(&quotient.checked_mul(other)?)?;
        if remainder.as_const() == Some(0) || self.is_multiple_of(other, facts) {
            return Ok(quotient);
        }
        Err(DimError::NotExact(self.clone(), other.clone()))
    }

    /// Whether `other` divides every term by itself or by a fact.
    pub fn is_multiple_of(&self, other: &Dim, facts: &Facts) -> bool {
        let Some(d) = other.as_const() else {
            return self.divide_by_monomial(other).is_some();
        };
        d != 0 && self.to_poly().iter().all(|(m, c)| (c * monomial_divisor(m, facts)) % d == 0)
    }

    /// `self // other`, rounding towards minus infinity.
    pub fn floor_div(&self, other: &Dim, facts: &Facts) -> Result<Dim, DimError> {
        match (self.as_const(), other.as_const()) {
            (_, Some(0)) => Err(DimError::DivideByZero),
            (Some(a), Some(b)) => floor_div(a, b).map(Dim::from).ok_or(DimError::TooLarge),
            (_, Some(1)) => Ok(self.clone()),
            (_, Some(d)) if d > 0 => self.floor_div_const(d, facts),
            _ => match self.divide_by_monomial(other) {
                Some(q) => Ok(q),
                None => Ok(Self::from_atom(Atom::FloorDiv(self.clone(), other.clone()))),
            },
        }
    }

    /// `self % other`, with the sign of `other`.
    pub fn rem(&self, other: &Dim, facts: &Facts) -> Result<Dim, DimError> {
        self.checked_sub(&self.floor_div(other, facts)?.checked_mul(other)?)
    }

    /// `(a, d)` if this is the remainder `a % d` for a constant `d`.
    pub fn as_remainder(&self) -> Option<(Dim, Dim)> {
        let Repr::Poly(p) = &self.0 else { return None };
        p.iter().filter(|(_, c)| **c < -1).find_map(|(m, c)| {
            let [(atom @ Atom::FloorDiv(..), 1)] = m.as_slice() else { return None };
            let divisor = Dim::from(c.checked_neg()?);
            let whole = self.checked_add(&Dim::from_atom(atom.clone()).checked_mul(&divisor).ok()?).ok()?;
            let again = whole.rem(&divisor, &Facts::default()).ok()?;
            (again == *self).then_some((whole, divisor))
        })
    }

    /// The value when every named size has one.
    pub fn eval(&self, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<i64, DimError> {
        let Repr::Poly(p) = &self.0 else { return Ok(self.as_const().unwrap_or(0)) };
        p.iter().try_fold(0i64, |sum, (m, c)| {
            let value = m.iter().try_fold(*c, |v, (atom, power)| {
                let base = atom.eval(lookup)?;
                base.checked_pow(*power).and_then(|b| b.checked_mul(v)).ok_or(DimError::TooLarge)
            })?;
            sum.checked_add(value).ok_or(DimError::TooLarge)
        })
    }

    /// Replaces named sizes by other dims.
    pub fn substitute(&self, lookup: &dyn Fn(&str) -> Option<Dim>, facts: &Facts) -> Result<Dim, DimError> {
        let Repr::Poly(p) = &self.0 else { return Ok(self.clone()) };
        p.iter().try_fold(Dim::from(0i64), |sum, (m, c)| {
            let value = m.iter().try_fold(Dim::from(*c), |v, (atom, power)| {
                let base = atom.substitute(lookup, facts)?;
                (0..*power).try_fold(v, |v, _| v.checked_mul(&base))
            })?;
            sum.checked_add(&value)
        })
    }

    /// Splits off what is divisible: `(2*H + 3) // 2` is `H + 1` because `3 // 2` is 1.
    fn floor_div_const(&self, d: i64, facts: &Facts) -> Result<Dim, DimError> {
        let (mut whole, mut rest) = (Poly::new(), Poly::new());
        for (m, c) in self.to_poly() {
            let (q, r) = (c.div_euclid(d), c.rem_euclid(d));
            add_term(&mut whole, m.clone(), q)?;
            if !m.is_empty() && r != 0 && (r * monomial_divisor(&m, facts)) % d == 0 {
                let term = Self::from_poly(Poly::from([(m, r)]))?;
                add_term(&mut whole, vec![(reduced_quotient(term, d), 1)], 1)?;
            } else {
                add_term(&mut rest, m, r)?;
            }
        }
        let (whole, rest) = (Self::from_poly(whole)?, Self::from_poly(rest)?);
        match rest.range() {
            (Some(low), Some(high)) if low >= 0 && high < d => Ok(whole),
            _ => whole.checked_add(&rest.floor_div_irreducible(d, facts)?),
        }
    }

    /// `((a // b) + k) // d` is `(a + k*b) // (b*d)`: chains of strided windows collapse into one division.
    fn floor_div_irreducible(&self, d: i64, facts: &Facts) -> Result<Dim, DimError> {
        let poly = self.to_poly();
        let constant = poly.get(&vec![]).copied().unwrap_or(0);
        let mut unknown = poly.iter().filter(|(m, _)| !m.is_empty());
        if let (Some((m, 1)), None) = (unknown.next(), unknown.next())
            && let [(Atom::FloorDiv(a, b), 1)] = m.as_slice()
            && let Some(inner) = b.as_const().filter(|b| *b > 0)
        {
            let numerator =
                a.checked_add(&Dim::from(constant.checked_mul(inner).ok_or(DimError::TooLarge)?))?;
            return numerator.floor_div(&Dim::from(inner.checked_mul(d).ok_or(DimError::TooLarge)?), facts);
        }
        Ok(Self::from_atom(reduced_quotient(self.clone(), d)))
    }

    /// Exact division of every term by a single term, such as `(B*C) / C`.
    fn divide_by_monomial(&self, other: &Dim) -> Option<Dim> {
        let divisor = other.to_poly();
        let (m, c) = divisor.iter().next().filter(|_| divisor.len() == 1)?;
        let mut quotient = Poly::new();
        for (n, d) in self.to_poly() {
            if d % c != 0 {
                return None;
            }
            add_term(&mut quotient, divide(&n, m)?, d / c).ok()?;
        }
        Self::from_poly(quotient).ok()
    }

    fn from_atom(atom: Atom) -> Dim {
        Dim(Repr::Poly(Arc::new(Poly::from([(vec![(atom, 1)], 1)]))))
    }

    fn from_poly(poly: Poly) -> Result<Dim, DimError> {
        if poly.len() > MAX_TERMS {
            return Err(DimError::TooLarge);
        }
        Ok(match poly.iter().next() {
            None => Dim(Repr::Const(0)),
            Some((m, c)) if poly.len() == 1 && m.is_empty() => Dim(Repr::Const(*c)),
            Some(_) => Dim(Repr::Poly(Arc::new(poly))),
        })
    }

    fn to_poly(&self) -> Poly {
        match &self.0 {
            Repr::Const(0) => Poly::new(),
            Repr::Const(c) => Poly::from([(vec![], *c)]),
            Repr::Poly(p) => (**p).clone(),
        }
    }
}

impl Atom {
    fn eval(&self, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<i64, DimError> {
        match self {
            Atom::Symbol(s) => lookup(s).ok_or_else(|| DimError::Unbound(s.clone())),
            Atom::FloorDiv(a, b) => match b.eval(lookup)? {
                0 => Err(DimError::DivideByZero),
                b => floor_div(a.eval(lookup)?, b).ok_or(DimError::TooLarge),
            },
        }
    }

    fn substitute(&self, lookup: &dyn Fn(&str) -> Option<Dim>, facts: &Facts) -> Result<Dim, DimError> {
        match self {
            Atom::Symbol(s) => Ok(lookup(s).unwrap_or_else(|| Dim::from_atom(self.clone()))),
            Atom::FloorDiv(a, b) => {
                a.substitute(lookup, facts)?.floor_div(&b.substitute(lookup, facts)?, facts)
            }
        }
    }

    fn range(&self) -> (Option<i64>, Option<i64>) {
        match self {
            Atom::Symbol(_) => (Some(1), None),
            Atom::FloorDiv(a, b) => match (a.range(), b.as_const()) {
                ((low, high), Some(d)) if d > 0 => {
                    (low.map(|l| l.div_euclid(d)), high.map(|h| h.div_euclid(d)))
                }
                ((Some(low), _), None) if low >= 0 && b.range().0.is_some_and(|l| l > 0) => (Some(0), None),
                _ => (None, None),
            },
        }
    }
}

/// `numerator // d` with a common factor of all coefficients cancelled.
fn reduced_quotient(numerator: Dim, d: i64) -> Atom {
    let poly = numerator.to_poly();
    let common = poly.values().fold(d, |g, c| gcd(g, *c));
    if common <= 1 {
        return Atom::FloorDiv(numerator, Dim::from(d));
    }
    let reduced = Poly::from_iter(poly.into_iter().map(|(m, c)| (m, c / common)));
    match Dim::from_poly(reduced) {
        Ok(n) => Atom::FloorDiv(n, Dim::from(d / common)),
        Err(_) => Atom::FloorDiv(numerator, Dim::from(d)),
    }
}

fn add_term(poly: &mut Poly, monomial: Monomial, coefficient: i64) -> Result<(), DimError> {
    let entry = poly.entry(monomial.clone()).or_insert(0);
    *entry = entry.checked_add(coefficient).ok_or(DimError::TooLarge)?;
    if *entry == 0 {
        poly.remove(&monomial);
    }
    Ok(())
}

fn multiply(a: &Monomial, b: &Monomial) -> Monomial {
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, power) in b {
        *powers.entry(atom.clone()).or_insert(0) += power;
    }
    powers.into_iter().collect()
}

fn divide(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, power) in b {
        let have = powers.get_mut(atom)?;
        *have = have.checked_sub(*power)?;
    }
    Some(powers.into_iter().filter(|(_, p)| *p > 0).collect())
}

/// A number that divides every value of the monomial.
fn monomial_divisor(m: &Monomial, facts: &Facts) -> i64 {
    m.iter().fold(1, |d, (atom, power)| match atom {
        Atom::Symbol(s) => d.saturating_mul(facts.divisor(s).saturating_pow(*power)),
        Atom::FloorDiv(..) => d,
    })
}

fn monomial_range(m: &Monomial) -> (Option<i64>, Option<i64>) {
    m.iter().fold((Some(1), Some(1)), |(low, high), (atom, power)| {
        let (l, h) = atom.range();
        match (low, l) {
            (Some(low), Some(l)) if low >= 0 && l >= 0 => (
                l.checked_pow(*power).and_then(|l| low.checked_mul(l)),
                high.zip(h).and_then(|(high, h)| h.checked_pow(*power).and_then(|h| high.checked_mul(h))),
            ),
            _ => (None, None),
        }
    })
}

fn scale_range((low, high): (Option<i64>, Option<i64>), c: i64) -> (Option<i64>, Option<i64>) {
    let scale = |b: Option<i64>| b.and_then(|b| b.checked_mul(c));
    if c >= 0 { (scale(low), scale(high)) } else { (scale(high), scale(low)) }
}

fn add_bound(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a?.checked_add(b?)
}

fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

/// Infallible operators for sizes that are known to be small (tests, constant shapes); they saturate instead of failing.
macro_rules! saturating_operator {
    ($trait:ident, $method:ident, $checked:ident) => {
        impl $trait for &Dim {
            type Output = Dim;
            fn $method(self, other: &Dim) -> Dim {
                self.$checked(other).unwrap_or_else(|_| Dim::from(i64::MAX))
            }
        }
    };
}

saturating_operator!(Add, add, checked_add);
saturating_operator!(Sub, sub, checked_sub);
saturating_operator!(Mul, mul, checked_mul);

impl fmt::Display for Dim {
    /// Highest terms first, constant last: `2*H*W + H - 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr::Poly(p) = &self.0 else { return write!(f, "{}", self.as_const().unwrap_or(0)) };
        let (constant, unknown): (Vec<_>, Vec<_>) = p.iter().partition(|(m, _)| m.is_empty());
        for (i, (m, c)) in unknown.into_iter().chain(constant).enumerate() {
            write_term(f, m, *c, i == 0)?;
        }
        Ok(())
    }
}

fn write_term(f: &mut fmt::Formatter<'_>, m: &Monomial, c: i64, first: bool) -> fmt::Result {
    match (first, c < 0) {
        (true, true) => write!(f, "-")?,
        (true, false) => {}
        (false, true) => write!(f, " - ")?,
        (false, false) => write!(f, " + ")?,
    }
    if c.unsigned_abs() != 1 || m.is_empty() {
        write!(f, "{}{}", c.unsigned_abs(), if m.is_empty() { "" } else { "*" })?;
    }
    for (i, (atom, power)) in m.iter().enumerate() {
        let times = if i == 0 { "" } else { "*" };
        match atom {
            Atom::Symbol(s) => write!(f, "{times}{s}")?,
            Atom::FloorDiv(a, b) => {
                write!(f, "{times}")?;
                // A quotient inside a product needs its own brackets.
                let bracket = m.len() > 1 || *power > 1 || c.unsigned_abs() != 1;
                write!(f, "{}", if bracket { "(" } else { "" })?;
                write_factor(f, a)?;
                write!(f, "//")?;
                write_factor(f, b)?;
                write!(f, "{}", if bracket { ")" } else { "" })?;
            }
        }
        if *power > 1 {
            write!(f, "^{power}")?;
        }
    }
    Ok(())
}

fn write_factor(f: &mut fmt::Formatter<'_>, d: &Dim) -> fmt::Result {
    if d.as_symbol().is_some() || d.as_const().is_some_and(|c| c >= 0) {
        write!(f, "{d}")
    } else {
        write!(f, "({d})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(name: &str) -> Dim {
        Dim::symbol(name)
    }

    fn c(value: i64) -> Dim {
        Dim::from(value)
    }

    /// Output size of a window: `(H + pad - extent) // stride + 1`.
    fn window(h: &Dim, pad: i64, extent: i64, stride: i64) -> Dim {
        let facts = Facts::default();
        &(h + &c(pad - extent)).floor_div(&c(stride), &facts).expect("positive stride") + &c(1)
    }

    #[test]
    fn order_of_terms_does_not_matter() {
        assert_eq!(&(&s("B") * &s("H")) + &c(1), &c(1) + &(&s("H") * &s("B")));
        assert_eq!((&(&s("H") * &s("W")) - &(&s("W") * &s("H"))).as_const(), Some(0));
    }

    #[test]
    fn strided_windows_collapse_into_one_division() {
        let once = window(&s("H"), 2, 3, 2);
        assert_eq!(once.to_string(), "(H + 1)//2");
        assert_eq!(window(&once, 2, 3, 2).to_string(), "(H + 3)//4");
    }

    #[test]
    fn facts_make_divisions_exact() {
        let mut facts = Facts::default();
        facts.assume_multiple("H", 32);
        let half = (&s("H") + &c(1)).floor_div(&c(2), &facts).expect("positive divisor");
        assert_eq!(half.to_string(), "H//2");
        assert_eq!(s("H").exact_div(&c(8), &facts).expect("multiple of 32").to_string(), "H//8");
        assert!(matches!(s("W").exact_div(&c(8), &facts), Err(DimError::NotExact(..))));
    }

    #[test]
    fn products_divide_by_their_factors() {
        let n = &(&s("B") * &s("C")) * &c(4);
        let facts = Facts::default();
        assert_eq!(n.exact_div(&s("C"), &facts).expect("a factor"), &s("B") * &c(4));
        assert_eq!(n.exact_div(&c(2), &facts).expect("a factor"), &(&s("B") * &s("C")) * &c(2));
    }

    #[test]
    fn different_polynomials_are_told_apart_when_they_never_agree() {
        assert_eq!(s("H").compare(&(&s("H") + &c(1))), Some(false));
        assert_eq!(s("H").compare(&s("W")), None);
        assert_eq!(c(3).compare(&c(4)), Some(false));
        assert_eq!((&s("H") + &s("W")).compare(&s("H")), Some(false));
    }

    #[test]
    fn values_and_substitution_agree() {
        let d = window(&window(&s("H"), 2, 3, 2), 2, 3, 2);
        for h in 1..200 {
            let expect = ((h + 1) / 2 + 1) / 2;
            assert_eq!(d.eval(&|_| Some(h)).expect("bound"), expect);
            let substituted = d.substitute(&|_| Some(c(h)), &Facts::default()).expect("small");
            assert_eq!(substituted.as_const(), Some(expect));
        }
    }

    #[test]
    fn remainders_are_recognised() {
        let remainder = s("H").rem(&c(32), &Facts::default()).expect("positive divisor");
        assert_eq!(remainder.as_remainder(), Some((s("H"), c(32))));
        assert_eq!((&s("H") - &c(3)).as_remainder(), None);
    }

    #[test]
    fn overflow_is_an_error() {
        assert_eq!(c(i64::MAX).checked_add(&c(1)), Err(DimError::TooLarge));
        assert_eq!(c(1).floor_div(&c(0), &Facts::default()), Err(DimError::DivideByZero));
    }
}
