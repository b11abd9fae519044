//! Where an element lies, as a function of loop counters.
//!
//! An [`Index`] is a sum of whole multiples of [`Atom`]s: loop counters, and quotients and remainders of other indices, which is what
//! reshapes need. Counters start at 0 and stay below their extents, so that ranges are known and most quotients fall away.

use std::fmt;

use crate::dim::gcd;

/// One unknown of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Atom {
    /// The counter of a loop.
    Loop(usize),
    /// Floor of an index, which is not negative, divided by a positive number.
    Quotient(Box<Index>, i64),
    /// The remainder of that division.
    Remainder(Box<Index>, i64),
}

/// A sum of multiples of atoms, and a constant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Index {
    /// Factors, none 0, and atoms in ascending order, each once.
    pub terms: Vec<(Atom, i64)>,
    /// What is added.
    pub offset: i64,
}

impl Index {
    /// A number.
    pub fn constant(offset: i64) -> Self {
        Index { terms: vec![], offset }
    }

    /// The counter of a loop; that of a loop with one round is 0.
    pub fn counter(axis: usize, extents: &[usize]) -> Self {
        match extents.get(axis) {
            Some(0 | 1) => Index::constant(0),
            _ => Index { terms: vec![(Atom::Loop(axis), 1)], offset: 0 },
        }
    }

