//! Matrix products, summed in double precision and rounded once.

use super::array::Array;
use super::value::{Real, Value};
use crate::EngineError;

/// `[.., M, K] x [.., K, N] -> [.., M, N]`
pub(super) fn matmul<T: Real>(a: &Value<T>, b: &Value<T>) -> Result<Value<T>, EngineError> {
    let (a, b) = (a.float()?, b.float()?);
    let rank = a.shape.len();
    let (m, k, n) = (a.shape[rank - 2], a.shape[rank - 1], b.shape[rank - 1]);
    let mut shape = a.shape.clone();
    shape[rank - 1] = n;
    Ok(Value::Float(Array::from_fn(shape, |flat| {
        let (batch, row, column) = (flat / n / m, flat / n % m, flat % n);
        let left = |i: usize| a.data[(batch * m + row) * k + i].to_f64();
        let right = |i: usize| b.data[(batch * k + i) * n + column].to_f64();
        T::from_f64((0..k).map(|i| left(i) * right(i)).sum())
    })))
}
