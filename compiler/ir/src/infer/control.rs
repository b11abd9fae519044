//! Differentiation.

use super::{Checks, Violation};
use crate::{DType, HostFn, Op, Type};

/// A gradient has the type of what it is taken with respect to.
pub(crate) fn gradient(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    match operands[0].rank() {
        0 => Ok(operands[1].clone()),
        _ => Err(checks.violation(1, format!("the loss is {}, not a scalar", operands[0])).at(0, None)),
    }
}

pub(crate) fn custom_gradient(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let mut same = |a: &Type, b: &Type| {
        a.dtype == b.dtype
            && a.rank() == b.rank()
            && a.shape.iter().zip(&b.shape).all(|(x, y)| checks.equal(x, y))
    };
    let (y, pairs) = (&operands[0], &operands[2..]);
    if !same(y, &operands[1]) {
        let detail = format!("a value of {y} and a cotangent of {}", operands[1]);
        return Err(checks.violation(1, detail).at(0, None).at(1, None));
    }
    let (x, dx) = pairs.split_at(pairs.len() / 2);
    let odd = x.iter().zip(dx).position(|(x, dx)| !same(x, dx));
    match odd.or((pairs.len() % 2 == 1).then_some(0)) {
        Some(i) => {
            let detail = format!("the gradient of operand {} is not of its type", i + 2);
            Err(checks.violation(2, detail).at(i + 2, None))
        }
        None => Ok(y.clone()),
    }
}

/// What a function of the runtime gives.
pub(crate) fn host_call(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::HostCall { function } = op else { return Ok(Type::scalar(DType::F32)) };
    match HostFn::from_name(function) {
        Some(known) => known.result(operands).map_err(|detail| checks.violation(2, detail)),
        None => Err(checks.violation(1, format!("there is no `{function}`"))),
    }
}
