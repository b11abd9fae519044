//! `rearrange`, `reduce` and `repeat`.

use std::ops::Range;

use vspec_ir::{Dim, DimError};

use super::arrange::{Atom, Axis, arrange, shape};
use super::axes::{Bound, bind, check_given, given};
use super::parse::{PartKind, Side, Spelling, parse_side, split_arrow};
use super::{Operand, PatternError, Reduction, Step};

/// `"b (s c) h w -> b s c h w"`: the same elements under other axes.
///
/// # Errors
///
/// The pattern does not describe the input, or a name stands on one side only.
pub(crate) fn rearrange(pattern: &str, operand: &Operand<'_>) -> Result<Vec<Step>, PatternError> {
    let sides = Sides::new(pattern, operand)?;
    sides.left_is_kept()?;
    let right = sides.right_axes(|name, range| Err(sides.unknown(name, range)))?;
    arrange(&sides.bound.axes, &right).map_err(|e| too_large(pattern, &e))
}

/// `"b c h w -> b c"`: a reduction over every axis that the right side leaves out.
///
/// # Errors
///
/// The pattern does not describe the input, or the right side has a name that the left has not.
pub(crate) fn reduce(pattern: &str, op: Reduction, operand: &Operand<'_>) -> Result<Vec<Step>, PatternError> {
    let sides = Sides::new(pattern, operand)?;
    let right = sides.right_axes(|name, range| Err(sides.unknown(name, range)))?;
    reduce_plan(&sides.bound.axes, &right, op).map_err(|e| too_large(pattern, &e))
}

/// `"c -> b c"` with `b = 8`: repeats along the axes that only the right side has.
///
/// # Errors
///
/// The pattern does not describe the input, or a new axis has no size.
pub(crate) fn repeat(pattern: &str, operand: &Operand<'_>) -> Result<Vec<Step>, PatternError> {
    let mut sides = Sides::new(pattern, operand)?;
    sides.left_is_kept()?;
    let mut new: Vec<(&str, Atom)> = vec![];
    for (name, range) in sides.right.names() {
        if sides.bound.atom(name).is_none()
            && let Some(size) = given(operand, name)
        {
            check_given(name, range, size)?;
            new.push((name, sides.bound.add(size.clone())));
        }
    }
    let right = sides.right_axes(|name, range| match new.iter().find(|(n, _)| *n == name) {
        Some((_, atom)) => Ok(atom.clone()),
        None => Err(sides.without_size(name, range)),
    })?;
    let is_new = |atom: &Atom| new.iter().any(|(_, n)| n.id == atom.id);
    repeat_plan(&sides.bound.axes, &right, &is_new).map_err(|e| too_large(pattern, &e))
}

fn too_large(pattern: &str, error: &DimError) -> PatternError {
    PatternError::new(0..pattern.len(), error.to_string())
}

/// Both sides of a pattern, the left one matched with the input.
struct Sides<'p> {
    left: Side<'p>,
    right: Side<'p>,
    bound: Bound<'p>,
}

impl<'p> Sides<'p> {
    fn new(pattern: &'p str, operand: &Operand<'_>) -> Result<Self, PatternError> {
        let [left, right] = split_arrow(pattern)?;
        let left = parse_side(left.0, left.1, Spelling::Words)?;
        let right = parse_side(right.0, right.1, Spelling::Words)?;
        for side in [&left, &right] {
            side.check_once().map_err(|e| e.hint("each axis of a side needs a name of its own"))?;
        }
        let known: Vec<&str> = left.names().chain(right.names()).map(|(n, _)| n).collect();
        if let Some((name, _)) = operand.sizes.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            let error = PatternError::new(0..pattern.len(), format!("the pattern has no axis `{name}`"));
            return Err(error.suggest(name, known));
        }
        let bound = bind(&left, operand)?;
        Ok(Sides { left, right, bound })
    }

    /// Every name and the ellipsis of the left side stand on the right too.
    fn left_is_kept(&self) -> Result<(), PatternError> {
        let missing = |what: &str, range: &Range<usize>| {
            let error = PatternError::new(range.clone(), format!("{what} is on the left side only"));
            error.hint("an axis goes away with `reduce`, which says how")
        };
        if let Some((name, range)) = self.left.names().find(|(n, _)| self.right.names().all(|(m, _)| m != *n))
        {
            let new = self.right.names().map(|(n, _)| n).filter(|n| self.bound.atom(n).is_none());
            return Err(missing(&format!("axis `{name}`"), range).suggest(name, new));
        }
        match self.left.ellipsis() {
            Some(part) if self.right.ellipsis().is_none() => Err(missing("`...`", &part.range)),
            _ => Ok(()),
        }
    }

    /// Axes of the right side; `new` makes the atom of a name that the left side has not.
    fn right_axes(
        &self,
        new: impl Fn(&'p str, &Range<usize>) -> Result<Atom, PatternError>,
    ) -> Result<Vec<Axis>, PatternError> {
        let mut axes: Vec<Axis> = vec![];
        for part in &self.right.parts {
            let leaves = match &part.kind {
                PartKind::Group(inner) => inner.as_slice(),
                _ => std::slice::from_ref(part),
            };
            let mut atoms = vec![];
            for leaf in leaves {
                match leaf.kind {
                    PartKind::Name(name) => atoms.push(match self.bound.atom(name) {
                        Some(atom) => atom.clone(),
                        None => new(name, &leaf.range)?,
                    }),
                    PartKind::Ellipsis => atoms.extend(self.rest(&leaf.range)?.iter().cloned()),
                    PartKind::Unit | PartKind::Group(_) => {}
                }
            }
            match part.kind {
                PartKind::Ellipsis => axes.extend(atoms.into_iter().map(|a| vec![a])),
                _ => axes.push(atoms),
            }
        }
        Ok(axes)
    }

    fn rest(&self, range: &Range<usize>) -> Result<&[Atom], PatternError> {
        self.bound
            .rest
            .as_deref()
            .ok_or_else(|| PatternError::new(range.clone(), "`...` is on the right side only"))
    }

    fn unknown(&self, name: &str, range: &Range<usize>) -> PatternError {
        let error = PatternError::new(range.clone(), format!("axis `{name}` is on the right side only"));
        let error = error.hint(format!("a new axis comes from `repeat`, with its size: `{name} = 8`"));
        error.suggest(name, self.left.names().map(|(n, _)| n))
    }

    fn without_size(&self, name: &str, range: &Range<usize>) -> PatternError {
        let error = PatternError::new(range.clone(), format!("the new axis `{name}` has no size"));
        error
            .hint(format!("give it as an argument: `{name} = 8`"))
            .suggest(name, self.left.names().map(|(n, _)| n))
    }
}

