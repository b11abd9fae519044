//! What elementwise ops do to single elements: the one definition that the interpreter and constant folding share.
//!
//! Numbers are computed in double precision, which holds every `f32`, `i32` and `bool` exactly; whoever keeps a float in single
//! precision rounds the result once. Integers wrap around. Functions such as `exp` come from a software library and are the same on
//! every machine.

use crate::{DType, Op};

/// The function of an elementwise op, by what it takes and gives.
#[derive(Debug, Clone, Copy)]
pub enum Scalar {
    /// A float to a float.
    Float(fn(f64) -> f64),
    /// A float to a float, or an integer to an integer.
    Number(fn(f64) -> f64, fn(i32) -> i32),
    /// A truth value to one.
    Mask(fn(bool) -> bool),
    /// Another element type, see [`cast`].
    Cast(DType),
    /// Two floats to one.
    Floats(fn(f64, f64) -> f64),
    /// Two floats to one, or two integers to one.
    Numbers(fn(f64, f64) -> f64, fn(i32, i32) -> i32),
    /// Two elements of one type to a truth value.
    Compare(fn(&f64, &f64) -> bool),
    /// Two truth values to one.
    Masks(fn(bool, bool) -> bool),
    /// The second element if the first is true, else the third.
    Select,
}

impl Scalar {
    /// The function of an op; none if the op is not elementwise.
    pub fn of(op: &Op) -> Option<Scalar> {
        Some(match op {
            Op::Neg {} => Scalar::Number(|v| -v, i32::wrapping_neg),
            Op::Abs {} => Scalar::Number(f64::abs, i32::wrapping_abs),
            Op::Sign {} => Scalar::Number(sign, i32::signum),
            Op::Exp {} => Scalar::Float(libm::exp),
            Op::Log {} => Scalar::Float(libm::log),
            Op::Log1p {} => Scalar::Float(libm::log1p),
            Op::Sqrt {} => Scalar::Float(libm::sqrt),
            Op::Sin {} => Scalar::Float(libm::sin),
            Op::Cos {} => Scalar::Float(libm::cos),
            Op::Atan {} => Scalar::Float(libm::atan),
            Op::Tanh {} => Scalar::Float(libm::tanh),
            Op::Sigmoid {} => Scalar::Float(sigmoid),
            Op::Erf {} => Scalar::Float(libm::erf),
            Op::Relu {} => Scalar::Float(relu),
            Op::Floor {} => Scalar::Float(libm::floor),
            Op::Not {} => Scalar::Mask(|v| !v),
            Op::Cast { dtype } => Scalar::Cast(*dtype),
            Op::Add {} => Scalar::Numbers(|a, b| a + b, i32::wrapping_add),
            Op::Sub {} => Scalar::Numbers(|a, b| a - b, i32::wrapping_sub),
            Op::Mul {} => Scalar::Numbers(|a, b| a * b, i32::wrapping_mul),
            Op::Div {} => Scalar::Numbers(|a, b| a / b, floor_div),
            Op::Rem {} => Scalar::Numbers(rem, rem_i32),
            Op::Pow {} => Scalar::Floats(libm::pow),
            Op::Atan2 {} => Scalar::Floats(libm::atan2),
            Op::Max {} => Scalar::Numbers(max, i32::max),
            Op::Min {} => Scalar::Numbers(min, i32::min),
            Op::Eq {} => Scalar::Compare(f64::eq),
            Op::Lt {} => Scalar::Compare(f64::lt),
            Op::Le {} => Scalar::Compare(f64::le),
            Op::And {} => Scalar::Masks(|a, b| a && b),
            Op::Or {} => Scalar::Masks(|a, b| a || b),
            Op::Where {} => Scalar::Select,
            _ => return None,
        })
    }

