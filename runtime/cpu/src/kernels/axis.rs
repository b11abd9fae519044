//! Ops along one axis of tensors in row-major order: running sums and products, sorting, largest elements, concatenation.

use std::cmp::Ordering;

use crate::element::Element;
use crate::workers::pieces;

/// A tensor as `[outer, n, inner]`, seen from an axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) outer: usize,
    pub(crate) n: usize,
    pub(crate) inner: usize,
}

impl Around {
    /// What lies before, at and behind an axis.
    pub(crate) fn new(shape: &[usize], axis: i64) -> Self {
        let axis = axis as usize;
        let product = |sizes: &[usize]| sizes.iter().product();
        Around { outer: product(&shape[..axis]), n: shape[axis], inner: product(&shape[axis + 1..]) }
    }

    /// Elements of one of the outer parts.
    pub(crate) fn block(&self) -> usize {
        self.n * self.inner
    }
}

/// Partial results of a fold along the axis, kept in `S`; from the end where `reverse`.
pub(crate) fn scan<E: Copy + Send + Sync, S: Copy + Send + Sync>(
    around: Around,
    x: &[E],
    y: &mut [E],
    reverse: bool,
    first: S,
    f: impl Fn(S, E) -> (S, E) + Sync,
) {
    if x.is_empty() {
        return;
    }
    pieces(y, around.block(), |o, y| {
        let x = &x[o * around.block()..(o + 1) * around.block()];
        let mut state = vec![first; around.inner];
        for k in 0..around.n {
            let k = if reverse { around.n - 1 - k } else { k };
            let range = k * around.inner..(k + 1) * around.inner;
            for ((state, x), y) in state.iter_mut().zip(&x[range.clone()]).zip(&mut y[range]) {
                (*state, *y) = f(*state, *x);
            }
        }
    });
}

/// Running sums of floats, in double precision.
pub(crate) fn cumsum<T: Element>(around: Around, x: &[T], y: &mut [T], reverse: bool) {
    scan(around, x, y, reverse, 0.0f64, |sum, x| (sum + x.wide(), T::of(sum + x.wide())));
}

/// Running sums of integers, which wrap around.
pub(crate) fn cumsum_ints(around: Around, x: &[i32], y: &mut [i32], reverse: bool) {
    scan(around, x, y, reverse, 0i32, |sum, x| (sum.wrapping_add(x), sum.wrapping_add(x)));
}

/// Running products of floats, in double precision.
pub(crate) fn cumprod<T: Element>(around: Around, x: &[T], y: &mut [T]) {
    scan(around, x, y, false, 1.0f64, |product, x| (product * x.wide(), T::of(product * x.wide())));
}

/// Running products of integers, which wrap around.
pub(crate) fn cumprod_ints(around: Around, x: &[i32], y: &mut [i32]) {
    scan(around, x, y, false, 1i32, |product, x| (product.wrapping_mul(x), product.wrapping_mul(x)));
}

/// The order of floats; NaN comes last either way.
pub(super) fn order<T: Element>(a: T, b: T, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        _ => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

/// Places along the axis in the order of their elements; equal ones keep theirs.
pub(crate) fn argsort<T: Element>(around: Around, x: &[T], y: &mut [i32], descending: bool) {
    sort(around, x, y, |a, b| order(a, b, descending));
}

/// The same for integers.
pub(crate) fn argsort_ints(around: Around, x: &[i32], y: &mut [i32], descending: bool) {
    sort(around, x, y, |a, b| if descending { b.cmp(&a) } else { a.cmp(&b) });
}

fn sort<E: Copy + Send + Sync>(
    around: Around,
    x: &[E],
    y: &mut [i32],
    compare: impl Fn(E, E) -> Ordering + Sync,
) {
    if x.is_empty() {
        return;
    }
    pieces(y, around.block(), |o, y| {
        let x = &x[o * around.block()..(o + 1) * around.block()];
        let mut row: Vec<(E, i32)> = Vec::with_capacity(around.n);
        for i in 0..around.inner {
            row.clear();
            row.extend((0..around.n).map(|k| (x[k * around.inner + i], k as i32)));
            // With the place as the last word no two are equal, so that the faster sort gives the same.
            row.sort_unstable_by(|a, b| compare(a.0, b.0).then(a.1.cmp(&b.1)));
            row.iter().enumerate().for_each(|(k, (_, place))| y[k * around.inner + i] = *place);
        }
    });
}

/// Place along the axis of the first element that no other one is above.
fn first_best<E: Copy + Send + Sync>(
    around: Around,
    x: &[E],
    y: &mut [i32],
    above: impl Fn(E, E) -> bool + Sync,
) {
    if y.is_empty() || around.n == 0 {
        return y.fill(0);
    }
    pieces(y, around.inner, |o, y| {
        let x = &x[o * around.block()..(o + 1) * around.block()];
        y.fill(0);
        let mut best = x[..around.inner].to_vec();
        for (k, row) in x.chunks_exact(around.inner).enumerate().skip(1) {
            for ((place, best), x) in y.iter_mut().zip(&mut best).zip(row) {
                if above(*x, *best) {
                    (*place, *best) = (k as i32, *x);
                }
            }
        }
    });
}

/// Place of the first largest float along the axis; the first NaN wins. 0 along an empty axis.
pub(crate) fn argmax<T: Element>(around: Around, x: &[T], y: &mut [i32]) {
    first_best(around, x, y, |a, b| a > b || a.is_nan() && !b.is_nan());
}

/// The same for integers.
pub(crate) fn argmax_ints(around: Around, x: &[i32], y: &mut [i32]) {
    first_best(around, x, y, |a, b| a > b);
}

/// One part after the other along an axis; parts come with how many elements of theirs belong to one of the outer parts.
pub(crate) fn concat<E: Copy + Send + Sync>(outer: usize, parts: &[&[E]], y: &mut [E]) {
    if y.is_empty() {
        return;
    }
    let block = y.len() / outer;
    pieces(y, block, |o, mut y| {
        for part in parts {
            let own = part.len() / outer;
            let (to, rest) = y.split_at_mut(own);
            to.copy_from_slice(&part[o * own..(o + 1) * own]);
            y = rest;
        }
    });
}
