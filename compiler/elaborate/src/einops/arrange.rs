//! The shortest way from one arrangement of axes to another.
//!
//! An arrangement is a list of axes, and an axis is a list of *atoms* that are laid out one after the other in it: `b (s c)`
//! has the axes `[b]` and `[s, c]`. An axis without atoms has size 1.
//!
//! ```text
//! same order of atoms            Reshape
//! input axes stay whole          Permute, Reshape if groups or units differ
//! output axes exist beforehand   Reshape, Permute
//! otherwise                      Reshape into blocks, Permute, Reshape
//! ```

use vspec_ir::{Dim, DimError};

use super::Step;

/// An indivisible part of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Atom {
    /// Atoms with the same number are the same part.
    pub(super) id: usize,
    pub(super) dim: Dim,
}

/// The atoms of one axis, outermost first.
pub(super) type Axis = Vec<Atom>;

/// Size of an axis.
pub(super) fn size(axis: &[Atom]) -> Result<Dim, DimError> {
    axis.iter().try_fold(Dim::from(1i64), |n, atom| n.checked_mul(&atom.dim))
}

/// Sizes of all axes.
pub(super) fn shape(axes: &[Axis]) -> Result<Vec<Dim>, DimError> {
    axes.iter().map(|axis| size(axis)).collect()
}

/// Steps from `left` to `right`, which hold the same atoms.
pub(super) fn arrange(left: &[Axis], right: &[Axis]) -> Result<Vec<Step>, DimError> {
    let (from, to) = (shape(left)?, shape(right)?);
    let (left, right) = (without_units(left), without_units(right));
    let (flat_left, flat_right) = (ids(&left), ids(&right));
    if flat_left == flat_right {
        return Ok(reshape(&from, to).into_iter().collect());
    }
    if left.iter().all(|axis| start_in(axis, &flat_right).is_some()) {
        let order = permuted_order(&left, &right, &flat_right);
        let permuted: Vec<Dim> = order.iter().map(|i| from[*i].clone()).collect();
        return Ok(permute(&order).into_iter().chain(reshape(&permuted, to)).collect());
    }
    if right.iter().all(|axis| start_in(axis, &flat_left).is_some()) {
        return reshape_then_permute(&from, &right, &flat_left);
    }
    let blocks = blocks(&left.concat(), &flat_right);
    let mut sorted = blocks.clone();
    sorted.sort_by_key(|block| start_in(block, &flat_right));
    let mut steps = reshape_then_permute(&from, &sorted, &flat_left)?;
    steps.extend(reshape(&shape(&sorted)?, to));
    Ok(steps)
}

/// Atoms of literal size 1 do not matter for the order of elements.
fn without_units(axes: &[Axis]) -> Vec<Axis> {
    axes.iter().map(|axis| axis.iter().filter(|a| !a.dim.is_one()).cloned().collect()).collect()
}

fn ids(axes: &[Axis]) -> Vec<usize> {
    axes.iter().flatten().map(|a| a.id).collect()
}

/// Where the atoms of an axis stand in one piece and in order; 0 for an axis of size 1.
fn start_in(axis: &[Atom], flat: &[usize]) -> Option<usize> {
    let Some(first) = axis.first() else { return Some(0) };
    let start = flat.iter().position(|id| *id == first.id)?;
    let found = flat.get(start..start + axis.len())?;
    found.iter().eq(axis.iter().map(|a| &a.id)).then_some(start)
}

fn reshape(from: &[Dim], to: Vec<Dim>) -> Option<Step> {
    (from != to).then_some(Step::Reshape(to))
}

fn permute(order: &[usize]) -> Option<Step> {
    let moved = order.iter().enumerate().any(|(i, axis)| i != *axis);
    moved.then(|| Step::Permute(order.iter().map(|axis| *axis as i64).collect()))
}

/// Input axes in the order of the output. Axes of size 1 go where the output has some, so that often no reshape is left.
fn permuted_order(left: &[Axis], right: &[Axis], flat_right: &[usize]) -> Vec<usize> {
    let (mut whole, units): (Vec<usize>, Vec<usize>) = (0..left.len()).partition(|i| !left[*i].is_empty());
    whole.sort_by_key(|i| start_in(&left[*i], flat_right));
    let (mut whole, mut units) = (whole.into_iter().peekable(), units.into_iter());
    let (mut order, mut end) = (vec![], 0);
    for axis in right {
        end += axis.len();
        match axis.is_empty() {
            true => order.extend(units.next()),
            false => {
                while let Some(i) = whole.next_if(|i| start_in(&left[*i], flat_right) < Some(end)) {
                    order.push(i);
                }
            }
        }
    }
    order.extend(units);
    order
}

/// Output axes are cut out of the input in its own order, then permuted.
fn reshape_then_permute(from: &[Dim], right: &[Axis], flat_left: &[usize]) -> Result<Vec<Step>, DimError> {
    let mut sources: Vec<usize> = (0..right.len()).collect();
    sources.sort_by_key(|i| start_in(&right[*i], flat_left));
    let cut: Vec<Axis> = sources.iter().map(|i| right[*i].clone()).collect();
    let mut order = vec![0; sources.len()];
    for (position, i) in sources.iter().enumerate() {
        order[*i] = position;
    }
    Ok(reshape(from, shape(&cut)?).into_iter().chain(permute(&order)).collect())
}

/// Longest runs of atoms that follow each other on both sides.
fn blocks(left: &[Atom], flat_right: &[usize]) -> Vec<Axis> {
    let mut blocks: Vec<Axis> = vec![];
    for atom in left {
        let follows = |last: &Atom| flat_right.windows(2).any(|pair| pair == [last.id, atom.id]);
        match blocks.last_mut() {
            Some(block) if block.last().is_some_and(follows) => block.push(atom.clone()),
            _ => blocks.push(vec![atom.clone()]),
        }
    }
    blocks
}
