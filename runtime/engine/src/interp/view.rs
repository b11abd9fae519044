//! The same elements in another arrangement, and places that data names.

use super::array::{Array, around, broadcast_strides, ravel, strides};
use crate::EngineError;

pub(super) fn permute<E: Copy>(x: &Array<E>, axes: &[i64]) -> Array<E> {
    let steps: Vec<usize> = axes.iter().map(|a| strides(&x.shape)[*a as usize]).collect();
    x.pick(axes.iter().map(|a| x.shape[*a as usize]).collect(), |at| ravel(at, &steps))
}

pub(super) fn broadcast<E: Copy>(x: &Array<E>, shape: Vec<usize>) -> Array<E> {
    let steps = broadcast_strides(&x.shape, &shape);
    x.pick(shape, |at| ravel(at, &steps))
}

/// Every `step`-th index from `start` up to but without `end`.
pub(super) fn slice<E: Copy>(x: &Array<E>, axis: usize, [start, end, step]: [usize; 3]) -> Array<E> {
    let mut shape = x.shape.clone();
    shape[axis] = (end - start).div_ceil(step);
    let steps = strides(&x.shape);
    x.pick(shape, |at| ravel(at, &steps) + (start + at[axis] * (step - 1)) * steps[axis])
}

pub(super) fn concat<E: Copy>(parts: &[&Array<E>], axis: usize) -> Array<E> {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
    let (outer, ..) = around(&parts[0].shape, axis);
    let mut data = vec![];
    for o in 0..outer {
        for part in parts {
            let row = part.data.len() / outer;
            data.extend_from_slice(&part.data[o * row..(o + 1) * row]);
        }
    }
    Array { shape, data }
}

pub(super) fn pad<E: Copy>(x: &Array<E>, axis: usize, [low, high]: [usize; 2], value: E) -> Array<E> {
    let mut shape = x.shape.clone();
    shape[axis] += low + high;
    let (_, n, inner) = around(&x.shape, axis);
    let padded = shape[axis];
    Array::from_fn(shape, |flat| {
        let (o, k, i) = (flat / inner / padded, flat / inner % padded, flat % inner);
        match k.checked_sub(low).filter(|k| *k < n) {
            Some(k) => x.data[(o * n + k) * inner + i],
            None => value,
        }
    })
}

/// The axis is replaced by the axes of the index.
pub(super) fn gather<E: Copy>(x: &Array<E>, index: &Array<i32>, axis: usize) -> Result<Array<E>, EngineError> {
    let (_, n, inner) = around(&x.shape, axis);
    if let Some(bad) = index.data.iter().find(|i| usize::try_from(**i).map_or(true, |i| i >= n)) {
        return Err(EngineError::Unsupported(format!("index {bad} is outside an axis of {n}")));
    }
    let mut shape = x.shape.clone();
    shape.splice(axis..=axis, index.shape.iter().copied());
    let places = index.data.len();
    Ok(Array::from_fn(shape, |flat| {
        let (o, k, i) = (flat / inner / places, flat / inner % places, flat % inner);
        x.data[(o * n + index.data[k] as usize) * inner + i]
    }))
}

/// Matrix product of the last two axes, summed in double precision.
pub(super) fn matmul(a: &Array<f64>, b: &Array<f64>) -> Array<f64> {
    let rank = a.shape.len();
    let (m, k, n) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1]);
    let mut shape = a.shape.clone();
    shape[rank - 1] = n;
    Array::from_fn(shape, |flat| {
        let (batch, row, column) = (flat / n / m, flat / n % m, flat % n);
        (0..k).map(|i| a.data[(batch * m + row) * k + i] * b.data[(batch * k + i) * n + column]).sum()
    })
}
