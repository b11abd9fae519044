//! Ops without operands: their types are in their attributes.

use super::{Checks, Violation, axis_index};
use crate::{DType, Dim, Op, Type};

pub(crate) fn input(op: &Op, _: &[Type], _: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Input { dtype, shape, .. } = op else { return Ok(Type::scalar(DType::F32)) };
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
    let elements: usize = value.shape.iter().product();
    if elements != value.values.len() {
        let detail = format!("{} values for {elements} elements", value.values.len());
        return Err(checks.violation(1, detail));
    }
    Ok(Type::new(value.dtype, value.shape.iter().map(|d| Dim::from(*d)).collect()))
}

pub(crate) fn full(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Full { dtype, shape, .. } = op else { return Ok(Type::scalar(DType::F32)) };
    non_negative(checks, *dtype, shape)
}

pub(crate) fn random(op: &Op, _: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (Op::Uniform { shape, .. } | Op::Normal { shape, .. }) = op else {
        return Ok(Type::scalar(DType::F32));
    };
    non_negative(checks, DType::F32, shape)
}

fn non_negative(checks: &Checks<'_>, dtype: DType, shape: &[Dim]) -> Result<Type, Violation> {
    match shape.iter().find(|d| d.as_const().is_some_and(|c| c < 0)) {
        Some(d) => Err(checks.violation(1, format!("size {d} is negative"))),
        None => Ok(Type::new(dtype, shape.to_vec())),
    }
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
    Ok(Type::new(DType::I32, shape.clone()))
}
