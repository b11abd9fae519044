//! Division: the part that divides exactly is split off, what remains becomes an atom in lowest terms.

use super::poly::{Poly, add_term, divide, gcd, term_is_multiple};
use super::{Atom, Dim, DimError, Facts, Repr};

impl Dim {
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
        d != 0 && self.to_poly().iter().all(|(m, c)| term_is_multiple(m, *c, d, facts))
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
                None => Self::from_atom(Atom::FloorDiv(self.clone(), other.clone())),
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
        p.terms.iter().filter(|(_, c)| **c < -1).find_map(|(m, c)| {
            let [(atom @ Atom::FloorDiv(..), 1)] = m.as_slice() else { return None };
            let divisor = Dim::from(c.checked_neg()?);
            let whole =
                self.checked_add(&Dim::from_atom(atom.clone()).ok()?.checked_mul(&divisor).ok()?).ok()?;
            let again = whole.rem(&divisor, &Facts::default()).ok()?;
            (again == *self).then_some((whole, divisor))
        })
    }

    /// Splits off what is divisible: `(2*H + 3) // 2` is `H + 1` because `3 // 2` is 1.
    fn floor_div_const(&self, d: i64, facts: &Facts) -> Result<Dim, DimError> {
        let (mut whole, mut rest) = (Poly::new(), Poly::new());
        for (m, c) in self.to_poly() {
            let (q, r) = (c.div_euclid(d), c.rem_euclid(d));
            add_term(&mut whole, m.clone(), q)?;
            if !m.is_empty() && r != 0 && term_is_multiple(&m, r, d, facts) {
                let (numerator, d) = lowest_terms(&Poly::from([(m, r)]), d)?;
                add_term(&mut whole, vec![(Atom::FloorDiv(numerator, Dim::from(d)), 1)], 1)?;
            } else {
                add_term(&mut rest, m, r)?;
            }
        }
        let (numerator, d) = lowest_terms(&rest, d)?;
        let whole = Self::from_poly(whole)?;
        match numerator.range() {
            (Some(low), Some(high)) if low >= 0 && high < d => Ok(whole),
            _ => whole.checked_add(&numerator.quotient(d, facts)?),
        }
    }

    /// `((a // b) + k) // d` is `(a + k*b) // (b*d)`: chains of strided windows collapse into one division.
    fn quotient(&self, d: i64, facts: &Facts) -> Result<Dim, DimError> {
        let poly = self.to_poly();
        let constant = poly.get(&vec![]).copied().unwrap_or(0);
        let mut unknown = poly.iter().filter(|(m, _)| !m.is_empty());
        if let (Some((m, 1)), None) = (unknown.next(), unknown.next())
            && let [(Atom::FloorDiv(a, b), 1)] = m.as_slice()
            && let Some(inner) = b.as_const().filter(|b| *b > 0)
            && let (Some(shift), Some(divisor)) = (constant.checked_mul(inner), inner.checked_mul(d))
        {
            return a.checked_add(&Dim::from(shift))?.floor_div(&Dim::from(divisor), facts);
        }
        Self::from_atom(Atom::FloorDiv(self.clone(), Dim::from(d)))
    }

    /// Exact division of every term by a single term, such as `(B*C) / C`.
    fn divide_by_monomial(&self, other: &Dim) -> Option<Dim> {
        let divisor = other.to_poly();
        let (m, c) = divisor.iter().next().filter(|_| divisor.len() == 1)?;
        let mut quotient = Poly::new();
        for (n, d) in self.to_poly() {
            if d.checked_rem(*c)? != 0 {
                return None;
            }
            add_term(&mut quotient, divide(&n, m)?, d.checked_div(*c)?).ok()?;
        }
        Self::from_poly(quotient).ok()
    }
}

/// `(g*x + k) // (g*d)` is `(x + k // g) // d`: cancels what all coefficients share with the divisor.
fn lowest_terms(numerator: &Poly, d: i64) -> Result<(Dim, i64), DimError> {
    let coefficients = numerator.iter().filter(|(m, _)| !m.is_empty()).map(|(_, c)| *c);
    // The divisor is positive and fits, hence so does what divides it.
    let common = coefficients.fold(d, |g, c| i64::try_from(gcd(g, c)).unwrap_or(1));
    let mut reduced = Poly::new();
    for (m, c) in numerator {
        add_term(&mut reduced, m.clone(), c.div_euclid(common))?;
    }
    Ok((Dim::from_poly(reduced)?, d / common))
}

/// Rounds towards minus infinity; `None` if the divisor is 0 or the quotient does not fit.
pub(super) fn floor_div(a: i64, b: i64) -> Option<i64> {
    let q = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q })
}
