//! Elementwise ops: floats are computed in double precision and rounded once; integers wrap around.

use super::array::{Array, broadcast_shape, broadcast_strides, ravel, unravel};
use super::value::{Real, Value};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// A function of double precision on each float.
pub(super) fn float<T: Real>(x: &Value<T>, f: fn(f64) -> f64) -> Result<T> {
    Ok(Value::Float(x.float()?.map(|v| T::from_f64(f(v.to_f64())))))
}

/// A function on each number.
pub(super) fn number<T: Real>(x: &Value<T>, f: fn(f64) -> f64, i: fn(i32) -> i32) -> Result<T> {
    match x {
        Value::Int(a) => Ok(Value::Int(a.map(i))),
        _ => float(x, f),
    }
}

/// A function on each element of a mask.
pub(super) fn mask<T: Real>(x: &Value<T>, f: fn(bool) -> bool) -> Result<T> {
    Ok(Value::Bool(x.mask()?.map(f)))
}

/// Combines elements at the same place of the broadcast shape.
fn zip<A: Copy, B: Copy, C: Copy>(a: &Array<A>, b: &Array<B>, f: impl Fn(A, B) -> C) -> Array<C> {
    let shape = broadcast_shape(&[&a.shape, &b.shape]);
    let (sa, sb) = (broadcast_strides(&a.shape, &shape), broadcast_strides(&b.shape, &shape));
    let mut at = vec![0; shape.len()];
    Array::from_fn(shape.clone(), |flat| {
        unravel(flat, &shape, &mut at);
        f(a.data[ravel(&at, &sa)], b.data[ravel(&at, &sb)])
    })
}

/// A function of double precision on pairs of floats.
pub(super) fn floats<T: Real>([a, b]: [&Value<T>; 2], f: fn(f64, f64) -> f64) -> Result<T> {
    Ok(Value::Float(zip(a.float()?, b.float()?, |x, y| T::from_f64(f(x.to_f64(), y.to_f64())))))
}

/// A function on pairs of floats or pairs of integers.
pub(super) fn numbers<T: Real>(
    operands: [&Value<T>; 2],
    f: fn(f64, f64) -> f64,
    i: fn(i32, i32) -> i32,
) -> Result<T> {
    match operands {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(zip(a, b, i))),
        _ => floats(operands, f),
    }
}

/// A comparison of two values of one element type.
pub(super) fn compare<T: Real>([a, b]: [&Value<T>; 2], f: fn(&f64, &f64) -> bool) -> Result<T> {
    Ok(Value::Bool(zip(&a.wide(), &b.wide(), |x, y| f(&x, &y))))
}

/// A function on pairs of elements of masks.
pub(super) fn masks<T: Real>([a, b]: [&Value<T>; 2], f: fn(bool, bool) -> bool) -> Result<T> {
    Ok(Value::Bool(zip(a.mask()?, b.mask()?, f)))
}

/// The first branch where the mask is true, the second elsewhere.
pub(super) fn select<T: Real>(mask: &Value<T>, branches: [&Value<T>; 2]) -> Result<T> {
    let mask = mask.mask()?;
    Ok(match branches {
        [Value::Float(a), Value::Float(b)] => Value::Float(choose(mask, a, b)),
        [Value::Int(a), Value::Int(b)] => Value::Int(choose(mask, a, b)),
        [Value::Bool(a), Value::Bool(b)] => Value::Bool(choose(mask, a, b)),
        _ => return Err(EngineError::Unsupported("branches of different types".to_string())),
    })
}

fn choose<E: Copy>(mask: &Array<bool>, a: &Array<E>, b: &Array<E>) -> Array<E> {
    let pairs = zip(a, b, |x, y| (x, y));
    zip(mask, &pairs, |m, (x, y)| if m { x } else { y })
}

/// -1, 0 or 1; NaN stays.
pub(super) fn sign(x: f64) -> f64 {
    match x {
        x if x > 0.0 => 1.0,
        x if x < 0.0 => -1.0,
        x => x,
    }
}

/// The larger one; NaN wins, as in PyTorch.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The smaller one; NaN wins, as in PyTorch.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

/// `max(x, 0)`; NaN stays.
pub(super) fn relu(x: f64) -> f64 {
    max(x, 0.0)
}

/// The exponential is only taken of negative numbers, so that it never overflows.
pub(super) fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Remainder with the sign of the divisor; `fmod` is exact, where `a - b * floor(a / b)` is not.
pub(super) fn rem(a: f64, b: f64) -> f64 {
    let r = libm::fmod(a, b);
    if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
}

/// Division that rounds towards minus infinity; by zero it gives 0.
pub(super) fn floor_div_i32(a: i32, b: i32) -> i32 {
    match b {
        0 => 0,
        _ if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) => a.wrapping_div(b) - 1,
        _ => a.wrapping_div(b),
    }
}

/// Remainder with the sign of the divisor: `a == b * floor_div_i32(a, b) + rem_i32(a, b)`, so that by zero it gives `a`.
pub(super) fn rem_i32(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b.wrapping_mul(floor_div_i32(a, b)))
}
