//! Differentiation.

use super::{Checks, Violation};
use crate::{Op, Type};

/// A gradient has the type of what it is taken with respect to.
pub(crate) fn gradient(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    match operands[0].rank() {
        0 => Ok(operands[1].clone()),
        _ => Err(checks.violation(1, format!("the loss is {}, not a scalar", operands[0])).at(0, None)),
    }
}
