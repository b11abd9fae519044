//! Sums, means and extremes over axes.

use vspec_ir::{DType, Dim, NodeId, Op};

use super::super::back::{Back, Built};

/// The shape of `x` with 1 in place of the axes.
fn kept(b: &Back<'_>, x: NodeId, axes: &[i64]) -> Vec<Dim> {
    let one = |(i, dim): (usize, Dim)| if axes.contains(&(i as i64)) { Dim::from(1i64) } else { dim };
    b.shape(x).into_iter().enumerate().map(one).collect()
}

/// `g` for each element.
pub(super) fn sum(b: &mut Back<'_>, x: NodeId, axes: &[i64], g: NodeId) -> Built {
    let g = b.reshape(g, kept(b, x, axes))?;
    b.broadcast(g, b.shape(x))
}

/// `g / n` for each of `n` elements.
pub(super) fn mean(b: &mut Back<'_>, x: NodeId, axes: &[i64], g: NodeId) -> Built {
    let shape = b.shape(x);
    let sizes: Vec<Dim> = axes.iter().filter_map(|a| shape.get(*a as usize).cloned()).collect();
    let count = b.product(&sizes)?;
    let count = b.add(Op::Size { value: count, dtype: DType::F32 }, &[])?;
    let share = b.div(g, count)?;
    sum(b, x, axes, share)
}

/// `g` for the first of the largest elements, or of the smallest.
pub(super) fn largest(b: &mut Back<'_>, x: NodeId, axes: &[i64], g: NodeId, smallest: bool) -> Built {
    let shape = b.shape(x);
    if axes.is_empty() {
        return b.reshape(g, shape);
    }
    let (folded, stay): (Vec<usize>, Vec<usize>) =
        (0..shape.len()).partition(|i| axes.contains(&(*i as i64)));
    let order: Vec<usize> = stay.iter().chain(&folded).copied().collect();
    let permuted = b.permute(x, &order)?;
    let outer: Vec<Dim> = stay.iter().map(|i| shape[*i].clone()).collect();
    let inner: Vec<Dim> = folded.iter().map(|i| shape[*i].clone()).collect();
    let (mut rows, mut single) = (outer.clone(), outer);
    rows.push(b.product(&inner)?);
    single.push(Dim::from(1i64));
    let flat = b.reshape(permuted, rows.clone())?;
    let flat = if smallest { b.neg(flat)? } else { flat };
    let axis = rows.len() as i64 - 1;
    let winner = b.unary(Op::Argmax { axis }, flat)?;
    let winner = b.reshape(winner, single.clone())?;
    let place = b.add(Op::Iota { shape: rows, axis }, &[])?;
    let wins = b.binary(Op::Eq {}, place, winner)?;
    let g = b.reshape(g, single)?;
    let part = b.masked(wins, g)?;
    let part = b.reshape(part, b.shape(permuted))?;
    b.permute(part, &inverse(&order))
}

/// The permutation that undoes another one.
pub(super) fn inverse(order: &[usize]) -> Vec<usize> {
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(i, axis)| back[*axis] = i);
    back
}
