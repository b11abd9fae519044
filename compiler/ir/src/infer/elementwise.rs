//! Elementwise ops: shapes broadcast from the right; only a literal 1 stretches.

use super::{Checks, Violation};
use crate::{DType, Dim, Op, Type};

/// The operand's own type.
pub(crate) fn same(_: &Op, operands: &[Type], _: &mut Checks<'_>) -> Result<Type, Violation> {
    Ok(operands[0].clone())
}

/// The operand's shape with the element type of the attribute.
pub(crate) fn cast(op: &Op, operands: &[Type], _: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Cast { dtype } = op else { return Ok(operands[0].clone()) };
    Ok(Type::new(*dtype, operands[0].shape.clone()))
}

/// Two operands of one element type.
pub(crate) fn arithmetic(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    agree(checks, operands, 0, 1)?;
    Ok(Type::new(operands[0].dtype, broadcast_all(checks, operands)?))
}

/// Two operands of one element type to a mask.
pub(crate) fn comparison(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    agree(checks, operands, 0, 1)?;
    Ok(Type::new(DType::Bool, broadcast_all(checks, operands)?))
}

/// A mask and two branches.
pub(crate) fn select(_: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    agree(checks, operands, 1, 2)?;
    Ok(Type::new(operands[1].dtype, broadcast_all(checks, operands)?))
}

fn agree(checks: &Checks<'_>, operands: &[Type], a: usize, b: usize) -> Result<(), Violation> {
    let (x, y) = (operands[a].dtype, operands[b].dtype);
    if x == y {
        return Ok(());
    }
    Err(checks.violation(1, format!("one side is {x}, the other {y}")).at(a, None).at(b, None))
}

fn broadcast_all(checks: &mut Checks<'_>, operands: &[Type]) -> Result<Vec<Dim>, Violation> {
    let rank = operands.iter().map(Type::rank).max().unwrap_or(0);
    (0..rank).map(|from_right| broadcast_axis(checks, operands, rank - 1 - from_right, rank)).rev().collect()
}

/// The common size of one axis: every operand has it, or a literal 1, or no such axis.
fn broadcast_axis(
    checks: &mut Checks<'_>,
    operands: &[Type],
    axis: usize,
    rank: usize,
) -> Result<Dim, Violation> {
    let mut found: Option<(usize, Dim)> = None;
    for (i, ty) in operands.iter().enumerate() {
        let Some(own) = (axis + ty.rank()).checked_sub(rank) else { continue };
        let size = &ty.shape[own];
        match &found {
            _ if size.is_one() => {}
            None => found = Some((i, size.clone())),
            Some((_, known)) if checks.equal(known, size) => {}
            Some((first, known)) => {
                let other = (axis + operands[*first].rank()) - rank;
                let detail =
                    format!("{} and {} differ in axis {axis}: {known} against {size}", operands[*first], ty);
                return Err(checks.violation(2, detail).at(*first, other).at(i, own));
            }
        }
    }
    Ok(found.map_or(Dim::from(1i64), |(_, d)| d))
}
