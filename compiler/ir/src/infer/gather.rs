//! Reading places that data names.

use super::{Checks, Violation, axis_index};
use crate::{Op, Type};

/// The axis is replaced by the axes of the index.
pub(crate) fn gather(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Gather { axis } = op else { return Ok(operands[0].clone()) };
    let mut shape = operands[0].shape.clone();
    let axis = axis_index(checks, 1, *axis, shape.len())?;
    shape.splice(axis..=axis, operands[1].shape.iter().cloned());
    Ok(Type::new(operands[0].dtype, shape))
}

/// The shape of the index, which agrees with the operand in every other axis.
pub(crate) fn take_along(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::TakeAlong { axis } = op else { return Ok(operands[0].clone()) };
    let axis = axis_index(checks, 1, *axis, operands[0].rank())?;
    other_axes(checks, 2, operands, axis)?;
    Ok(Type::new(operands[0].dtype, operands[1].shape.clone()))
}

/// The type of what is written into.
pub(crate) fn scatter(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (Op::Scatter { axis } | Op::ScatterAdd { axis }) = op else { return Ok(operands[0].clone()) };
    let [x, index, values] = operands else { return Ok(operands[0].clone()) };
    let axis = axis_index(checks, 1, *axis, x.rank())?;
    if x.dtype != values.dtype {
        return Err(checks
            .violation(2, format!("one side is {}, the other {}", x.dtype, values.dtype))
            .at(2, None));
    }
    let same = index.rank() == values.rank()
        && index.shape.iter().zip(&values.shape).all(|(a, b)| checks.equal(a, b));
    if !same {
        return Err(checks
            .violation(3, format!("the index is {index}, the values are {values}"))
            .at(1, None));
    }
    other_axes(checks, 4, operands, axis)?;
    Ok(x.clone())
}

/// The index agrees with the operand in every axis but one.
fn other_axes(
    checks: &mut Checks<'_>,
    number: usize,
    operands: &[Type],
    axis: usize,
) -> Result<(), Violation> {
    let (x, index) = (&operands[0], &operands[1]);
    if x.rank() != index.rank() {
        return Err(checks
            .violation(number, format!("{x} and {index} differ in their number of axes"))
            .at(1, None));
    }
    for i in (0..x.rank()).filter(|i| *i != axis) {
        if !checks.equal(&x.shape[i], &index.shape[i]) {
            let detail = format!("{x} and {index} differ in axis {i}");
            return Err(checks.violation(number, detail).at(0, i).at(1, i));
        }
    }
    Ok(())
}
