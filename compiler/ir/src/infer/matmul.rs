//! Matrix products.

use super::{Checks, Violation};
use crate::{Op, Type};

/// `[.., M, K] x [.., K, N] -> [.., M, N]`
pub(crate) fn matmul(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let (a, b) = (&operands[0], &operands[1]);
    let rank = a.rank();
    if rank < 2 || b.rank() != rank {
        return Err(checks.violation(1, format!("cannot multiply {a} and {b}")).at(0, None).at(1, None));
    }
    for axis in 0..rank - 2 {
        if !checks.equal(&a.shape[axis], &b.shape[axis]) {
            let detail = format!("batch axis {axis} is {} and {}", a.shape[axis], b.shape[axis]);
            return Err(checks.violation(2, detail).at(0, axis).at(1, axis));
        }
    }
    if !checks.equal(&a.shape[rank - 1], &b.shape[rank - 2]) {
        let detail = format!("{} columns against {} rows", a.shape[rank - 1], b.shape[rank - 2]);
        return Err(checks.violation(3, detail).at(0, rank - 1).at(1, rank - 2));
    }
    let mut shape = a.shape.clone();
    shape[rank - 1] = b.shape[rank - 1].clone();
    Ok(Type::new(a.dtype, shape))
}
