//! Reductions over axes.

use super::array::{Array, around, ravel, strides, unravel};
use super::value::{Real, Value};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// For each element of the result, the elements that are folded into it, in row-major order.
fn groups<E: Copy>(x: &Array<E>, axes: &[i64], keepdims: bool) -> (Vec<usize>, Vec<Vec<E>>) {
    let gone = |i: usize| axes.contains(&(i as i64));
    let kept: Vec<usize> = x.shape.iter().enumerate().map(|(i, d)| if gone(i) { 1 } else { *d }).collect();
    let steps: Vec<usize> =
        strides(&kept).into_iter().enumerate().map(|(i, s)| if gone(i) { 0 } else { s }).collect();
    let mut groups = vec![vec![]; kept.iter().product()];
    let mut at = vec![0; x.shape.len()];
    for (flat, value) in x.data.iter().enumerate() {
        unravel(flat, &x.shape, &mut at);
        groups[ravel(&at, &steps)].push(*value);
    }
    let shape = match keepdims {
        true => kept,
        false => x.shape.iter().enumerate().filter(|(i, _)| !gone(*i)).map(|(_, d)| *d).collect(),
    };
    (shape, groups)
}

/// Folds floats in double precision, or integers.
pub(super) fn fold<T: Real>(
    x: &Value<T>,
    axes: &[i64],
    keepdims: bool,
    f: fn(&[f64]) -> f64,
    i: fn(&[i32]) -> i32,
) -> Result<T> {
    match x {
        Value::Int(a) => {
            let (shape, groups) = groups(a, axes, keepdims);
            Ok(Value::Int(Array { shape, data: groups.iter().map(|g| i(g)).collect() }))
        }
        _ => {
            let (shape, groups) = groups(&x.float()?.map(Real::to_f64), axes, keepdims);
            Ok(Value::Float(Array { shape, data: groups.iter().map(|g| T::from_f64(f(g))).collect() }))
        }
    }
}

pub(super) fn sum(group: &[f64]) -> f64 {
    group.iter().sum()
}

pub(super) fn mean(group: &[f64]) -> f64 {
    if group.is_empty() { 0.0 } else { sum(group) / group.len() as f64 }
}

/// NaN wins, as in PyTorch.
pub(super) fn max(group: &[f64]) -> f64 {
    group.iter().fold(f64::NEG_INFINITY, |m, v| if v.is_nan() || *v > m { *v } else { m })
}

/// NaN wins, as in PyTorch.
pub(super) fn min(group: &[f64]) -> f64 {
    group.iter().fold(f64::INFINITY, |m, v| if v.is_nan() || *v < m { *v } else { m })
}

/// Index of the first largest element along an axis.
pub(super) fn argmax<T: Real>(x: &Value<T>, axis: usize) -> Result<T> {
    let wide: Array<f64> = match x {
        Value::Int(a) => a.map(f64::from),
        _ => x.float()?.map(Real::to_f64),
    };
    let (outer, n, inner) = around(&wide.shape, axis);
    let mut shape = wide.shape.clone();
    shape.remove(axis);
    let best = |flat: usize| {
        let (o, i) = (flat / inner.max(1), flat % inner.max(1));
        let at = |k: usize| wide.data[(o * n + k) * inner + i];
        (1..n).fold(0, |best, k| if at(k) > at(best) { k } else { best }) as i32
    };
    debug_assert_eq!(outer * inner, shape.iter().product::<usize>());
    Ok(Value::Int(Array::from_fn(shape, best)))
}
