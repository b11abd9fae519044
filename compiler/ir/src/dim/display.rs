//! How dims are written: as Python would compute them.

use std::fmt;

use super::poly::Monomial;
use super::{Atom, Dim, DimError, Repr};

impl fmt::Display for Dim {
    /// Highest terms first, constant last: `2*H*W + H - 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr::Poly(p) = &self.0 else { return write!(f, "{}", self.as_const().unwrap_or(0)) };
        let (constant, unknown): (Vec<_>, Vec<_>) = p.terms.iter().partition(|(m, _)| m.is_empty());
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
    // A quotient inside a product, or after a minus that would bind to its numerator, needs its own brackets.
    let alone = m.len() == 1 && c.unsigned_abs() == 1 && !(first && c < 0);
    for (i, (atom, power)) in m.iter().enumerate() {
        write!(f, "{}", if i == 0 { "" } else { "*" })?;
        match atom {
            Atom::Symbol(s) => write!(f, "{s}")?,
            Atom::FloorDiv(a, b) if alone && *power == 1 => write_quotient(f, a, b)?,
            Atom::FloorDiv(a, b) => {
                write!(f, "(")?;
                write_quotient(f, a, b)?;
                write!(f, ")")?;
            }
        }
        if *power > 1 {
            write!(f, "^{power}")?;
        }
    }
    Ok(())
}

fn write_quotient(f: &mut fmt::Formatter<'_>, a: &Dim, b: &Dim) -> fmt::Result {
    write_factor(f, a)?;
    write!(f, "//")?;
    write_factor(f, b)
}

fn write_factor(f: &mut fmt::Formatter<'_>, d: &Dim) -> fmt::Result {
    if d.as_symbol().is_some() || d.as_const().is_some_and(|c| c >= 0) {
        write!(f, "{d}")
    } else {
        write!(f, "({d})")
    }
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
