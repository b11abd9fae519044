//! Where an element of a view lies in what it looks at.

use vspec_ir::plan::Index;
use vspec_ir::{Dim, Op};

/// What a view says about one of its elements.
pub(super) enum Through {
    /// It is an element of the one operand.
    One(Vec<Index>),
    /// It is an element of the one operand where an index lies in a range, and a number elsewhere.
    Padded {
        /// Where it lies, if it does.
        at: Vec<Index>,
        /// What has to lie in the range.
        index: Index,
        /// The range.
        range: [i64; 2],
        /// The number elsewhere.
        value: f64,
    },
    /// It is an element of the operand whose range an index lies in.
    Pieces {
        /// Where it lies in each operand.
        at: Vec<Vec<Index>>,
        /// What decides.
        index: Index,
        /// The range of each operand.
        ranges: Vec<[i64; 2]>,
    },
}

/// Most operands that are told apart at every element; more are copied one by one.
const MOST_PIECES: usize = 4;

/// Whether an op only looks at its operands in another arrangement.
pub(super) fn is_view(op: &Op, operands: usize) -> bool {
    match op {
        Op::Concat { .. } => operands <= MOST_PIECES,
        Op::Reshape { .. }
        | Op::Permute { .. }
        | Op::Broadcast { .. }
        | Op::Slice { .. }
        | Op::Pad { .. }
        | Op::StopGradient {} => true,
        _ => false,
    }
}

/// Where the element of a view at some place lies; loops with `extents` give the place.
pub(super) fn through(
    op: &Op,
    shapes: &[&[usize]],
    result: &[usize],
    at: &[Index],
    extents: &[usize],
) -> Option<Through> {
    let own = *shapes.first()?;
    Some(match op {
        // Folds are views where they fold axes of size 1 at most.
        Op::Reshape { .. }
        | Op::Sum { .. }
        | Op::Mean { .. }
        | Op::ReduceMax { .. }
        | Op::ReduceMin { .. } => Through::One(reshape(own, result, at, extents)),
        Op::Permute { axes } => {
            let mut moved = at.to_vec();
            axes.iter().zip(at).for_each(|(axis, index)| moved[*axis as usize] = index.clone());
            Through::One(moved)
        }
        Op::Broadcast { .. } => Through::One(broadcast(own, at)),
        Op::Slice { axis, start, step, .. } => {
            let mut moved = at.to_vec();
            let index = &mut moved[*axis as usize];
            *index = index.times(*step).plus(&Index::constant(number(start)?));
            Through::One(moved)
        }
        Op::Pad { axis, low, value, .. } => {
            let (at, index) = shifted(at, *axis as usize, *low);
            let size = own[*axis as usize] as i64;
            Through::Padded { at, index, range: [*low, low + size], value: *value }
        }
        Op::Concat { axis } => pieces(shapes, *axis as usize, at),
        Op::StopGradient {} => Through::One(at.to_vec()),
        _ => return None,
    })
}

fn number(dim: &Dim) -> Option<i64> {
    dim.as_const()
}

/// A place moved back along an axis, and where it was along that axis.
fn shifted(at: &[Index], axis: usize, by: i64) -> (Vec<Index>, Index) {
    let mut moved = at.to_vec();
    moved[axis] = at[axis].plus(&Index::constant(-by));
    (moved, at[axis].clone())
}

fn pieces(shapes: &[&[usize]], axis: usize, at: &[Index]) -> Through {
    let (mut start, mut places, mut ranges) = (0, vec![], vec![]);
    for shape in shapes {
        places.push(shifted(at, axis, start).0);
        let end = start + shape[axis] as i64;
        ranges.push([start, end]);
        start = end;
    }
    Through::Pieces { at: places, index: at[axis].clone(), ranges }
}

/// Trailing axes align; an axis of size 1 is looked at in its one place.
pub(super) fn broadcast(own: &[usize], at: &[Index]) -> Vec<Index> {
    let new = at.len() - own.len();
    let place = |(i, size): (usize, &usize)| match size {
        1 => Index::constant(0),
        _ => at[new + i].clone(),
    };
    own.iter().enumerate().map(place).collect()
}

fn reshape(own: &[usize], result: &[usize], at: &[Index], extents: &[usize]) -> Vec<Index> {
    let flat = flat(result, at);
    let mut stride: i64 = own.iter().map(|size| *size as i64).product();
    let mut places = vec![];
    for (axis, size) in own.iter().enumerate() {
        if stride == 0 || *size == 1 {
            places.push(Index::constant(0));
            continue;
        }
        // The first axis that is not 1 needs no remainder: nothing lies beyond it.
        let first = own[..axis].iter().all(|before| *before == 1);
        let rest = if first { flat.clone() } else { flat.remainder(stride, extents) };
        stride /= *size as i64;
        places.push(rest.quotient(stride, extents));
    }
    places
}

/// Row-major position of a place.
pub(super) fn flat(shape: &[usize], at: &[Index]) -> Index {
    shape.iter().zip(at).fold(Index::constant(0), |flat, (size, index)| flat.times(*size as i64).plus(index))
}
