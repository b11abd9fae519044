//! The same elements in another arrangement.

use super::{Checks, Relation, Violation, axis_index, source};
use crate::{Dim, Op, Type};

pub(crate) fn reshape(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Reshape { shape } = op else { return Ok(operands[0].clone()) };
    source::non_negative(checks, 2, shape)?;
    let result = Type::new(operands[0].dtype, shape.clone());
    let before = checks.dim(1, operands[0].elements())?;
    let after = checks.dim(1, result.elements())?;
    if !checks.equal(&before, &after) {
        return Err(checks.violation(1, format!("{before} elements do not fill {result}")).at(0, None));
    }
    Ok(result)
}

pub(crate) fn permute(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Permute { axes } = op else { return Ok(operands[0].clone()) };
    let x = &operands[0];
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    if sorted != (0..x.rank() as i64).collect::<Vec<_>>() {
        return Err(checks.violation(1, format!("{axes:?} does not permute {} axes", x.rank())).at(0, None));
    }
    Ok(Type::new(x.dtype, axes.iter().map(|a| x.shape[*a as usize].clone()).collect()))
}

pub(crate) fn broadcast(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Broadcast { shape } = op else { return Ok(operands[0].clone()) };
    let x = &operands[0];
    let Some(new) = shape.len().checked_sub(x.rank()) else {
        return Err(checks.violation(1, format!("{x} has more axes than the new shape")).at(0, None));
    };
    source::non_negative(checks, 2, shape)?;
    for (i, d) in x.shape.iter().enumerate() {
        if !d.is_one() && !checks.equal(d, &shape[new + i]) {
            let detail = format!("axis {i} of {x} is {d}, not {}", shape[new + i]);
            return Err(checks.violation(1, detail).at(0, i));
        }
    }
    Ok(Type::new(x.dtype, shape.clone()))
}

pub(crate) fn slice(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Slice { axis, start, end, step } = op else { return Ok(operands[0].clone()) };
    let mut result = operands[0].clone();
    let axis = axis_index(checks, 1, *axis, result.rank())?;
    if *step < 1 {
        return Err(checks.violation(2, format!("step {step} is not positive")));
    }
    let bounds = [(&Dim::from(0i64), start), (start, end), (end, &operands[0].shape[axis])];
    for (low, high) in bounds {
        if !checks.holds(Relation::AtMost, low, high) {
            let detail = format!("{start}:{end} does not lie within {}", operands[0].shape[axis]);
            return Err(checks.violation(3, detail).at(0, axis));
        }
    }
    result.shape[axis] = checks.dim(3, ceil_div(end, start, *step, checks))?;
    Ok(result)
}

/// `(end - start + step - 1) // step`
fn ceil_div(end: &Dim, start: &Dim, step: i64, checks: &Checks<'_>) -> Result<Dim, crate::DimError> {
    end.checked_sub(start)?.checked_add(&Dim::from(step - 1))?.floor_div(&Dim::from(step), checks.facts())
}

pub(crate) fn concat(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Concat { axis } = op else { return Ok(operands[0].clone()) };
    let mut result = operands[0].clone();
    let axis = axis_index(checks, 1, *axis, result.rank())?;
    for (i, ty) in operands.iter().enumerate().skip(1) {
        if ty.dtype != result.dtype {
            let detail = format!("one side is {}, the other {}", result.dtype, ty.dtype);
            return Err(checks.violation(2, detail).at(0, None).at(i, None));
        }
        check_other_axes(checks, operands, i, axis)?;
        result.shape[axis] = checks.dim(3, result.shape[axis].checked_add(&ty.shape[axis]))?;
    }
    Ok(result)
}

fn check_other_axes(
    checks: &mut Checks<'_>,
    operands: &[Type],
    other: usize,
    axis: usize,
) -> Result<(), Violation> {
    let (first, ty) = (&operands[0], &operands[other]);
    let detail = format!("{first} and {ty} cannot be joined along axis {axis}");
    if first.rank() != ty.rank() {
        return Err(checks.violation(3, detail).at(0, None).at(other, None));
    }
    for i in (0..first.rank()).filter(|i| *i != axis) {
        if !checks.equal(&first.shape[i], &ty.shape[i]) {
            return Err(checks.violation(3, detail).at(0, i).at(other, i));
        }
    }
    Ok(())
}

pub(crate) fn pad(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Pad { axis, low, high, value } = op else { return Ok(operands[0].clone()) };
    let mut result = operands[0].clone();
    let axis = axis_index(checks, 1, *axis, result.rank())?;
    if *low < 0 || *high < 0 {
        return Err(checks.violation(2, format!("padding {low}, {high} is negative")));
    }
    source::representable(checks, 3, result.dtype, *value)?;
    let total = low.checked_add(*high).unwrap_or(i64::MAX);
    result.shape[axis] = checks.dim(2, result.shape[axis].checked_add(&Dim::from(total)))?;
    Ok(result)
}