/// The shortest of the ways to reduce: with axes cut as little as needed or completely, and with reduced axes kept or not.
pub(super) fn reduce_plan(left: &[Axis], right: &[Axis], op: Reduction) -> Result<Vec<Step>, DimError> {
    let kept = |atom: &Atom| right.iter().flatten().any(|a| a.id == atom.id);
    let coarse: Vec<Axis> = left.iter().flat_map(|axis| runs(axis, &kept)).collect();
    let fine: Vec<Axis> = left
        .iter()
        .flat_map(|axis| match axis.is_empty() {
            true => vec![vec![]],
            false => axis.iter().map(|a| vec![a.clone()]).collect(),
        })
        .collect();
    let mut best: Option<Vec<Step>> = None;
    for cut in [&coarse, &fine] {
        for keepdims in [false, true] {
            let plan = reduce_cut(left, cut, right, (op, keepdims))?;
            if best.as_ref().is_none_or(|b| plan.len() < b.len()) {
                best = Some(plan);
            }
        }
    }
    Ok(best.unwrap_or_default())
}

fn reduce_cut(
    left: &[Axis],
    cut: &[Axis],
    right: &[Axis],
    (op, keepdims): (Reduction, bool),
) -> Result<Vec<Step>, DimError> {
    let reduced = |axis: &Axis| axis.first().is_some_and(|a| !right.iter().flatten().any(|b| b.id == a.id));
    let axes: Vec<i64> = (0i64..).zip(cut).filter(|(_, axis)| reduced(axis)).map(|(i, _)| i).collect();
    let rest: Vec<Axis> = match keepdims {
        true => cut.iter().map(|axis| if reduced(axis) { vec![] } else { axis.clone() }).collect(),
        false => cut.iter().filter(|axis| !reduced(axis)).cloned().collect(),
    };
    if axes.is_empty() {
        return arrange(left, right);
    }
    let mut steps = vec![];
    if shape(left)? != shape(cut)? {
        steps.push(Step::Reshape(shape(cut)?));
    }
    steps.push(Step::Reduce { op, axes, keepdims });
    steps.extend(arrange(&rest, right)?);
    Ok(steps)
}

/// Cuts an axis where a property of its atoms changes.
fn runs(axis: &[Atom], property: &dyn Fn(&Atom) -> bool) -> Vec<Axis> {
    if axis.is_empty() {
        return vec![vec![]];
    }
    axis.chunk_by(|a, b| property(a) == property(b)).map(<[Atom]>::to_vec).collect()
}

/// Arranges what exists around places of size 1, repeats those, and joins groups. New leading axes need no place.
fn repeat_plan(left: &[Axis], right: &[Axis], is_new: &dyn Fn(&Atom) -> bool) -> Result<Vec<Step>, DimError> {
    let is_new = |atom: &Atom| is_new(atom) && !atom.dim.is_one();
    let cut: Vec<Axis> = right.iter().flat_map(|axis| runs(axis, &is_new)).collect();
    let new = |axis: &Axis| axis.first().is_some_and(&is_new);
    let places: Vec<Axis> =
        cut.iter().map(|axis| if new(axis) { vec![] } else { old_atoms(axis, left) }).collect();
    let leading = cut.iter().take_while(|axis| new(axis)).count();
    let mut best = arrange(left, &places[leading..])?;
    let other = arrange(left, &places)?;
    if other.len() < best.len() {
        best = other;
    }
    let (repeated, joined): (Vec<Dim>, Vec<Dim>) = (shape(&cut)?, shape(right)?);
    if cut.iter().any(new) {
        best.push(Step::Broadcast(repeated.clone()));
    }
    if repeated != joined {
        best.push(Step::Reshape(joined));
    }
    Ok(best)
}

/// The atoms that come from the input; new ones of size 1 need no place.
fn old_atoms(axis: &Axis, left: &[Axis]) -> Axis {
    axis.iter().filter(|a| left.iter().flatten().any(|b| b.id == a.id)).cloned().collect()
}
