//! Reading and writing places along an axis that an index of the same rank names.

use super::array::{Array, around};
use super::value::{Real, Value, for_any};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// For each element of an index, the flat position in an array of the given shape that it names.
///
/// # Errors
/// When an index lies outside the axis.
fn places(shape: &[usize], index: &Array<i32>, axis: i64) -> std::result::Result<Vec<usize>, EngineError> {
    let (_, n, inner) = around(shape, axis as usize);
    let own = index.shape[axis as usize];
    let place = |(flat, i): (usize, &i32)| match usize::try_from(*i).ok().filter(|i| *i < n) {
        Some(i) => Ok((flat / inner / own.max(1) * n + i) * inner + flat % inner),
        None => Err(EngineError::Unsupported(format!("index {i} is outside an axis of {n}"))),
    };
    index.data.iter().enumerate().map(place).collect()
}

pub(super) fn take_along<T: Real>(x: &Value<T>, index: &Value<T>, axis: i64) -> Result<T> {
    let index = index.int()?;
    Ok(for_any!(x, a => {
        let places = places(&a.shape, index, axis)?;
        Array { shape: index.shape.clone(), data: places.iter().map(|p| a.data[*p]).collect() }
    }))
}

fn written<E: Copy>(x: &Array<E>, values: &Array<E>, places: &[usize], f: impl Fn(E, E) -> E) -> Array<E> {
    let mut result = x.clone();
    places.iter().zip(&values.data).for_each(|(p, v)| result.data[*p] = f(result.data[*p], *v));
    result
}

pub(super) fn scatter<T: Real>([x, values]: [&Value<T>; 2], index: &Value<T>, axis: i64) -> Result<T> {
    let index = index.int()?;
    Ok(match (x, values) {
        (Value::Float(a), Value::Float(v)) => {
            Value::Float(written(a, v, &places(&a.shape, index, axis)?, |_, new| new))
        }
        (Value::Int(a), Value::Int(v)) => {
            Value::Int(written(a, v, &places(&a.shape, index, axis)?, |_, new| new))
        }
        (Value::Bool(a), Value::Bool(v)) => {
            Value::Bool(written(a, v, &places(&a.shape, index, axis)?, |_, new| new))
        }
        _ => return Err(EngineError::Unsupported("element types differ".to_string())),
    })
}

/// Floats are summed in double precision and rounded once.
pub(super) fn scatter_add<T: Real>([x, values]: [&Value<T>; 2], index: &Value<T>, axis: i64) -> Result<T> {
    let index = index.int()?;
    Ok(match (x, values) {
        (Value::Float(a), Value::Float(v)) => {
            let places = places(&a.shape, index, axis)?;
            let sums = written(&a.map(T::to_f64), &v.map(T::to_f64), &places, |a, b| a + b);
            Value::Float(sums.map(T::from_f64))
        }
        (Value::Int(a), Value::Int(v)) => {
            Value::Int(written(a, v, &places(&a.shape, index, axis)?, i32::wrapping_add))
        }
        _ => return Err(EngineError::Unsupported("element types differ".to_string())),
    })
}
