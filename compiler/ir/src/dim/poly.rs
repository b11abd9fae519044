//! Polynomials: sums of products of atoms.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Atom, DimError, Facts};

/// Atoms with their powers, sorted; empty for the constant term.
pub(super) type Monomial = Vec<(Atom, u32)>;
/// Coefficients by monomial; never 0.
pub(super) type Poly = BTreeMap<Monomial, i64>;

/// The largest sum of powers in a term.
const MAX_DEGREE: u32 = 64;

pub(super) fn add_term(poly: &mut Poly, monomial: Monomial, coefficient: i64) -> Result<(), DimError> {
    match poly.entry(monomial) {
        Entry::Vacant(_) if coefficient == 0 => {}
        Entry::Vacant(entry) => {
            entry.insert(coefficient);
        }
        Entry::Occupied(mut entry) => match entry.get().checked_add(coefficient).ok_or(DimError::TooLarge)? {
            0 => {
                entry.remove();
            }
            sum => {
                entry.insert(sum);
            }
        },
    }
    Ok(())
}

pub(super) fn multiply(a: &Monomial, b: &Monomial) -> Result<Monomial, DimError> {
    let degree = |m: &Monomial| m.iter().map(|(_, power)| power).sum::<u32>();
    if degree(a) + degree(b) > MAX_DEGREE {
        return Err(DimError::TooLarge);
    }
    if a.is_empty() || b.is_empty() {
        return Ok(if a.is_empty() { b } else { a }.clone());
    }
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, power) in b {
        *powers.entry(atom.clone()).or_insert(0) += power;
    }
    Ok(powers.into_iter().collect())
}

pub(super) fn divide(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, power) in b {
        let have = powers.get_mut(atom)?;
        *have = have.checked_sub(*power)?;
    }
    Some(powers.into_iter().filter(|(_, p)| *p > 0).collect())
}

/// Whether the facts make every value of a term a multiple of `d`: its factors use up those of `d` one by one.
pub(super) fn term_is_multiple(m: &Monomial, coefficient: i64, d: i64, facts: &Facts) -> bool {
    let mut left = d.unsigned_abs();
    left /= gcd_unsigned(left, coefficient.unsigned_abs()).max(1);
    for (atom, power) in m {
        let Atom::Symbol(symbol) = atom else { continue };
        let known = facts.divisor(symbol).unsigned_abs();
        for _ in 0..*power {
            left /= gcd_unsigned(left, known).max(1);
        }
    }
    left == 1
}

/// Greatest common divisor of the sizes of two numbers; 0 only for two zeros.
pub(crate) fn gcd(a: i64, b: i64) -> u64 {
    gcd_unsigned(a.unsigned_abs(), b.unsigned_abs())
}

fn gcd_unsigned(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd_unsigned(b, a % b) }
}
