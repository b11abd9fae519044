//! Symbolic dimensions in normal form.
//!
//! A [`Dim`] is a polynomial with integer coefficients over *atoms*: named sizes (`B`, `H`) and floor divisions that
//! could not be simplified (`(H + 1) // 2`). Named sizes are at least 1. Two dims that are equal as polynomials are equal
//! as values, so that the type checker compares with `==` and only falls back on [`Dim::compare`] to learn that two
//! different polynomials can never agree.

mod display;
mod divide;
mod facts;
mod implied;
mod poly;
mod range;

use std::ops::{Add, Mul, Sub};
use std::sync::Arc;

use divide::floor_div;
pub use facts::Facts;
pub(crate) use poly::gcd;
use poly::{Poly, add_term, multiply};

/// A size: a constant or a polynomial over named sizes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(Repr);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Const(i64),
    /// Never a constant: [`Dim::from_poly`] folds those.
    Poly(Arc<Terms>),
}

/// A polynomial, and how many atoms it holds in all, those within atoms included.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Terms {
    terms: Poly,
    atoms: usize,
}

/// An indivisible unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Atom {
    Symbol(Arc<str>),
    /// `numerator // denominator`, already reduced.
    FloorDiv(Dim, Dim),
}

/// The most terms of a dim. These limits keep the work on any dim small, whatever a specification computes.
const MAX_TERMS: usize = 64;
/// The most atoms in a dim; it also bounds how deep divisions nest.
const MAX_ATOMS: usize = 512;

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

impl std::error::Error for DimError {}

impl From<i64> for Dim {
    fn from(value: i64) -> Self {
        Dim(Repr::Const(value))
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        Dim(Repr::Const(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl Dim {
    /// The size named `name`, a plain word.
    pub fn symbol(name: &str) -> Dim {
        let terms = Poly::from([(vec![(Atom::Symbol(name.into()), 1)], 1)]);
        Dim(Repr::Poly(Arc::new(Terms { terms, atoms: 1 })))
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
        match p.terms.iter().next() {
            Some((m, 1)) if p.terms.len() == 1 => match m.as_slice() {
                [(Atom::Symbol(s), 1)] => Some(s),
                _ => None,
            },
            _ => None,
        }
    }

    /// Factor and rest, if this is `factor * symbol + rest`.
    fn as_linear_in(&self, symbol: &str) -> Option<(i64, i64)> {
        let Repr::Poly(p) = &self.0 else { return None };
        let (mut factor, mut rest) = (0, 0);
        for (monomial, c) in &p.terms {
            match monomial.as_slice() {
                [] => rest = *c,
                [(Atom::Symbol(s), 1)] if **s == *symbol => factor = *c,
                _ => return None,
            }
        }
        (factor != 0).then_some((factor, rest))
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
        for (atom, _) in p.terms.keys().flatten() {
            match atom {
                Atom::Symbol(s) => out.push(s.clone()),
                Atom::FloorDiv(a, b) => {
                    a.collect_symbols(out);
                    b.collect_symbols(out);
                }
            }
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
        if let (Repr::Const(a), Repr::Const(b)) = (&self.0, &other.0) {
            return a.checked_sub(*b).map(Dim::from).ok_or(DimError::TooLarge);
        }
        let mut difference = self.to_poly();
        for (m, c) in other.to_poly() {
            add_term(&mut difference, m, c.checked_neg().ok_or(DimError::TooLarge)?)?;
        }
        Self::from_poly(difference)
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
                add_term(&mut product, multiply(m, n)?, c.checked_mul(*d).ok_or(DimError::TooLarge)?)?;
            }
        }
        Self::from_poly(product)
    }

    /// The value when every named size has one.
    pub fn eval(&self, lookup: &dyn Fn(&str) -> Option<i64>) -> Result<i64, DimError> {
        let Repr::Poly(p) = &self.0 else { return Ok(self.as_const().unwrap_or(0)) };
        p.terms.iter().try_fold(0i64, |sum, (m, c)| {
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
        p.terms.iter().try_fold(Dim::from(0i64), |sum, (m, c)| {
            let value = m.iter().try_fold(Dim::from(*c), |v, (atom, power)| {
                let base = atom.substitute(lookup, facts)?;
                (0..*power).try_fold(v, |v, _| v.checked_mul(&base))
            })?;
            sum.checked_add(&value)
        })
    }

    /// The same size in units of what is known: a symbol that is a multiple of 32 becomes 32 times another one, so that
    /// `H//16` and `2*(H//32)` become equal.
    pub(crate) fn in_units(&self, facts: &Facts) -> Result<Dim, DimError> {
        let unit = |symbol: &str| match facts.divisor(symbol) {
            1 => None,
            d => Dim::symbol(&format!("{symbol}/{d}")).checked_mul(&Dim::from(d)).ok(),
        };
        self.substitute(&unit, &Facts::default())
    }

    fn from_atom(atom: Atom) -> Result<Dim, DimError> {
        Self::from_poly(Poly::from([(vec![(atom, 1)], 1)]))
    }

    fn from_poly(terms: Poly) -> Result<Dim, DimError> {
        match terms.iter().next() {
            None => return Ok(Dim(Repr::Const(0))),
            Some((m, c)) if terms.len() == 1 && m.is_empty() => return Ok(Dim(Repr::Const(*c))),
            Some(_) => {}
        }
        let atoms = terms.keys().flatten().map(|(atom, _)| atom.atoms()).sum();
        // The smallest number has no negative, which every other operation would have to mind.
        if terms.len() > MAX_TERMS || atoms > MAX_ATOMS || terms.values().any(|c| *c == i64::MIN) {
            return Err(DimError::TooLarge);
        }
        Ok(Dim(Repr::Poly(Arc::new(Terms { terms, atoms }))))
    }

    fn to_poly(&self) -> Poly {
        match &self.0 {
            Repr::Const(0) => Poly::new(),
            Repr::Const(c) => Poly::from([(vec![], *c)]),
            Repr::Poly(p) => p.terms.clone(),
        }
    }

    /// How many atoms it holds.
    fn atoms(&self) -> usize {
        match &self.0 {
            Repr::Const(_) => 0,
            Repr::Poly(p) => p.atoms,
        }
    }
}

impl Atom {
    fn atoms(&self) -> usize {
        match self {
            Atom::Symbol(_) => 1,
            Atom::FloorDiv(a, b) => 1 + a.atoms() + b.atoms(),
        }
    }

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
            Atom::Symbol(s) => Ok(lookup(s).unwrap_or_else(|| Dim::symbol(s))),
            Atom::FloorDiv(a, b) => {
                a.substitute(lookup, facts)?.floor_div(&b.substitute(lookup, facts)?, facts)
            }
        }
    }
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

#[cfg(test)]
mod tests;
