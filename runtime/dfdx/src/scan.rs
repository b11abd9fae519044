//! Running sums and products along an axis as custom operations.

use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::view::around;

/// Calls a function with the flat positions of each row along an axis.
fn each_row(shape: &[usize], axis: usize, mut f: impl FnMut(&[usize])) {
    let (outer, n, inner) = around(shape, axis);
    for row in 0..outer * inner {
        let start = row / inner * n * inner + row % inner;
        let places: Vec<usize> = (0..n).map(|k| start + k * inner).collect();
        f(&places);
    }
}

/// Adds to each element of `out` the sum of `x` up to it, or from it on.
fn add_sums<E: Element>(x: &[E], out: &mut [E], places: &[usize], reverse: bool) {
    let mut sum = E::default();
    let mut step = |p: &usize| {
        sum += x[*p];
        out[*p] += sum;
    };
    match reverse {
        true => places.iter().rev().for_each(&mut step),
        false => places.iter().for_each(&mut step),
    }
}

pub(crate) fn cumsum<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axis: usize,
    reverse: bool,
) -> Float<E, D> {
    let (source, shape) = (x.to_vec(), x.shape.clone());
    let mut values = vec![E::default(); source.len()];
    each_row(&shape, axis, |row| add_sums(&source, &mut values, row, reverse));
    r.custom(&[x], values, x.shape.clone(), move |dy, dx| {
        each_row(&shape, axis, |row| add_sums(dy, &mut dx[0], row, !reverse));
    })
}

pub(crate) fn cumprod<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    axis: usize,
) -> Float<E, D> {
    let (source, shape) = (x.to_vec(), x.shape.clone());
    let mut values = source.clone();
    each_row(&shape, axis, |row| {
        row.windows(2).for_each(|w| values[w[1]] = values[w[0]] * source[w[1]]);
    });
    r.custom(&[x], values, x.shape.clone(), move |dy, dx| {
        each_row(&shape, axis, |row| product_gradients(&source, dy, &mut dx[0], row));
    })
}

/// Products without one factor, instead of divisions by it: right where factors are 0.
fn product_gradients<E: Element>(x: &[E], dy: &[E], dx: &mut [E], row: &[usize]) {
    let mut before = E::of(1.0);
    for (i, p) in row.iter().enumerate() {
        let (mut sum, mut product) = (dy[*p], E::of(1.0));
        for q in &row[i + 1..] {
            product *= x[*q];
            sum += dy[*q] * product;
        }
        dx[*p] += before * sum;
        before *= x[*p];
    }
}
