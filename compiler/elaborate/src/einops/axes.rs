//! Fitting the left side of a pattern to the shape of its input.

use std::ops::Range;

use vspec_ir::Dim;

use super::arrange::{Atom, Axis};
use super::error::{count_axes, show_shape};
use super::parse::{Part, PartKind, Side};
use super::{Operand, PatternError};

/// What the left side found in its input.
pub(super) struct Bound<'p> {
    /// Atoms of each input axis.
    pub(super) axes: Vec<Axis>,
    /// Name of each named atom, with its number.
    pub(super) names: Vec<(&'p str, Atom)>,
    /// The axes that `...` stands for; `None` when there is no ellipsis.
    pub(super) rest: Option<Vec<Atom>>,
    atoms: usize,
}

impl<'p> Bound<'p> {
    /// The atom of a name.
    pub(super) fn atom(&self, name: &str) -> Option<&Atom> {
        self.names.iter().find(|(n, _)| *n == name).map(|(_, atom)| atom)
    }

    /// A new atom.
    pub(super) fn add(&mut self, dim: Dim) -> Atom {
        self.atoms += 1;
        Atom { id: self.atoms - 1, dim }
    }

    fn name(&mut self, name: &'p str, dim: Dim) -> Atom {
        let atom = self.add(dim);
        self.names.push((name, atom.clone()));
        atom
    }
}

/// Matches each part of the left side with an axis of the input.
pub(super) fn bind<'p>(side: &Side<'p>, operand: &Operand<'_>) -> Result<Bound<'p>, PatternError> {
    let rest = rest_axes(side, operand)?;
    let mut bound = Bound { axes: vec![], names: vec![], rest: None, atoms: 0 };
    let mut axis = 0;
    for part in &side.parts {
        if part.kind == PartKind::Ellipsis {
            let atoms: Vec<Atom> = (0..rest).map(|i| bound.add(operand.shape[axis + i].clone())).collect();
            bound.axes.extend(atoms.iter().map(|a| vec![a.clone()]));
            bound.rest = Some(atoms);
            axis += rest;
        } else {
            let atoms = bind_axis(&mut bound, part, axis, operand)?;
            bound.axes.push(atoms);
            axis += 1;
        }
    }
    Ok(bound)
}

/// Number of axes that the ellipsis stands for.
fn rest_axes(side: &Side<'_>, operand: &Operand<'_>) -> Result<usize, PatternError> {
    let top = side.parts.iter().filter(|p| p.kind != PartKind::Ellipsis).count();
    let has_rest = top < side.parts.len();
    if let Some(inner) = side.ellipsis().filter(|_| !has_rest) {
        let error = PatternError::new(inner.range.clone(), "`...` stands in a group on the left side");
        return Err(error.hint("a group on the left splits one axis, so its parts must be named"));
    }
    let rank = operand.shape.len();
    match rank.checked_sub(top) {
        Some(rest) if has_rest || rest == 0 => Ok(rest),
        _ => {
            let least = if has_rest { "at least " } else { "" };
            let message = format!(
                "the left side describes {least}{}, but the input has {}: {}",
                count_axes(top),
                rank,
                show_shape(operand.shape)
            );
            Err(PatternError::new(side.range.clone(), message))
        }
    }
}

fn bind_axis<'p>(
    bound: &mut Bound<'p>,
    part: &Part<'p>,
    axis: usize,
    operand: &Operand<'_>,
) -> Result<Axis, PatternError> {
    let dim = &operand.shape[axis];
    match &part.kind {
        PartKind::Name(name) => {
            if let Some(given) = given(operand, name) {
                check_given(name, &part.range, given)?;
                expect_equal(&part.range, (axis, dim), given, &format!("`{name}` is {given}"))?;
            }
            Ok(vec![bound.name(name, dim.clone())])
        }
        PartKind::Group(inner) => bind_group(bound, (part, inner), axis, operand),
        PartKind::Unit | PartKind::Ellipsis => {
            expect_equal(&part.range, (axis, dim), &Dim::from(1i64), "`1` stands for an axis of size 1")?;
            Ok(vec![])
        }
    }
}

