//! Elementwise ops: floats are computed in double precision and rounded once; integers wrap around. What happens to single elements is
//! said in [`vspec_ir::scalar`], which constant folding uses as well.

use vspec_ir::Op;
use vspec_ir::scalar::Scalar;

use super::array::{Array, broadcast_shape, broadcast_strides, ravel, unravel};
use super::value::{Real, Value};
use crate::EngineError;

type Result<T> = std::result::Result<Value<T>, EngineError>;

/// The value of an elementwise op.
pub(super) fn apply<T: Real>(op: &Op, x: &[&Value<T>]) -> Result<T> {
    match (Scalar::of(op), x) {
        (Some(Scalar::Float(f)), [a]) => float(a, f),
        (Some(Scalar::Number(f, i)), [a]) => number(a, f, i),
        (Some(Scalar::Mask(f)), [a]) => mask(a, f),
        (Some(Scalar::Cast(dtype)), [a]) => Ok(Value::from_wide(dtype, &a.wide())),
        (Some(Scalar::Floats(f)), [a, b]) => floats([a, b], f),
        (Some(Scalar::Numbers(f, i)), [a, b]) => numbers([a, b], f, i),
        (Some(Scalar::Compare(f)), [a, b]) => compare([a, b], f),
        (Some(Scalar::Masks(f)), [a, b]) => masks([a, b], f),
        (Some(Scalar::Select), [mask, a, b]) => select(mask, [a, b]),
        _ => Err(EngineError::Unsupported(format!("`{}` has no elements", op.decl().name))),
    }
}

/// A function of double precision on each float.
fn float<T: Real>(x: &Value<T>, f: fn(f64) -> f64) -> Result<T> {
    Ok(Value::Float(x.float()?.map(|v| T::from_f64(f(v.to_f64())))))
}

/// A function on each number.
fn number<T: Real>(x: &Value<T>, f: fn(f64) -> f64, i: fn(i32) -> i32) -> Result<T> {
    match x {
        Value::Int(a) => Ok(Value::Int(a.map(i))),
        _ => float(x, f),
    }
}

/// A function on each element of a mask.
fn mask<T: Real>(x: &Value<T>, f: fn(bool) -> bool) -> Result<T> {
    Ok(Value::Bool(x.mask()?.map(f)))
}

/// Combines elements at the same place of the broadcast shape.
fn zip<A: Copy, B: Copy, C: Copy>(a: &Array<A>, b: &Array<B>, f: impl Fn(A, B) -> C) -> Array<C> {
    // What is most often asked for, without a look at coordinates.
    match (a.data.as_slice(), b.data.as_slice()) {
        _ if a.shape == b.shape => {
            let data = a.data.iter().zip(&b.data).map(|(x, y)| f(*x, *y)).collect();
            return Array { shape: a.shape.clone(), data };
        }
        (_, [y]) if b.shape.is_empty() => return a.map(|x| f(x, *y)),
        ([x], _) if a.shape.is_empty() => return b.map(|y| f(*x, y)),
        _ => {}
    }
    let shape = broadcast_shape(&[&a.shape, &b.shape]);
    let (sa, sb) = (broadcast_strides(&a.shape, &shape), broadcast_strides(&b.shape, &shape));
    let mut at = vec![0; shape.len()];
    Array::from_fn(shape.clone(), |flat| {
        unravel(flat, &shape, &mut at);
        f(a.data[ravel(&at, &sa)], b.data[ravel(&at, &sb)])
    })
}

/// A function of double precision on pairs of floats.
fn floats<T: Real>([a, b]: [&Value<T>; 2], f: fn(f64, f64) -> f64) -> Result<T> {
    Ok(Value::Float(zip(a.float()?, b.float()?, |x, y| T::from_f64(f(x.to_f64(), y.to_f64())))))
}

/// A function on pairs of floats or pairs of integers.
fn numbers<T: Real>(operands: [&Value<T>; 2], f: fn(f64, f64) -> f64, i: fn(i32, i32) -> i32) -> Result<T> {
    match operands {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(zip(a, b, i))),
        _ => floats(operands, f),
    }
}

/// A comparison of two values of one element type.
fn compare<T: Real>([a, b]: [&Value<T>; 2], f: fn(&f64, &f64) -> bool) -> Result<T> {
    Ok(Value::Bool(zip(&a.wide(), &b.wide(), |x, y| f(&x, &y))))
}

/// A function on pairs of elements of masks.
fn masks<T: Real>([a, b]: [&Value<T>; 2], f: fn(bool, bool) -> bool) -> Result<T> {
    Ok(Value::Bool(zip(a.mask()?, b.mask()?, f)))
}

/// The first branch where the mask is true, the second elsewhere.
fn select<T: Real>(mask: &Value<T>, branches: [&Value<T>; 2]) -> Result<T> {
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
