//! Sources: indices and random numbers.

use super::array::{Array, unravel};
use super::value::{Real, Value};
use crate::RunKey;
use crate::rng::Stream;

pub(super) fn iota(shape: Vec<usize>, axis: usize) -> Array<i32> {
    let mut at = vec![0; shape.len()];
    Array::from_fn(shape.clone(), |flat| {
        unravel(flat, &shape, &mut at);
        at[axis] as i32
    })
}

pub(super) fn uniform<T: Real>(shape: Vec<usize>, stream: &str, key: RunKey) -> Value<T> {
    let stream = Stream::new(stream, key.seed, key.step);
    Value::Float(Array::from_fn(shape, |i| T::from_f64(stream.uniform(i as u64))))
}

pub(super) fn normal<T: Real>(shape: Vec<usize>, stream: &str, key: RunKey) -> Value<T> {
    let stream = Stream::new(stream, key.seed, key.step);
    Value::Float(Array::from_fn(shape, |i| T::from_f64(stream.normal(i as u64))))
}