/// Splits an axis; the size of one name may follow from the others.
fn bind_group<'p>(
    bound: &mut Bound<'p>,
    (group, inner): (&Part<'p>, &[Part<'p>]),
    axis: usize,
    operand: &Operand<'_>,
) -> Result<Axis, PatternError> {
    let dim = &operand.shape[axis];
    let (mut known, mut unknown) = (Dim::from(1i64), None);
    for (name, range) in names(inner) {
        match (given(operand, name), unknown) {
            (Some(size), _) => {
                check_given(name, range, size)?;
                known =
                    known.checked_mul(size).map_err(|e| PatternError::new(range.clone(), e.to_string()))?;
            }
            (None, None) => unknown = Some(name),
            (None, Some(first)) => return Err(two_unknown(group, [first, name], (axis, dim))),
        }
    }
    let inferred = match unknown {
        Some(name) => Some((name, divide(group, (axis, dim), &known, operand)?)),
        None => {
            expect_equal(
                &group.range,
                (axis, dim),
                &known,
                &format!("the sizes of this group make {known}"),
            )?;
            None
        }
    };
    let size_of = |name: &str| match (&inferred, given(operand, name)) {
        (Some((n, size)), _) if *n == name => Some(size.clone()),
        (_, size) => size.cloned(),
    };
    Ok(names(inner).filter_map(|(name, _)| Some(bound.name(name, size_of(name)?))).collect())
}

fn names<'a, 'p>(parts: &'a [Part<'p>]) -> impl Iterator<Item = (&'p str, &'a Range<usize>)> {
    parts.iter().filter_map(|part| match part.kind {
        PartKind::Name(name) => Some((name, &part.range)),
        _ => None,
    })
}

/// The size that the call gives for a name.
pub(super) fn given<'a>(operand: &Operand<'a>, name: &str) -> Option<&'a Dim> {
    operand.sizes.iter().find(|(n, _)| n == name).map(|(_, size)| size)
}

/// A given size has to be positive, as far as that is known.
pub(super) fn check_given(name: &str, range: &Range<usize>, size: &Dim) -> Result<(), PatternError> {
    match size.range() {
        (_, Some(high)) if high < 1 => Err(PatternError::new(
            range.clone(),
            format!("the size of `{name}` is {size}, but has to be positive"),
        )),
        _ => Ok(()),
    }
}

fn expect_equal(
    range: &Range<usize>,
    (axis, dim): (usize, &Dim),
    expected: &Dim,
    claim: &str,
) -> Result<(), PatternError> {
    match dim.compare(expected) {
        Some(true) => Ok(()),
        Some(false) => {
            Err(PatternError::new(range.clone(), format!("{claim}, but axis {axis} of the input is {dim}")))
        }
        None => {
            let message =
                format!("{claim}, and whether axis {axis} of the input, {dim}, is that is not known");
            Err(PatternError::new(range.clone(), message)
                .hint("a size that is always the same can be left out"))
        }
    }
}

fn two_unknown(group: &Part<'_>, [a, b]: [&str; 2], (axis, dim): (usize, &Dim)) -> PatternError {
    let message =
        format!("axis {axis} of the input, {dim}, cannot be split: the sizes of `{a}` and `{b}` are open");
    PatternError::new(group.range.clone(), message)
        .hint(format!("give one of them as an argument: `{a} = 4`"))
}

fn divide(
    group: &Part<'_>,
    (axis, dim): (usize, &Dim),
    known: &Dim,
    operand: &Operand<'_>,
) -> Result<Dim, PatternError> {
    dim.exact_div(known, operand.facts).map_err(|_| {
        let constant = dim.as_const().is_some() && known.as_const().is_some();
        let is = if constant { "is not" } else { "is not known to be" };
        let message =
            format!("axis {axis} of the input, {dim}, {is} a multiple of {known}, so it cannot be split");
        let error = PatternError::new(group.range.clone(), message);
        match (dim.as_symbol(), known.as_const()) {
            (Some(symbol), Some(d)) if d != 0 => {
                error.hint(format!("say so with `require {symbol} % {d} == 0`"))
            }
            _ => error,
        }
    })
}
