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
