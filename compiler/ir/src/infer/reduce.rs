//! Reductions over axes.

use super::{Checks, Violation, axis_index};
use crate::{DType, Dim, Op, Relation, Type};

/// Removes the axes, or keeps them with size 1.
pub(crate) fn fold(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (Op::Sum { axes, keepdims }
    | Op::Mean { axes, keepdims }
    | Op::ReduceMax { axes, keepdims }
    | Op::ReduceMin { axes, keepdims }) = op
    else {
        return Ok(operands[0].clone());
    };
    let x = &operands[0];
    for axis in axes {
        axis_index(checks, 1, *axis, x.rank())?;
    }
    if !axes.is_sorted_by(|a, b| a < b) {
        return Err(checks.violation(1, format!("axes {axes:?} do not increase")));
    }
    let shape = x.shape.iter().enumerate().filter_map(|(i, d)| match axes.contains(&(i as i64)) {
        true => keepdims.then(|| Dim::from(1i64)),
        false => Some(d.clone()),
    });
    Ok(Type::new(x.dtype, shape.collect()))
}

/// Removes one axis and gives indices.
pub(crate) fn arg(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Argmax { axis } = op else { return Ok(operands[0].clone()) };
    let axis = axis_index(checks, 1, *axis, operands[0].rank())?;
    let mut shape = operands[0].shape.clone();
    shape.remove(axis);
    Ok(Type::new(DType::I32, shape))
}

/// Keeps the type; the axis has to exist.
pub(crate) fn scan(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (Op::Cumsum { axis, .. } | Op::Cumprod { axis }) = op else { return Ok(operands[0].clone()) };
    axis_index(checks, 1, *axis, operands[0].rank())?;
    Ok(operands[0].clone())
}

/// Indices in the shape of the operand.
pub(crate) fn order(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Argsort { axis, .. } = op else { return Ok(operands[0].clone()) };
    axis_index(checks, 1, *axis, operands[0].rank())?;
    Ok(Type::new(DType::I32, operands[0].shape.clone()))
}

/// The same with `k` of them along the axis.
pub(crate) fn top(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::TopK { axis, k, .. } = op else { return Ok(operands[0].clone()) };
    let mut shape = operands[0].shape.clone();
    let axis = axis_index(checks, 1, *axis, shape.len())?;
    for (low, high) in [(&Dim::from(0i64), k), (k, &shape[axis])] {
        if !checks.holds(Relation::AtMost, low, high) {
            return Err(checks.violation(2, format!("there are no {k} of {}", shape[axis])).at(0, axis));
        }
    }
    shape[axis] = k.clone();
    Ok(Type::new(DType::I32, shape))
}
