//! Products along an axis.

use vspec_ir::{Dim, NodeId, Op};

use super::super::back::{Back, Built};

/// For each element the sum over the products that contain it, each without that element: right for zeros, too. Takes memory for the
/// square of the axis.
pub(super) fn cumprod(b: &mut Back<'_>, x: NodeId, axis: usize, g: NodeId) -> Built {
    let shape = b.shape(x);
    let n = shape[axis].clone();
    // One axis for the product's end, and after it one for the element that is left out.
    let insert = |sizes: [Dim; 2]| {
        let tail = shape[axis + 1..].iter().cloned();
        shape[..axis].iter().cloned().chain(sizes).chain(tail).collect::<Vec<Dim>>()
    };
    let mut square = vec![n.clone(), n.clone()];
    square.extend(shape[axis + 1..].iter().map(|_| Dim::from(1i64)));
    let end = b.add(Op::Iota { shape: square.clone(), axis: 0 }, &[])?;
    let left_out = b.add(Op::Iota { shape: square, axis: 1 }, &[])?;
    let same = b.binary(Op::Eq {}, end, left_out)?;
    let column = insert([n, Dim::from(1i64)]);
    let (factors, one) = (b.reshape(x, column.clone())?, b.number(1.0)?);
    let factors = b.add(Op::Where {}, &[same, one, factors])?;
    let products = b.unary(Op::Cumprod { axis: axis as i64 }, factors)?;
    let g = b.reshape(g, column)?;
    let parts = b.mul(products, g)?;
    let contains = b.binary(Op::Le {}, left_out, end)?;
    let parts = b.masked(contains, parts)?;
    b.unary(Op::Sum { axes: vec![axis as i64], keepdims: false }, parts)
}
