//! Convolution and pooling over 1 to 4 spatial axes.

use super::{Checks, Relation, Violation};
use crate::{Dim, Op, Type};

/// One spatial axis of a window.
struct Axis<'a> {
    size: &'a Dim,
    extent: Dim,
    stride: i64,
    padding: [i64; 2],
}

pub(crate) fn conv(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Conv { stride, padding, dilation, groups } = op else { return Ok(operands[0].clone()) };
    let (x, weight) = (&operands[0], &operands[1]);
    if !(3..=6).contains(&x.rank()) || weight.rank() != x.rank() {
        let detail = format!("cannot convolve {x} with {weight}");
        return Err(checks.violation(1, detail).at(0, None).at(1, None));
    }
    let spatial = x.rank() - 2;
    check_window(checks, spatial, &[stride, dilation], padding)?;
    check_channels(checks, x, weight, *groups)?;
    let mut shape = vec![x.shape[0].clone(), weight.shape[0].clone()];
    for i in 0..spatial {
        let kernel = &weight.shape[i + 2];
        if !checks.holds(Relation::AtMost, &Dim::from(1i64), kernel) {
            return Err(checks.violation(5, format!("a window of {kernel} is empty")).at(1, i + 2));
        }
        let extent = dilated(checks, kernel, dilation[i])?;
        let axis = Axis { size: &x.shape[i + 2], extent, stride: stride[i], padding: padding[i] };
        shape.push(window_count(checks, 5, i + 2, &axis)?);
    }
    Ok(Type::new(x.dtype, shape))
}

fn check_channels(checks: &mut Checks<'_>, x: &Type, weight: &Type, groups: i64) -> Result<(), Violation> {
    let g = Dim::from(groups);
    if groups < 1
        || !checks.holds(Relation::MultipleOf, &x.shape[1], &g)
        || !checks.holds(Relation::MultipleOf, &weight.shape[0], &g)
    {
        let detail = format!("{groups} groups cannot split {} into {} channels", x.shape[1], weight.shape[0]);
        return Err(checks.violation(3, detail).at(0, 1).at(1, 0));
    }
    let expected = checks.dim(4, weight.shape[1].checked_mul(&g))?;
    if !checks.equal(&x.shape[1], &expected) {
        let detail = format!("input has {} channels, weight expects {expected}", x.shape[1]);
        return Err(checks.violation(4, detail).at(0, 1).at(1, 1));
    }
    Ok(())
}

pub(crate) fn max_pool(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::MaxPool { kernel, stride, padding, dilation } = op else { return Ok(operands[0].clone()) };
    pool(checks, &operands[0], &[kernel, stride, dilation], padding)
}

pub(crate) fn avg_pool(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::AvgPool { kernel, stride, padding, .. } = op else { return Ok(operands[0].clone()) };
    let dilation = vec![1; kernel.len()];
    pool(checks, &operands[0], &[kernel, stride, &dilation], padding)
}

/// `amounts` are kernel, stride and dilation.
fn pool(
    checks: &mut Checks<'_>,
    x: &Type,
    amounts: &[&Vec<i64>; 3],
    padding: &[[i64; 2]],
) -> Result<Type, Violation> {
    if !(3..=6).contains(&x.rank()) {
        return Err(checks.violation(1, format!("cannot pool {x}")).at(0, None));
    }
    check_window(checks, x.rank() - 2, amounts, padding)?;
    let [kernel, stride, dilation] = *amounts;
    let mut shape = x.shape[..2].to_vec();
    for i in 0..kernel.len() {
        if padding[i].iter().any(|p| *p > kernel[i] / 2) {
            let detail = format!("padding {:?} of a window of {}", padding[i], kernel[i]);
            return Err(checks.violation(3, detail).at(0, i + 2));
        }
        let extent = dilated(checks, &Dim::from(kernel[i]), dilation[i])?;
        let axis = Axis { size: &x.shape[i + 2], extent, stride: stride[i], padding: padding[i] };
        shape.push(window_count(checks, 4, i + 2, &axis)?);
    }
    Ok(Type::new(x.dtype, shape))
}

fn check_window(
    checks: &Checks<'_>,
    spatial: usize,
    positive: &[&Vec<i64>],
    padding: &[[i64; 2]],
) -> Result<(), Violation> {
    let lengths = positive.iter().all(|a| a.len() == spatial) && padding.len() == spatial;
    if !lengths {
        return Err(checks.violation(2, format!("attributes must have {spatial} entries")));
    }
    if positive.iter().any(|a| a.iter().any(|v| *v < 1)) || padding.iter().flatten().any(|p| *p < 0) {
        return Err(checks.violation(2, "an attribute is out of range"));
    }
    Ok(())
}

/// Places that a dilated kernel covers: `dilation * (kernel - 1) + 1`.
fn dilated(checks: &Checks<'_>, kernel: &Dim, dilation: i64) -> Result<Dim, Violation> {
    let one = Dim::from(1i64);
    let extent = kernel.checked_sub(&one).and_then(|k| k.checked_mul(&Dim::from(dilation)));
    checks.dim(2, extent.and_then(|e| e.checked_add(&one)))
}

/// `(size + padding - extent) // stride + 1`, when at least one window fits.
fn window_count(checks: &mut Checks<'_>, number: usize, axis: usize, a: &Axis<'_>) -> Result<Dim, Violation> {
    let total = a.padding[0].checked_add(a.padding[1]).unwrap_or(i64::MAX);
    let padded = checks.dim(number, a.size.checked_add(&Dim::from(total)))?;
    if !checks.holds(Relation::AtMost, &a.extent, &padded) {
        let detail = format!("a window of {} does not fit {padded}", a.extent);
        return Err(checks.violation(number, detail).at(0, axis));
    }
    let room = checks.dim(number, padded.checked_sub(&a.extent))?;
    let steps = checks.dim(number, room.floor_div(&Dim::from(a.stride), checks.facts()))?;
    checks.dim(number, steps.checked_add(&Dim::from(1i64)))
}
