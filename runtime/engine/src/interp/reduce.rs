//! Reductions over axes: floats are accumulated in double precision and rounded once; integers wrap around.

use vspec_ir::scalar;

use super::array::{Array, around, ravel, strides, unravel};
use super::value::{Real, Value};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// Over what a reduction goes.
#[derive(Clone, Copy)]
pub(crate) struct Over<'a> {
    pub(crate) axes: &'a [i64],
    pub(crate) keepdims: bool,
}

impl Over<'_> {
    fn folds(&self, axis: usize) -> bool {
        self.axes.contains(&(axis as i64))
    }

    /// Each element of the result from the elements that are folded into it, in row-major order.
    fn fold<E: Copy, F>(&self, x: &Array<E>, f: impl Fn(&[E]) -> F) -> Array<F> {
        let kept: Vec<usize> =
            x.shape.iter().enumerate().map(|(i, d)| if self.folds(i) { 1 } else { *d }).collect();
        let mut steps = strides(&kept);
        (0..kept.len()).filter(|i| self.folds(*i)).for_each(|i| steps[i] = 0);
        let mut groups = vec![vec![]; kept.iter().product()];
        let mut at = vec![0; kept.len()];
        for (flat, value) in x.data.iter().enumerate() {
            unravel(flat, &x.shape, &mut at);
            groups[ravel(&at, &steps)].push(*value);
        }
        let shape = (0..kept.len()).filter(|i| self.keepdims || !self.folds(*i)).map(|i| kept[i]).collect();
        Array { shape, data: groups.iter().map(|g| f(g)).collect() }
    }

    fn floats<T: Real>(&self, x: &Value<T>, f: fn(&[f64]) -> f64) -> Result<T> {
        Ok(Value::Float(self.fold(&x.float()?.map(T::to_f64), |group| T::from_f64(f(group)))))
    }

    /// A fold of floats or of integers.
    pub(crate) fn numbers<T: Real>(
        &self,
        x: &Value<T>,
        f: fn(&[f64]) -> f64,
        i: fn(&[i32]) -> i32,
    ) -> Result<T> {
        match x {
            Value::Int(a) => Ok(Value::Int(self.fold(a, i))),
            _ => self.floats(x, f),
        }
    }

    pub(crate) fn mean<T: Real>(&self, x: &Value<T>) -> Result<T> {
        self.floats(x, |group| sum(group) / group.len().max(1) as f64)
    }
}

pub(crate) fn sum(group: &[f64]) -> f64 {
    group.iter().sum()
}

pub(crate) fn sum_i32(group: &[i32]) -> i32 {
    group.iter().fold(0, |sum, v| sum.wrapping_add(*v))
}

/// Nothing has the largest element minus infinity.
pub(crate) fn max(group: &[f64]) -> f64 {
    group.iter().copied().fold(f64::NEG_INFINITY, scalar::max)
}

pub(crate) fn max_i32(group: &[i32]) -> i32 {
    group.iter().copied().max().unwrap_or(i32::MIN)
}

/// Nothing has the smallest element infinity.
pub(crate) fn min(group: &[f64]) -> f64 {
    group.iter().copied().fold(f64::INFINITY, scalar::min)
}

pub(crate) fn min_i32(group: &[i32]) -> i32 {
    group.iter().copied().min().unwrap_or(i32::MAX)
}

/// Index of the first largest element along an axis, where NaN is the largest, as in [`max`]; 0 along an empty axis.
pub(crate) fn argmax<T: Real>(x: &Value<T>, axis: i64) -> Value<T> {
    let (wide, axis) = (x.wide(), axis as usize);
    let (_, n, inner) = around(&wide.shape, axis);
    let mut shape = wide.shape.clone();
    shape.remove(axis);
    Value::Int(Array::from_fn(shape, |flat| {
        let at = |k: usize| wide.data[(flat / inner * n + k) * inner + flat % inner];
        let above = |a: f64, b: f64| a > b || a.is_nan() && !b.is_nan();
        (1..n).fold(0, |best, k| if above(at(k), at(best)) { k } else { best }) as i32
    }))
}
