//! The same elements in another arrangement: their gradients go back to where they came from.

use vspec_ir::{Dim, NodeId, Op};

use super::super::back::{Back, Built};
use super::reduce::inverse;

pub(super) fn permute(b: &mut Back<'_>, axes: &[i64], g: NodeId) -> Built {
    let order: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
    b.permute(g, &inverse(&order))
}

/// Zeros wherever the slice took nothing.
pub(super) fn slice(
    b: &mut Back<'_>,
    x: NodeId,
    axis: i64,
    [start, end]: [&Dim; 2],
    step: i64,
    g: NodeId,
) -> Built {
    let at = axis as usize;
    let length = b.size(end.checked_sub(start))?;
    let g = if step == 1 { g } else { spread(b, at, &length, step, g)? };
    let after = b.size(b.shape(x)[at].checked_sub(end))?;
    if let (Some(low), Some(high)) = (start.as_const(), after.as_const()) {
        return match (low, high) {
            (0, 0) => b.reshape(g, b.shape(x)),
            _ => b.unary(Op::Pad { axis, low, high, value: 0.0 }, g),
        };
    }
    let zeros = |b: &mut Back<'_>, size: Dim| {
        let mut shape = b.shape(x);
        shape[at] = size;
        b.full(0.0, shape)
    };
    let (before, after) = (zeros(b, start.clone())?, zeros(b, after)?);
    b.add(Op::Concat { axis }, &[before, g, after])
}

/// Every `step`-th element is one of `g`, the others are 0.
fn spread(b: &mut Back<'_>, at: usize, length: &Dim, step: i64, g: NodeId) -> Built {
    let shape = b.shape(g);
    let mut column = shape.clone();
    column.insert(at + 1, Dim::from(1i64));
    let g = b.reshape(g, column)?;
    let g = b.unary(Op::Pad { axis: at as i64 + 1, low: 0, high: step - 1, value: 0.0 }, g)?;
    let mut long = shape;
    long[at] = b.size(long[at].checked_mul(&Dim::from(step)))?;
    let g = b.reshape(g, long)?;
    b.unary(Op::Slice { axis: at as i64, start: Dim::from(0i64), end: length.clone(), step: 1 }, g)
}

/// To each operand its part.
pub(super) fn concat(b: &mut Back<'_>, x: &[NodeId], axis: i64, g: NodeId) -> Built<Vec<Option<NodeId>>> {
    let mut start = Dim::from(0i64);
    let mut parts = vec![];
    for operand in x {
        let end = b.size(start.checked_add(&b.shape(*operand)[axis as usize]))?;
        parts.push(Some(b.unary(Op::Slice { axis, start, end: end.clone(), step: 1 }, g)?));
        start = end;
    }
    Ok(parts)
}

/// The part that is no padding.
pub(super) fn pad(b: &mut Back<'_>, x: NodeId, axis: i64, low: i64, g: NodeId) -> Built {
    let start = Dim::from(low);
    let end = b.size(start.checked_add(&b.shape(x)[axis as usize]))?;
    b.unary(Op::Slice { axis, start, end, step: 1 }, g)
}
