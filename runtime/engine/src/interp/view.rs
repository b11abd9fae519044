//! The same elements in another arrangement, and places that data names.

use super::array::{Array, around, broadcast_strides, strides};
use super::value::{Real, Value, for_any};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

pub(super) fn reshape<T: Real>(x: &Value<T>, shape: &[usize]) -> Value<T> {
    for_any!(x, a => Array { shape: shape.to_vec(), data: a.data.clone() })
}

pub(super) fn permute<T: Real>(x: &Value<T>, axes: &[i64]) -> Value<T> {
    for_any!(x, a => a.pick(axes.iter().map(|i| a.shape[*i as usize]).collect(), permuted_strides(&a.shape, axes)))
}

fn permuted_strides(shape: &[usize], axes: &[i64]) -> Vec<usize> {
    let steps = strides(shape);
    axes.iter().map(|i| steps[*i as usize]).collect()
}

pub(super) fn broadcast<T: Real>(x: &Value<T>, shape: &[usize]) -> Value<T> {
    for_any!(x, a => a.pick(shape.to_vec(), broadcast_strides(&a.shape, shape)))
}

/// From `start` every `step`-th index along an axis, as many as the shape says.
pub(super) fn slice<T: Real>(
    x: &Value<T>,
    shape: &[usize],
    axis: i64,
    [start, step]: [usize; 2],
) -> Value<T> {
    for_any!(x, a => {
        let (_, n, inner) = around(&a.shape, axis as usize);
        let taken = shape[axis as usize];
        Array::from_fn(shape.to_vec(), |flat| {
            let (o, k, i) = (flat / inner / taken, flat / inner % taken, flat % inner);
            a.data[(o * n + start + k * step) * inner + i]
        })
    })
}

pub(super) fn concat<T: Real>(parts: &[&Value<T>], axis: i64) -> Result<T> {
    let axis = axis as usize;
    Ok(match parts[0] {
        Value::Float(_) => Value::Float(join(&arrays(parts, Value::float)?, axis)),
        Value::Int(_) => Value::Int(join(&arrays(parts, Value::int)?, axis)),
        Value::Bool(_) => Value::Bool(join(&arrays(parts, Value::mask)?, axis)),
    })
}

type Access<T, E> = fn(&Value<T>) -> std::result::Result<&Array<E>, EngineError>;

fn arrays<'a, T, E>(
    parts: &[&'a Value<T>],
    array: Access<T, E>,
) -> std::result::Result<Vec<&'a Array<E>>, EngineError> {
    parts.iter().map(|p| array(p)).collect()
}

fn join<E: Copy>(parts: &[&Array<E>], axis: usize) -> Array<E> {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|p| p.shape[axis]).sum();
    let (outer, ..) = around(&shape, axis);
    let mut data = vec![];
    for o in 0..outer {
        for part in parts {
            let row = part.data.len() / outer;
            data.extend_from_slice(&part.data[o * row..(o + 1) * row]);
        }
    }
    Array { shape, data }
}

/// `low` elements of a value before those along an axis, and as many after them as the shape has room for.
pub(super) fn pad<T: Real>(x: &Value<T>, shape: &[usize], [axis, low]: [i64; 2], value: f64) -> Result<T> {
    let at = [axis as usize, low as usize];
    Ok(match x {
        Value::Int(a) => Value::Int(padded(a, shape, at, value as i32)),
        _ => Value::Float(padded(x.float()?, shape, at, T::from_f64(value))),
    })
}

fn padded<E: Copy>(x: &Array<E>, shape: &[usize], [axis, low]: [usize; 2], value: E) -> Array<E> {
    let (_, n, inner) = around(&x.shape, axis);
    let wider = shape[axis];
    Array::from_fn(shape.to_vec(), |flat| {
        let (o, k, i) = (flat / inner / wider, flat / inner % wider, flat % inner);
        match k.checked_sub(low).filter(|k| *k < n) {
            Some(k) => x.data[(o * n + k) * inner + i],
            None => value,
        }
    })
}

/// The axis is replaced by the axes of the index.
///
/// # Errors
/// When an index lies outside the axis.
pub(super) fn gather<T: Real>(x: &Value<T>, index: &Value<T>, axis: i64) -> Result<T> {
    let index = index.int()?;
    Ok(for_any!(x, a => entries(a, index, axis as usize)?))
}

fn entries<E: Copy>(
    x: &Array<E>,
    index: &Array<i32>,
    axis: usize,
) -> std::result::Result<Array<E>, EngineError> {
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
