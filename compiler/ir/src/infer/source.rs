//! Ops without operands: their types are in their attributes.

use super::{Checks, Relation, Violation, axis_index};
use crate::{DType, Dim, Op, Type};

pub(crate) fn input(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Input { dtype, shape, .. } = op else { return Ok(Type::scalar(DType::F32)) };
    non_negative(checks, 1, shape)?;
    Ok(Type::new(*dtype, shape.clone()))
}

pub(crate) fn param(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Param { shape, .. } = op else { return Ok(Type::scalar(DType::F32)) };
    constant_shape(checks, DType::F32, shape)
}

pub(crate) fn state(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::State { dtype, shape, .. } = op else { return Ok(Type::scalar(DType::F32)) };
    constant_shape(checks, *dtype, shape)
}

fn constant_shape(checks: &Checks<'_>, dtype: DType, shape: &[Dim]) -> Result<Type, Violation> {
    match shape.iter().find(|d| d.as_const().is_none_or(|c| c < 0)) {
        Some(d) => Err(checks.violation(1, format!("size {d} is not a constant"))),
        None => Ok(Type::new(dtype, shape.to_vec())),
    }
}

pub(crate) fn constant(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Constant { value } = op else { return Ok(Type::scalar(DType::F32)) };
    let elements = value.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
    if elements != Some(value.values.len()) {
        let detail = format!("{} values do not fill {:?}", value.values.len(), value.shape);
        return Err(checks.violation(1, detail));
    }
    value.values.iter().try_for_each(|v| representable(checks, 2, value.dtype, *v))?;
    Ok(Type::new(value.dtype, value.shape.iter().map(|d| Dim::from(*d)).collect()))
}

pub(crate) fn full(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Full { value, dtype, shape } = op else { return Ok(Type::scalar(DType::F32)) };
    non_negative(checks, 1, shape)?;
    representable(checks, 2, *dtype, *value)?;
    Ok(Type::new(*dtype, shape.clone()))
}

pub(crate) fn random(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (Op::Uniform { shape, .. } | Op::Normal { shape, .. }) = op else {
        return Ok(Type::scalar(DType::F32));
    };
    non_negative(checks, 1, shape)?;
    Ok(Type::new(DType::F32, shape.clone()))
}

/// Sizes of a new shape: none may be negative, and one that could be is checked when sizes are bound.
pub(crate) fn non_negative(checks: &mut Checks<'_>, number: usize, shape: &[Dim]) -> Result<(), Violation> {
    match shape.iter().find(|d| !checks.holds(Relation::AtMost, &Dim::from(0i64), d)) {
        Some(d) => Err(checks.violation(number, format!("size {d} is negative"))),
        None => Ok(()),
    }
}

/// Whether a number is a value of the element type; floats are rounded, so that each number is one.
pub(crate) fn representable(
    checks: &Checks<'_>,
    number: usize,
    dtype: DType,
    value: f64,
) -> Result<(), Violation> {
    let fits = match dtype {
        DType::F32 => true,
        DType::I32 => f64::from(value as i32) == value,
        DType::Bool => value == 0.0 || value == 1.0,
    };
    if fits { Ok(()) } else { Err(checks.violation(number, format!("{value} is not a value of {dtype}"))) }
}

pub(crate) fn size(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Size { dtype, .. } = op else { return Ok(Type::scalar(DType::F32)) };
    match dtype {
        DType::Bool => Err(checks.violation(1, "a size is not a bool")),
        DType::F32 | DType::I32 => Ok(Type::scalar(*dtype)),
    }
}

pub(crate) fn iota(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Iota { shape, axis } = op else { return Ok(Type::scalar(DType::I32)) };
    axis_index(checks, 1, *axis, shape.len())?;
    non_negative(checks, 2, shape)?;
    Ok(Type::new(DType::I32, shape.clone()))
}
