//! Places that data names: what was read from a place is added there, what was written to a place is read there.

use vspec_ir::{DType, Dim, NodeId, Op, Type};

use super::super::back::{Back, Built};

type Parts = Built<Vec<Option<NodeId>>>;

fn zeros_like(b: &mut Back<'_>, x: NodeId) -> Built {
    b.full(0.0, b.shape(x))
}

pub(super) fn gather(b: &mut Back<'_>, x: &[NodeId], axis: usize, g: NodeId) -> Parts {
    let shape = b.shape(x[0]);
    let count = b.product(&b.shape(x[1]))?;
    let mut rows = shape.clone();
    rows[axis] = count.clone();
    let g = b.reshape(g, rows.clone())?;
    // The index along its axis, the same for all others.
    let mut column = vec![count];
    column.extend(shape[axis + 1..].iter().map(|_| Dim::from(1i64)));
    let index = b.reshape(x[1], column)?;
    let index = b.broadcast(index, rows)?;
    let zeros = zeros_like(b, x[0])?;
    Ok(vec![Some(b.add(Op::ScatterAdd { axis: axis as i64 }, &[zeros, index, g])?), None])
}

pub(super) fn take_along(b: &mut Back<'_>, x: &[NodeId], axis: i64, g: NodeId) -> Parts {
    let zeros = zeros_like(b, x[0])?;
    Ok(vec![Some(b.add(Op::ScatterAdd { axis }, &[zeros, x[1], g])?), None])
}

pub(super) fn scatter_add(b: &mut Back<'_>, x: &[NodeId], axis: i64, g: NodeId) -> Parts {
    Ok(vec![Some(g), None, Some(b.binary(Op::TakeAlong { axis }, g, x[1])?)])
}

/// Nothing where something was replaced; of several values for one place only the last one stayed.
pub(super) fn scatter(b: &mut Back<'_>, x: &[NodeId], axis: i64, g: NodeId) -> Parts {
    let (index, Type { shape, .. }) = (x[1], b.ty(x[2]));
    let zeros = b.full(0.0, shape.clone())?;
    let kept = b.add(Op::Scatter { axis }, &[g, index, zeros])?;
    let order = b.add(Op::Iota { shape, axis }, &[])?;
    let nobody = b.add(Op::Full { value: -1.0, dtype: DType::I32, shape: b.shape(x[0]) }, &[])?;
    let writers = b.add(Op::Scatter { axis }, &[nobody, index, order])?;
    let last = b.binary(Op::TakeAlong { axis }, writers, index)?;
    let stayed = b.binary(Op::Eq {}, last, order)?;
    let read = b.binary(Op::TakeAlong { axis }, g, index)?;
    Ok(vec![Some(kept), None, Some(b.masked(stayed, read)?)])
}