    /// The result for elements, as numbers: truth values are 0 and 1. `dtype` is the element type of the last operand. A float is
    /// left in double precision. `None` if the number of elements is wrong.
    pub fn apply(&self, x: &[f64], dtype: DType) -> Option<f64> {
        let truth = |v: bool| f64::from(u8::from(v));
        let int = |v: f64| v as i32;
        Some(match (self, x) {
            (Scalar::Number(_, i), [a]) if dtype == DType::I32 => f64::from(i(int(*a))),
            (Scalar::Float(f) | Scalar::Number(f, _), [a]) => f(*a),
            (Scalar::Mask(f), [a]) => truth(f(*a != 0.0)),
            (Scalar::Cast(to), [a]) => cast(*a, *to),
            (Scalar::Numbers(_, i), [a, b]) if dtype == DType::I32 => f64::from(i(int(*a), int(*b))),
            (Scalar::Floats(f) | Scalar::Numbers(f, _), [a, b]) => f(*a, *b),
            (Scalar::Compare(f), [a, b]) => truth(f(a, b)),
            (Scalar::Masks(f), [a, b]) => truth(f(*a != 0.0, *b != 0.0)),
            (Scalar::Select, [mask, a, b]) => {
                if *mask != 0.0 {
                    *a
                } else {
                    *b
                }
            }
            _ => return None,
        })
    }
}

/// A number as another element type: integers truncate towards zero and saturate (NaN gives 0), and anything but 0 is true.
pub fn cast(value: f64, to: DType) -> f64 {
    match to {
        DType::F32 => value,
        DType::I32 => f64::from(value as i32),
        DType::Bool => f64::from(u8::from(value != 0.0)),
    }
}

/// -1, 0 or 1; NaN stays.
pub fn sign(x: f64) -> f64 {
    match x {
        x if x > 0.0 => 1.0,
        x if x < 0.0 => -1.0,
        x => x,
    }
}

/// The larger one; NaN wins, as in PyTorch.
pub fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The smaller one; NaN wins, as in PyTorch.
pub fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

/// `max(x, 0)`; NaN stays.
pub fn relu(x: f64) -> f64 {
    max(x, 0.0)
}

/// The exponential is only taken of negative numbers, so that it never overflows.
pub fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

/// Remainder with the sign of the divisor; `fmod` is exact, where `a - b * floor(a / b)` is not.
pub fn rem(a: f64, b: f64) -> f64 {
    let r = libm::fmod(a, b);
    if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
}

/// Division that rounds towards minus infinity; by zero it gives 0.
pub fn floor_div(a: i32, b: i32) -> i32 {
    match b {
        0 => 0,
        _ if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) => a.wrapping_div(b) - 1,
        _ => a.wrapping_div(b),
    }
}

/// Remainder with the sign of the divisor: `a == b * floor_div(a, b) + rem_i32(a, b)`, so that by zero it gives `a`.
pub fn rem_i32(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b.wrapping_mul(floor_div(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{OpClass, TABLE};
    use crate::text::parse_instance;

    #[test]
    fn the_elementwise_ops_of_the_table_have_functions_and_no_others_have() {
        for decl in TABLE.iter().filter(|d| !d.samples.is_empty()) {
            let (op, types) = parse_instance(decl.name, decl.samples[0]).expect("samples parse");
            let function = Scalar::of(&op);
            assert_eq!(function.is_some(), decl.class == OpClass::Elementwise, "{}", decl.name);
            let Some(function) = function else { continue };
            let ones = vec![1.0; types.len()];
            assert!(function.apply(&ones, types[types.len() - 1].dtype).is_some(), "{}", decl.name);
            assert!(function.apply(&[], DType::F32).is_none());
        }
    }

    #[test]
    fn integers_wrap_and_floats_saturate_when_cast() {
        let apply = |op: &Op, x: &[f64], dtype| Scalar::of(op).and_then(|f| f.apply(x, dtype));
        let largest = f64::from(i32::MAX);
        assert_eq!(apply(&Op::Add {}, &[largest, 1.0], DType::I32), Some(f64::from(i32::MIN)));
        assert_eq!(apply(&Op::Add {}, &[largest, 1.0], DType::F32), Some(largest + 1.0));
        assert_eq!(apply(&Op::Div {}, &[-7.0, 2.0], DType::I32), Some(-4.0));
        assert_eq!(apply(&Op::Div {}, &[7.0, 0.0], DType::I32), Some(0.0));
        assert_eq!(cast(1e20, DType::I32), largest);
        assert_eq!((cast(f64::NAN, DType::I32), cast(f64::NAN, DType::Bool)), (0.0, 1.0));
    }
}
