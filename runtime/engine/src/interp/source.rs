//! Sources: constants, sizes, indices and random numbers.

use vspec_ir::{DType, Dim, Literal};

use super::array::{Array, unravel};
use super::value::{Real, Value};
use crate::rng::Stream;
use crate::{EngineError, RunKey, Sizes};

pub(super) fn literal<T: Real>(literal: &Literal) -> Value<T> {
    Value::from_wide(literal.dtype, &Array { shape: literal.shape.clone(), data: literal.values.to_vec() })
}

pub(super) fn full<T: Real>(dtype: DType, shape: &[usize], value: f64) -> Value<T> {
    let n = shape.iter().product();
    let many = |one: Value<T>| match one {
        Value::Float(one) => Value::Float(filled(shape, &one, n)),
        Value::Int(one) => Value::Int(filled(shape, &one, n)),
        Value::Bool(one) => Value::Bool(filled(shape, &one, n)),
    };
    many(Value::from_wide(dtype, &Array { shape: vec![], data: vec![value] }))
}

/// The one element of an array again and again.
fn filled<E: Copy>(shape: &[usize], one: &Array<E>, n: usize) -> Array<E> {
    Array { shape: shape.to_vec(), data: vec![one.data[0]; n] }
}

pub(super) fn size<T: Real>(dtype: DType, dim: &Dim, sizes: &Sizes) -> Result<Value<T>, EngineError> {
    let value = sizes.signed(dim)?;
    if dtype == DType::I32 && i32::try_from(value).is_err() {
        return Err(EngineError::Unsupported(format!("size {dim} is {value}, which is no i32")));
    }
    Ok(full(dtype, &[], value as f64))
}

pub(super) fn iota<T>(shape: &[usize], axis: i64) -> Value<T> {
    let mut at = vec![0; shape.len()];
    Value::Int(Array::from_fn(shape.to_vec(), |flat| {
        unravel(flat, shape, &mut at);
        at[axis as usize] as i32
    }))
}

pub(super) fn uniform<T: Real>(shape: &[usize], stream: &str, key: RunKey) -> Value<T> {
    let stream = Stream::new(stream, key.seed, key.step);
    Value::Float(Array::from_fn(shape.to_vec(), |i| T::from_f64(stream.uniform(i as u64))))
}

pub(super) fn normal<T: Real>(shape: &[usize], stream: &str, key: RunKey) -> Value<T> {
    let stream = Stream::new(stream, key.seed, key.step);
    let count = shape.iter().product();
    let mut data = Vec::with_capacity(count);
    stream.normals(0..count as u64, |number| data.push(T::from_f64(number)));
    Value::Float(Array { shape: shape.to_vec(), data })
}
