//! Elementwise ops.

use vspec_ir::DType;

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

pub(super) fn not<T: Real>(x: &Value<T>) -> Result<T> {
    Ok(Value::Bool(x.mask()?.map(|v| !v)))
}

pub(super) fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

pub(super) fn relu(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + libm::exp(-x)) } else { libm::exp(x) / (1.0 + libm::exp(x)) }
}

/// Floats truncate towards zero and saturate; anything but 0 is true.
pub(super) fn cast<T: Real>(x: &Value<T>, dtype: DType) -> Value<T> {
    let wide: Array<f64> = match x {
        Value::Float(a) => a.map(Real::to_f64),
        Value::Int(a) => a.map(f64::from),
        Value::Bool(a) => a.map(|v| f64::from(u8::from(v))),
    };
    match dtype {
        DType::F32 => Value::Float(wide.map(T::from_f64)),
        DType::I32 => Value::Int(wide.map(|v| v as i32)),
        DType::Bool => Value::Bool(wide.map(|v| v != 0.0)),
    }
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

/// Arithmetic on two floats or two integers.
pub(super) fn arithmetic<T: Real>(
    [a, b]: [&Value<T>; 2],
    f: fn(f64, f64) -> f64,
    i: fn(i32, i32) -> i32,
) -> Result<T> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::Int(zip(a, b, i))),
        _ => Ok(Value::Float(zip(a.float()?, b.float()?, |x, y| T::from_f64(f(x.to_f64(), y.to_f64()))))),
    }
}

/// A comparison of two values of one element type, as the order of two numbers.
pub(super) fn compare<T: Real>([a, b]: [&Value<T>; 2], f: fn(f64, f64) -> bool) -> Result<T> {
    let wide = |v: &Value<T>| match cast(v, DType::F32) {
        Value::Float(_) | Value::Int(_) | Value::Bool(_) => match v {
            Value::Float(a) => a.map(Real::to_f64),
            Value::Int(a) => a.map(f64::from),
            Value::Bool(a) => a.map(|v| f64::from(u8::from(v))),
        },
    };
    Ok(Value::Bool(zip(&wide(a), &wide(b), f)))
}

pub(super) fn logic<T: Real>([a, b]: [&Value<T>; 2], f: fn(bool, bool) -> bool) -> Result<T> {
    Ok(Value::Bool(zip(a.mask()?, b.mask()?, f)))
}

pub(super) fn select<T: Real>([mask, a, b]: [&Value<T>; 3]) -> Result<T> {
    let mask = mask.mask()?;
    Ok(match (a, b) {
        (Value::Float(a), Value::Float(b)) => Value::Float(choose(mask, a, b)),
        (Value::Int(a), Value::Int(b)) => Value::Int(choose(mask, a, b)),
        (Value::Bool(a), Value::Bool(b)) => Value::Bool(choose(mask, a, b)),
        _ => return Err(EngineError::Unsupported("branches of different types".to_string())),
    })
}

fn choose<E: Copy>(mask: &Array<bool>, a: &Array<E>, b: &Array<E>) -> Array<E> {
    let pairs = zip(a, b, |x, y| (x, y));
    zip(mask, &pairs, |m, (x, y)| if m { x } else { y })
}

/// Division that rounds towards minus infinity; by zero it gives 0.
pub(super) fn floor_div(a: i32, b: i32) -> i32 {
    match a.checked_div(b) {
        Some(q) if a % b != 0 && (a < 0) != (b < 0) => q - 1,
        Some(q) => q,
        None => 0,
    }
}

/// Remainder with the sign of the divisor; by zero it gives 0.
pub(super) fn rem(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b.wrapping_mul(floor_div(a, b)))
}