    /// The number, if it depends on no counter.
    pub fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.offset)
    }

    /// The loop whose counter this is, if it is one.
    pub fn as_counter(&self) -> Option<usize> {
        match (self.terms.as_slice(), self.offset) {
            ([(Atom::Loop(axis), 1)], 0) => Some(*axis),
            _ => None,
        }
    }

    /// The sum of two indices.
    #[must_use]
    pub fn plus(&self, other: &Index) -> Index {
        let mut sum = Index { terms: self.terms.clone(), offset: self.offset + other.offset };
        for (atom, factor) in &other.terms {
            match sum.terms.binary_search_by(|(known, _)| known.cmp(atom)) {
                Ok(at) => sum.terms[at].1 += factor,
                Err(at) => sum.terms.insert(at, (atom.clone(), *factor)),
            }
        }
        sum.terms.retain(|(_, factor)| *factor != 0);
        sum.joined()
    }

    /// Without quotients whose remainders are there too: `5 * (x // 5) + x % 5` is `x`. Reshapes of reshapes lie as the first did.
    fn joined(self) -> Index {
        for (r, (remainder, factor)) in self.terms.iter().enumerate() {
            for (q, (quotient, multiple)) in self.terms.iter().enumerate() {
                let Some(whole) = remainder.rejoined(*factor, quotient, *multiple) else { continue };
                let others = self.terms.iter().enumerate().filter(|(i, _)| *i != r && *i != q);
                let terms = others.map(|(_, term)| term.clone()).collect();
                return Index { terms, offset: self.offset }.plus(&whole.times(*factor));
            }
        }
        self
    }

    /// A multiple.
    #[must_use]
    pub fn times(&self, factor: i64) -> Index {
        if factor == 0 {
            return Index::default();
        }
        let terms = self.terms.iter().map(|(atom, own)| (atom.clone(), own * factor)).collect();
        Index { terms, offset: self.offset * factor }
    }

    /// The floor of the quotient by a positive number; the index must not be negative.
    #[must_use]
    pub fn quotient(&self, by: i64, extents: &[usize]) -> Index {
        let (whole, rest) = self.split(by);
        let whole = whole.divided(by);
        match rest.range(extents) {
            (0.., high) if high < by => whole,
            _ if by == 1 => self.clone(),
            (0.., _) => whole.plus(&match rest.grain(by, extents) {
                Some(grain) => rest.split(grain).0.divided(grain).quotient(by / grain, extents),
                None => Index::atom(Atom::Quotient(Box::new(rest), by)),
            }),
            _ => Index::atom(Atom::Quotient(Box::new(self.clone()), by)),
        }
    }

    /// The remainder of that division.
    #[must_use]
    pub fn remainder(&self, by: i64, extents: &[usize]) -> Index {
        let (_, rest) = self.split(by);
        match rest.range(extents) {
            (0.., high) if high < by => rest,
            (0.., _) => match rest.grain(by, extents) {
                Some(grain) => {
                    let (coarse, fine) = rest.split(grain);
                    coarse.divided(grain).remainder(by / grain, extents).times(grain).plus(&fine)
                }
                None => Index::atom(Atom::Remainder(Box::new(rest), by)),
            },
            _ => Index::atom(Atom::Remainder(Box::new(self.clone()), by)),
        }
    }

    /// Least and greatest value.
    pub fn range(&self, extents: &[usize]) -> (i64, i64) {
        self.terms.iter().fold((self.offset, self.offset), |(low, high), (atom, factor)| {
            let greatest = atom.greatest(extents) * factor;
            (low + greatest.min(0), high + greatest.max(0))
        })
    }

    /// The value for some counters.
    pub fn at(&self, counters: &[usize]) -> i64 {
        self.terms.iter().fold(self.offset, |sum, (atom, factor)| sum + factor * atom.at(counters))
    }

    /// With an index in place of each counter.
    #[must_use]
    pub fn substitute(&self, counters: &[Index], extents: &[usize]) -> Index {
        let start = Index::constant(self.offset);
        self.terms.iter().fold(start, |sum, (atom, factor)| {
            let value = match atom {
                Atom::Loop(axis) => counters[*axis].clone(),
                Atom::Quotient(of, by) => of.substitute(counters, extents).quotient(*by, extents),
                Atom::Remainder(of, by) => of.substitute(counters, extents).remainder(*by, extents),
            };
            sum.plus(&value.times(*factor))
        })
    }

    /// The atom, if it is one and nothing else.
    fn as_atom(&self) -> Option<&Atom> {
        match (self.terms.as_slice(), self.offset) {
            ([(atom, 1)], 0) => Some(atom),
            _ => None,
        }
    }

    /// The loops that it depends on, ascending.
    pub fn loops(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.terms.iter().flat_map(|(atom, _)| atom.loops()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn atom(atom: Atom) -> Index {
        Index { terms: vec![(atom, 1)], offset: 0 }
    }

    /// A proper divisor of `by` such that what is no multiple of it never adds up to one: a quotient by `by` does not depend on that part,
    /// and a remainder has it as it is. `(1200 * c + 40 * y + x) // 9600` is `c // 8` where `40 * y + x` stays below 1200.
    fn grain(&self, by: i64, extents: &[usize]) -> Option<i64> {
        let common = self.terms.iter().filter_map(|(_, factor)| i64::try_from(gcd(*factor, by)).ok());
        let alone = |grain: &i64| matches!(self.split(*grain).1.range(extents), (0.., high) if high < *grain);
        common.filter(|own| (2..by).contains(own)).filter(alone).max()
    }

    /// The part that a number divides, and the rest.
    fn split(&self, by: i64) -> (Index, Index) {
        let (whole, rest) = self.terms.iter().cloned().partition(|(_, factor)| factor % by == 0);
        let low = self.offset.rem_euclid(by);
        (Index { terms: whole, offset: self.offset - low }, Index { terms: rest, offset: low })
    }

    fn divided(&self, by: i64) -> Index {
        let terms = self.terms.iter().map(|(atom, factor)| (atom.clone(), factor / by)).collect();
        Index { terms, offset: self.offset / by }
    }
}

impl Atom {
    /// `x`, if this is the remainder of its division by a number, times `factor`, and the other the quotient, times `multiple`.
    fn rejoined(&self, factor: i64, quotient: &Atom, multiple: i64) -> Option<Index> {
        let (Atom::Remainder(x, by), Atom::Quotient(of, divisor)) = (self, quotient) else { return None };
        if multiple != factor * by {
            return None;
        }
        if of == x && divisor == by {
            return Some((**x).clone());
        }
        match (x.as_atom(), of.as_atom()) {
            // (y // m) % by and y // (m * by)
            (Some(Atom::Quotient(y, m)), _) if y == of && m * by == *divisor => Some((**x).clone()),
            // x % by and (x % m) // by, where `by` divides m
            (_, Some(Atom::Remainder(y, m))) if y == x && divisor == by && m % by == 0 => {
                Some((**of).clone())
            }
            _ => None,
        }
    }

    fn greatest(&self, extents: &[usize]) -> i64 {
        match self {
            Atom::Loop(axis) => extents.get(*axis).map_or(0, |extent| (*extent as i64 - 1).max(0)),
            Atom::Quotient(of, by) => of.range(extents).1 / by,
            Atom::Remainder(of, by) => of.range(extents).1.min(by - 1),
        }
    }

    fn at(&self, counters: &[usize]) -> i64 {
        match self {
            Atom::Loop(axis) => counters[*axis] as i64,
            Atom::Quotient(of, by) => of.at(counters).div_euclid(*by),
            Atom::Remainder(of, by) => of.at(counters).rem_euclid(*by),
        }
    }

    /// The loops that it depends on.
    pub fn loops(&self) -> Vec<usize> {
        match self {
            Atom::Loop(axis) => vec![*axis],
            Atom::Quotient(of, _) | Atom::Remainder(of, _) => of.loops(),
        }
    }
}

/// Names of counters: `i`, `j`, ..
fn letter(axis: usize) -> String {
    match u8::try_from(axis) {
        Ok(small @ 0..=15) => char::from(b'i' + small).to_string(),
        _ => format!("i{axis}"),
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return write!(f, "{}", self.offset);
        }
        for (i, (atom, factor)) in self.terms.iter().enumerate() {
            match (i, factor) {
                (0, 1) => {}
                (0, -1) => write!(f, "-")?,
                (0, _) => write!(f, "{factor}*")?,
                (_, 1) => write!(f, " + ")?,
                (_, -1) => write!(f, " - ")?,
                (_, i64::MIN..=-1) => write!(f, " - {}*", -factor)?,
                (_, _) => write!(f, " + {factor}*")?,
            }
            write!(f, "{atom}")?;
        }
        match self.offset {
            0 => Ok(()),
            low @ i64::MIN..=-1 => write!(f, " - {}", -low),
            more => write!(f, " + {more}"),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Loop(axis) => f.write_str(&letter(*axis)),
            Atom::Quotient(of, by) => write!(f, "({of})//{by}"),
            Atom::Remainder(of, by) => write!(f, "({of})%{by}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXTENTS: [usize; 3] = [4, 6, 5];

    fn counter(axis: usize) -> Index {
        Index::counter(axis, &EXTENTS)
    }

    #[test]
    fn merging_and_splitting_axes_again_leaves_nothing_behind() {
        let flat = counter(0).times(30).plus(&counter(1).times(5)).plus(&counter(2));
        assert_eq!(flat.quotient(30, &EXTENTS), counter(0));
        assert_eq!(flat.remainder(30, &EXTENTS).quotient(5, &EXTENTS), counter(1));
        assert_eq!(flat.remainder(5, &EXTENTS), counter(2));
        assert_eq!(flat.to_string(), "30*i + 5*j + k");
    }

    #[test]
    fn what_cannot_be_decided_stays() {
        let flat = counter(1).times(5).plus(&counter(2));
        assert_eq!(flat.quotient(7, &EXTENTS).to_string(), "(5*j + k)//7");
        assert_eq!(flat.remainder(7, &EXTENTS).to_string(), "(5*j + k)%7");
    }

    #[test]
    fn places_within_channels_have_no_part_in_the_group() {
        let extents = [64, 30, 40];
        let places = [1200, 40, 1].into_iter().enumerate();
        let flat = places.fold(Index::default(), |sum, (axis, factor)| {
            sum.plus(&Index::counter(axis, &extents).times(factor))
        });
        let (group, within) = (flat.quotient(9600, &extents), flat.remainder(9600, &extents));
        assert_eq!([&group, &within].map(Index::to_string), ["(i)//8", "40*j + k + 1200*(i)%8"]);
        assert_eq!(within.quotient(1200, &extents).to_string(), "(i)%8");
        assert_eq!(group.times(9600).plus(&within), flat);
    }

    #[test]
    fn quotients_and_remainders_of_one_division_join() {
        let flat = counter(0).times(30).plus(&counter(1).times(5)).plus(&counter(2));
        let i = Index::counter(0, &[120]);
        let (q, r) = (|x: &Index, by| x.quotient(by, &[120]), |x: &Index, by| x.remainder(by, &[120]));
        assert_eq!(q(&i, 17).times(17).plus(&r(&i, 17)), i);
        // Three axes, taken apart from either end.
        let first = q(&i, 30).times(30).plus(&r(&q(&i, 5), 6).times(5)).plus(&r(&i, 5));
        let second = q(&i, 30).times(30).plus(&q(&r(&i, 30), 5).times(5)).plus(&r(&i, 5));
        assert_eq!((first, second), (i.clone(), i));
        // Other factors than those of one division stay.
        let apart = flat.quotient(7, &EXTENTS).times(8).plus(&flat.remainder(7, &EXTENTS));
        assert_eq!(apart.terms.len(), 2);
    }

    fn index() -> impl Strategy<Value = Index> {
        let leaf = prop_oneof![(0usize..3).prop_map(counter), (0i64..9).prop_map(Index::constant)];
        leaf.prop_recursive(4, 16, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a.plus(&b)),
                (inner.clone(), 0i64..7).prop_map(|(a, factor)| a.times(factor)),
                (inner.clone(), 1i64..9).prop_map(|(a, by)| a.quotient(by, &EXTENTS)),
                (inner, 1i64..9).prop_map(|(a, by)| a.remainder(by, &EXTENTS)),
            ]
        })
    }

    proptest! {
        #[test]
        fn arithmetic_on_indices_is_arithmetic_on_their_values(a in index(), b in index(), by in 1i64..9) {
            for flat in 0..EXTENTS.iter().product::<usize>() {
                let at = [flat / 30, flat / 5 % 6, flat % 5];
                let (x, y) = (a.at(&at), b.at(&at));
                prop_assert_eq!(a.plus(&b).at(&at), x + y);
                prop_assert_eq!(a.quotient(by, &EXTENTS).at(&at), x / by);
                prop_assert_eq!(a.remainder(by, &EXTENTS).at(&at), x % by);
                let (low, high) = a.range(&EXTENTS);
                prop_assert!(low <= x && x <= high);
                let moved = a.substitute(&[b.clone(), counter(0), counter(2)], &EXTENTS);
                if b.range(&EXTENTS).1 < 4 {
                    prop_assert_eq!(moved.at(&at), a.at(&[y as usize, at[0], at[2]]));
                }
            }
        }
    }
}
